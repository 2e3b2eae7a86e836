package vault

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

var addressOrders = []chat.ContactOrder{
	{Field: chat.ContactsByEmail, Direction: chat.Ascending}, {Field: chat.ContactsByEmail, Direction: chat.Descending},
	{Field: chat.ContactsByPhone, Direction: chat.Ascending}, {Field: chat.ContactsByPhone, Direction: chat.Descending},
}

// sealedOrders are those that take values which are sealed.
var sealedOrders = append(slices.Clone(addressOrders),
	chat.ContactOrder{Field: chat.ContactsByCompany, Direction: chat.Ascending}, chat.ContactOrder{Field: chat.ContactsByCompany, Direction: chat.Descending},
	chat.ContactOrder{Field: chat.ContactsByCity, Direction: chat.Ascending}, chat.ContactOrder{Field: chat.ContactsByCountry, Direction: chat.Descending})

// all is a page that holds every contact of a test's account.
var all = chat.Page{Limit: 100_000}

// strangeContacts adds contacts with values drawn from few and strange parts, so that many are equal but for case or
// blanks, and seals them.
func strangeContacts(r *replica, n int) {
	r.t.Helper()
	draw := rand.New(rand.NewPCG(7, uint64(n)))
	part := func(parts ...string) string { return parts[draw.IntN(len(parts))] }
	taken := make(map[string]bool) // Chatwoot allows an e-mail once, to the letter
	var emails, phones []*string
	var profiles []string
	add := func(email, phone *string) {
		text := func() string {
			return part("", " ", "\t") + part("Acme", "acme", "Ärzte", "zett", "_", "漢", "", "", "R2") + part("", " ", " 1234567", "@b.example", "%40", " 123-456", "٣٤٥٦٧٨٩")
		}
		encode := func(v any) string {
			b, err := json.Marshal(v)
			if err != nil {
				r.t.Fatal(err)
			}
			return string(b)
		}
		profile := encode(map[string]any{"company_name": text(), "city": text(), "country": part("Norway", "norway ", "Österreich"), "other": 5})
		profile = part(profile, profile, encode(profile), `{}`, `{"company_name": 5, "city": null}`, `[]`, `"{"`)
		emails, phones, profiles = append(emails, email), append(phones, phone), append(profiles, profile)
	}
	for len(emails) < n {
		email := part("", "", " ", "\t") + part("a", "A", "b", "z", "Z", "_", "ä", "Ä", "ß", "é", "漢", "😀", "İ", "\u00a0") +
			part("", ".x", "+1", "-", "aa") + "@" + part("x.example", "X.EXAMPLE", "xn.example", "ö.example") + part("", " ", "\r\n")
		phone := part("", " ", "+") + part("1", "15", "٣", "1 5", "x") + part("", " ", "5", "55")
		switch e, p := &email, &phone; {
		case draw.IntN(8) == 0:
			add(nil, p)
		case !taken[email]:
			if taken[email] = true; draw.IntN(8) == 0 {
				p = nil
			}
			add(e, p)
		}
	}
	for _, blank := range []string{"", " ", "\t\n\v\f\r"} {
		add(&blank, &blank)
	}
	storetest.Exec(r.t, r.store, `INSERT INTO contacts (account_id, name, email, phone_number, additional_attributes, blocked, created_at, updated_at)
		SELECT 1, 'strange', e, p, a::jsonb, n % 3 = 0, now(), now() FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY v(e, p, a, n)`, emails, phones, profiles)
	if err := r.SealAccount(r.t.Context(), schema.Acme, func(Sealing) {}); err != nil {
		r.t.Fatal(err)
	}
}

// plainOrder reads an order by Chatwoot's own columns.
func plainOrder(r *replica, q chat.ContactQuery) []*chat.Position {
	r.t.Helper()
	q.Page, q.Sealed = all, false
	rows, err := r.store.ListContacts(r.t.Context(), schema.Acme, q)
	if err != nil {
		r.t.Fatal(err)
	}
	places := make([]*chat.Position, len(rows))
	for i, row := range rows {
		places[i] = row.Position
	}
	return places
}

// withTexts gives places the texts of the contacts that stand there.
func withTexts(r *replica, f chat.ContactOrderField, places []*chat.Position) []*chat.Position {
	r.t.Helper()
	list := make([]*chat.Position, len(places))
	rows, err := r.store.ContactsByIDs(r.t.Context(), schema.Acme, placeIDs(places))
	if err != nil {
		r.t.Fatal(err)
	}
	names := make(map[int64]string, len(rows))
	for _, c := range rows {
		names[c.ID] = c.ListedName
	}
	for i, c := range r.contacts(r.account(schema.Acme), placeIDs(places)...) {
		c.ListedName = names[c.ID]
		text, err := f.TextOf(c)
		if err != nil {
			r.t.Fatal(err)
		}
		list[i] = &chat.Position{ID: c.ID, Text: text}
	}
	return list
}

func placeIDs(places []*chat.Position) []int64 {
	ids := make([]int64, len(places))
	for i, p := range places {
		ids[i] = p.ID
	}
	return ids
}

// ordered gives the places of a page, which must be had.
func (r *replica) ordered(q chat.ContactQuery) []*chat.Position {
	r.t.Helper()
	q.Sealed = true
	places, err := r.OrderContacts(r.t.Context(), r.account(schema.Acme), q)
	if err != nil {
		r.t.Fatal(err)
	}
	return places
}

// TestSealedOrderIsThePlainOne compares the places that vault gives with those that PostgreSQL gives by the plain columns.
func TestSealedOrderIsThePlainOne(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	strangeContacts(r, 400)
	account := r.account(schema.Acme)
	yes := true
	listed := make(map[chat.ContactOrderField]bool)
	for _, order := range sealedOrders {
		for name, filter := range map[string]chat.ContactFilter{"all": {}, "blocked": {Blocked: &yes}, "resolved": {Resolved: &yes}, "label": {Labels: []string{"vip"}}} {
			q := chat.ContactQuery{Order: order, Filter: filter, Page: all}
			want := plainOrder(r, q)
			q.Sealed = true
			ctx, count := store.WithCount(t.Context())
			got, err := r.OrderContacts(ctx, account, q)
			if err != nil || len(got) < 3 {
				t.Fatalf("%d places, %v", len(got), err)
			}
			if len(r.cached(account)) != 0 {
				t.Fatal("an order has filled Redis with records")
			}
			statements := int64(1) // in which state the contacts are
			if !listed[order.Field] {
				statements++
			}
			if name != "all" {
				statements++
			}
			if n := count.Statements.Load(); n != statements {
				t.Errorf("%s %v: %d statements, want %d", name, order, n, statements)
			}
			listed[order.Field] = true
			if diff := cmp.Diff(placeIDs(want), placeIDs(got)); diff != "" {
				t.Errorf("%s %v (-plain +sealed):\n%s", name, order, diff)
			}
		}
	}
	for _, order := range sealedOrders { // what cursors say
		want := plainOrder(r, chat.ContactQuery{Order: order})
		if diff := cmp.Diff(want, withTexts(r, order.Field, want)); diff != "" {
			t.Errorf("%v (-plain +sealed):\n%s", order, diff)
		}
	}
	if n := r.counted(unreadableCounter, ""); n != 0 {
		t.Errorf("%v values did not open", n)
	}
}

// TestUnreadableAddressesComeLast breaks some in every way there is: they are counted, and put on record once. A list
// with such is made anew each time.
func TestUnreadableAddressesComeLast(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	q := chat.ContactQuery{Order: chat.ContactOrder{Field: chat.ContactsByEmail, Direction: chat.Ascending}, Page: all}
	before := placeIDs(r.ordered(q))
	broken := slices.Clone(before[:4])
	for i, sql := range []string{
		`UPDATE cloakroom.contacts SET email_sealed = set_byte(email_sealed, length(email_sealed) - 1, get_byte(email_sealed, length(email_sealed) - 1) # 1) WHERE contact_id = $1`,
		`UPDATE cloakroom.contacts SET row_version = row_version + 1 WHERE contact_id = $1`,
		`DELETE FROM cloakroom.contacts WHERE contact_id = $1`,
		`UPDATE cloakroom.subject_keys SET key_sealed = set_byte(key_sealed, 20, get_byte(key_sealed, 20) # 1) WHERE contact_id = $1`,
	} {
		storetest.Exec(t, r.store, sql, broken[i])
	}
	whole := int(storetest.Value[int64](t, r.store, `SELECT count(*) FROM contacts WHERE account_id = 1 AND btrim(email) <> ''`)) - len(broken)
	for range 2 {
		after := placeIDs(r.ordered(q))
		if len(after) != len(before) {
			t.Fatalf("%d places of %d", len(after), len(before))
		}
		if diff := cmp.Diff(before[4:4+whole], after[:whole]); diff != "" {
			t.Errorf("the others (-before +after):\n%s", diff)
		}
	}
	if n := r.counted(unreadableCounter, "email"); n != 8 {
		t.Errorf("%v are counted, want 4 twice", n)
	}
	if n := r.audited(chat.SealedUnreadableHit); n != 4 {
		t.Errorf("%d are on record, want 4", n)
	}
}

// TestOrdersAreBounded: the contacts that one request may open, and what it may put on record when none of them does.
func TestOrdersAreBounded(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	storetest.Exec(t, r.store, `INSERT INTO contacts (account_id, name, blocked, created_at, updated_at) SELECT 1, 'crowd', true, now(), now() FROM generate_series(1, $1::int)`,
		maxOrdered-storetest.Value[int64](t, r.store, `SELECT count(*) FROM contacts WHERE account_id = 1 AND blocked`))
	yes := true
	q := chat.ContactQuery{Sealed: true, Filter: chat.ContactFilter{Blocked: &yes}, Order: addressOrders[2], Page: all}
	places, err := r.OrderContacts(t.Context(), r.account(schema.Acme), q)
	if err != nil || len(places) != maxOrdered {
		t.Errorf("%d places, %v", len(places), err)
	}
	if n := r.counted(unreadableCounter, "phone_number"); n < maxOrdered-100 {
		t.Errorf("%v unreadable phone numbers are counted", n)
	}
	if n := r.audited(chat.SealedUnreadableHit); n != orderReports {
		t.Errorf("%d are on record, want %d", n, orderReports)
	}
	storetest.Exec(t, r.store, `INSERT INTO contacts (account_id, name, blocked, created_at, updated_at) VALUES (1, 'one more', true, now(), now())`)
	_, err = r.OrderContacts(t.Context(), r.account(schema.Acme), q)
	var fault *chat.Error
	if !errors.As(err, &fault) || fault.Code != chat.Limited || fault.Field != "orderBy.field" {
		t.Errorf("one more: %v", err)
	}
	no := false
	q.Filter.Blocked = &no
	if places, err := r.OrderContacts(t.Context(), r.account(schema.Acme), q); err != nil || len(places) < 100 {
		t.Errorf("a filter that leaves few: %d places, %v", len(places), err)
	}
}

// TestAnOrderNobodyWaitsFor ends before it opens anything.
func TestAnOrderNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	account := r.account(schema.Acme)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if places, err := r.OrderContacts(ctx, account, chat.ContactQuery{Sealed: true, Order: addressOrders[0]}); !errors.Is(err, context.Canceled) {
		t.Errorf("%d places, %v", len(places), err)
	}
}
