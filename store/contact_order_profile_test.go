package store_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// oddTexts are companies, cities and countries that are hard to order, or have no place.
var oddTexts = []string{"Acme", "ACME ", "\tacme", "Ärzte", "ärzte", "zebra", "Zebra", "_", "~", "漢字", "😀", "R2-D2", "Room 123456", "İ", "", " ", "\u00a0", "a\u0000",
	"ann@acme.example", "ann＠acme", "ann﹫acme", "ann%40acme", "100%", "+1 555 123 4567", "1234567", "123456", "١٢٣٤٥٦٧", "1x234567", "1-2-3-4-5-6-7", "1‐2‑3–4—5−6・7",
	"1（2）3－4／5＿6．7", "1\u200e2\u200b3\u00ad4\u03005\u0301\u03026\u20e37", "1\n2\r3\t4\v5\f6 7", "1\u20282\u2029345\u00856\u30007", "1,234,567", "𝟓𝟓𝟓𝟕𝟕𝟕𝟎", "0123456 Oslo", "Oslo 0123456x"}

// oddProfiles are profiles as PostgreSQL gives them, in every form that may lie in the column.
func oddProfiles(t testing.TB) []string {
	t.Helper()
	encode := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	list := []string{`{}`, `[]`, `null`, `5`, `"text"`, `""`, `{"company_name": 5}`, `{"company_name": null}`, `{"company_name": {"city": "x"}}`, `[{"company_name": "x"}]`, `{"city": true}`}
	for _, raw := range []string{`{"company_name": "w"`, `{"company_name": "w"} x`, `{"company_name": "\ud83d\ude00"}`, `{"company_name": "\ud83d"}`, `{"company_name": "w", "x": 1e999999}`,
		`{"company_name": "a", "company_name": "b"}`, ` {"company_name" : "w"} `, `{"company_name": "w", "x": "\u0000"}`, `["company_name"]`, `"{\"company_name\": \"w\"}"`, `{"company_name": "` + strings.Repeat("w", 8200) + `"}`,
		`{"company_name": "` + strings.Repeat("w", 8100) + `"}`, `{"company_name": "tab\ttab"}`, "{\"company_name\": \"tab\ttab\"}", `{"a": ` + strings.Repeat("[", 8000) + strings.Repeat("]", 150) + `}`, `{"company_name": w}`, `{"company_name": "\u0041"}`} {
		list = append(list, encode(raw))
	}
	for _, text := range oddTexts {
		profile := encode(map[string]string{"company_name": text, "city": "C" + text, "country": text + " "})
		list = append(list, encode(profile))
		if !strings.Contains(text, "\x00") { // PostgreSQL holds none
			list = append(list, profile)
		}
	}
	return list
}

// TestProfilesHaveOnePlace: PostgreSQL makes the same text of a profile as package chat, which vault asks once it is sealed.
func TestProfilesHaveOnePlace(t *testing.T) {
	t.Parallel()
	s := withTies(t)
	storetest.Exec(t, s, `INSERT INTO contacts (account_id, name, additional_attributes, created_at, updated_at) SELECT $1::int, 'odd', p::jsonb, now(), now() FROM unnest($2::text[]) p`, schema.Acme, oddProfiles(t))
	storetest.Exec(t, s, `INSERT INTO contacts (account_id, name, additional_attributes, created_at, updated_at) VALUES ($1, 'odd', NULL, now(), now())`, schema.Acme)
	var profiles map[int64]string
	if err := json.Unmarshal(storetest.Value[[]byte](t, s, `SELECT json_object_agg(id, COALESCE(additional_attributes::text, '')) FROM contacts WHERE account_id = $1`, schema.Acme), &profiles); err != nil {
		t.Fatal(err)
	}
	for _, field := range []chat.ContactOrderField{chat.ContactsByCompany, chat.ContactsByCity, chat.ContactsByCountry} {
		for _, direction := range directions {
			order := chat.ContactOrder{Field: field, Direction: direction}
			rows := listContacts(t, s, schema.Acme, chat.ContactQuery{Order: order, Page: chat.Page{Limit: 1000}})
			if len(rows) != len(profiles) {
				t.Fatalf("%d rows of %d", len(rows), len(profiles))
			}
			var want []*chat.Position
			placed := 0
			for _, row := range rows {
				place := &chat.Position{ID: row.ID, Text: field.TextIn(chat.PII(profiles[row.ID]))}
				if want = append(want, place); place.Text != nil {
					placed++
				}
				if diff := cmp.Diff(place, row.Position); diff != "" {
					t.Errorf("%s of %.200s (-chat +PostgreSQL):\n%s", field, profiles[row.ID], diff)
				}
			}
			if !slices.IsSortedFunc(want, order.Compare) || placed < 20 || placed > len(rows)-20 {
				t.Errorf("%v: %d of %d have a place, in order %v", order, placed, len(rows), slices.IsSortedFunc(want, order.Compare))
			}
		}
	}
}

// TestPhonePunctuationIsTheSameHereAndThere tries every character between the digits of a number.
func TestPhonePunctuationIsTheSameHereAndThere(t *testing.T) {
	t.Parallel()
	s := withTies(t)
	var texts []string
	for r := rune(1); r < 0xe0fff; r++ {
		if r == 0x20000 { // ideographs up to the tags
			r = 0xe0000
		}
		if r < 0xd800 || r > 0xdfff {
			texts = append(texts, "123"+string(r)+"4567")
		}
	}
	var held []int
	if err := json.Unmarshal(storetest.Value[[]byte](t, s, `SELECT json_agg(n) FROM unnest($1::text[]) WITH ORDINALITY v(text, n) WHERE `+store.HoldsAddress("v.text"), texts), &held); err != nil {
		t.Fatal(err)
	}
	want := make([]int, 0, len(held))
	for i, text := range texts {
		if chat.TextHoldsAddress(text) {
			want = append(want, i+1)
		}
	}
	if diff := cmp.Diff(want, held); diff != "" || len(want) < 2000 {
		t.Errorf("%d characters (-chat +PostgreSQL):\n%.2000s", len(want), diff)
	}
}
