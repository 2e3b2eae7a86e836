package store_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// person is a contact as a naive reader has it.
type person struct {
	ID, Created, Type              int64
	LastActivity                   *int64
	Name, Email, Phone, Identifier string
	NameRank                       int64 // the place of lower(name) in the database's own collation, equal for equal names
	Blocked                        bool
	Labels                         []string
}

const everyPerson = `SELECT json_agg(json_build_object('ID', id, 'Created', micros(created_at), 'LastActivity', micros(last_activity_at), 'Type', contact_type,
 'Name', name, 'Email', email, 'Phone', phone_number, 'Identifier', identifier, 'Blocked', blocked, 'NameRank', dense_rank,
 'Labels', (SELECT json_agg(lower(t.name)) FROM taggings g JOIN tags t ON t.id = g.tag_id WHERE g.taggable_type = 'Contact' AND g.taggable_id = q.id)))
 FROM (SELECT c.*, dense_rank() OVER (ORDER BY lower(name)) FROM contacts c WHERE account_id = $1) q`

func readPersons(t testing.TB, s *store.Store, account int64) []person {
	t.Helper()
	_ = readTalks(t, s) // leaves micros
	var list []person
	if err := json.Unmarshal(storetest.Value[[]byte](t, s, everyPerson, account), &list); err != nil {
		t.Fatal(err)
	}
	return list
}

func (p person) matches(q chat.ContactQuery) bool {
	f := q.Filter
	resolved := p.Email != "" || p.Phone != "" || p.Identifier != ""
	if q.CRMV2 {
		resolved = p.Type == 1
	}
	return (f.Resolved == nil || *f.Resolved == resolved) && (f.Blocked == nil || *f.Blocked == p.Blocked) &&
		(f.ContactType == nil || *f.ContactType == chat.ContactTypes[p.Type]) &&
		(f.CreatedSince == nil || p.Created > f.CreatedSince.UnixMicro()) &&
		(f.LastActivitySince == nil || p.LastActivity != nil && *p.LastActivity > f.LastActivitySince.UnixMicro()) &&
		(len(f.Labels) == 0 || slices.ContainsFunc(f.Labels, func(l string) bool { return slices.Contains(p.Labels, strings.ToLower(l)) }))
}

func (p person) key(f chat.ContactOrderField) *int64 {
	switch f {
	case chat.ContactsByName:
		if strings.TrimSpace(p.Name) == "" {
			return nil
		}
		return &p.NameRank
	case chat.ContactsByCreated:
		return &p.Created
	default:
		return p.LastActivity
	}
}

func naiveContacts(all []person, q chat.ContactQuery) []int64 {
	var kept []person
	for _, p := range all {
		if p.matches(q) {
			kept = append(kept, p)
		}
	}
	slices.SortFunc(kept, func(a, b person) int {
		return compareKeys(a.key(q.Order.Field), b.key(q.Order.Field), a.ID, b.ID, q.Order.Direction)
	})
	ids := []int64{}
	for _, p := range kept {
		ids = append(ids, p.ID)
	}
	return ids
}

func listContacts(t testing.TB, s *store.Store, account int64, q chat.ContactQuery) []store.ContactRow {
	t.Helper()
	rows, err := s.ListContacts(t.Context(), account, q)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// sealPresence writes sealed twins as far as the filter "resolved" looks at them: which addresses there are.
func sealPresence(t testing.TB, s *store.Store) {
	t.Helper()
	storetest.Exec(t, s, `INSERT INTO cloakroom.contacts (account_id, contact_id, subject_key_id, key_id, email_sealed, phone_number_sealed, identifier_sealed)
		SELECT account_id, id, id, 1, convert_to(NULLIF(email, ''), 'UTF8'), convert_to(NULLIF(phone_number, ''), 'UTF8'), convert_to(NULLIF(identifier, ''), 'UTF8') FROM contacts`)
}

func TestListContactsFilters(t *testing.T) {
	t.Parallel()
	s := withTies(t)
	sealPresence(t, s)
	all := readPersons(t, s, schema.Acme)
	since := storetest.DemoTime.AddDate(0, -2, 0)
	label := storetest.Value[string](t, s, `SELECT upper(t.name) FROM taggings g JOIN tags t ON t.id = g.tag_id WHERE g.taggable_type = 'Contact' LIMIT 1`)
	total := 0
	for name, filter := range map[string]chat.ContactFilter{
		"none": {}, "resolved": {Resolved: pointer(true)}, "unresolved": {Resolved: pointer(false)}, "blocked": {Blocked: pointer(true)}, "unblocked": {Blocked: pointer(false)},
		"visitors": {ContactType: pointer(chat.ContactTypes[0])}, "leads": {ContactType: pointer(chat.ContactTypes[1])}, "customers": {ContactType: pointer(chat.ContactTypes[2])},
		"active since": {LastActivitySince: &since}, "created since": {CreatedSince: &since}, "label": {Labels: []string{label, "no such label"}},
		"together": {Resolved: pointer(true), Blocked: pointer(false), CreatedSince: &since, Labels: []string{label}},
	} {
		for _, crm := range []bool{false, true} {
			for _, sealed := range []bool{false, true} {
				q := chat.ContactQuery{Filter: filter, CRMV2: crm, Sealed: sealed, Page: chat.Page{Limit: 1000},
					Order: chat.ContactOrder{Field: chat.ContactsByLastActivity, Direction: chat.Descending}}
				var got []int64
				for _, row := range listContacts(t, s, schema.Acme, q) {
					got = append(got, row.ID)
				}
				if want := naiveContacts(all, q); !slices.Equal(got, want) {
					t.Errorf("%s, crm_v2 %v, sealed %v: %d rows, want %d", name, crm, sealed, len(got), len(want))
				}
				total += len(got)
			}
		}
	}
	if total < 3000 {
		t.Errorf("the filters found %d rows in all", total)
	}
}

func TestListContactsPages(t *testing.T) {
	t.Parallel()
	s := withTies(t)
	all := readPersons(t, s, schema.Acme)
	for _, field := range []chat.ContactOrderField{chat.ContactsByLastActivity, chat.ContactsByCreated, chat.ContactsByName} {
		for _, direction := range directions {
			t.Run(fmt.Sprint(field, direction), func(t *testing.T) {
				t.Parallel()
				q := chat.ContactQuery{Order: chat.ContactOrder{Field: field, Direction: direction}}
				want := naiveContacts(all, q)
				for _, limit := range []int{11, len(want) - 1, len(want), len(want) + 1} {
					for _, backward := range []bool{false, true} {
						got := walk(t, limit, backward, func(p chat.Page) []store.ContactRow {
							q.Page = p
							return listContacts(t, s, schema.Acme, q)
						}, func(r store.ContactRow) *chat.Position { return r.Position })
						if !slices.Equal(got, want) {
							t.Errorf("pages of %d, backward %v: %d rows, want %d", limit, backward, len(got), len(want))
						}
					}
				}
			})
		}
	}
}

// TestContactsWithConversations: each contact comes once, with its newest conversations that the viewer may see.
func TestContactsWithConversations(t *testing.T) {
	t.Parallel()
	s := withTies(t)
	all := readTalks(t, s)
	for _, v := range []chat.Visibility{seesAll, {Reach: chat.ReachInboxes, UserID: schema.Max}, {Reach: chat.ReachUnassigned, UserID: schema.Noor}, {}} {
		inner := chat.ConversationQuery{Visibility: v, Page: chat.Page{Limit: 3}, Parts: chat.ConversationParts{Inbox: true, LastMessage: true},
			Order: chat.ConversationOrder{Field: chat.ByLastActivity, Direction: chat.Descending}}
		for _, backward := range []bool{false, true} {
			rows := listContacts(t, s, schema.Acme, chat.ContactQuery{Page: chat.Page{Limit: 30, Backward: backward}, Parts: chat.ContactParts{Conversations: &inner},
				Order: chat.ContactOrder{Field: chat.ContactsByCreated, Direction: chat.Ascending}})
			if len(rows) != 31 {
				t.Fatalf("%d contacts", len(rows))
			}
			for _, row := range rows {
				inner.ContactID = row.ID
				want := naively(all, schema.Acme, inner)
				want = want[:min(len(want), 4)]
				var got []int64
				for _, c := range row.Conversations {
					got = append(got, c.ID)
				}
				if !slices.Equal(got, want) {
					t.Errorf("contact %d, user %d, backward %v: conversations %v, want %v", row.ID, v.UserID, backward, got, want)
				}
			}
			inner.ContactID = 0
		}
	}
}

func TestLookupContactPlain(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	value := func(column string, id int64) string {
		return storetest.Value[string](t, s, `SELECT COALESCE(`+column+`, '') FROM contacts WHERE id = $1`, id)
	}
	for _, c := range []struct {
		field chat.Field
		value string
		want  int64
	}{
		{chat.FieldEmail, value("email", 1), 1}, {chat.FieldPhone, value("phone_number", 1), 1}, {chat.FieldIdentifier, value("identifier", 1), 1},
		{chat.FieldPhone, value("phone_number", schema.ContactWithSharedPhone), schema.ContactWithSharedPhone},
		{chat.FieldEmail, strings.ToLower(value("email", schema.ContactWithUpperCaseEmail)), schema.ContactWithUpperCaseEmail},
		{chat.FieldEmail, "", 0}, {chat.FieldEmail, "%", 0}, {chat.FieldPhone, "+1", 0},
	} {
		row, err := s.LookupContactPlain(t.Context(), schema.Acme, c.field, c.value)
		if c.want == 0 && !errors.Is(err, chat.ErrNotFound) || c.want != 0 && (err != nil || row.ID != c.want || row.Record == nil) {
			t.Errorf("field %d, contact %d: %v, %v", c.field, c.want, row.Contact, err)
		}
	}
	storetest.Exec(t, s, `UPDATE contacts SET email = $1 WHERE id = $2`, value("email", 1), schema.ContactOfBorealis)
	twin, err := s.LookupContactPlain(t.Context(), schema.Borealis, chat.FieldEmail, value("email", 1))
	if err != nil || twin.ID != schema.ContactOfBorealis {
		t.Errorf("in the other account: %+v, %v", twin.Contact, err)
	}
}

func TestPartsOfContacts(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	ids := storetest.Value[[]int64](t, s, `SELECT array_agg(id::int8) FROM contacts`) // of both accounts
	for _, account := range []int64{schema.Acme, schema.Borealis} {
		labels, err := s.LabelsOfContacts(t.Context(), account, ids)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, p := range readPersons(t, s, account) {
			slices.Sort(p.Labels)
			got := slices.Clone(labels[p.ID])
			for i := range got {
				got[i] = strings.ToLower(got[i])
			}
			if slices.Sort(got); !slices.Equal(got, p.Labels) {
				t.Errorf("contact %d: labels %v, want %v", p.ID, got, p.Labels)
			}
			n += len(got)
			delete(labels, p.ID)
		}
		if len(labels) != 0 || account == schema.Acme && n < 10 {
			t.Errorf("account %d: %d labels, and %d contacts of others", account, n, len(labels))
		}
		contacts, err := s.ContactsByIDs(t.Context(), account, append(ids, 999_999, ids[0]))
		want := storetest.Value[int64](t, s, `SELECT count(*) FROM contacts WHERE account_id = $1`, account)
		if err != nil || int64(len(contacts)) != want {
			t.Errorf("account %d: %d contacts by id, want %d, %v", account, len(contacts), want, err)
		}
		notes, err := s.NotesOf(t.Context(), account, ids)
		want = storetest.Value[int64](t, s, `SELECT count(*) FROM notes WHERE account_id = $1`, account)
		if err != nil || int64(len(notes)) != want || !slices.IsSortedFunc(notes, func(a, b *chat.Note) int {
			return cmp.Or(cmp.Compare(a.ContactID, b.ContactID), b.CreatedAt.Compare(a.CreatedAt))
		}) {
			t.Errorf("account %d: %d notes, want %d, %v", account, len(notes), want, err)
		}
		inboxes, err := s.ContactInboxesOf(t.Context(), account, ids)
		want = storetest.Value[int64](t, s, `SELECT count(*) FROM contact_inboxes ci JOIN inboxes i ON i.id = ci.inbox_id JOIN contacts c ON c.id = ci.contact_id WHERE i.account_id = $1`, account)
		if err != nil || int64(len(inboxes)) != want {
			t.Errorf("account %d: %d addresses, want %d, %v", account, len(inboxes), want, err)
		}
		for _, ci := range inboxes {
			last := storetest.Value[*time.Time](t, s, `SELECT max(m.created_at) FROM messages m JOIN conversations c ON c.id = m.conversation_id
				WHERE c.contact_inbox_id = $1 AND m.message_type = 0`, ci.ID)
			if (last == nil) != (ci.LastIncoming == nil) || last != nil && !last.Equal(*ci.LastIncoming) {
				t.Errorf("contact inbox %d: wrote last at %v, want %v", ci.ID, ci.LastIncoming, last)
			}
			if ci.Inbox.ID == schema.API && ci.WindowHours != 48 || ci.Inbox.ID == schema.TwilioWhatsApp != ci.TwilioWhatsapp {
				t.Errorf("contact inbox %d: %+v", ci.ID, ci)
			}
		}
	}
}
