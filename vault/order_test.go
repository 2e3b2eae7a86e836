package vault

import (
	"context"
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

// strangeContacts adds contacts with addresses drawn from few and strange parts, so that many are equal but for case or
// blanks, and seals them.
func strangeContacts(r *replica, n int) {
	r.t.Helper()
	draw := rand.New(rand.NewPCG(7, uint64(n)))
	part := func(parts ...string) string { return parts[draw.IntN(len(parts))] }
	taken := make(map[string]bool) // Chatwoot allows an e-mail once, to the letter
	var emails, phones []*string
	for len(emails) < n {
		email := part("", "", " ", "\t") + part("a", "A", "b", "z", "Z", "_", "ä", "Ä", "ß", "é", "漢", "😀", "İ", "\u00a0") +
			part("", ".x", "+1", "-", "aa") + "@" + part("x.example", "X.EXAMPLE", "xn.example", "ö.example") + part("", " ", "\r\n")
		phone := part("", " ", "+") + part("1", "15", "٣", "1 5", "x") + part("", " ", "5", "55")
		switch e, p := &email, &phone; {
		case draw.IntN(8) == 0:
			emails, phones = append(emails, nil), append(phones, p)
		case !taken[email] && draw.IntN(8) == 0:
			emails, phones, taken[email] = append(emails, e), append(phones, nil), true
		case !taken[email]:
			emails, phones, taken[email] = append(emails, e), append(phones, p), true
		}
	}
	blanks := []string{"", " ", "\t\n\v\f\r"}
	for i := range blanks {
		emails, phones = append(emails, &blanks[i]), append(phones, &blanks[i])
	}
	storetest.Exec(r.t, r.store, `INSERT INTO contacts (account_id, name, email, phone_number, blocked, created_at, updated_at)
		SELECT 1, 'strange', e, p, n % 3 = 0, now(), now() FROM unnest($1::text[], $2::text[]) WITH ORDINALITY v(e, p, n)`, emails, phones)
	if err := r.SealAccount(r.t.Context(), schema.Acme, func(Sealing) {}); err != nil {
		r.t.Fatal(err)
	}
}

// TestSealedOrderIsThePlainOne compares the places that vault gives with those that PostgreSQL gives by the plain columns.
func TestSealedOrderIsThePlainOne(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	strangeContacts(r, 400)
	account := r.account(schema.Acme)
	yes := true
	for _, order := range addressOrders {
		for name, filter := range map[string]chat.ContactFilter{"all": {}, "blocked": {Blocked: &yes}, "resolved": {Resolved: &yes}, "label": {Labels: []string{"vip"}}} {
			q := chat.ContactQuery{Order: order, Filter: filter, Page: chat.Page{Limit: 10_000}}
			rows, err := r.store.ListContacts(t.Context(), account.ID, q)
			if err != nil {
				t.Fatal(err)
			}
			want := make([]*chat.Position, len(rows))
			for i, row := range rows {
				want[i] = row.Position
			}
			q.Sealed = true
			ctx, count := store.WithCount(t.Context())
			got, err := r.OrderContacts(ctx, account, q)
			if err != nil || len(got) < 3 {
				t.Fatalf("%d places, %v", len(got), err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s %v (-plain +sealed):\n%s", name, order, diff)
			}
			if n := count.Statements.Load(); n != 1 {
				t.Errorf("%s %v: %d statements", name, order, n)
			}
		}
	}
	if n := r.counted(unreadableCounter, ""); n != 0 {
		t.Errorf("%v addresses did not open", n)
	}
	if len(r.cached(account)) != 0 {
		t.Error("an order has filled Redis")
	}
}

// TestUnreadableAddressesComeLast breaks some in every way there is: they are counted, and put on record once.
func TestUnreadableAddressesComeLast(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	q := chat.ContactQuery{Sealed: true, Order: chat.ContactOrder{Field: chat.ContactsByEmail, Direction: chat.Ascending}}
	before, err := r.OrderContacts(t.Context(), r.account(schema.Acme), q)
	if err != nil {
		t.Fatal(err)
	}
	broken := []int64{before[0].ID, before[1].ID, before[2].ID, before[3].ID}
	for i, sql := range []string{
		`UPDATE cloakroom.contacts SET email_sealed = set_byte(email_sealed, length(email_sealed) - 1, get_byte(email_sealed, length(email_sealed) - 1) # 1) WHERE contact_id = $1`,
		`UPDATE cloakroom.contacts SET row_version = row_version + 1 WHERE contact_id = $1`,
		`DELETE FROM cloakroom.contacts WHERE contact_id = $1`,
		`UPDATE cloakroom.subject_keys SET key_sealed = set_byte(key_sealed, 20, get_byte(key_sealed, 20) # 1) WHERE contact_id = $1`,
	} {
		storetest.Exec(t, r.store, sql, broken[i])
	}
	for range 2 {
		after, err := r.OrderContacts(t.Context(), r.account(schema.Acme), q)
		if err != nil || len(after) != len(before) {
			t.Fatalf("%d places, %v", len(after), err)
		}
		for _, p := range after {
			if slices.Contains(broken, p.ID) && p.Text != nil {
				t.Errorf("contact %d stands at a text", p.ID)
			}
		}
		want := slices.DeleteFunc(slices.Clone(before), func(p *chat.Position) bool { return p.Text == nil || slices.Contains(broken, p.ID) })
		if diff := cmp.Diff(want, after[:len(want)]); diff != "" {
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
	q := chat.ContactQuery{Sealed: true, Filter: chat.ContactFilter{Blocked: &yes}, Order: addressOrders[2]}
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

// BenchmarkOrderContacts orders as many contacts as may be. Cold is a process that has just started.
func BenchmarkOrderContacts(b *testing.B) {
	r := newSealed(b)
	storetest.Exec(b, r.store, `INSERT INTO contacts (account_id, name, email, phone_number, created_at, updated_at)
		SELECT 1, 'crowd', md5(n::text) || '@example.com', '+1555' || lpad((n * 7919 % 10000000)::text, 7, '0'), now(), now() FROM generate_series(1, $1::int) n`,
		maxOrdered-storetest.Value[int64](b, r.store, `SELECT count(*) FROM contacts WHERE account_id = 1`))
	if err := r.SealAccount(b.Context(), schema.Acme, func(Sealing) {}); err != nil {
		b.Fatal(err)
	}
	q := chat.ContactQuery{Sealed: true, Order: addressOrders[0]}
	order := func(b *testing.B) {
		b.Helper()
		if places, err := r.OrderContacts(b.Context(), r.account(schema.Acme), q); err != nil || len(places) != maxOrdered {
			b.Fatalf("%d places, %v", len(places), err)
		}
	}
	order(b)
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			r.keys.Forget(schema.Acme)
			order(b)
		}
	})
	b.Run("warm", func(b *testing.B) {
		for b.Loop() {
			order(b)
		}
	})
	b.Run("statement", func(b *testing.B) {
		for b.Loop() {
			if rows, err := r.store.ListAddresses(b.Context(), schema.Acme, q, maxOrdered+1); err != nil || len(rows) != maxOrdered {
				b.Fatal(len(rows), err)
			}
		}
	})
}
