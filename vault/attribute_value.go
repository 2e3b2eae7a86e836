package vault

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot"
	"github.com/cloakroom/cloakroom/search"
)

// GivenAttribute is an attribute's value as a client writes it, nil for none.
type GivenAttribute struct {
	Key   string
	Value *string
}

// Chatwoot's bounds of a value: it saves no row with a longer text or a greater integer.
const (
	maxAttributeText    = 1500
	maxAttributeInteger = "9999999999"
)

// typedAttributes brings given values into the types their definitions say; a key that is not defined keeps its text, as
// in Chatwoot, and no value at all is a null. Its errors name the argument and never the value.
func typedAttributes(given []GivenAttribute, definitions []*chat.AttributeDefinition, model chat.AttributeModel) (map[string]json.RawMessage, error) {
	if len(given) > maxAttributes {
		return nil, chat.InvalidField("input.attributes", "must be at most %d", maxAttributes)
	}
	typed := make(map[string]json.RawMessage, len(given))
	for i, a := range given {
		at := fmt.Sprintf("input.attributes[%d]", i)
		if !fitsAttributeKey(a.Key) {
			return nil, chat.InvalidField(at+".key", "must have 1 to %d characters", chatwoot.MaxContactText)
		}
		if _, twice := typed[a.Key]; twice {
			return nil, chat.InvalidField(at+".key", "is given twice")
		}
		d := &chat.AttributeDefinition{Type: chat.AttributeText}
		if n := slices.IndexFunc(definitions, func(d *chat.AttributeDefinition) bool { return d.Model == model && d.Key == a.Key }); n >= 0 {
			d = definitions[n]
		}
		raw, wanted := typedValue(d, a.Value)
		if wanted != "" {
			return nil, chat.InvalidField(at+".value", "%s", wanted)
		}
		typed[a.Key] = raw
	}
	return typed, nil
}

// fitsAttributeKey wants what can be kept as a key, and what Rails would not take for none.
func fitsAttributeKey(key string) bool {
	kept, fits := chatwoot.ContactText(key)
	return kept != "" && fits && utf8.ValidString(key)
}

// typedValue gives a value as its JSON; wanted says what it must be where it is something else.
func typedValue(d *chat.AttributeDefinition, value *string) (raw json.RawMessage, wanted string) {
	if value == nil {
		return json.RawMessage("null"), ""
	}
	text := *value
	if utf8.RuneCountInString(text) > maxAttributeText || strings.ContainsRune(text, 0) || !utf8.ValidString(text) {
		return nil, fmt.Sprintf("must be a text of at most %d characters", maxAttributeText)
	}
	switch d.Type {
	case chat.AttributeNumber, chat.AttributeCurrency, chat.AttributePercent:
		_, number, ok := search.CanonicalOperand(d.Type, text)
		if !ok || greaterInteger(number) {
			return nil, "must be a number, an integer at most " + maxAttributeInteger
		}
		return json.RawMessage(number), ""
	case chat.AttributeCheckbox:
		if text != "true" && text != "false" {
			return nil, "must be true or false"
		}
		return json.RawMessage(text), ""
	case chat.AttributeDate:
		_, day, ok := search.CanonicalOperand(d.Type, text)
		if !ok {
			return nil, "must be a day, as 2026-01-31"
		}
		text = day
	case chat.AttributeList:
		if !slices.Contains(d.Choices, text) {
			return nil, "must be one of the choices of its definition"
		}
	}
	raw, err := plainJSON(text)
	if err != nil { // a string always has JSON
		return nil, "must be a text"
	}
	return raw, ""
}

// greaterInteger says that a canonical number is an integer beyond what Chatwoot saves.
func greaterInteger(number string) bool {
	if strings.ContainsAny(number, ".-") || len(number) < len(maxAttributeInteger) {
		return false
	}
	return len(number) > len(maxAttributeInteger) || number > maxAttributeInteger
}

// plainJSON is JSON as people read it: objects among the values are shown as their text.
func plainJSON(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("encode attributes: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
