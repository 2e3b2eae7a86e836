package chatwoot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// errNotObject is what a JSON column holds when it is neither an object nor a string of one.
var errNotObject = errors.New("not an object")

// DecodeJSON reads one row's JSON column in every form met in Chatwoot's tables: NULL (nil or empty raw, or
// JSON null) is an empty object, an object is itself, and a string that holds an object (which is how Rails
// writes messages.content_attributes and users.tokens) is unwrapped. Decode row by row and never by a cast in
// the page's query: there one bad row fails every row. The error never holds what was in the column.
func DecodeJSON(raw []byte) (map[string]json.RawMessage, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) > 0 && raw[0] == '"' {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, decodeError(err)
		}
		raw = bytes.TrimSpace([]byte(text))
		if len(raw) > 0 && raw[0] == '"' {
			return nil, decodeError(errNotObject)
		}
	}
	if len(raw) == 0 {
		return map[string]json.RawMessage{}, nil
	}
	if raw[0] != '{' && !bytes.Equal(raw, []byte("null")) {
		return nil, decodeError(errNotObject)
	}
	object := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, decodeError(err)
	}
	if object == nil { // JSON null
		object = map[string]json.RawMessage{}
	}
	return object, nil
}

// decodeError keeps only what class of fault it was: encoding/json's texts quote the character at fault.
func decodeError(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("chatwoot: decode JSON column: bad syntax at byte %d", syntax.Offset)
	}
	return fmt.Errorf("chatwoot: decode JSON column: %w", errNotObject)
}

// SplitLabels reads conversations.cached_label_list, which joins label names by comma and space.
func SplitLabels(cached string) []string {
	labels := []string{}
	for _, part := range strings.Split(cached, ",") {
		if part = strings.TrimSpace(part); part != "" {
			labels = append(labels, part)
		}
	}
	return labels
}
