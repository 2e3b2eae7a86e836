package masking

import (
	"strings"
	"unicode"

	"github.com/cloakroom/cloakroom/chat"
)

// A run of this many digits is taken for a phone number (Chatwoot's channels name contacts by their number);
// the contact's own number is recognised from fewer.
const (
	phoneDigits    = 7
	ownPhoneDigits = 6
)

// Name is the name of a contact as the viewer may see it: the true name, or the alias where names are hidden
// and this one is an address. A name whose addresses cannot be opened for the comparison is hidden as well.
func Name(v *chat.Viewer, c *chat.Contact) (string, error) {
	if Decide(v, c.AccountID, chat.Name) == Show {
		return c.FullName()
	}
	if c.Values.Present.Has(chat.FieldName) || NameIsAddress(c.ListedName) {
		return c.Alias()
	}
	for _, f := range []chat.Field{chat.FieldEmail, chat.FieldPhone, chat.FieldIdentifier} {
		own, err := c.Values.Get(f)
		if err != nil || own != nil && NameIsAddress(c.ListedName, own.Reveal()) {
			return c.Alias()
		}
	}
	return c.ListedName, nil
}

// NameIsAddress says that a name gives an address away: it looks like an e-mail address or a phone number,
// or it holds one of the contact's own addresses, its digits, or is the part before the @ of one.
func NameIsAddress(name string, own ...string) bool {
	if TextHoldsAddress(name) {
		return true
	}
	lower := strings.ToLower(strings.TrimSpace(name))
	for _, address := range own {
		if holdsOwn(lower, strings.ToLower(strings.TrimSpace(address))) {
			return true
		}
	}
	return false
}

func holdsOwn(name, own string) bool {
	if own == "" || name == "" {
		return false
	}
	if strings.Contains(name, own) {
		return true
	}
	if local, _, isEmail := strings.Cut(own, "@"); isEmail {
		base, _, _ := strings.Cut(local, "+")
		return name == local || name == base
	}
	digits := onlyDigits(own)
	nameDigits := onlyDigits(name)
	return len(digits) >= ownPhoneDigits && len(nameDigits) >= ownPhoneDigits &&
		(strings.Contains(nameDigits, digits) || strings.Contains(digits, nameDigits))
}

// Text is a short text around the history, such as a subject, a file name or a city, as the viewer may see
// it: nil where addresses are hidden from them and it looks as if it holds one. It is never edited.
func Text(v *chat.Viewer, accountID int64, text *string) *string {
	if text == nil || Decide(v, accountID, chat.Attribute) == Show || !TextHoldsAddress(*text) {
		return text
	}
	return nil
}

// TextHoldsAddress says that a text holds something like an e-mail address, also percent-encoded, or a phone
// number: seven digits or more that only spaces and the punctuation of phone numbers part.
func TextHoldsAddress(text string) bool {
	if strings.ContainsRune(text, '@') || strings.ContainsRune(text, '＠') || strings.Contains(text, "%40") {
		return true
	}
	run := 0
	for _, r := range text {
		switch {
		case unicode.IsDigit(r):
			if run++; run >= phoneDigits {
				return true
			}
		case isPhonePunctuation(r):
		default:
			run = 0
		}
	}
	return false
}

// isPhonePunctuation covers what phone numbers are written with, invisible marks included: format characters
// such as a left-to-right mark come along when a number is copied from a phone's address book.
func isPhonePunctuation(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Pd, r) || strings.ContainsRune("+-.()/_·•", r)
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}
