package search

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
)

func TestMatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		query    string
		yes, not []string
	}{
		{"order", []string{"my ORDER.", "first-order", "Order_12"}, []string{"orders", "reorder", ""}},
		{"blue order", []string{"order the blue one", "blue order"}, []string{"blue", "order"}},
		{`"blue order"`, []string{"a Blue, order!", "blue\norder"}, []string{"order blue", "blue big order"}},
		{`“blue order„ late`, []string{"late blue order"}, []string{"late order blue", "blue order"}},
		{`late "blue order`, []string{"late blue order"}, []string{"late order blue"}},
		{`"where is the order"`, []string{"Where is the order?"}, []string{"where is my order", "where order"}},
		{"the", []string{"The end"}, []string{"then"}},
		{"wi-fi", []string{"Wi-Fi", "wi fi"}, []string{"wi or fi", "wifi"}},
		{"creme BRÛLÉE", []string{"Crème brulee"}, []string{"creme"}},
		{"l'homme", []string{"L’homme"}, []string{"homme"}},
		{"example.com", []string{"see example.com/x", "ann@example.com"}, []string{"example org com"}},
		{"anna@example.com", []string{"<Anna@Example.COM>", "write to anna@example.com."}, []string{"anna example com", "joanna@example.com", "anna@example.com.au"}},
		{`"to anna@example.com now"`, []string{"write to anna@example.com now"}, []string{"now to anna@example.com", "to anna example com now"}},
		{"+1 555 123 4567", []string{"(+1) 555-123-4567", "call 15551234567!", "0015551234567"}, []string{"555 123 4567", "+1 555 123 4568", "1 555 123"}},
		{"5551234567", []string{"+1 (555) 123-4567", "555.123.4567", "5551234567 2"}, []string{"55512345678", "4567"}},
		{"4567", []string{"+1 (555) 123-4567"}, []string{"45678"}},
		{"2024 2025", []string{"2025 and 2024"}, []string{"2024"}},
		{"tel:+15551234567", []string{"Tel. +1 555 123 4567"}, []string{"+15551234567 tel"}},
		{"返金", []string{"返金をお願いします", "早く返金"}, []string{"金返", "返 金"}},
		{"金", []string{"返金"}, []string{"返"}},
		{"返金お願い", []string{"返金お願いします"}, []string{"返金をお願いします", "お願い返金"}},
		{`"iphone 電源"`, []string{"新しいiPhone電源が"}, []string{"iPhoneの電源", "電源 iphone"}},
		{"「返金 iphone」", []string{"早く返金iPhone"}, []string{"返金をiPhone"}},
		{"สวัสดี", []string{"สวัสดีครับ"}, []string{"สวัส ดี"}},
		{"배송", []string{"배송이 늦어요"}, []string{"배 송"}},
		{"👍", []string{"ok 👍🏽"}, []string{"ok"}},
		{`צה"ל`, []string{"צה״ל", "צהל"}, []string{"צה ל"}},
		{"किताब", []string{"यह किताब है"}, []string{"कतब"}},
		{strings.Repeat("x", 60), []string{strings.Repeat("X", 45)}, []string{strings.Repeat("x", 39)}},
	} {
		q, err := ParseQuery(c.query)
		if err != nil {
			t.Errorf("%q: %v", c.query, err)
			continue
		}
		for _, message := range append(slices.Clone(c.yes), c.not...) {
			want := slices.Contains(c.yes, message)
			if got := q.Matches(message); got != want {
				t.Errorf("%q matches %q: %t", c.query, message, got)
			}
			if missing := missingOf(q, message); want && missing != "" {
				t.Errorf("%q matches %q, whose index lacks %q", c.query, message, missing)
			}
		}
	}
}

// missingOf gives a word that is asked for and not in a message's index.
func missingOf(q Query, message string) string {
	index := Index(message)
	for _, w := range q.Words() {
		if _, found := slices.BinarySearch(index, w); !found {
			return w
		}
	}
	return ""
}

func TestWordsOfQueries(t *testing.T) {
	t.Parallel()
	for query, want := range map[string][]string{
		"the ORDER":              {"order"},
		"is it the":              nil,
		`"the blue order" order`: {"order", "blue"},
		"返金お":                    {"返金", "金お"},
		"金":                      {"金"},
		"ann@example.com":        {"ann@example.com"},
		"+1 555 123-4567 please": {"+15551234567", "please"},
		"0015551234567":          {"+15551234567"},
		"555 1234":               {"1234", "555"},
		"call 555-1234":          {"+5551234", "call"},
	} {
		q, err := ParseQuery(query)
		if diff := cmp.Diff(want, q.Words()); diff != "" || err != nil {
			t.Errorf("%q: %v (-want +got)\n%s", query, err, diff)
		}
	}
	q, err := ParseQuery(`"` + strings.Repeat("日本語文字列", 28))
	if err != nil || len(q.Words()) != 6 {
		t.Errorf("%d words, %v", len(q.Words()), err)
	}
	var many []string
	for i := range 60 {
		many = append(many, fmt.Sprint("w", i))
	}
	q, err = ParseQuery(`"` + strings.Join(many, " "))
	if err != nil || len(q.Words()) != maxAsked {
		t.Errorf("%d words, %v", len(q.Words()), err)
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for query, want := range map[string][][]string{
		"the Order":       {{"Order"}},
		"is the":          nil,
		"élan":            {{"elan", "Élan", "ÉLAN", "élan"}},
		"“blue order”":    {{"blue"}, {"order"}},
		"Ann@Example.com": {{"Ann@Example.com"}},
		"+1 555-123 4567": {{"1 555-123 4567", "15551234567"}},
		"返金":              {{"返金"}},
		"100% a_b":        {{"100"}, {"b"}},
	} {
		q, err := ParseQuery(query)
		if err != nil {
			t.Errorf("%q: %v", query, err)
		}
		got := q.Patterns()
		for _, list := range append(slices.Clone(want), got...) {
			slices.Sort(list)
			if len(slices.Compact(slices.Clone(list))) < len(list) {
				got = append(got, list)
			}
		}
		for i := range got {
			got[i] = slices.Compact(got[i])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got)\n%s", query, diff)
		}
	}
}

func TestRefusedQueries(t *testing.T) {
	t.Parallel()
	for what, query := range map[string]string{
		"empty": "", "blank": " \t\n", "NUL": "a\x00b", "long": strings.Repeat("x", 513), "no word": "?! … -", "no phrase": `""`,
		"many": strings.Repeat("w ", 17), "only marks": "\u0301\u0301 \u200d",
	} {
		_, err := ParseQuery(query)
		var fault *chat.Error
		if !errors.As(err, &fault) || fault.Code != chat.Invalid || fault.Field != "query" {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, query := range []string{strings.Repeat("x", 512), strings.Repeat("w ", 16), "\xff w"} {
		if _, err := ParseQuery(query); err != nil {
			t.Errorf("%q: %v", query, err)
		}
	}
}

// FuzzQuery holds that whatever matches is found: its index holds every word that is asked for.
func FuzzQuery(f *testing.F) {
	for _, s := range [][2]string{
		{"order", "my order"}, {`"the order" 12`, "the order 12 of the order"}, {"返金お願い", "返金お願いします"}, {"+1 555 123 4567", "1 (555) 123.4567"},
		{"ann@example.com", "x ann@example.com y"}, {`"iphone 電源`, "iPhone電源"}, {"l'état", "L’ETAT"}, {"สวัสดี", "สวัสดีครับ"}, {"1,5551234567", "1,5551234567"},
	} {
		f.Add(s[0], s[1], uint8(0), uint8(9))
	}
	f.Fuzz(func(t *testing.T, query, message string, from, to uint8) {
		index := Index(message)
		for _, text := range []string{query, message, message[min(int(from), len(message)):min(max(int(from), int(to)), len(message))]} {
			q, err := ParseQuery(text)
			if err != nil {
				if chat.CodeOf(err) != chat.Invalid {
					t.Fatalf("%q: %v", text, err)
				}
				continue
			}
			if len(q.Words()) > maxAsked {
				t.Fatalf("%q asks for %d words", text, len(q.Words()))
			}
			if !q.Matches(message) {
				continue
			}
			for _, w := range q.Words() {
				if _, found := slices.BinarySearch(index, w); !found {
					t.Fatalf("%q matches %q, whose index %q lacks %q", text, message, index, w)
				}
			}
		}
	})
}
