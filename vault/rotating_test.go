package vault

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/events"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// newRotating gives a replica on a sealed demo and a master key of its own: the keys of epochs are destroyed there.
func newRotating(t testing.TB) *replica {
	t.Helper()
	s := sealedDemo.Clone(t)
	setEpoch(t, s)
	folder := t.TempDir()
	files, err := filepath.Glob(filepath.Join(filepath.Dir(strings.TrimPrefix(masterKey, "local-file://")), "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		key, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(file)), key, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return replicaUnder(t, s, "local-file://"+filepath.Join(folder, filepath.Base(masterKey)))
}

// replicaUnder is a replica whose trust begins at a master key.
func replicaUnder(t testing.TB, s *store.Store, uri string) *replica {
	t.Helper()
	r := newReplica(t, s, nil)
	master, err := keyring.OpenMasterKey(t.Context(), uri, false)
	if err != nil {
		t.Fatal(err)
	}
	if r.keys, err = keyring.New(master, s, keyring.WithFollower(keyring.OpenMasterKey)); err != nil {
		t.Fatal(err)
	}
	r.master = uri
	return r
}

// another is a second replica of the same installation.
func (r *replica) another() *replica {
	r.t.Helper()
	return replicaUnder(r.t, r.store, r.master)
}

// begin starts a job.
func (r *replica) begin(kind chat.JobKind, account int64, arguments chat.JobArguments) *chat.Job {
	r.t.Helper()
	job, started, err := r.StartJob(r.t.Context(), kind, account, arguments)
	if err != nil || !started {
		r.t.Fatalf("start %s: %v, %v", kind, started, err)
	}
	return job
}

// finish works on a job until it is over.
func (r *replica) finish(job *chat.Job) *chat.Job {
	r.t.Helper()
	for {
		_, done, err := r.WorkJob(r.t.Context(), job.ID, time.Minute)
		if err != nil {
			r.t.Fatal(err)
		}
		if job, err = r.FindJob(r.t.Context(), job.ID); err != nil {
			r.t.Fatal(err)
		}
		if done {
			return job
		}
		tick(r.t)
	}
}

// tick lets a moment pass.
func tick(t testing.TB) {
	t.Helper()
	timer := time.NewTimer(10 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-t.Context().Done():
		t.Fatal("the test is over")
	case <-timer.C:
	}
}

func (r *replica) found(id int64) *chat.Job {
	r.t.Helper()
	job, err := r.FindJob(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return job
}

// wrong gives what a query finds, one to a line.
func (r *replica) wrong(query string) string {
	r.t.Helper()
	return storetest.Value[string](r.t, r.store, `SELECT COALESCE(string_agg(found, E'\n'), '') FROM (`+query+`) q(found)`)
}

// open gives every sealed value of an account, with the version of its row.
func (r *replica) open(account int64) map[string]string {
	r.t.Helper()
	keys, err := r.keys.Account(r.t.Context(), account)
	if err != nil {
		r.t.Fatal(err)
	}
	values := make(map[string]string)
	err = r.store.InTx(r.t.Context(), func(tx *store.Store) error {
		for _, kind := range sealOrder {
			rows, err := tx.LockStaleRows(r.t.Context(), account, kind, 0, 0, -1, 1_000_000)
			if err != nil {
				return err
			}
			for _, row := range rows {
				if err := openRow(values, keys, kind, row); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return values
}

func openRow(values map[string]string, keys *keyring.Account, kind chat.RecordKind, row store.StaleRow) error {
	for i, f := range sealFields[kind] {
		if row.Columns[i] == nil {
			continue
		}
		subject, err := keys.Subject(row.KeyContactID, row.SubjectKeyID, row.KeySealed)
		if err != nil {
			return fmt.Errorf("%s %d: %w", recordNames[kind], row.ID, err)
		}
		value, err := subject.Open(keyring.Place{Table: f.Table(), Field: f, Row: row.ID, Version: row.Version}, row.Columns[i])
		if err != nil {
			return err
		}
		values[fmt.Sprintf("%s %d %s v%d", recordNames[kind], row.ID, f, row.Version)] = string(value)
	}
	return nil
}

// tags counts blind index entries, by field, and those that are held.
func (r *replica) tags() string {
	r.t.Helper()
	return r.wrong(`SELECT field || ': ' || count(*) || ', held ' || count(*) FILTER (WHERE exclusive) FROM cloakroom.lookup_tags
 GROUP BY account_id, field, generation ORDER BY 1`)
}

// alias is how masked agents see a contact.
func (r *replica) alias() string {
	r.t.Helper()
	keys, err := r.keys.Account(r.t.Context(), schema.Acme)
	if err != nil {
		r.t.Fatal(err)
	}
	alias, err := keys.Alias(everything)
	if err != nil {
		r.t.Fatal(err)
	}
	return alias
}

// lookUp finds a contact by each of its addresses.
func (r *replica) lookUp(id int64) {
	r.t.Helper()
	account := r.account(schema.Acme)
	c := r.contacts(account, id)[0]
	for _, f := range addressFields {
		value, err := c.Values.Get(f)
		if err != nil || value == nil {
			r.t.Fatalf("%s: %v", fieldNames[f], err)
		}
		found, err := r.LookupContact(r.t.Context(), account, LookupField{Field: f, Value: *value})
		if err != nil || found.ID != id {
			r.t.Errorf("look up %s: %+v, %v", fieldNames[f], found, err)
		}
	}
}

// serves does something as a request would: within a turn, with the settings of now.
func (r *replica) serves(do func(account *chat.Account) error) error {
	defer r.Enter()()
	account, err := r.findAccount(r.t.Context(), schema.Acme)
	if err != nil {
		return err
	}
	return do(account)
}

// attends has a replica follow changes of keys until the test ends.
func (r *replica) attends() *replica {
	r.t.Helper()
	if err := r.Register(r.t.Context(), "test"); err != nil {
		r.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(r.t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); r.Attend(ctx) }()
	go r.bus.Listen(ctx, nil, func(e events.Event) {
		if e.Kind == events.KeysChanged {
			r.KeysChanged()
		}
	})
	r.t.Cleanup(func() { stop(); <-ended })
	return r
}

// step works on one batch.
func (r *replica) step(job **chat.Job) {
	r.t.Helper()
	if _, done, err := r.WorkJob(r.t.Context(), (*job).ID, 0); err != nil || done {
		r.t.Fatalf("%s ended at %q: %v", (*job).Kind, (*job).Step, err)
	}
	*job = r.found((*job).ID)
}
