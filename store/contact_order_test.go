package store_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// oddAddresses adds contacts whose addresses are hard to order: none, blank, equal but for case or blanks, beyond ASCII.
func oddAddresses(t testing.TB, s *store.Store) {
	t.Helper()
	storetest.Exec(t, s, `INSERT INTO contacts (account_id, name, email, phone_number, created_at, updated_at)
		SELECT $1::int, 'odd', e, p, now(), now() FROM unnest($2::text[], $3::text[]) v(e, p)`, schema.Acme,
		[]string{"", " ", "\t\n\v\f\r", "twin@odd.example", "TWIN@odd.example", " Twin@Odd.Example\r\n", "~@odd.example", "_@odd.example", "Z@odd.example", "\u00a0",
			"ärger@odd.example", "ÄRGER@odd.example", "İzmir@odd.example", "straße@odd.example", "zz@odd.example", "漢字@odd.example", "😀@odd.example", "\u00a0nbsp@odd.example"},
		[]string{"", " ", "\t\n\v\f\r", "+1555", "+1555", " +1555", "1555", "(155) 5", "+15550", "+1555 ", "+1 555", "x", "X", "٣٤", "3", "+", "-", "\u00a0"})
	storetest.Exec(t, s, `INSERT INTO contacts (account_id, name, created_at, updated_at) VALUES ($1, 'odd without', now(), now())`, schema.Acme)
}

// orderText is a naive reading of the text a contact is ordered by, "" for none.
func (p person) orderText(f chat.ContactOrderField) string {
	text := p.Email
	if f == chat.ContactsByPhone {
		text = p.Phone
	}
	bare := bytes.Trim([]byte(text), " \t\n\v\f\r")
	if len(bare) == 0 || f == chat.ContactsByPhone {
		return text[:len(text)*min(len(bare), 1)]
	}
	for i, b := range bare {
		if b >= 'A' && b <= 'Z' {
			bare[i] = b | 0x20
		}
	}
	return string(bare)
}

func naiveByAddress(all []person, q chat.ContactQuery) (ids []int64, texts map[int64]string) {
	var kept []person
	texts = make(map[int64]string)
	for _, p := range all {
		if p.matches(q) {
			kept = append(kept, p)
			texts[p.ID] = p.orderText(q.Order.Field)
		}
	}
	sign := map[chat.OrderDirection]int{chat.Ascending: 1, chat.Descending: -1}[q.Order.Direction]
	slices.SortFunc(kept, func(a, b person) int {
		x, y := texts[a.ID], texts[b.ID]
		switch {
		case x == "" && y != "":
			return 1
		case x != "" && y == "":
			return -1
		case x != y:
			return sign * strings.Compare(x, y)
		}
		return sign * int(a.ID-b.ID)
	})
	for _, p := range kept {
		ids = append(ids, p.ID)
	}
	return ids, texts
}

var addressOrders = []chat.ContactOrderField{chat.ContactsByEmail, chat.ContactsByPhone}

// TestListContactsByAddress turns pages of Chatwoot's own columns: texts bytewise, without one last, ties by id.
func TestListContactsByAddress(t *testing.T) {
	t.Parallel()
	s := withTies(t)
	oddAddresses(t, s)
	all := readPersons(t, s, schema.Acme)
	for _, filter := range []chat.ContactFilter{{}, {Resolved: pointer(true)}} {
		for _, field := range addressOrders {
			for _, direction := range directions {
				t.Run(fmt.Sprint(field, direction, filter.Resolved != nil), func(t *testing.T) {
					t.Parallel()
					q := chat.ContactQuery{Filter: filter, Order: chat.ContactOrder{Field: field, Direction: direction}}
					want, texts := naiveByAddress(all, q)
					if len(want) < 20 {
						t.Fatalf("%d contacts are too few", len(want))
					}
					for _, limit := range []int{7, len(want) - 1, len(want), len(want) + 1} {
						for _, backward := range []bool{false, true} {
							got := walk(t, limit, backward, func(p chat.Page) []store.ContactRow {
								q.Page = p
								return listContacts(t, s, schema.Acme, q)
							}, func(r store.ContactRow) *chat.Position {
								if text := r.Position.Text; (text == nil) != (texts[r.ID] == "") || text != nil && *text != texts[r.ID] {
									t.Errorf("contact %d stands at %v, want %q", r.ID, text, texts[r.ID])
								}
								return r.Position
							})
							if diff := cmp.Diff(want, got); diff != "" {
								t.Errorf("pages of %d, backward %v (-want +got):\n%s", limit, backward, diff)
							}
						}
					}
				})
			}
		}
	}
}

// TestTheNormIsTheSameHereAndThere: what SQL makes of an address and what vault will make of it once it is sealed.
func TestTheNormIsTheSameHereAndThere(t *testing.T) {
	t.Parallel()
	s := withTies(t)
	oddAddresses(t, s)
	for _, p := range readPersons(t, s, schema.Acme) {
		for field, address := range map[chat.ContactOrderField]string{chat.ContactsByEmail: p.Email, chat.ContactsByPhone: p.Phone} {
			norm := field.Norm(chat.PII(address))
			if want := p.orderText(field); (norm == nil) != (want == "") || norm != nil && *norm != want {
				t.Errorf("%s of contact %d: %v, want %q", field, p.ID, norm, want)
			}
		}
	}
}

// TestListOrderValues: one row for each contact that passes the filter, whether or not it has what is asked for.
func TestListOrderValues(t *testing.T) {
	t.Parallel()
	s := withTies(t)
	sealPresence(t, s)
	storetest.Exec(t, s, `INSERT INTO cloakroom.subject_keys (account_id, subject_key_id, contact_id, key_id, key_sealed)
		SELECT account_id, contact_id, contact_id, 1, '\x01' FROM cloakroom.contacts WHERE contact_id <> 2`)
	storetest.Exec(t, s, `DELETE FROM cloakroom.contacts WHERE contact_id = 3`)
	all := readPersons(t, s, schema.Acme)
	for _, field := range addressOrders {
		for _, filter := range []chat.ContactFilter{{}, {Blocked: pointer(true)}, {Labels: []string{"vip"}}} {
			q := chat.ContactQuery{Sealed: true, Filter: filter, Order: chat.ContactOrder{Field: field, Direction: chat.Ascending}}
			want := make(map[int64]string)
			for _, p := range all {
				if p.matches(q) {
					want[p.ID] = map[chat.ContactOrderField]string{chat.ContactsByEmail: p.Email, chat.ContactsByPhone: p.Phone}[field]
				}
			}
			rows, err := s.ListOrderValues(t.Context(), schema.Acme, q, 1000)
			if err != nil || len(rows) != len(want) {
				t.Errorf("%s: %d rows, want %d, %v", field, len(rows), len(want), err)
			}
			for _, r := range rows {
				address, ok := want[r.ContactID]
				if r.ContactID == 3 {
					address = ""
				}
				keyless := r.ContactID == 2 || r.ContactID == 3
				if !ok || string(r.Sealed) != address || (r.KeySealed == nil) != keyless || !keyless && (r.KeyContactID != r.ContactID || r.SubjectKeyID != r.ContactID || r.Version != 1) {
					t.Errorf("%s of contact %d: %+v", field, r.ContactID, r)
				}
			}
		}
		rows, err := s.ListOrderValues(t.Context(), schema.Acme, chat.ContactQuery{Order: chat.ContactOrder{Field: field}}, 5)
		if err != nil || len(rows) != 5 {
			t.Errorf("up to 5: %d, %v", len(rows), err)
		}
	}
}

// TestContactsAt: contacts at known places are the rows that a list would give, in the places' order, with their
// conversations; one that is gone has none.
func TestContactsAt(t *testing.T) {
	t.Parallel()
	s := withTies(t)
	inner := chat.ConversationQuery{Visibility: seesAll, Page: chat.Page{Limit: 3}, Parts: chat.ConversationParts{Inbox: true, LastMessage: true},
		Order: chat.ConversationOrder{Field: chat.ByLastActivity, Direction: chat.Descending}}
	for name, parts := range map[string]chat.ContactParts{"alone": {}, "with conversations": {Conversations: &inner}} {
		q := chat.ContactQuery{Page: chat.Page{Limit: 40}, Parts: parts, Order: chat.ContactOrder{Field: chat.ContactsByName, Direction: chat.Descending}}
		want := listContacts(t, s, schema.Acme, q)
		text := "a place"
		places := []*chat.Position{{ID: 999_999, Text: &text}, {ID: schema.ContactOfBorealis, Text: &text}}
		for i := range want {
			want[i].Position = &chat.Position{ID: want[i].ID, Text: &text}
			places = append(places, want[i].Position)
		}
		got, err := s.ContactsAt(t.Context(), schema.Acme, q, places)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-list +at):\n%s", name, diff)
		}
		ctx, count := store.WithCount(t.Context())
		if got, err := s.ContactsAt(ctx, schema.Acme, q, nil); err != nil || len(got) != 0 || count.Statements.Load() != 0 {
			t.Errorf("%s: of no places %d, %v", name, len(got), err)
		}
	}
}

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

// TestNamesThatAreSealedAwayHaveNoPlace: Chatwoot's column holds them still while plain columns are kept.
func TestNamesThatAreSealedAwayHaveNoPlace(t *testing.T) {
	t.Parallel()
	s := withTies(t)
	sealPresence(t, s)
	storetest.Exec(t, s, `UPDATE contacts SET name = 'mmm' || id WHERE account_id = $1`, schema.Acme)
	storetest.Exec(t, s, `UPDATE cloakroom.contacts SET name_sealed = '\x01' WHERE contact_id % 3 = 0`)
	for _, field := range []chat.ContactOrderField{chat.ContactsByName, chat.ContactsByShownName} {
		for _, direction := range directions {
			q := chat.ContactQuery{Sealed: true, Order: chat.ContactOrder{Field: field, Direction: direction}}
			away := 0
			ids := walk(t, 7, false, func(p chat.Page) []store.ContactRow {
				q.Page = p
				return listContacts(t, s, schema.Acme, q)
			}, func(r store.ContactRow) *chat.Position { return r.Position })
			for _, id := range ids {
				switch {
				case id%3 == 0:
					away++
				case away > 0:
					t.Fatalf("%s %s: contact %d stands behind a name that is sealed away", field, direction, id)
				}
			}
			if away < 20 {
				t.Errorf("%s %s: %d names are sealed away", field, direction, away)
			}
		}
	}
}
