package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
)

// Redacted is what a personal value looks like wherever it is printed, formatted or logged.
const Redacted = "[redacted]"

// PII is a personal value in clear. Every way in which Go writes a value by itself gives Redacted;
// the text is had only by Reveal, and by MarshalGQL, which runs behind the @pii gate. fmt does not ask the unexported
// fields of a struct and encoding/json not the keys of a map: PII stands in neither, and a test says so.
type PII string

// Reveal gives the text. Each call is a place to review.
func (p PII) Reveal() string { return string(p) }

// String keeps the value out of prints.
func (PII) String() string { return Redacted }

// GoString keeps the value out of %#v.
func (PII) GoString() string { return Redacted }

// Format keeps the value out of every verb, %x and %q included.
func (PII) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue keeps the value out of logs.
func (PII) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalJSON keeps the value out of JSON that is not a GraphQL answer.
func (PII) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// MarshalText keeps the value out of text encoders.
func (PII) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalGQL writes the value into a GraphQL answer; the @pii gate has decided by then.
func (p PII) MarshalGQL(w io.Writer) { writeJSONString(w, string(p)) }

// UnmarshalGQL reads an argument of a PII scalar.
func (p *PII) UnmarshalGQL(v any) error {
	s, ok := v.(string)
	if !ok {
		return errors.New("must be a string")
	}
	*p = PII(s)
	return nil
}

// Value is a custom attribute's value in clear: any JSON value, kept as its JSON text.
// Like PII it prints, formats, logs and marshals as Redacted.
type Value struct{ raw json.RawMessage }

// NewValue keeps raw, which must be one valid JSON value.
func NewValue(raw json.RawMessage) Value { return Value{raw: raw} }

// Reveal gives the JSON text.
func (v Value) Reveal() json.RawMessage { return v.raw }

// String keeps the value out of prints.
func (Value) String() string { return Redacted }

// GoString keeps the value out of %#v.
func (Value) GoString() string { return Redacted }

// Format keeps the value out of every verb.
func (Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue keeps the value out of logs.
func (Value) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalJSON keeps the value out of JSON that is not a GraphQL answer.
func (Value) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// MarshalGQL writes a string, number or boolean as it is, and an object or list as a string of its JSON
// text: an answer never holds free JSON that a client could mistake for fields of the schema.
func (v Value) MarshalGQL(w io.Writer) {
	switch {
	case len(v.raw) == 0:
		_, _ = io.WriteString(w, "null")
	case v.raw[0] == '{' || v.raw[0] == '[':
		writeJSONString(w, string(v.raw))
	default:
		_, _ = w.Write(v.raw)
	}
}

// UnmarshalGQL refuses: attribute values are not yet accepted as arguments by any field.
func (*Value) UnmarshalGQL(any) error { return errors.New("attribute values are output only") }

func writeJSONString(w io.Writer, s string) {
	if plain(s) {
		_, _ = io.WriteString(w, strconv.Quote(s))
		return
	}
	b, err := json.Marshal(s)
	if err != nil { // json.Marshal of a string cannot fail; null is absence, never a wrong value
		b = []byte("null")
	}
	_, _ = w.Write(b)
}

// plain says that strconv.Quote and JSON agree on s, as they do for printable ASCII.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
