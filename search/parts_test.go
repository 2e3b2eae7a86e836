package search

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
)

func TestParts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"": nil, "A": {"__a", "_a_"}, "Ab": {"__a", "_ab", "ab_"}, "Añ漢": {"__a", "_añ", "añ漢", "ñ漢_"}, "😀😀😀": {"__😀", "_😀😀", "😀😀😀", "😀😀_"},
		"a@b.c": {"__a", "_a@", "a@b", "@b.", "b.c", ".c_"},
	} {
		got := Parts(text)
		for i := range got {
			got[i] = strings.ReplaceAll(got[i], mark, "_")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q:\n%s", text, diff)
		}
	}
	for text, want := range map[string][]string{"": nil, "A": {"__a"}, "Ab": {"_ab"}, "ABC": {"abc"}, "aB漢d": {"ab漢", "b漢d"}} {
		got := Needle(text)
		for i := range got {
			got[i] = strings.ReplaceAll(got[i], mark, "_")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("needle %q:\n%s", text, diff)
		}
	}
}

func TestHolds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, needle string
		want         bool
	}{
		{"Anna@Example.com", "NA@EX", true}, {"Anna@Example.com", "an", true}, {"Anna@Example.com", "na", false}, {"Anna@Example.com", "A", true},
		{"Anna", "", false}, {"", "a", false}, {"100%_a", "0%_", true}, {"100 a", "0%_", false}, {"ÅSA", "åsa", true}, {"A\u030asa", "åsa", false},
		{"שלום עולם", "ום ע", true}, {"漢字仮名", "字仮名", true}, {"漢字仮名", "字仮", false}, {"漢字仮名", "漢字", true},
	} {
		if got := Holds(c.text, c.needle); got != c.want {
			t.Errorf("%q, %q: %t", c.text, c.needle, got)
		}
	}
	if HoldsExactly("CRM-9001", "crm-9") || !HoldsExactly("CRM-9001", "M-90") || HoldsExactly("x", "") {
		t.Error("an identifier is held without attention to case, or not at all")
	}
}

func TestPhoneHolds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		phone, needle string
		want          bool
	}{
		{"+15552010001", "(555) 201", true}, {"+15552010001", "+1 555-201-0001", true}, {"+15552010001", "0001", true}, {"+15552010001", "15", true},
		{"+15552010001", "55", false}, {"+15552010001", "٥٥٥٢", true}, {"555 201-00-01", "2010001", true}, {"tel:+15552010043", "TEL:+1", true},
		{"tel:+15552010043", "5552010043", true}, {"+15552010001", "+", false}, {"+15552010001", "--", false}, {"+15552010001", "a555", false}, {"", "1", false},
	} {
		if got := PhoneHolds(c.phone, c.needle); got != c.want {
			t.Errorf("%q, %q: %t", c.phone, c.needle, got)
		}
	}
}

func TestSimilarEmailAndPhoneEnding(t *testing.T) {
	t.Parallel()
	for _, alike := range [][]string{
		{"john.doe@example.com", "JohnDoe@EXAMPLE.com", "johndoe+shop@example.com", " j.o.h.n.d.o.e@example.com"}, {"a+b+c@x", "a@x"},
	} {
		for _, email := range alike {
			if got := SimilarEmail(email); got == "" || got != SimilarEmail(alike[0]) {
				t.Errorf("%q: %q", email, got)
			}
		}
	}
	for _, none := range []string{"", "john", "@x", "john@", "+tag@x", "..@x", "a@b@c"} {
		if got := SimilarEmail(none); got != "" {
			t.Errorf("%q: %q", none, got)
		}
	}
	if SimilarEmail("john@example.com") == SimilarEmail("john@example.org") {
		t.Error("two domains are one")
	}
	if PhoneEnding("+1 555 201 0001") != PhoneEnding("(555) 2010001") || PhoneEnding("+15552010001") == PhoneEnding("+15552010002") || PhoneEnding("201000") != "" {
		t.Error("endings of phone numbers")
	}
}

func TestWholeAddresses(t *testing.T) {
	t.Parallel()
	e, p, i := chat.FieldEmail, chat.FieldPhone, chat.FieldIdentifier
	for text, want := range map[string][]chat.Field{
		"anna@example.com": {e}, "anna1@example.com": {e, i}, "@example.com": nil, "anna@": nil, "a@b@c": nil, "anna @example.com": nil,
		"+1 555 201 0001": {p}, "+15552010001": {p, i}, "555201": {i}, "55520": nil, "crm-9001": {i}, "crm 9001": nil, "Anna Müller": nil, "R2-D2": nil, "R2-D2x": {i},
		"annamüller": nil, "": nil,
	} {
		if diff := cmp.Diff(want, WholeAddresses(text)); diff != "" {
			t.Errorf("%q:\n%s", text, diff)
		}
	}
}

// mustBeFound holds the one rule of parts: whatever a needle is found in has all of the needle's.
func mustBeFound(t *testing.T, text, needle string) {
	t.Helper()
	if needle == "" || strings.Contains(text+needle, mark) || !utf8.ValidString(text) || !utf8.ValidString(needle) {
		return // PostgreSQL holds no such text
	}
	for _, c := range []struct {
		what          string
		holds         bool
		parts, needle []string
	}{
		{"a text", Holds(text, needle), Parts(text), Needle(needle)}, {"exactly", HoldsExactly(text, needle), Parts(text), Needle(needle)},
		{"an e-mail", Holds(text, needle), EmailParts(text), Needle(needle)}, {"a phone", PhoneHolds(text, needle), PhoneParts(text), PhoneNeedle(needle)},
	} {
		missing := slices.ContainsFunc(c.needle, func(p string) bool { return !slices.Contains(c.parts, p) })
		if c.holds && (missing || len(c.needle) == 0) {
			t.Errorf("%s %q holds %q and has not all of its parts %q", c.what, text, needle, c.needle)
		}
		for _, p := range c.needle {
			if utf8.RuneCountInString(p) != partSize {
				t.Errorf("%q has a part %q", needle, p)
			}
		}
	}
	lowered, wanted := strings.ToLower(text), strings.ToLower(needle)
	if utf8.RuneCountInString(wanted) >= partSize && strings.Contains(lowered, wanted) != Holds(text, needle) {
		t.Errorf("%q, %q: Holds is not what a reader would say", text, needle)
	}
}

// alphabet has what breaks naive rules: letters whose case changes their length, marks, emoji of several runes, right to
// left, the characters of LIKE, digits of other scripts.
var alphabet = []rune("aAbB1234567890+-() .@%_\\ßẞİıſσςΣéÅ\u030aאבשלום漢字仮😀👨\u200d👩\u0301١٢٣ⅣǅK")

func TestNeedlesAreFound(t *testing.T) {
	t.Parallel()
	draw := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		text := make([]rune, draw.IntN(24))
		for i := range text {
			text[i] = alphabet[draw.IntN(len(alphabet))]
		}
		from := draw.IntN(len(text) + 1)
		needle := text[from : from+draw.IntN(min(len(text)-from, 8)+1)]
		mustBeFound(t, string(text), string(needle))
		mustBeFound(t, string(text), strings.ToUpper(string(needle)))
		mustBeFound(t, string(text), chat.Digits(string(needle)))
	}
}

func FuzzNeedles(f *testing.F) {
	for _, s := range []string{"Anna@Example.com|na@e", "+1 (555) 201|555201", "İstanbul|ist", "a\xff|\xff", "ǅ|ǆ"} {
		text, needle, _ := strings.Cut(s, "|")
		f.Add(text, needle)
	}
	f.Fuzz(func(t *testing.T, text, needle string) { mustBeFound(t, text, needle) })
}
