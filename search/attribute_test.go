package search_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/search"
)

func TestCanonicalAttribute(t *testing.T) {
	t.Parallel()
	text, number, date := chat.AttributeText, chat.AttributeNumber, chat.AttributeDate
	nines := strings.Repeat("9", 1500)
	for _, c := range []struct {
		of   chat.AttributeType
		raw  string
		want string // kind:value, "" where nothing can be equal
	}{
		{text, `"Gold"`, "text:gold"},
		{text, `"ÄÖÜ ß"`, "text:äöü ß"},
		{text, `" Gold "`, "text: gold "},
		{text, `""`, "text:"},
		{text, `"\u0047old"`, "text:gold"},
		{text, `true`, "text:true"},
		{text, `12`, "text:12"},
		{text, `1.50`, "text:1.50"}, // as jsonb keeps it
		{text, `1e3`, "text:1000"},
		{text, `1.5e1`, "text:15"},
		{text, `1e-2`, "text:0.01"},
		{text, `-0`, "text:0"},
		{text, `0.0`, "text:0.0"},
		{chat.AttributeLink, `"https://Example.org"`, "text:https://example.org"},
		{chat.AttributeList, `"Gold"`, "text:gold"},
		{text, `null`, ""}, {text, ``, ""}, {text, `[]`, ""}, {text, `["gold"]`, ""}, {text, `{"a":1}`, ""}, {text, `"a" "b"`, ""}, {text, `gold`, ""},
		{number, `1000`, "number:1000"},
		{number, `1e3`, "number:1000"},
		{number, `1000.00`, "number:1000"},
		{number, `"1000"`, "number:1000"},
		{number, `" +1000. "`, "number:1000"},
		{number, `0010`, ""}, // no JSON
		{number, `"0010"`, "number:10"},
		{number, `-0`, "number:0"}, {number, `-0.00`, "number:0"}, {number, `0e9`, "number:0"},
		{number, `"-.5"`, "number:-0.5"},
		{number, `0.10`, "number:0.1"},
		{number, `1.0E-3`, "number:0.001"},
		{number, `100`, "number:100"},
		{number, `9007199254740993`, "number:9007199254740993"}, // 2^53 + 1
		{number, `9007199254740993.0000000000000001`, "number:9007199254740993.0000000000000001"},
		{number, nines, "number:" + nines}, {number, nines + "9", ""}, {number, `1e1500`, ""}, {number, `1e-99999999999999999999`, ""},
		{number, `"ten"`, ""}, {number, `""`, ""}, {number, `"."`, ""}, {number, `"1e"`, ""}, {number, `"NaN"`, ""}, {number, `"0x1F"`, ""}, {number, `true`, ""},
		{chat.AttributeCurrency, `12.5`, "number:12.5"}, {chat.AttributePercent, `12.50`, "number:12.5"},
		{date, `"2026-01-31"`, "date:2026-01-31"},
		{date, `"2026-01-31T23:30:00.000Z"`, "date:2026-01-31"},
		{date, `"2026-01-31 10:00:00 +0200"`, "date:2026-01-31"},
		{date, `"2026-02-30"`, ""}, {date, `"31.01.2026"`, ""}, {date, `"2026-01-31x"`, ""}, {date, `20260131`, ""}, {date, `"0000-01-01"`, ""},
		{chat.AttributeCheckbox, `true`, ""}, {chat.AttributeCheckbox, `"true"`, ""}, {"", `"gold"`, ""}, {"LATER", `"gold"`, ""},
	} {
		kind, value, ok := search.CanonicalAttribute(c.of, json.RawMessage(c.raw))
		if got := kind + ":" + value; ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%s %.40s: %.40s %t, want %.40s", c.of, c.raw, got, ok, c.want)
		}
	}
}

func TestCanonicalOperand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		of         chat.AttributeType
		text, want string
	}{
		{chat.AttributeText, "GOLD", "text:gold"},
		{chat.AttributeText, "1e3", "text:1e3"}, // an operand is text as it stands
		{chat.AttributeText, "a\xff", ""},
		{chat.AttributeNumber, "1e3", "number:1000"},
		{chat.AttributeDate, "2026-01-31", "date:2026-01-31"},
		{chat.AttributeCheckbox, "true", ""},
	} {
		kind, value, ok := search.CanonicalOperand(c.of, c.text)
		if got := kind + ":" + value; ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%s %q: %s %t, want %s", c.of, c.text, got, ok, c.want)
		}
	}
}

// Numbers have one canonical text exactly where they amount to the same.
func FuzzCanonicalNumber(f *testing.F) {
	for _, seed := range [][2]string{{"1", "1.0"}, {"1e3", "1000"}, {"-0", "0"}, {"0.1", ".10"}, {"9007199254740993", "9007199254740992"}, {"1e-3", "0.0010"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		_, canonicalA, okA := search.CanonicalOperand(chat.AttributeNumber, a)
		_, canonicalB, okB := search.CanonicalOperand(chat.AttributeNumber, b)
		if !okA || !okB {
			return
		}
		if same := rational(t, a).Cmp(rational(t, b)) == 0; same != (canonicalA == canonicalB) {
			t.Errorf("%q and %q are %q and %q", a, b, canonicalA, canonicalB)
		}
		kind, again, ok := search.CanonicalAttribute(chat.AttributeNumber, json.RawMessage(canonicalA))
		if !ok || kind != "number" || again != canonicalA {
			t.Errorf("%q is %q, and that is %q", a, canonicalA, again)
		}
	})
}

func rational(t *testing.T, text string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(strings.Trim(text, " \t\n\v\f\r"))
	if !ok {
		t.Fatalf("%q was taken for a number", text)
	}
	return r
}

// Whatever a value is, it is brought into one form, and that form into itself.
func FuzzCanonicalAttribute(f *testing.F) {
	for _, seed := range []string{`"Gold"`, `1e3`, `"2026-01-31T10:00:00Z"`, `{"a":[1]}`, `null`, `"\ud800"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, of := range chat.AttributeTypes {
			kind, value, ok := search.CanonicalAttribute(of, json.RawMessage(raw))
			if !ok {
				continue
			}
			againKind, again, ok := search.CanonicalOperand(of, value)
			if !ok || againKind != kind || again != value && kind != "text" {
				t.Errorf("%s %q is %s %q, and that %s %q %t", of, raw, kind, value, againKind, again, ok)
			}
		}
	})
}
