package store_test

import (
	"bytes"
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

// TestStateOfASmallAccount is read off indexes by account, in the plan that is kept for accounts of any size.
func TestStateOfASmallAccount(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	storetest.Exec(t, s, createPlanOf)
	storetest.Exec(t, s, `INSERT INTO contacts (account_id, name, created_at, updated_at) SELECT 1, 'crowd', now(), now() FROM generate_series(1, 20000) n`)
	storetest.Exec(t, s, `INSERT INTO cloakroom.contacts (account_id, contact_id, subject_key_id, key_id) SELECT account_id, id, id, 1 FROM contacts ON CONFLICT DO NOTHING`)
	storetest.Exec(t, s, `VACUUM ANALYZE contacts`)
	storetest.Exec(t, s, `VACUUM ANALYZE cloakroom.contacts`)
	plan := planOf(t, s, store.ContactsStateStatement)
	if strings.Contains(plan, "Merge Join") || strings.Contains(plan, "Hash Join") || strings.Contains(plan, "Seq Scan") || strings.Count(plan, `"Index Cond"`) != 2 {
		t.Errorf("the state goes by another plan:\n%s", plan)
	}
}

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
