package search

import (
	"strings"

	"github.com/cloakroom/cloakroom/chat"
)

const (
	partSize = 3
	// mark stands before and after a text. PostgreSQL holds no text with one in it.
	mark = "\x00"
	// What is one value rather than a part has a prefix that no part has.
	similarPrefix, endingPrefix = "similar" + mark, "ending" + mark
	endingDigits                = 7
)

// Parts gives the parts that a text is found by: every three characters in a row, in lower case as ILIKE compares them,
// behind two marks and before one, so that its beginning has parts of its own.
func Parts(text string) []string {
	if text == "" {
		return nil
	}
	return threes(mark + mark + strings.ToLower(text) + mark)
}

// Needle gives the parts that every text has which holds this one; of one or two characters those that every text has
// which begins with them. An empty text has none.
func Needle(text string) []string {
	text = strings.ToLower(text)
	switch runes := []rune(text); len(runes) {
	case 0:
		return nil
	case 1:
		return []string{mark + mark + text}
	case 2:
		return []string{mark + text}
	}
	return threes(text)
}

func threes(text string) []string {
	runes := []rune(text)
	parts := make([]string, 0, len(runes)-partSize+1)
	for i := 0; i+partSize <= len(runes); i++ {
		parts = append(parts, string(runes[i:i+partSize]))
	}
	return parts
}

// Holds says that a text is found by a needle: it holds it, in any case, or begins with one of one or two characters.
func Holds(text, needle string) bool {
	return HoldsExactly(strings.ToLower(text), strings.ToLower(needle))
}

// HoldsExactly is Holds with attention to case.
func HoldsExactly(text, needle string) bool {
	if short(needle) {
		return needle != "" && strings.HasPrefix(text, needle)
	}
	return strings.Contains(text, needle)
}

func short(needle string) bool { return len([]rune(needle)) < partSize }

// EmailParts gives the parts that an e-mail address is found by, and what it has in common with similar ones.
func EmailParts(email string) []string {
	parts := Parts(email)
	if similar := SimilarEmail(email); similar != "" {
		parts = append(parts, similar)
	}
	return parts
}

// SimilarEmail gives what e-mail addresses have in common that differ in case, in dots before the @ or in a tag behind a
// plus; "" for a text that is no address.
func SimilarEmail(email string) string {
	local, domain, ok := cutEmail(strings.ToLower(strings.TrimSpace(email)))
	if !ok {
		return ""
	}
	local, _, _ = strings.Cut(local, "+")
	if local = strings.ReplaceAll(local, ".", ""); local == "" {
		return ""
	}
	return similarPrefix + local + "@" + domain
}

// SimilarParts gives what stands on both sides of the @ of what SimilarEmail gives.
func SimilarParts(similar string) (local, domain string) {
	local, domain, _ = strings.Cut(strings.TrimPrefix(similar, similarPrefix), "@")
	return local, domain
}

// cutEmail cuts at the one @ that has something on both sides.
func cutEmail(text string) (local, domain string, ok bool) {
	local, domain, ok = strings.Cut(text, "@")
	return local, domain, ok && local != "" && domain != "" && !strings.Contains(domain, "@")
}

// PhoneParts gives the parts that a phone number is found by: those of its digits, its ending, and those of the whole text
// where that holds more than a number.
func PhoneParts(phone string) []string {
	parts := Parts(chat.Digits(phone))
	if ending := PhoneEnding(phone); ending != "" {
		parts = append(parts, ending)
	}
	if _, dialled := chat.Dialled(phone); !dialled {
		parts = append(parts, Parts(phone)...)
	}
	return parts
}

// PhoneEnding gives the last seven digits of a number, "" where it has fewer.
func PhoneEnding(phone string) string {
	digits := chat.Digits(phone)
	if len(digits) < endingDigits {
		return ""
	}
	return endingPrefix + digits[len(digits)-endingDigits:]
}

// EndingDigits gives the digits of what PhoneEnding gives.
func EndingDigits(ending string) string { return strings.TrimPrefix(ending, endingPrefix) }

// PhoneNeedle is Needle for a phone number: of what is written like one, its digits. Punctuation alone has none.
func PhoneNeedle(text string) []string {
	if digits, dialled := chat.Dialled(text); dialled {
		return Needle(digits)
	}
	if onlyPunctuation(text) {
		return nil
	}
	return Needle(text)
}

// onlyPunctuation says that a text would be written like a number, had it a digit.
func onlyPunctuation(text string) bool {
	_, dialled := chat.Dialled(text + "0")
	return dialled && chat.Digits(text) == ""
}

// PhoneHolds is Holds for a phone number: what is written like one is looked for in its digits, whatever stands between
// them.
func PhoneHolds(phone, needle string) bool {
	if digits, dialled := chat.Dialled(needle); dialled {
		return HoldsExactly(chat.Digits(phone), digits)
	}
	return !onlyPunctuation(needle) && Holds(phone, needle)
}
