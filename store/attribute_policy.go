package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
)

const putAttributePolicy = `INSERT INTO cloakroom.attribute_policies (account_id, model, attribute_key, value_type, personal, searchable, indexed, version)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (account_id, model, attribute_key) DO UPDATE SET value_type = excluded.value_type,
 personal = excluded.personal, searchable = excluded.searchable, indexed = excluded.indexed, version = excluded.version, updated_at = now()`

// PutAttributePolicy writes what was decided about an attribute. Take LockSearchSettings first, and hold the version
// against what that gives.
func (s *Store) PutAttributePolicy(ctx context.Context, accountID int64, p chat.AttributePolicy) error {
	_, err := s.db.Exec(ctx, putAttributePolicy, accountID, p.Model, p.Key, p.Type, p.Personal, p.Searchable, p.Indexed, p.Version)
	if err != nil {
		return fmt.Errorf("write the policy of an attribute of account %d: %w", accountID, err)
	}
	return nil
}

// AttributeTag is the tag of one entity's value of an attribute.
type AttributeTag struct {
	Key      string
	EntityID int64
	Tag      []byte
}

const (
	// Each entity's tags are looked up for themselves: of a table that grows from nothing the statistics say that it is
	// empty, and by these the planner would go through all of the account's for every few of them.
	dropAttributeTags = `DELETE FROM cloakroom.attribute_tags WHERE ctid = ANY(ARRAY(SELECT o.ctid FROM unnest($3::int8[]) e(id) CROSS JOIN LATERAL
 (SELECT t.ctid FROM cloakroom.attribute_tags t WHERE t.account_id = $1 AND t.model = $2 AND t.entity_id = e.id OFFSET 0) o))`
	addAttributeTags = `INSERT INTO cloakroom.attribute_tags (account_id, model, attribute_key, generation, tag_index, entity_id)
 SELECT $1, $2, w.key, $3, w.tag, w.entity FROM unnest($4::text[], $5::bytea[], $6::int8[]) w(key, tag, entity) ON CONFLICT DO NOTHING`
)

// PutAttributeTags gives entities these tags, made under one generation of the index key, in place of all they have.
func (s *Store) PutAttributeTags(ctx context.Context, accountID int64, model chat.AttributeModel, generation int, entities []int64, tags []AttributeTag) error {
	if _, err := s.db.Exec(ctx, dropAttributeTags, accountID, model, entities); err != nil {
		return fmt.Errorf("drop tags of attributes of account %d: %w", accountID, err)
	}
	if len(tags) == 0 {
		return nil
	}
	// In the order of the index, so that two who write many do not wait for each other in a ring, and pages are met once.
	slices.SortFunc(tags, func(a, b AttributeTag) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), bytes.Compare(a.Tag, b.Tag), cmp.Compare(a.EntityID, b.EntityID))
	})
	keys, values, ids := make([]string, len(tags)), make([][]byte, len(tags)), make([]int64, len(tags))
	for i, t := range tags {
		keys[i], values[i], ids[i] = t.Key, t.Tag, t.EntityID
	}
	if _, err := s.db.Exec(ctx, addAttributeTags, accountID, model, generation, keys, values, ids); err != nil {
		return fmt.Errorf("write tags of attributes of account %d: %w", accountID, err)
	}
	return nil
}

const forgetAttributeTags = `DELETE FROM cloakroom.attribute_tags WHERE account_id = $1 AND model = $2 AND attribute_key = $3`

// ForgetAttributeTags takes away every tag of an attribute. Take LockSearchSettings first.
func (s *Store) ForgetAttributeTags(ctx context.Context, accountID int64, model chat.AttributeModel, key string) error {
	if _, err := s.db.Exec(ctx, forgetAttributeTags, accountID, model, key); err != nil {
		return fmt.Errorf("forget the tags of an attribute of account %d: %w", accountID, err)
	}
	return nil
}
