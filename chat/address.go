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
	seen := visible(name)
	for _, address := range own {
		if holdsOwn(seen, visible(address)) {
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
		if name == local || name == base {
			return true
		}
	}
	return holdsDigitsOf(Digits(name), Digits(own))
}

// holdsDigitsOf says that six digits in a row of own stand in name, whatever stands before and after them there.
func holdsDigitsOf(name, own string) bool {
	for from := 0; len(name) >= ownPhoneDigits && from+ownPhoneDigits <= len(own); from++ {
		if strings.Contains(name, own[from:from+ownPhoneDigits]) {
			return true
		}
	}
	return false
}

// TextHoldsAddress says that a text holds something like an e-mail address, also percent-encoded, or a phone
// number: seven digits or more that only spaces and the punctuation of phone numbers part.
func TextHoldsAddress(text string) bool {
	if strings.ContainsAny(text, "@＠﹫") || strings.Contains(text, "%40") {
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

// isPhonePunctuation covers what phone numbers are written with, in full width as well, invisible marks included:
// format characters such as a left-to-right mark come along when a number is copied from a phone's address book,
// and digits can be emoji.
func isPhonePunctuation(r rune) bool {
	if r >= '！' && r <= '～' {
		r -= '！' - '!'
	}
	return unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Pd, unicode.M) || strings.ContainsRune("+-−.()/_·•", r)
}

// Dialled gives the digits of a text that is written like a phone number or a part of one: digits, and the punctuation of
// phone numbers. ok is false for any other text.
func Dialled(text string) (digits string, ok bool) {
	for _, r := range text {
		if !unicode.IsDigit(r) && !isPhonePunctuation(r) {
			return "", false
		}
	}
	digits = Digits(text)
	return digits, digits != ""
}

// Digits gives the digits of a text in ASCII, in whatever script they are written.
func Digits(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsDigit(r) {
			return -1
		}
		return '0' + digitValue(r)
	}, s)
}

// digitValue is a decimal digit's value: Unicode keeps each script's ten digits together, zero first.
func digitValue(r rune) rune {
	for _, in := range unicode.Nd.R16 {
		if r >= rune(in.Lo) && r <= rune(in.Hi) {
			return (r - rune(in.Lo)) % 10
		}
	}
	for _, in := range unicode.Nd.R32 {
		if r >= rune(in.Lo) && r <= rune(in.Hi) {
			return (r - rune(in.Lo)) % 10
		}
	}
	return 0
}

// visible lowers a text and takes out white space around it and the marks that are not seen, which would keep
// two equal texts apart.
func visible(s string) string {
	return strings.ToLower(strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s)))
}
