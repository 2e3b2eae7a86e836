package vault

import (
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// BenchmarkOrderContacts orders as many contacts as may be. Cold is a process that has just started.
func BenchmarkOrderContacts(b *testing.B) {
	r := newSealed(b)
	storetest.Exec(b, r.store, `INSERT INTO contacts (account_id, name, email, phone_number, created_at, updated_at)
		SELECT 1, 'crowd', md5(n::text) || '@example.com', '+1555' || lpad((n * 7919 % 10000000)::text, 7, '0'), now(), now() FROM generate_series(1, $1::int) n`,
		maxOrdered-storetest.Value[int64](b, r.store, `SELECT count(*) FROM contacts WHERE account_id = 1`))
	if err := r.SealAccount(b.Context(), schema.Acme, func(Sealing) {}); err != nil {
		b.Fatal(err)
	}
	q := chat.ContactQuery{Sealed: true, Order: addressOrders[0], Page: chat.Page{Limit: 25}}
	order := func(b *testing.B) {
		b.Helper()
		if places, err := r.OrderContacts(b.Context(), r.account(schema.Acme), q); err != nil || len(places) != 26 {
			b.Fatalf("%d places, %v", len(places), err)
		}
	}
	order(b)
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			r.keys.Forget(schema.Acme)
			r.forgetLists()
			order(b)
		}
	})
	b.Run("opened keys", func(b *testing.B) {
		for b.Loop() {
			r.forgetLists()
			order(b)
		}
	})
	b.Run("from Redis", func(b *testing.B) {
		for b.Loop() {
			r.Settle()
			r.orders.forget()
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
			if rows, err := r.store.ListOrderValues(b.Context(), schema.Acme, q, maxOrdered+1); err != nil || len(rows) != maxOrdered {
				b.Fatal(len(rows), err)
			}
		}
	})
}
