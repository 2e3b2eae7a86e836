package vault

import (
	"errors"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestSetSearchMode goes to SCAN and back: every choice is on record, nothing is searched by tokens that are not complete,
// and what was written in between is found by what it is now.
func TestSetSearchMode(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	set := func(mode chat.SearchMode) chat.SearchSettings {
		t.Helper()
		account, err := r.SetSearchMode(t.Context(), chat.Operator, schema.Acme, mode, "as agreed")
		if err != nil {
			t.Fatal(err)
		}
		return account.Settings.Search
	}
	jobs := func() int64 { return r.one(`SELECT count(*) FROM cloakroom.jobs WHERE kind = 'index_search'`) }

	if s := set(chat.SearchByTokens); !s.MessagesIndexed || !s.ContactsIndexed || jobs() != 0 {
		t.Errorf("a choice that changes nothing leaves %+v and %d jobs", s, jobs())
	}
	if s := set(chat.SearchByScan); s.Mode != chat.SearchByScan || s.MessagesIndexed || s.ContactsIndexed || jobs() != 1 {
		t.Errorf("after SCAN was chosen: %+v, %d jobs", s, jobs())
	}
	r.put(everything, changes{chat.FieldEmail: to("in.between@example.org")})
	if n := r.one(`SELECT count(*) FROM cloakroom.contact_tokens WHERE contact_id = $1`, everything); n != 0 {
		t.Error("a contact that was changed keeps tokens of what it was")
	}
	// Back before the job has begun: there is one job, and it makes what is wanted now.
	if s := set(chat.SearchByTokens); s.Mode != chat.SearchByTokens || s.MessagesIndexed || s.ContactsIndexed || jobs() != 1 {
		t.Errorf("after TOKENS was chosen again: %+v, %d jobs", s, jobs())
	}
	job, err := r.store.FindOpenJob(t.Context(), chat.IndexSearch, schema.Acme, 0)
	if err != nil {
		t.Fatal(err)
	}
	for job.Step != "mark" {
		r.step(&job)
	}
	// Once more while it is about to end: it takes away what it has made.
	set(chat.SearchByScan)
	if job = r.finish(job); job.State != chat.JobDone || jobs() != 1 {
		t.Errorf("the job is %s, of %d", job.State, jobs())
	}
	if n := r.one(`SELECT count(*) FROM cloakroom.message_tokens`) + r.one(`SELECT count(*) FROM cloakroom.contact_tokens`); n != 0 {
		t.Errorf("%d rows of tokens are left", n)
	}
	set(chat.SearchByTokens)
	job, err = r.store.FindOpenJob(t.Context(), chat.IndexSearch, schema.Acme, 0)
	if err != nil {
		t.Fatal(err)
	}
	r.finish(job)
	if wrong := r.wrong(notIndexed); wrong != "" {
		t.Errorf("not indexed: %.500s", wrong)
	}
	if wrong := r.wrongWords(renewContacts); wrong != nil {
		t.Errorf("%.500s", wrong)
	}
	if n := r.audited(chat.SearchModeSet); n != 5 {
		t.Errorf("%d choices are on record, want 5", n)
	}
}

func TestSetSearchModeRefusals(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	for name, c := range map[string]struct {
		account int64
		mode    chat.SearchMode
		reason  string
		want    chat.Code
	}{
		"no reason":     {schema.Acme, chat.SearchByScan, " ", chat.Invalid},
		"an address":    {schema.Acme, chat.SearchByScan, "for ann@example.com", chat.Invalid},
		"no such mode":  {schema.Acme, "GUESS", "as agreed", chat.Invalid},
		"no such place": {4711, chat.SearchByScan, "as agreed", chat.NotFound},
	} {
		if _, err := r.SetSearchMode(t.Context(), chat.Operator, c.account, c.mode, c.reason); chat.CodeOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := r.audited(chat.SearchModeSet) + int(r.one(`SELECT count(*) FROM cloakroom.jobs`)); n != 0 {
		t.Errorf("%d entries and jobs about what was refused", n)
	}
}

// TestChoiceBesideWriters: who chooses waits for a writer, whom nobody else waits for meanwhile for long.
func TestChoiceBesideWriters(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	chosen := make(chan error, 1)
	err := r.store.InTx(t.Context(), func(tx *store.Store) error {
		if _, err := tx.HoldSearchSettings(t.Context(), schema.Acme); err != nil {
			return err
		}
		go func() {
			_, err := r.SetSearchMode(t.Context(), chat.Operator, schema.Acme, chat.SearchByScan, "as agreed")
			chosen <- err
		}()
		for range 20 {
			other := r.store.InTx(t.Context(), func(other *store.Store) error {
				_, err := other.HoldSearchSettings(t.Context(), schema.Acme) // behind who waits, and only for as long as that does
				return err
			})
			if other != nil {
				return other
			}
			tick(t)
		}
		select {
		case err := <-chosen:
			t.Errorf("it was chosen beside a writer: %v", err)
		default:
		}
		return nil
	})
	if err := errors.Join(err, <-chosen); err != nil {
		t.Fatal(err)
	}
	if mode := r.account(schema.Acme).Settings.Search.Mode; mode != chat.SearchByScan {
		t.Errorf("the mode is %s", mode)
	}
	if patience := storetest.Value[string](t, r.store, `SHOW lock_timeout`); patience != "0" {
		t.Errorf("a connection is left with a patience of %s", patience)
	}
}
