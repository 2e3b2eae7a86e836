package chatwoot

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeJSON(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw     string
		want    map[string]json.RawMessage
		wantErr bool
	}{
		"SQL NULL":                    {raw: "", want: map[string]json.RawMessage{}},
		"JSON null":                   {raw: "null", want: map[string]json.RawMessage{}},
		"column default":              {raw: "{}", want: map[string]json.RawMessage{}},
		"native object":               {raw: ` {"x":1} `, want: map[string]json.RawMessage{"x": json.RawMessage("1")}},
		"as Rails writes it":          {raw: `"{\"cc_emails\":[\"a@example.org\"]}"`, want: map[string]json.RawMessage{"cc_emails": json.RawMessage(`["a@example.org"]`)}},
		"empty as Rails writes it":    {raw: `"{}"`, want: map[string]json.RawMessage{}},
		"string of null":              {raw: `"null"`, want: map[string]json.RawMessage{}},
		"empty string":                {raw: `""`, want: map[string]json.RawMessage{}},
		"escaped NUL, double-encoded": {raw: `"{\"x\":\"a\\u0000b\"}"`, want: map[string]json.RawMessage{"x": json.RawMessage(`"a\u0000b"`)}},
		"escaped NUL, native":         {raw: `{"x":"a\u0000b"}`, want: map[string]json.RawMessage{"x": json.RawMessage(`"a\u0000b"`)}},
		"string that is not JSON":     {raw: `"ines@example.org"`, wantErr: true},
		"string of a string":          {raw: `"\"{}\""`, wantErr: true},
		"array":                       {raw: `["ines@example.org"]`, wantErr: true},
		"number":                      {raw: `15552010001`, wantErr: true},
		"cut off":                     {raw: `{"email":"ines@example.org`, wantErr: true},
		"cut off inside":              {raw: `"{\"email\":\"ines@exam"`, wantErr: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := DecodeJSON([]byte(c.raw))
			if c.wantErr {
				if err == nil || strings.Contains(err.Error(), "ines") || strings.Contains(err.Error(), "1555") {
					t.Fatalf("error %v; want one that holds nothing of the column", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// FuzzDecodeJSON holds that an object is read the same bare and wrapped in a string, and that no input panics
// or gives a nil object without an error.
func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{"", "null", "{}", `{"x":1}`, `"{\"x\":{\"y\":[1,null]}}"`, `"not json"`, `{"x":"\u0000"}`, `[`, "\"\\ud800\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := DecodeJSON(raw)
		if (got == nil) == (err == nil) {
			t.Fatalf("object nil: %t, error: %v", got == nil, err)
		}
		if err != nil {
			return
		}
		text, err := json.Marshal(got)
		if err != nil {
			t.Fatalf("what was decoded does not encode: %v", err)
		}
		wrapped, err := json.Marshal(string(text))
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeJSON(wrapped)
		if err != nil {
			t.Fatalf("wrapped: %v", err)
		}
		if len(again) != len(got) {
			t.Errorf("%d keys bare, %d wrapped", len(got), len(again))
		}
	})
}

func TestSplitLabels(t *testing.T) {
	t.Parallel()
	for cached, want := range map[string][]string{
		"":                     {},
		"vip":                  {"vip"},
		"vip, billing, tour-1": {"vip", "billing", "tour-1"},
		"vip,billing":          {"vip", "billing"},
		" , vip,, ":            {"vip"},
	} {
		if d := cmp.Diff(want, SplitLabels(cached)); d != "" {
			t.Errorf("%q: %s", cached, d)
		}
	}
}
