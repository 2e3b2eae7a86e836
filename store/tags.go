package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// TagRow is one blind index entry of a contact.
type TagRow struct {
	LookupTag
	ContactID int64
	Exclusive bool // no other contact of the account may take the value; of rows to be written: where nobody has
}

// tagColumns are rows as the arrays that unnest takes, in one order for every writer: two that take several values
// wait for each other and never in a ring.
func tagColumns(tags []TagRow) (fields []int16, generations []int32, values [][]byte, contacts []int64, exclusive []bool) {
	for _, t := range slices.SortedFunc(slices.Values(tags), func(a, b TagRow) int {
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Generation, b.Generation), bytes.Compare(a.Tag, b.Tag), cmp.Compare(a.ContactID, b.ContactID))
	}) {
		fields, generations, values = append(fields, t.Field), append(generations, int32(t.Generation)), append(values, t.Tag)
		contacts, exclusive = append(contacts, t.ContactID), append(exclusive, t.Exclusive)
	}
	return fields, generations, values, contacts, exclusive
}

const wantedTags = ` FROM unnest($2::int2[], $3::int4[], $4::bytea[], $5::int8[], $6::bool[]) w(field, generation, tag_index, contact_id, exclusive)`

// The first that comes holds a value, in this statement and among all that run; who comes later waits for their end
// and has it beside them.
const (
	takeTags = `INSERT INTO cloakroom.lookup_tags (account_id, field, generation, tag_index, contact_id, exclusive)
 SELECT $1, field, generation, tag_index, contact_id, true` + wantedTags + ` WHERE exclusive ON CONFLICT DO NOTHING`
	shareTags = `INSERT INTO cloakroom.lookup_tags (account_id, field, generation, tag_index, contact_id, exclusive)
 SELECT $1, field, generation, tag_index, contact_id, false` + wantedTags + ` ON CONFLICT DO NOTHING`
)

// CreateTags writes blind index entries of addresses that contacts have already: those that are to be exclusive are,
// unless another contact holds the value.
func (s *Store) CreateTags(ctx context.Context, accountID int64, tags []TagRow) error {
	fields, generations, values, contacts, exclusive := tagColumns(tags)
	for _, sql := range []string{takeTags, shareTags} {
		if _, err := s.db.Exec(ctx, sql, accountID, fields, generations, values, contacts, exclusive); err != nil {
			return fmt.Errorf("write lookup tags of account %d: %w", accountID, err)
		}
	}
	return nil
}

// A value that several contacts have had since before it must be unique may be held by none of them: the index alone
// would let one more in.
const (
	heldTags = `SELECT EXISTS (SELECT 1` + wantedTags + ` JOIN cloakroom.lookup_tags t ON t.account_id = $1 AND t.field = w.field
 AND t.generation = w.generation AND t.tag_index = w.tag_index AND t.contact_id <> w.contact_id)`
	claimTags = `INSERT INTO cloakroom.lookup_tags (account_id, field, generation, tag_index, contact_id, exclusive)
 SELECT $1, field, generation, tag_index, contact_id, true` + wantedTags
)

// ClaimTags writes blind index entries of addresses that are new to their contacts; chat.ErrDuplicate when another
// contact of the account has one of them.
func (s *Store) ClaimTags(ctx context.Context, accountID int64, tags []TagRow) error {
	if len(tags) == 0 {
		return nil
	}
	fields, generations, values, contacts, exclusive := tagColumns(tags)
	args := []any{accountID, fields, generations, values, contacts, exclusive}
	var held bool
	if err := s.db.QueryRow(ctx, heldTags, args...).Scan(&held); err != nil {
		return fmt.Errorf("look for holders of lookup tags of account %d: %w", accountID, err)
	}
	if held {
		return chat.ErrDuplicate
	}
	if _, err := s.db.Exec(ctx, claimTags, args...); err != nil {
		return fmt.Errorf("claim lookup tags of account %d: %w", accountID, err)
	}
	return nil
}

const tagsOf = `SELECT field, generation, tag_index, contact_id, exclusive FROM cloakroom.lookup_tags WHERE account_id = $1 AND contact_id = $2`

// TagsOf reads a contact's blind index entries, of every field and generation.
func (s *Store) TagsOf(ctx context.Context, accountID, contactID int64) ([]TagRow, error) {
	tags, err := collect(ctx, s.db, func(rows pgx.Rows) (TagRow, error) {
		var t TagRow
		return t, rows.Scan(&t.Field, &t.Generation, &t.Tag, &t.ContactID, &t.Exclusive)
	}, tagsOf, accountID, contactID)
	if err != nil {
		return nil, fmt.Errorf("read the lookup tags of contact %d of account %d: %w", contactID, accountID, err)
	}
	return tags, nil
}

const dropTags = `DELETE FROM cloakroom.lookup_tags t USING unnest($2::int2[], $3::int4[], $4::bytea[], $5::int8[], $6::bool[])
 w(field, generation, tag_index, contact_id, exclusive) WHERE t.account_id = $1 AND t.field = w.field AND t.generation = w.generation
 AND t.tag_index = w.tag_index AND t.contact_id = w.contact_id`

// DropTags takes blind index entries away.
func (s *Store) DropTags(ctx context.Context, accountID int64, tags []TagRow) error {
	if len(tags) == 0 {
		return nil
	}
	fields, generations, values, contacts, exclusive := tagColumns(tags)
	if _, err := s.db.Exec(ctx, dropTags, accountID, fields, generations, values, contacts, exclusive); err != nil {
		return fmt.Errorf("drop lookup tags of account %d: %w", accountID, err)
	}
	return nil
}

const moveTags = `UPDATE cloakroom.lookup_tags SET contact_id = $3 WHERE account_id = $1 AND contact_id = $2 AND field = ANY($4)`

// MoveTags gives the blind index entries of some of a contact's fields to a contact that has none of these, held ones as
// held; the contact's other entries go.
func (s *Store) MoveTags(ctx context.Context, accountID, from, to int64, fields []int16) error {
	if _, err := s.db.Exec(ctx, moveTags, accountID, from, to, fields); err != nil {
		return fmt.Errorf("move lookup tags of contact %d of account %d: %w", from, accountID, err)
	}
	if _, err := s.db.Exec(ctx, `DELETE FROM cloakroom.lookup_tags WHERE account_id = $1 AND contact_id = $2`, accountID, from); err != nil {
		return fmt.Errorf("drop the lookup tags of contact %d of account %d: %w", from, accountID, err)
	}
	return nil
}
