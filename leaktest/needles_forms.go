package leaktest

import (
	"crypto/md5" // Gravatar's hash of an address, which is what is looked for
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// haystack says in which view of a text a form is looked for.
type haystack int

const (
	inFolded haystack = iota
	inExact
	inDigits
)

type form struct {
	in         haystack
	name, text string
}

const messageID = "Message-ID at the same domain"

// formsOf makes every form of a value. Substrings need none of their own: an address in angle brackets, behind
// mailto:, with a digit in front or in a Message-ID is found as it is.
func formsOf(value string) []form {
	lowered := strings.ToLower(value)
	forms := []form{
		{inFolded, "as it is", value}, {inFolded, "in lower case", lowered}, {inFolded, "in upper case", strings.ToUpper(value)},
		{inFolded, "percent-encoded", url.QueryEscape(value)}, {inFolded, "percent-encoded", url.PathEscape(value)},
	}
	secrets := []string{value, lowered}
	switch {
	case isEmail(lowered):
		forms = append(forms, emailForms(lowered)...)
	case phoneDigits(lowered) != "":
		digits := phoneDigits(lowered)
		forms = append(forms, phoneForms(digits)...)
		secrets = append(secrets, digits, "+"+digits, "whatsapp:+"+digits, digits+"@s.whatsapp.net")
	}
	for i, s := range secrets {
		if !slices.Contains(secrets[:i], s) {
			forms = append(forms, hashes(s)...)
			forms = append(forms, inBase64(s)...)
		}
	}
	return forms
}

func isEmail(lowered string) bool {
	local, domain, found := strings.Cut(lowered, "@")
	return found && local != "" && strings.Contains(domain, ".") && !strings.ContainsAny(lowered, " <>\"") &&
		domain != "s.whatsapp.net" && !strings.Contains(local, ":")
}

// emailForms are those of an address that leave part of it out.
func emailForms(lowered string) []form {
	local, domain, _ := strings.Cut(lowered, "@")
	forms := []form{
		{inFolded, "local part", local},
		{inFolded, messageID, "@" + domain + ">"}, {inFolded, messageID, "@mail." + domain},
	}
	if base, _, tagged := strings.Cut(local, "+"); tagged {
		forms = append(forms, form{inFolded, "without plus-tag", base + "@" + domain}, form{inFolded, "local part without plus-tag", base})
	}
	return forms
}

// inMessageID says whether a domain ends what can be a Message-ID: in angle brackets, or at a mail host. Addresses of
// the domain in free text are not what is meant.
func inMessageID(text []byte, at int) bool {
	if strings.HasPrefix(string(lower(text[at:min(len(text), at+len("@mail."))])), "@mail.") {
		return true
	}
	for i := at - 1; i >= 0 && at-i < 128; i-- {
		switch text[i] {
		case '<':
			return true
		case ' ', '\n', '\t', '"', '>', ',':
			return false
		}
	}
	return false
}

func allDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// longestNumber is the longest run of digits that can hold a phone number: fifteen (ITU-T E.164) and the two that
// Chatwoot appends. Times in nanoseconds are longer, and would hold one by chance sooner or later.
const longestNumber = 17

// ownNumber says whether digits stand in a run that can be a phone number with something around it; what is too short
// for a phone number has to stand by itself.
func ownNumber(text []byte, at, length int) bool {
	run := digitsAt(text, at+length)
	for i := at - 1; i >= 0 && isDigit(text[i]); i-- {
		run++
	}
	return run == 0 || length >= 10 && length+run <= longestNumber
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// digitsAt is how many digits stand in a row from a place on.
func digitsAt(text []byte, at int) int {
	n := 0
	for at+n < len(text) && isDigit(text[at+n]) {
		n++
	}
	return n
}

// phoneDigits gives the digits of what can only be a phone number, with what channels put around one; else "".
func phoneDigits(lowered string) string {
	bare := strings.TrimPrefix(strings.TrimPrefix(strings.TrimSuffix(lowered, "@s.whatsapp.net"), "whatsapp:"), "tel:")
	if strings.Trim(bare, "+0123456789 -().\u00a0") != "" {
		return ""
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, bare)
	if len(digits) < 10 {
		return ""
	}
	return digits
}

// phoneForms are the international and the national number, whatever punctuation stands in them or around them.
func phoneForms(digits string) []form {
	forms := []form{{inDigits, "digits", digits}, {inFolded, "digits", digits}}
	if code := callingCode(digits); len(digits) == 10 { // a national number of North America, as in "(555) 201-0019"
		forms = append(forms, form{inDigits, "international", "1" + digits})
	} else if national := digits[code:]; len(national) >= 9 {
		forms = append(forms, form{inDigits, "national", national})
	}
	return forms
}

// callingCode is the length of a number's country code (ITU-T E.164).
func callingCode(digits string) int {
	const two = " 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 "
	switch {
	case digits[0] == '1' || digits[0] == '7':
		return 1
	case strings.Contains(two, " "+digits[:2]+" "):
		return 2
	default:
		return 3
	}
}

// hashes are those that can be tried against a guess. Hexadecimal is looked for in either case.
func hashes(s string) []form {
	address := md5.Sum([]byte(s))
	picture := fmt.Sprintf("https://www.gravatar.com/avatar/%x?d=404", address)
	return []form{
		{inFolded, "MD5", fmt.Sprintf("%x", address)},
		{inFolded, "SHA-1", fmt.Sprintf("%x", sha1.Sum([]byte(s)))},
		{inFolded, "SHA-256", fmt.Sprintf("%x", sha256.Sum256([]byte(s)))},
		{inFolded, "SHA-256 of the Gravatar address", fmt.Sprintf("%x", sha256.Sum256([]byte(picture)))},
	}
}

// inBase64 are the characters that s comes to inside a longer text, for each of the three places it can begin at. The
// first and the last are left out where they also depend on the neighbours, as in the wamid of a WhatsApp message.
func inBase64(s string) []form {
	var forms []form
	for offset := range 3 {
		padded := append(make([]byte, offset), s...)
		first, last := (offset*8+5)/6, len(padded)*8/6
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			forms = append(forms, form{inExact, "base64", encoding.EncodeToString(padded)[first:last]})
		}
	}
	return forms
}
