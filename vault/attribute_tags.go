package vault

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/search"
	"github.com/cloakroom/cloakroom/store"
)

// putAttributeTags gives rows of one model the tags of their searchable attributes, in place of those they have. An account
// without such an attribute pays no statement: whoever makes the last one unsearchable takes its tags away.
func putAttributeTags(ctx context.Context, tx *store.Store, keys *keyring.Account, model chat.AttributeModel, decided []chat.AttributePolicy, rows []attributeRow) error {
	var searchable []chat.AttributePolicy
	for _, p := range decided {
		if p.Model == model && p.Searchable {
			searchable = append(searchable, p)
		}
	}
	if len(searchable) == 0 || len(rows) == 0 {
		return nil
	}
	generation := keys.IndexGeneration()
	ids := make([]int64, len(rows))
	var tags []store.AttributeTag
	for i, row := range rows {
		ids[i] = row.ID
		own, err := attributeTags(keys, generation, searchable, row)
		if err != nil {
			return err
		}
		tags = append(tags, own...)
	}
	return tx.PutAttributeTags(ctx, keys.ID(), model, generation, ids, tags)
}

// attributeTags are those of one row. A value that is none of its attribute's type has no tag, and no search finds it.
func attributeTags(keys *keyring.Account, generation int, searchable []chat.AttributePolicy, row attributeRow) ([]store.AttributeTag, error) {
	custom, profile := attributesIn(chat.FieldCustomAttributes, row.Custom), attributesIn(chat.FieldProfile, row.Profile)
	var tags []store.AttributeTag
	add := func(p chat.AttributePolicy, t chat.AttributeType, raw json.RawMessage) error {
		kind, value, ok := search.CanonicalAttribute(t, raw)
		if !ok {
			return nil
		}
		tag, err := keys.AttributeTag(generation, string(p.Model), p.Key, kind, value)
		if err == nil {
			tags = append(tags, store.AttributeTag{Key: p.Key, EntityID: row.ID, Tag: tag})
		}
		return err
	}
	for _, p := range searchable {
		if err := add(p, p.Type, custom[p.Key]); err != nil {
			return nil, err
		}
		if p.Model != chat.ContactAttributes || !slices.Contains(chat.ProfileAttributes, p.Key) {
			continue
		}
		if err := add(p, chat.AttributeText, profile[p.Key]); err != nil {
			return nil, err
		}
	}
	return tags, nil
}

// attributesIn reads a column of attributes. One that is no object, as some installations have, holds none.
func attributesIn(f chat.Field, column []byte) map[string]json.RawMessage {
	var object map[string]json.RawMessage
	if len(column) > 0 && json.Unmarshal([]byte(plainText(f, column).Reveal()), &object) != nil {
		return nil
	}
	return object
}
