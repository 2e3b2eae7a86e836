package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/chat"
)

// How short a phone number and an identifier may be that are taken for whole ones.
const (
	wholePhone      = 7 // digits
	wholeIdentifier = 6 // characters
)

// WholeAddresses says which addresses a text may be the whole of, by how it is written: what a viewer from whom addresses
// are hidden may find contacts by, and pays for. A name or a word is none.
func WholeAddresses(text string) []chat.Field {
	var fields []chat.Field
	blank := strings.IndexFunc(text, unicode.IsSpace) >= 0
	if _, _, ok := cutEmail(text); ok && !blank {
		fields = append(fields, chat.FieldEmail)
	}
	if digits, ok := chat.Dialled(text); ok && len(digits) >= wholePhone {
		fields = append(fields, chat.FieldPhone)
	}
	if !blank && utf8.RuneCountInString(text) >= wholeIdentifier && strings.IndexFunc(text, unicode.IsDigit) >= 0 {
		fields = append(fields, chat.FieldIdentifier)
	}
	return fields
}
