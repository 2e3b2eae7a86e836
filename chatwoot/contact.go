package chatwoot

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// What Chatwoot asks of a contact that is saved. Its phone pattern is open at the start, so that "tel:+1555…" passes.
var (
	contactEmail = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
	contactPhone = regexp.MustCompile(`\+[1-9][0-9]{1,14}$`)
)

// MaxContactText is the longest text Chatwoot lets into a column of a contact, in characters.
const MaxContactText = 255

// ContactEmail gives an e-mail address as Chatwoot keeps it, "" for a blank one; false for what it refuses.
func ContactEmail(text string) (string, bool) {
	if strings.TrimSpace(text) == "" {
		return "", true
	}
	return strings.ToLower(text), contactEmail.MatchString(text) && fitsColumn(text)
}

// ContactPhone gives a phone number as Chatwoot keeps it, "" for a blank one; false for what it refuses.
func ContactPhone(text string) (string, bool) {
	if strings.TrimSpace(text) == "" {
		return "", true
	}
	return text, contactPhone.MatchString(text) && fitsColumn(text)
}

// ContactText gives a name or an identifier as it is kept, "" for a blank one; false for what does not fit.
func ContactText(text string) (string, bool) {
	if strings.TrimSpace(text) == "" {
		return "", true
	}
	return text, fitsColumn(text)
}

func fitsColumn(text string) bool {
	return utf8.RuneCountInString(text) <= MaxContactText && !strings.ContainsRune(text, 0)
}
