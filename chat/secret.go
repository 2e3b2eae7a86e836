package chat

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Secret is a credential in clear: a token of a third party's, a key, a password. Like PII it prints, formats, logs and
// marshals as Redacted; the text is had only by Reveal, and by MarshalGQL, behind a field that only services may ask.
// Let it be no key of a map: there encoding/json writes a string as it is.
type Secret string

// Reveal gives the text. Each call is a place to review.
func (s Secret) Reveal() string { return string(s) }

// String keeps the secret out of prints.
func (Secret) String() string { return Redacted }

// GoString keeps the secret out of %#v.
func (Secret) GoString() string { return Redacted }

// Format keeps the secret out of every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue keeps the secret out of logs.
func (Secret) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalJSON keeps the secret out of JSON that is not a GraphQL answer.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// MarshalText keeps the secret out of text encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalGQL writes the secret into a GraphQL answer.
func (s Secret) MarshalGQL(w io.Writer) { writeJSONString(w, string(s)) }

// UnmarshalGQL reads an argument of the scalar.
func (s *Secret) UnmarshalGQL(v any) error {
	text, ok := v.(string)
	if !ok {
		return errors.New("must be a string")
	}
	*s = Secret(text)
	return nil
}
