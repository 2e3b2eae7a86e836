package vault

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestAnOrderIsLockedBriefly: from the lock to the commit a contact is placed in two round trips, and where it stands
// already it takes one. The first of them locks.
func TestAnOrderIsLockedBriefly(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.labels(chat.ContactsByEmail)
	at := r.valued(chat.ContactsByEmail)[40]
	beyond := "zz@x.example"
	for _, c := range []struct {
		what              string
		place             chat.Position
		trips, statements int64
	}{
		{"stands", *at, 1, 2},
		{"comes", chat.Position{ID: 1 << 40, Text: at.Text}, 2, 3},
		{"moves", chat.Position{ID: at.ID, Text: &beyond}, 2, 3},
		{"leaves", chat.Position{ID: at.ID}, 2, 2},
	} {
		err := r.store.InTx(t.Context(), func(tx *store.Store) error {
			keys, err := r.keys.Account(t.Context(), schema.Acme)
			if err != nil {
				return err
			}
			settings, err := tx.HoldSearchSettings(t.Context(), schema.Acme)
			if err != nil {
				return err
			}
			p := &placing{vault: r.Vault, tx: tx, ordering: settings.Orderings[0], orderKeys: orderKeys{keys, chat.ContactsByEmail}, places: []*chat.Position{&c.place}}
			if err := p.look(t.Context()); err != nil {
				return err
			}
			ctx, count := store.WithCount(t.Context())
			if err := p.run(ctx); err != nil {
				return err
			}
			if trips, statements := count.RoundTrips.Load(), count.Statements.Load(); trips != c.trips || statements != c.statements {
				t.Errorf("who %s takes %d statements in %d round trips, want %d in %d", c.what, statements, trips, c.statements, c.trips)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestNothingIsWrittenAfterLabels: who waits for an order has written everything else, the record of it included, and
// keeps nobody from changing keys.
func TestNothingIsWrittenAfterLabels(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.labels(chat.ContactsByEmail)
	ids := r.labelled(chat.ContactsByEmail)
	for _, c := range []struct {
		what   string
		tables string
		write  func(ctx context.Context) error
	}{
		{"create", "audit_entries contact_tokens contacts", func(ctx context.Context) error {
			_, err := r.CreateContact(ctx, r.account(schema.Acme), ContactChange{chat.FieldEmail: to("comes@x.example")})
			return err
		}},
		{"put", "audit_entries contact_tokens contacts", func(ctx context.Context) error {
			return r.PutContact(ctx, r.account(schema.Acme), ids[0], ContactChange{chat.FieldEmail: to("moves@x.example")})
		}},
		{"merge", "accounts audit_entries contact_tokens contacts messages", func(ctx context.Context) error {
			_, err := r.MergeContacts(ctx, r.account(schema.Acme), ids[1], ids[2])
			return err
		}},
	} {
		r.beside(func() error { return c.write(t.Context()) }, func(context.Context, *store.Store) error {
			written := storetest.Value[[]string](t, r.store, `SELECT array_agg(DISTINCT c.relname::text) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
 WHERE l.mode = 'RowExclusiveLock' AND c.relkind = 'r' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
 AND l.pid IN (SELECT w.pid FROM pg_locks w WHERE w.locktype = 'advisory' AND NOT w.granted)`)
			for table := range strings.FieldsSeq(c.tables) {
				if !strings.Contains(" "+strings.Join(written, " ")+" ", " "+table+" ") {
					t.Errorf("%s: nothing is written to %s before the order is locked, but to %v", c.what, table, written)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			_, err := r.store.NoteKeyChange(ctx, schema.Acme)
			return err
		})
	}
	r.keeps(chat.ContactsByEmail)
}
