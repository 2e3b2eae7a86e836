package search_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/search"
)

func TestLike(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, pattern string
		like          bool
	}{
		{"", "", true}, {"", "%", true}, {"", "_", false}, {"a", "", false}, {"a", "_", true}, {"ä", "_", true}, {"漢字", "__", true}, {"漢字", "___", false},
		{"abc", "abc", true}, {"abc", "ABC", false}, {"abc", "a%", true}, {"abc", "%c", true}, {"abc", "%b%", true}, {"abc", "%%%", true},
		{"abc", "a_c", true}, {"abc", "a__c", false}, {"aab", "%ab", true}, {"abab", "%ab", true}, {"abac", "%a%b%a%c%", true}, {"abc", "%ac%", false},
		{"50%", `50\%`, true}, {"50x", `50\%`, false}, {"a_b", `a\_b`, true}, {"axb", `a\_b`, false}, {`a\b`, `a\\b`, true}, {"ab", `a\b`, true},
		{`a\`, `a\`, false}, {"mississippi", "%iss%ip%", true}, {"mississippi", "m%iss_ss%i", true}, {"🙂x", "_x", true},
	} {
		if got := search.Like(c.text, c.pattern); got != c.like {
			t.Errorf("%q like %q: %t", c.text, c.pattern, got)
		}
	}
	if !search.ILike("GÖTEBORG", "g_teb%") || !search.ILike("göteborg", "%ÖTE%") || search.ILike("Lyon", "%oslo%") {
		t.Error("ILike minds case, or nothing")
	}
}

func TestStretches(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string][]string{
		"": nil, "%%": nil, "%ann%": {"ann"}, "%a_b%cd%": {"a", "b", "cd"}, `%50\%%`: {"50%"}, `%a\\b%`: {`a\b`}, `ab\`: {`ab\`},
	} {
		if got := search.Stretches(pattern); !slices.Equal(got, want) {
			t.Errorf("%q: %q", pattern, got)
		}
	}
}

// FuzzLike holds LIKE to a regular expression that says the same, and to what a pattern's stretches say of what is like it.
func FuzzLike(f *testing.F) {
	for _, s := range []string{"abc\x00a%c", "a_b\x00a\\_b", "ä漢\x00_%", "aaaa\x00%a%a%b", "\x00%", "\\\x00\\\\"} {
		text, pattern, _ := strings.Cut(s, "\x00")
		f.Add(text, pattern)
	}
	f.Fuzz(func(t *testing.T, text, pattern string) {
		like := search.Like(text, pattern)
		if !utf8.ValidString(text) || !utf8.ValidString(pattern) || len(pattern) > 200 {
			return
		}
		expression, ok := likeExpression(pattern)
		if want := ok && regexp.MustCompile(expression).MatchString(text); like != want {
			t.Errorf("%q like %q: %t", text, pattern, like)
		}
		for _, stretch := range search.Stretches(pattern) {
			if like && !strings.Contains(text, stretch) {
				t.Errorf("%q is like %q without %q", text, pattern, stretch)
			}
		}
	})
}

// likeExpression writes a pattern anew; ok is false for one that ends in a backslash of its own.
func likeExpression(pattern string) (expression string, ok bool) {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	runes := []rune(pattern)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; {
		case r == '%':
			b.WriteString(".*")
		case r == '_':
			b.WriteString(".")
		case r == '\\' && i+1 == len(runes):
			return "", false
		case r == '\\':
			i++
			b.WriteString(regexp.QuoteMeta(string(runes[i])))
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return b.String() + `\z`, true
}
