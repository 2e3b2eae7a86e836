package vault

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// indexState moves a generation of Acme's index keyset.
func (r *replica) indexState(generation int, from, to string) {
	r.t.Helper()
	if err := r.store.SetKeysetState(r.t.Context(), schema.Acme, chat.KeysetIndex, generation, from, to); err != nil {
		r.t.Fatal(err)
	}
	r.keys.Forget(schema.Acme)
}

// secondIndex makes a second generation, pending. Whoever has read the keys before does not know of it.
func (r *replica) secondIndex() {
	r.t.Helper()
	made, err := r.keys.NewGeneration(r.t.Context(), schema.Acme, chat.KeysetIndex, 2)
	if err == nil {
		err = r.store.CreateKeysets(r.t.Context(), []chat.Keyset{made})
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.keys.Forget(schema.Acme)
}

// indexPhases are the ways an index keyset can stand while it is rotated. Each is reached from the one before.
var indexPhases = []struct {
	name  string
	enter func(r *replica)
}{
	{"1", func(*replica) {}},
	{"1 active, 2 pending", func(r *replica) { r.secondIndex() }},
	{"1 active, 2 pending and complete", func(r *replica) {
		for _, id := range ids(r.t, r.store, `SELECT contact_id, contact_id FROM cloakroom.contacts WHERE account_id = $1`, schema.Acme) {
			r.put(id, changes{}) // a write that changes nothing adds what is missing
		}
	}},
	{"1 retired, 2 active", func(r *replica) {
		r.indexState(1, chat.KeysetActive, chat.KeysetRetired)
		r.indexState(2, chat.KeysetPending, chat.KeysetActive)
	}},
	{"2", func(r *replica) { r.indexState(1, chat.KeysetRetired, chat.KeysetRefused) }},
}

// race runs writers at once and says how many were let through; the others must have been told of a duplicate.
func race(t *testing.T, n int, write func(i int) error) (won int) {
	t.Helper()
	errs := make([]error, n)
	var writers sync.WaitGroup
	for i := range n {
		writers.Go(func() { errs[i] = write(i) })
	}
	writers.Wait()
	for i, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, chat.ErrDuplicate):
			t.Errorf("writer %d: %v", i, err)
		}
	}
	return won
}

// TestOneOfManyWritersHoldsAnAddress has writers of two replicas give one address to as many contacts at once, in every
// phase of a rotation of the index key, and while one of the replicas does not know of the new generation yet.
func TestOneOfManyWritersHoldsAnAddress(t *testing.T) {
	t.Parallel()
	one := newSealed(t)
	late := newReplica(t, one.store, nil)
	two := newReplica(t, one.store, nil)
	if _, err := late.keys.Account(t.Context(), schema.Acme); err != nil {
		t.Fatal(err)
	}
	for phase, p := range indexPhases {
		p.enter(one)
		two.keys.Forget(schema.Acme)
		pairs := map[string][]*replica{"": {one, two}}
		if phase < 2 { // afterwards nobody is late any more: a rotation waits for every replica
			pairs[", one replica late"] = []*replica{one, late}
		}
		for name, pair := range pairs {
			name = p.name + name
			mail, phone := fmt.Sprintf("phase%d.%d@example.org", phase, len(name)), fmt.Sprintf("+35191%03d%04d", phase, len(name))
			if won := race(t, 8, func(i int) error {
				r := pair[i%2]
				return r.PutContact(t.Context(), r.account(schema.Acme), schema.ContactOfCompany+int64(i), changes{chat.FieldEmail: to(mail)})
			}); won != 1 {
				t.Errorf("%s: %d contacts have the address", name, won)
			}
			if won := race(t, 8, func(i int) error {
				r := pair[i%2]
				_, err := r.CreateContact(t.Context(), r.account(schema.Acme), changes{chat.FieldName: to("New"), chat.FieldPhone: to(phone)})
				return err
			}); won != 1 {
				t.Errorf("%s: %d new contacts have the number", name, won)
			}
			for _, l := range []LookupField{{chat.FieldEmail, chat.PII(mail)}, {chat.FieldPhone, chat.PII(phone)}} {
				if _, err := two.LookupContact(t.Context(), two.account(schema.Acme), l); err != nil {
					t.Errorf("%s: the winner is not found by %s: %v", name, fieldNames[l.Field], err)
				}
			}
		}
	}
	if n := storetest.Value[int64](t, one.store, `SELECT count(*) FROM (SELECT 1 FROM cloakroom.lookup_tags WHERE exclusive
		GROUP BY account_id, field, generation, tag_index HAVING count(*) > 1) x`); n != 0 {
		t.Errorf("%d values are held twice", n)
	}
	if n := storetest.Value[int64](t, one.store, `SELECT count(*) FROM contacts WHERE account_id = 1 AND name = 'New'`); n != int64(len(indexPhases)+2) {
		t.Errorf("%d contacts were made: those that lost have left a row", n)
	}
}

// TestThoseThatShareAnAddressGoOn: three contacts have had one number since before sealing. One holds it, all keep it
// through whatever else of them changes, nobody else gets it before the last has given it up.
func TestThoseThatShareAnAddressGoOn(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	const first = schema.ContactWithSharedPhone
	phone := plainValue(r, first, "phone_number")
	held := func() string {
		return storetest.Value[string](t, r.store, `SELECT string_agg(contact_id || ' ' || exclusive, ', ' ORDER BY contact_id)
			FROM cloakroom.lookup_tags WHERE account_id = 1 AND field = 2 AND generation = 1 AND contact_id BETWEEN $1 AND $1 + 2`, first)
	}
	const before = "50 true, 51 false, 52 false"
	if got := held(); got != before {
		t.Fatalf("sealed as %q", got)
	}
	for id := first; id < first+3; id++ {
		r.put(id, changes{chat.FieldName: to("Renamed"), chat.FieldPhone: to(" " + phone + " ")}) // the same to whoever compares
		r.put(id, changes{chat.FieldCustomAttributes: nil})
	}
	if got := held(); got != before {
		t.Errorf("after changes beside it: %q", got)
	}
	other := func() error {
		return r.PutContact(t.Context(), r.account(schema.Acme), everything, changes{chat.FieldPhone: to(phone)})
	}
	for id := first; id < first+3; id++ { // the holder first: no index keeps others out then
		if err := other(); !errors.Is(err, chat.ErrDuplicate) {
			t.Errorf("with %d contacts left: %v", first+3-id, err)
		}
		r.put(id, changes{chat.FieldPhone: nil})
	}
	if err := other(); err != nil {
		t.Errorf("nobody has it: %v", err)
	}
}

// TestSealersShareWhatTheyFind: two replicas seal a backlog in which rows of one batch, and of one another's, have the
// same address. Each is found, one holds it, nobody fails.
func TestSealersShareWhatTheyFind(t *testing.T) {
	t.Parallel()
	one := newReplica(t, storetest.WithDemo(t), nil)
	two := newReplica(t, one.store, nil)
	storetest.Exec(t, one.store, `UPDATE contacts SET phone_number = '+15550000001' WHERE account_id = 1 AND id % 3 = 0`)
	storetest.Exec(t, one.store, `UPDATE contacts SET phone_number = '+15550000002' WHERE account_id = 1 AND id % 3 = 1`)
	if _, err := one.keys.Account(t.Context(), schema.Acme); err != nil {
		t.Fatal(err)
	}
	rows, err := one.store.ListUnsealed(t.Context(), schema.Acme, chat.ContactRecord, 0, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var sealers sync.WaitGroup
	for i, r := range []*replica{one, two} {
		sealers.Go(func() {
			keys, err := r.keys.Account(context.WithoutCancel(t.Context()), schema.Acme)
			if err == nil {
				half := rows[i*len(rows)/2 : (i+1)*len(rows)/2]
				err = r.sealRows(t.Context(), keys, chat.ContactRecord, half)
			}
			if err != nil {
				t.Errorf("sealer %d: %v", i, err)
			}
		})
	}
	sealers.Wait()
	const shared = `SELECT count(*) FILTER (WHERE exclusive) * 1000 + count(*) FROM cloakroom.lookup_tags WHERE account_id = 1 AND field = 2
		AND tag_index IN (SELECT tag_index FROM cloakroom.lookup_tags WHERE field = 2 GROUP BY tag_index HAVING count(*) > 50)`
	third := storetest.Value[int64](t, one.store, `SELECT count(*) FROM contacts WHERE account_id = 1 AND id % 3 IN (0, 1)`)
	if n := storetest.Value[int64](t, one.store, shared); n != 2000+third {
		t.Errorf("%d entries hold two numbers and %d are there; want 2 and %d", n/1000, n%1000, third)
	}
}
