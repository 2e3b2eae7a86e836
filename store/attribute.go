package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

const listAttributeDefinitions = `SELECT d.id::int8, d.attribute_model, d.attribute_key, COALESCE(NULLIF(d.attribute_display_name, ''), d.attribute_key),
 NULLIF(d.attribute_description, ''), COALESCE(d.attribute_display_type, 0), d.attribute_values::text, NULLIF(d.regex_pattern, ''), NULLIF(d.regex_cue, '')
 FROM custom_attribute_definitions d WHERE d.account_id = $1 AND d.attribute_model IN (0, 1) AND d.attribute_key <> ''
 ORDER BY d.attribute_model, d.attribute_key, d.id`

// ListAttributeDefinitions reads the custom attributes that an account has defined for conversations and contacts, each
// with what was decided about it.
func (s *Store) ListAttributeDefinitions(ctx context.Context, accountID int64, decided chat.SearchSettings) ([]*chat.AttributeDefinition, error) {
	list, err := collect(ctx, s.db, func(rows pgx.Rows) (*chat.AttributeDefinition, error) {
		d := &chat.AttributeDefinition{AccountID: accountID}
		var model, displayType int
		var choices *string
		err := rows.Scan(&d.ID, &model, &d.Key, &d.DisplayName, &d.Description, &displayType, &choices, &d.RegexPattern, &d.RegexCue)
		if err != nil {
			return nil, err
		}
		d.Model, d.Type = chat.AttributeModels[model], attributeType(displayType)
		d.Choices, d.Policy = readChoices(choices), decided.Attribute(d.Model, d.Key)
		return d, nil
	}, listAttributeDefinitions, accountID)
	if err != nil {
		return nil, fmt.Errorf("read the attribute definitions of account %d: %w", accountID, err)
	}
	return list, nil
}

// attributeType takes a type that a later Chatwoot added for a text, which every value can be read as.
func attributeType(displayType int) chat.AttributeType {
	if displayType < 0 || displayType >= len(chat.AttributeTypes) {
		return chat.AttributeText
	}
	return chat.AttributeTypes[displayType]
}

// readChoices reads the choices of a list. Numbers and truths among them are taken as they are written; what is no list
// has none.
func readChoices(text *string) []string {
	choices := []string{}
	var raw []json.RawMessage
	if text == nil || json.Unmarshal([]byte(*text), &raw) != nil {
		return choices
	}
	for _, item := range raw {
		var choice string
		switch {
		case json.Unmarshal(item, &choice) == nil && string(item) != "null":
			choices = append(choices, choice)
		case item[0] != '{' && item[0] != '[' && item[0] != 'n':
			choices = append(choices, string(item))
		}
	}
	return choices
}

const attributeDefined = `SELECT COALESCE(d.attribute_display_type, 0) FROM custom_attribute_definitions d
 WHERE d.account_id = $1 AND d.attribute_model = $2 AND d.attribute_key = $3 ORDER BY d.id LIMIT 1`

// AttributeTypeOf gives the type of a custom attribute as it is defined; chat.ErrNotFound where it is not.
func (s *Store) AttributeTypeOf(ctx context.Context, accountID int64, model chat.AttributeModel, key string) (chat.AttributeType, error) {
	var displayType int
	err := s.db.QueryRow(ctx, attributeDefined, accountID, slices.Index(chat.AttributeModels, model), key).Scan(&displayType)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", chat.ErrNotFound
	}
	if err != nil {
		return "", fmt.Errorf("read an attribute definition of account %d: %w", accountID, err)
	}
	return attributeType(displayType), nil
}
