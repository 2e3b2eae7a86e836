package vault

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// whole says that the numbers of account 1 have no hole, that every entry has exactly one, and that all is proven.
func (r *trail) whole(entries int64) {
	r.t.Helper()
	r.prove()
	type row struct{ Leaves, Highest, Entries, Unnumbered int64 }
	got := row{
		storetest.Value[int64](r.t, r.store, `SELECT count(*) FROM cloakroom.audit_leaves WHERE account_id = 1`),
		storetest.Value[int64](r.t, r.store, `SELECT max(seq) FROM cloakroom.audit_leaves WHERE account_id = 1`),
		storetest.Value[int64](r.t, r.store, `SELECT count(*) FROM cloakroom.audit_entries WHERE account_id = 1`),
		storetest.Value[int64](r.t, r.store, `SELECT count(*) FROM cloakroom.audit_entries e WHERE account_id = 1 AND NOT EXISTS (SELECT 1 FROM cloakroom.audit_leaves l WHERE l.account_id = 1 AND l.entry_id = e.entry_id)`),
	}
	if got != (row{entries, entries - 1, entries, 0}) {
		r.t.Errorf("%+v, want %d entries", got, entries)
	}
	if found, _ := r.verifyAudit(true); found != nil {
		r.t.Errorf("%q", found)
	}
}

// TestSequencerIsKilled at every step it takes; whoever comes next goes on, and what lies outside is what was signed.
func TestSequencerIsKilled(t *testing.T) {
	t.Parallel()
	r := newTrail(t)
	killed := errors.New("killed")
	for i, at := range []string{"read", "leaves", "commit", "committed", "signed", "kept", "put", "delivered"} {
		r.write(schema.Acme, 3)
		r.age("2 minutes")
		storetest.Exec(t, r.store, `UPDATE cloakroom.audit_deliveries SET next_try_at = now()`)
		r.AuditLog.step = func(step string) {
			if step == at {
				panic(killed)
			}
		}
		r.until("the sequencer comes to "+at, func() bool { return r.dies(killed) })
		r.AuditLog.step = nil
		storetest.Exec(t, r.store, `UPDATE cloakroom.audit_deliveries SET next_try_at = now()`) // as if the lease had run out
		r.whole(int64(3 * (i + 1)))
	}
}

// dies goes through all steps and says whether it was killed on the way.
func (r *trail) dies(killed error) (dead bool) {
	defer func() {
		if why := recover(); why != nil {
			dead = errors.Is(why.(error), killed)
		}
	}()
	for _, do := range []func(context.Context) error{r.sequenceAll, r.signAll, r.deliverAll} {
		if err := do(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
	}
	return false
}

// TestSequencersAtOnce: several replicas number, sign and deliver while others write.
func TestSequencersAtOnce(t *testing.T) {
	t.Parallel()
	r := newTrail(t)
	const writers, each = 4, 60
	var writing, keeping sync.WaitGroup
	rest := make(chan struct{})
	for range writers {
		writing.Go(func() {
			for range each {
				if err := r.Record(t.Context(), chat.AuditEntry{AccountID: schema.Acme, Actor: chat.Operator, Action: chat.Refused, EntityType: "user", EntityID: "1"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 3 {
		keeping.Go(func() {
			for going := true; going; {
				for _, do := range []func(context.Context) error{r.sequenceAll, r.signAll, r.deliverAll} {
					if err := do(t.Context()); err != nil {
						t.Error(err)
					}
				}
				select {
				case <-rest:
					going = false
				default:
				}
			}
		})
	}
	writing.Wait()
	close(rest)
	keeping.Wait()
	r.whole(writers * each)
}

// TestCommitsOutOfOrder: an entry whose transaction began first and commits last has its number all the same, and none
// that began after it is numbered before.
func TestCommitsOutOfOrder(t *testing.T) {
	t.Parallel()
	r := newTrail(t)
	r.write(schema.Acme, 2)
	r.number()
	write := func(tx *store.Store) error {
		return r.Vault.write(t.Context(), tx, chat.AuditEntry{AccountID: schema.Acme, Actor: chat.Operator, Action: chat.Refused, EntityType: "user", EntityID: "late"})
	}
	err := r.store.InTx(t.Context(), func(early *store.Store) error {
		if err := write(early); err != nil {
			return err
		}
		r.write(schema.Acme, 5)
		if err := r.sequenceAll(t.Context()); err != nil {
			return err
		}
		if n := storetest.Value[int64](t, r.store, `SELECT count(*) FROM cloakroom.audit_leaves`); n != 2 {
			return fmt.Errorf("%d entries are numbered while one before them may still come", n)
		}
		if found, v := r.verifyAudit(false); len(found) != 1 || v[schema.Acme].Waiting != 5 {
			return fmt.Errorf("%q, %+v", found, v)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r.number()
	if late := storetest.Value[int64](t, r.store, `SELECT l.seq FROM cloakroom.audit_leaves l JOIN cloakroom.audit_entries e USING (account_id, entry_id) WHERE e.entity_id = 'late'`); late != 2 {
		t.Errorf("the entry of the oldest transaction has number %d", late)
	}
	r.whole(8)
}

// TestOldTrailIsNumbered: what was on record before there was a tree has one transaction for all of it, and more than one
// batch.
func TestOldTrailIsNumbered(t *testing.T) {
	t.Parallel()
	r := newTrail(t)
	r.write(schema.Acme, 1)
	storetest.Exec(t, r.store, `ALTER TABLE cloakroom.audit_entries DROP COLUMN xid`)
	storetest.Exec(t, r.store, `INSERT INTO cloakroom.audit_entries (account_id, actor_kind, actor_id, action, entity_type, entity_id, request_id, key_id, details_sealed)
 SELECT account_id, actor_kind, actor_id, action, entity_type, n, request_id, key_id, details_sealed FROM cloakroom.audit_entries, generate_series(1, 3 * $1::int8) n`, sequenceBatch)
	storetest.Exec(t, r.store, `ALTER TABLE cloakroom.audit_entries ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id()`)
	storetest.Exec(t, r.store, `CREATE INDEX ON cloakroom.audit_entries (account_id, xid, entry_id)`)
	r.write(schema.Acme, 2)
	r.whole(3*sequenceBatch + 3)
}

// TestRestoredElsewhere: a database that was dumped and restored into another server goes on, although that one counts
// its transactions from another number, lower or higher.
func TestRestoredElsewhere(t *testing.T) {
	t.Parallel()
	for name, shift := range map[string]int64{"lower": 1_000_000_000, "higher": -100} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newTrail(t)
			r.write(schema.Acme, 4)
			storetest.Exec(t, r.store, `UPDATE cloakroom.audit_entries SET xid = (xid::text::int8 + $1)::text::xid8`, shift)
			storetest.Exec(t, r.store, `INSERT INTO cloakroom.audit_trees VALUES (1, 0, '{}', (pg_current_xact_id()::text::int8 + $1 - 50)::text::xid8, 0)`, shift)
			r.write(schema.Acme, 3)
			r.whole(7)
			r.write(schema.Acme, 1)
			r.whole(8)
		})
	}
}
