package vault

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// one gives the one row of a count.
func (r *replica) one(sql string, args ...any) int64 {
	r.t.Helper()
	return storetest.Value[int64](r.t, r.store, sql, args...)
}

func TestEraseTwice(t *testing.T) {
	t.Parallel()
	r := newErasable(t)
	first := r.eraseContact(everything)
	again := r.eraseContact(everything)
	if again.ID != first.ID || !again.ErasedAt.Equal(first.ErasedAt) || len(again.SubjectKeyIDs) != 1 {
		t.Errorf("%+v, then %+v", first, again)
	}
	for table, n := range first.Counts {
		if again.Counts[table] != n {
			t.Errorf("%s: %d rows, then %d", table, n, again.Counts[table])
		}
	}
	if n := r.one(`SELECT count(*) FROM cloakroom.jobs WHERE kind = 'verify_erasure'`); n != 1 {
		t.Errorf("%d jobs verify one erasure", n)
	}
	for _, unknown := range []int64{4711, schema.ContactOfBorealis} {
		if _, err := r.EraseContact(t.Context(), schema.Acme, unknown, why); !errors.Is(err, chat.ErrNotFound) {
			t.Errorf("contact %d: %v", unknown, err)
		}
	}
	if _, err := r.EraseContact(t.Context(), schema.Acme, everything, "for ann@example.com"); chat.CodeOf(err) != chat.Invalid {
		t.Errorf("a reason with an address: %v", err)
	}
}

// TestEraseAgainstWriters: whoever writes either came before, and is erased, or finds nobody to write to.
func TestEraseAgainstWriters(t *testing.T) {
	t.Parallel()
	r := newErasable(t)
	acme := r.account(schema.Acme)
	address := chat.PII("late.writer@example.org")
	start, errs := make(chan struct{}), make(chan error, 8)
	for range cap(errs) {
		go func() {
			<-start
			errs <- r.PutContact(context.Background(), acme, everything, map[chat.Field]*chat.PII{chat.FieldEmail: &address})
		}()
	}
	close(start)
	r.eraseContact(everything)
	for range cap(errs) {
		if err := <-errs; err != nil && !errors.Is(err, chat.ErrNotFound) {
			t.Error(err)
		}
	}
	if e := r.verify(everything); !e.Proven() {
		t.Errorf("left: %v", e.Leftovers)
	}
	if err := r.PutContact(t.Context(), acme, everything, map[chat.Field]*chat.PII{chat.FieldEmail: &address}); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("an erased contact is written: %v", err)
	}
}

// TestEraseWhileSealing erases contacts between any two batches of the sealing, and at once with one.
func TestEraseWhileSealing(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.WithDemo(t), leaseRedis(t))
	erased := make(chan error, 1)
	next, waiting := int64(1), 0
	err := r.SealAccount(t.Context(), schema.Acme, func(Sealing) {
		id := next
		next++
		waiting++
		go func() {
			_, err := r.EraseContact(context.Background(), schema.Acme, id, why)
			erased <- err
		}()
		if id%2 == 0 { // every other one goes on beside the next batch
			waiting--
			if err := <-erased; err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for range waiting {
		if err := <-erased; err != nil {
			t.Error(err)
		}
	}
	r.sealAll(schema.Acme)
	for id := int64(1); id < next; id++ {
		r.eraseContact(id) // those that were not waited for are erased now at the latest
		if e := r.verify(id); !e.Proven() {
			t.Errorf("contact %d: %v", id, e.Leftovers)
		}
	}
	if n := r.one(`SELECT count(*) FROM cloakroom.subject_keys k JOIN cloakroom.erasures e USING (account_id, contact_id) WHERE k.state = 'active'`); n != 0 {
		t.Errorf("%d erased contacts have a key", n)
	}
	r.all(r.account(schema.Acme))
	if n := r.counted(unreadableCounter, ""); n != 0 {
		t.Errorf("%v values did not open", n)
	}
}

// TestErasedBeforeSealing: rows that were erased in the clear, and what Chatwoot writes to them after, are sealed as nothing.
func TestErasedBeforeSealing(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.WithDemo(t), leaseRedis(t))
	r.eraseContact(everything)
	storetest.Exec(t, r.store, `UPDATE messages SET content = 'written after' WHERE id = (SELECT min(m.id) FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE c.contact_id = 1)`)
	r.sealAll(schema.Acme)
	if n := r.one(`SELECT count(*) FROM cloakroom.messages s JOIN conversations c ON c.id = s.conversation_id WHERE c.contact_id = 1
 AND num_nonnulls(content_sealed, attributes_sealed, rest_sealed) > 0`); n != 0 {
		t.Errorf("%d messages of an erased contact are sealed", n)
	}
	if got := r.email(everything); got != "none" {
		t.Errorf("the address is %q", got)
	}
	if e := r.verify(everything); !e.Proven() || e.Counts["messages"] == 0 {
		t.Errorf("left: %v", e.Leftovers)
	}
}

// TestEraseAgainstRewrap: a rotation that read the key before it was destroyed does not bring it back.
func TestEraseAgainstRewrap(t *testing.T) {
	t.Parallel()
	r := newErasable(t)
	key := storetest.Value[[]byte](t, r.store, `SELECT key_sealed FROM cloakroom.subject_keys WHERE contact_id = 1`)
	r.eraseContact(everything)
	if n := r.one(`WITH w AS (UPDATE cloakroom.subject_keys SET key_sealed = $1 WHERE contact_id = 1 AND state = 'active' AND key_sealed = $1 RETURNING 1) SELECT count(*) FROM w`, key); n != 0 {
		t.Error("compare-and-set finds the key")
	}
	if n := r.one(`SELECT count(*) FROM cloakroom.messages s JOIN conversations c ON c.id = s.conversation_id WHERE c.contact_id = 1 AND (s.key_id <> 0 OR s.row_version < 2)`); n != 0 {
		t.Errorf("%d rows can be taken for those of before", n)
	}
}

// TestAddressIsFree: an erased contact who writes in again is a new contact with a new key.
func TestAddressIsFree(t *testing.T) {
	t.Parallel()
	r := newErasable(t)
	address := chat.PII(plainValue(r, everything, "email"))
	r.eraseContact(everything)
	if _, err := r.LookupContact(t.Context(), r.account(schema.Acme), LookupField{Field: chat.FieldEmail, Value: address}); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("an erased contact is found: %v", err)
	}
	c, err := r.CreateContact(t.Context(), r.account(schema.Acme), ContactChange{chat.FieldEmail: &address})
	if err != nil {
		t.Fatal(err)
	}
	found, err := r.LookupContact(t.Context(), r.account(schema.Acme), LookupField{Field: chat.FieldEmail, Value: address})
	if err != nil || found.ID != c.ID || c.ID == everything {
		t.Errorf("%+v, %v", found, err)
	}
	if e := r.verify(everything); !e.Proven() {
		t.Errorf("left: %v", e.Leftovers)
	}
}

// TestMergedThenErased: what was another contact's is gone with the one that it was merged into, whoever merged them.
func TestMergedThenErased(t *testing.T) {
	t.Parallel()
	for name, merge := range map[string]func(r *replica, base, mergee int64){
		"here": func(r *replica, base, mergee int64) {
			if _, err := r.MergeContacts(r.t.Context(), r.account(schema.Acme), base, mergee); err != nil {
				r.t.Fatal(err)
			}
		},
		"by Chatwoot": func(r *replica, base, mergee int64) {
			for _, table := range []string{"conversations", "contact_inboxes", "notes"} {
				storetest.Exec(r.t, r.store, `UPDATE `+table+` SET contact_id = $1 WHERE contact_id = $2`, base, mergee)
			}
			storetest.Exec(r.t, r.store, `DELETE FROM contacts WHERE id = $1`, mergee)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newErasable(t)
			mergee := everything + 1
			merge(r, everything, mergee)
			r.eraseContact(everything)
			if e := r.verify(everything); !e.Proven() {
				t.Errorf("left: %v", e.Leftovers)
			}
			if n := r.one(`SELECT count(*) FROM cloakroom.subject_keys WHERE contact_id IN ($1, $2) AND (state = 'active' OR key_sealed <> '')`, everything, mergee); n != 0 {
				t.Errorf("%d keys are left", n)
			}
			if n := r.one(`SELECT count(*) FROM cloakroom.contacts WHERE contact_id IN ($1, $2) AND email_sealed IS NOT NULL`, everything, mergee); n != 0 {
				t.Errorf("%d contacts are left", n)
			}
		})
	}
}

// TestCrash: an erasure that does not commit has done nothing; what one could not do after its commit, the verifier does.
func TestCrash(t *testing.T) {
	t.Parallel()
	r := newErasable(t)
	before := r.all(r.account(schema.Acme))
	died := errors.New("died before the commit")
	e := &erasing{Vault: r.Vault, by: chat.Operator}
	err := r.store.InTx(t.Context(), func(tx *store.Store) error {
		if err := e.run(t.Context(), tx, schema.Acme, everything); err != nil {
			return err
		}
		return died
	})
	if !errors.Is(err, died) || r.audited(chat.ContactErased) != 0 {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, r.all(r.account(schema.Acme))); diff != "" {
		t.Error("an erasure that did not commit has changed something")
	}
	r.Settle() // every record is in the cache
	acme := r.account(schema.Acme)
	if err := r.store.InTx(t.Context(), func(tx *store.Store) error {
		return (&erasing{Vault: r.Vault, by: chat.Operator}).run(t.Context(), tx, schema.Acme, everything)
	}); err != nil {
		t.Fatal(err)
	}
	key := cacheKey(acme.ID, acme.Settings.CacheEpoch, chat.RecordKey{Kind: chat.ContactRecord, ID: everything})
	if r.client.Exists(t.Context(), key).Val() != 1 {
		t.Fatal("the record was not in the cache")
	}
	if got := r.email(everything); got != "none" {
		t.Errorf("the address is %q: a record of before is read", got)
	}
	if e := r.verify(everything); !e.Proven() {
		t.Errorf("left: %v", e.Leftovers)
	}
	if r.client.Exists(t.Context(), key).Val() != 0 {
		t.Error("the verifier left a record in the cache")
	}
}
