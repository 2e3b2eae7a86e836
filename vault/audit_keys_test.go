package vault

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// deeds lists what is on record of an account, oldest first, as action, thing and id; a job's id is left out.
func (r *replica) deeds(account int64) (list []string) {
	r.t.Helper()
	entries, err := r.Entries(r.t.Context(), account, time.Time{}, 1000)
	if err != nil {
		r.t.Fatal(err)
	}
	slices.SortFunc(entries, func(a, b chat.AuditEntry) int { return int(a.ID - b.ID) })
	for _, e := range entries {
		if e.EntityType == "job" {
			e.EntityID = ""
		}
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Action, e.EntityType, e.EntityID)))
	}
	return list
}

// TestKeyOperationsAreOnRecord: each step of a key's way from its making to its destruction, under the name of the key and
// by whoever began it.
func TestKeyOperationsAreOnRecord(t *testing.T) {
	t.Parallel()
	all := rotations(t.TempDir())
	for name, want := range map[string][]string{
		"account": {"job_started job", "keyset_created keyset data/2", "keyset_created keyset audit/2", "keyset_created keyset vault/2", "keyset_created keyset cursor/2",
			"keyset_activated keyset data/2", "keyset_activated keyset audit/2", "keyset_activated keyset vault/2", "keyset_activated keyset cursor/2",
			"keyset_refused keyset data/1", "keyset_refused keyset vault/1", "keyset_destroyed keyset data/1", "keyset_destroyed keyset vault/1", "job_done job"},
		"index":  {"job_started job", "keyset_created keyset index/2", "keyset_activated keyset index/2", "keyset_refused keyset index/1", "keyset_destroyed keyset index/1", "job_done job"},
		"epoch":  {"job_started job", "key_epoch_begun epoch 2", "key_epoch_destroyed epoch 1", "job_done job"},
		"master": {"job_started job", "master_key_followed job", "keysets_rewrapped job", "key_epoch_begun epoch 2", "job_done job"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, rot := newRotating(t), all[name]
			r.prepare(rot)
			before := len(r.deeds(rot.account))
			r.finish(r.begin(rot.kind, rot.account, rot.arguments))
			got := r.deeds(rot.account)[before:]
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestKeysThatCannotBePutOnRecordStay as they are: no key is made, put in force, refused or destroyed without its entry.
func TestKeysThatCannotBePutOnRecordStay(t *testing.T) {
	t.Parallel()
	const keys = `SELECT account_id || ' ' || purpose || '/' || generation || ' ' || state || ' ' || md5(keyset_sealed) FROM cloakroom.account_keysets
 UNION SELECT 'epoch ' || epoch || ' ' || state FROM cloakroom.key_epochs ORDER BY 1`
	all := rotations(t.TempDir())
	for _, name := range []string{"account", "epoch"} {
		r := newRotating(t)
		job := r.begin(all[name].kind, all[name].account, all[name].arguments)
		storetest.Exec(t, r.store, `ALTER TABLE cloakroom.audit_entries ADD CONSTRAINT full_disk CHECK (false) NOT VALID`)
		before := r.wrong(keys)
		for failed := error(nil); failed == nil; {
			var done bool
			if _, done, failed = r.WorkJob(t.Context(), job.ID, 0); done {
				t.Fatalf("%s is done, and not on record", name)
			}
		}
		if diff := cmp.Diff(before, r.wrong(keys)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// TestJobsAreOnRecord: whoever pauses, resumes or ends one, with the state it was in, and one that was given up by itself.
func TestJobsAreOnRecord(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	before := len(r.deeds(schema.Acme))
	job := r.begin(chat.RotateAccount, schema.Acme, chat.JobArguments{})
	for _, move := range []func() (*chat.Job, error){
		func() (*chat.Job, error) { return r.PauseJob(t.Context(), job.ID) },
		func() (*chat.Job, error) { return r.ResumeJob(t.Context(), job.ID) },
	} {
		if _, err := move(); err != nil {
			t.Fatal(err)
		}
	}
	storetest.Exec(t, r.store, `UPDATE cloakroom.jobs SET attempts = $2 WHERE job_id = $1`, job.ID, jobAttempts-1)
	storetest.Exec(t, r.store, `ALTER TABLE cloakroom.account_keysets ADD CONSTRAINT full_disk CHECK (false) NOT VALID`)
	if _, done, err := r.WorkJob(t.Context(), job.ID, time.Minute); !done || err == nil {
		t.Fatalf("done %t, %v", done, err)
	}
	if _, err := r.ResumeJob(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := r.CancelJob(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	want := []string{"job_started job", "job_paused job", "job_resumed job", "job_failed job", "job_resumed job", "job_cancelled job"}
	if diff := cmp.Diff(want, r.deeds(schema.Acme)[before:]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	entries, err := r.Entries(t.Context(), schema.Acme, time.Time{}, 2)
	if err != nil || entries[0].Details["before"] != string(chat.JobQueued) || entries[1].Details["before"] != string(chat.JobFailed) || entries[0].Actor != chat.Operator {
		t.Errorf("%+v, %v", entries, err)
	}
}
