package search

import (
	"strings"
	"unicode/utf8"
)

// Like says whether a text is like a pattern, as PostgreSQL's LIKE: % stands for any text, _ for any one character, and
// what follows a backslash for itself. PostgreSQL refuses a pattern that ends in a backslash of its own; nothing is like it.
func Like(text, pattern string) bool {
	// On a mismatch the last % takes one character more: it never helps to go back to one before it.
	mark, resume := -1, 0
	t, p := 0, 0
	for t < len(text) {
		if p < len(pattern) && pattern[p] == '%' {
			p++
			mark, resume = p, t
			continue
		}
		if width, next := one(text[t:], pattern, p); width > 0 {
			t, p = t+width, next
			continue
		}
		if mark < 0 {
			return false
		}
		_, width := utf8.DecodeRuneInString(text[resume:])
		resume += width
		t, p = resume, mark
	}
	return strings.Trim(pattern[p:], "%") == ""
}

// one matches the pattern's next character with the text's: how wide it is there, 0 for another one, and where the
// pattern goes on.
func one(text, pattern string, p int) (width, next int) {
	if p == len(pattern) {
		return 0, p
	}
	if pattern[p] == '_' {
		_, width = utf8.DecodeRuneInString(text)
		return width, p + 1
	}
	if pattern[p] == '\\' {
		p++
	}
	if p == len(pattern) {
		return 0, p
	}
	_, width = utf8.DecodeRuneInString(pattern[p:])
	if !strings.HasPrefix(text, pattern[p:p+width]) {
		return 0, p
	}
	return width, p + width
}

// ILike is Like in any case.
func ILike(text, pattern string) bool { return Like(strings.ToLower(text), strings.ToLower(pattern)) }

// Stretches are the texts of a pattern that stand in whatever is like it: what lies between its wildcards.
func Stretches(pattern string) []string {
	var list []string
	var stretch strings.Builder
	end := func() {
		if stretch.Len() > 0 {
			list = append(list, stretch.String())
			stretch.Reset()
		}
	}
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '%' || c == '_':
			end()
		case c == '\\' && i+1 < len(pattern):
			i++
			stretch.WriteByte(pattern[i])
		default:
			stretch.WriteByte(c)
		}
	}
	end()
	return list
}

// containsPattern is the pattern of CONTAINS. Chatwoot takes white space away around the value, and escapes nothing.
func containsPattern(value string) string { return "%" + strings.Trim(value, blanks) + "%" }

// blanks are the white space that Chatwoot and PostgreSQL mean.
const blanks = " \t\n\v\f\r"
