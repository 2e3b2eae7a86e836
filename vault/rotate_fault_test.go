package vault

import (
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestRotationGoesRoundWhatDoesNotOpen: one row that was tampered with stops no rotation; it stays as it is, and with it
// the generation it names, so that it can be put right.
func TestRotationGoesRoundWhatDoesNotOpen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ sql, left string }{
		"a value": {`UPDATE cloakroom.contacts SET email_sealed = set_byte(email_sealed, 20, get_byte(email_sealed, 20) # 1) WHERE contact_id = $1`,
			`SELECT 'contact ' || contact_id FROM cloakroom.contacts WHERE key_id = 1`},
		"a subject key": {`UPDATE cloakroom.subject_keys SET key_sealed = set_byte(key_sealed, 20, get_byte(key_sealed, 20) # 1) WHERE contact_id = $1`,
			`SELECT 'contact ' || contact_id FROM cloakroom.subject_keys WHERE key_id = 1 AND account_id = 1`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRotating(t)
			storetest.Exec(t, r.store, c.sql, everything)
			job := r.finish(r.begin(chat.RotateAccount, schema.Acme, chat.JobArguments{Reseal: true}))
			if job.State != chat.JobDone || job.Checkpoint.Found == 0 {
				t.Errorf("the job is %s, %d rows at fault", job.State, job.Checkpoint.Found)
			}
			if got, want := r.wrong(c.left), "contact "+chat.FormatID(everything); got != want {
				t.Errorf("left behind: %q, want %q", got, want)
			}
			if state := storetest.Value[string](t, r.store, `SELECT state FROM cloakroom.account_keysets WHERE account_id = 1 AND purpose = 'data' AND generation = 1`); state != chat.KeysetRetired {
				t.Errorf("the generation it names is %s", state)
			}
			if n := r.audited(chat.SealedUnreadableHit); n != 1 || !r.journal.has("found a row at fault") {
				t.Errorf("%d entries about it, want 1", n)
			}
		})
	}
}

// TestIndexRotationPutsTagsRight: tags that are not those of their values are told of, and right under the new key.
func TestIndexRotationPutsTagsRight(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	other := storetest.Value[int64](t, r.store, `SELECT contact_id FROM cloakroom.lookup_tags WHERE field = 1 AND contact_id <> $1 ORDER BY 1 LIMIT 1`, everything)
	storetest.Exec(t, r.store, `DELETE FROM cloakroom.lookup_tags WHERE contact_id = $1 AND field = 2`, everything)
	storetest.Exec(t, r.store, `UPDATE cloakroom.lookup_tags SET tag_index = decode(repeat('ab', 16), 'hex') WHERE contact_id = $1 AND field = 1`, other)
	job := r.finish(r.begin(chat.RotateIndex, schema.Acme, chat.JobArguments{}))
	if job.State != chat.JobDone || job.Checkpoint.Found != 2 {
		t.Errorf("the job is %s, %d rows at fault, want 2", job.State, job.Checkpoint.Found)
	}
	r.lookUp(everything)
	if n := storetest.Value[int64](t, r.store, `SELECT count(*) FROM cloakroom.lookup_tags WHERE contact_id = $1 AND field = 1
 AND tag_index <> decode(repeat('ab', 16), 'hex')`, other); n != 1 {
		t.Error("the tag that was moved was not put right")
	}
	if n := r.audited(chat.SealedUnreadableHit); n != 1 {
		t.Errorf("%d entries about it, want 1", n)
	}
}

// TestRotationWhileAKeyIsDestroyed: what is destroyed between reading and writing stays destroyed.
func TestRotationWhileAKeyIsDestroyed(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	const destroy = `UPDATE cloakroom.subject_keys SET state = 'destroyed', key_sealed = '', destroyed_at = now() WHERE contact_id = $1`
	for _, table := range []string{"contact_inboxes SET source_id", "messages SET content_sealed = NULL, attributes_sealed = NULL, rest",
		"notes SET content", "attachments SET title_sealed = NULL, meta_sealed = NULL, file_name",
		"conversations SET additional_attributes_sealed = NULL, custom_attributes_sealed = NULL, rest",
		"contacts SET email_sealed = NULL, phone_number_sealed = NULL, identifier_sealed = NULL, name_sealed = NULL, profile_sealed = NULL, custom_attributes"} {
		storetest.Exec(t, r.store, `UPDATE cloakroom.`+table+`_sealed = NULL WHERE subject_key_id IN
 (SELECT subject_key_id FROM cloakroom.subject_keys WHERE contact_id = $1)`, everything)
	}
	// The row is held by who destroys it while the job comes by; what the job leaves out it must not write later.
	err := r.store.InTx(t.Context(), func(tx *store.Store) error {
		keys, err := tx.LockKeysNotUnderGeneration(t.Context(), schema.Acme, 0, 99, 1_000_000)
		if err != nil || len(keys) == 0 {
			t.Fatal(len(keys), err)
		}
		job := r.begin(chat.RotateAccount, schema.Acme, chat.JobArguments{Reseal: true})
		for job.Step != "verify" {
			r.step(&job)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := storetest.Value[int64](t, r.store, `SELECT count(*) FROM cloakroom.subject_keys WHERE account_id = 1 AND key_id = 2`); n != 0 {
		t.Errorf("%d keys that somebody held were written", n)
	}
	storetest.Exec(t, r.store, destroy, everything)
	open, _, err := r.StartJob(t.Context(), chat.RotateAccount, schema.Acme, chat.JobArguments{})
	if err != nil {
		t.Fatal(err)
	}
	if job := r.finish(open); job.State != chat.JobDone || job.Checkpoint.Found != 0 {
		t.Errorf("the job is %s, %d rows at fault", job.State, job.Checkpoint.Found)
	}
	if got := r.wrong(`SELECT state || octet_length(key_sealed) FROM cloakroom.subject_keys WHERE contact_id = ` + chat.FormatID(everything)); got != "destroyed0" {
		t.Errorf("the key is %q", got)
	}
	if wrong := r.wrong(oldRows); wrong != "" {
		t.Error(wrong)
	}
}

// TestNothingIsDestroyedThatARowNames: a generation that a row has come to name again outlives its retention.
func TestNothingIsDestroyedThatARowNames(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.finish(r.begin(chat.RotateAccount, schema.Acme, chat.JobArguments{Reseal: true, Retention: time.Hour}))
	storetest.Exec(t, r.store, `UPDATE cloakroom.messages SET key_id = 1 WHERE message_id = (SELECT min(message_id) FROM cloakroom.messages)`)
	r.finish(r.begin(chat.RetireKeys, 0, chat.JobArguments{}))
	state := func(purpose chat.KeysetPurpose) string {
		return storetest.Value[string](t, r.store, `SELECT state FROM cloakroom.account_keysets WHERE account_id = 1 AND generation = 1 AND purpose = $1`, string(purpose))
	}
	if got := state(chat.KeysetData); got != chat.KeysetRefused {
		t.Errorf("data is %s", got)
	}
	if got := state(chat.KeysetVault); got != chat.KeysetDestroyed {
		t.Errorf("vault is %s", got)
	}
	if got := state(chat.KeysetCursor); got != chat.KeysetRetired {
		t.Errorf("cursor is %s: clients hold cursors for a day", got)
	}
	storetest.Exec(t, r.store, `UPDATE cloakroom.messages SET key_id = 2; `)
	storetest.Exec(t, r.store, `UPDATE cloakroom.account_keysets SET retired_at = now() - interval '25 hours' WHERE purpose = 'cursor' AND state = 'retired'`)
	storetest.Exec(t, r.store, `DELETE FROM cloakroom.audit_entries WHERE account_id = 1 AND key_id = 1`)
	r.finish(r.begin(chat.RetireKeys, 0, chat.JobArguments{}))
	for _, p := range accountPurposes {
		if got := state(p); got != chat.KeysetDestroyed {
			t.Errorf("%s is %s", p, got)
		}
	}
}

// TestSchedule: what is due begins by itself, once, oldest first and a few at a time; what failed is left alone for a day.
func TestSchedule(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.Schedule = Schedule{Rotation: 90 * 24 * time.Hour, Retention: time.Hour, EpochLength: 30 * 24 * time.Hour, EpochRetention: time.Hour, Reseal: true, Rate: 2000}
	if err := r.CheckKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	begun := func() string {
		t.Helper()
		for range 2 { // the second time there is nothing more to begin
			if err := r.Tend(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return r.wrong(`SELECT kind || ' of ' || account_id || ' for ' || actor_kind FROM cloakroom.jobs WHERE state = 'queued' ORDER BY 1`)
	}
	if got, want := begun(), "retire_keys of 0 for SCHEDULE"; got != want {
		t.Errorf("begun:\n%s\nwant:\n%s", got, want)
	}
	storetest.Exec(t, r.store, `UPDATE cloakroom.account_keysets SET activated_at = now() - interval '91 days'`)
	storetest.Exec(t, r.store, `UPDATE cloakroom.key_epochs SET activated_at = now() - interval '31 days'`)
	want := "retire_keys of 0 for SCHEDULE\nrotate_account of 0 for SCHEDULE\nrotate_account of 1 for SCHEDULE\nrotate_epoch of 0 for SCHEDULE"
	if got := begun(); got != want {
		t.Errorf("begun:\n%s\nwant:\n%s", got, want)
	}
	storetest.Exec(t, r.store, `UPDATE cloakroom.jobs SET state = 'failed'`)
	if got := begun(); got != "" {
		t.Errorf("begun again after it failed:\n%s", got)
	}
	storetest.Exec(t, r.store, `UPDATE cloakroom.jobs SET updated_at = now() - interval '25 hours', created_at = now() - interval '25 hours'`)
	storetest.Exec(t, r.store, `INSERT INTO cloakroom.erasures (account_id, contact_id, subject_key_ids, epoch, actor_kind, actor_id, erased_at)
 VALUES (1, 3, '{}', 1, 'OPERATOR', 'cli', now() - interval '2 hours'), (1, 4, '{}', 1, 'OPERATOR', 'cli', now())`)
	if got := begun(); got != want+"\nverify_erasure of 1 for SCHEDULE" {
		t.Errorf("begun a day after it failed:\n%s\nwant:\n%s", got, want)
	}
	const late = "should have been rotated more than a week ago"
	if r.journal.has(late) {
		t.Error("keys that are a day late are in the log")
	}
	storetest.Exec(t, r.store, `UPDATE cloakroom.account_keysets SET activated_at = now() - interval '98 days' WHERE account_id = 1`)
	begun()
	if !r.journal.has(late) {
		t.Error("a key that is more than a week late is not in the log")
	}
}
