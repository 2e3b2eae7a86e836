package chat

import (
	"strings"
	"unicode"
)

// A run of this many digits is taken for a phone number (Chatwoot's channels name contacts by their number);
// the contact's own number is recognised from fewer.
const (
	phoneDigits    = 7
	ownPhoneDigits = 6
)

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
