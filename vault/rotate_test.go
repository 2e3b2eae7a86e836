package vault

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// rotation is one job that the tests run to its end, with what must be so afterwards.
type rotation struct {
	kind      chat.JobKind
	account   int64
	arguments chat.JobArguments
	after     string // a query that gives what is not as it should be; nothing is good
	before    string // a script that gives the job something to do
}

// oldRows finds rows of Acme's that name another generation than the one in force.
const oldRows = `WITH active AS (SELECT purpose, generation FROM cloakroom.account_keysets WHERE account_id = 1 AND state = 'active'),
 named AS (SELECT 'data' AS purpose, key_id AS generation, 'subject_keys' AS place FROM cloakroom.subject_keys WHERE account_id = 1 AND state = 'active'
 UNION ALL SELECT 'data', key_id, 'contacts' FROM cloakroom.contacts UNION ALL SELECT 'data', key_id, 'contact_inboxes' FROM cloakroom.contact_inboxes
 UNION ALL SELECT 'data', key_id, 'conversations' FROM cloakroom.conversations UNION ALL SELECT 'data', key_id, 'messages' FROM cloakroom.messages
 UNION ALL SELECT 'data', key_id, 'attachments' FROM cloakroom.attachments UNION ALL SELECT 'data', key_id, 'notes' FROM cloakroom.notes
 UNION ALL SELECT 'vault', key_id, 'vault_tokens' FROM cloakroom.vault_tokens WHERE key_id > 0 AND account_id = 1
 UNION ALL SELECT 'index', generation, 'lookup_tags' FROM cloakroom.lookup_tags UNION ALL SELECT 'index', generation, 'message_tokens' FROM cloakroom.message_tokens
 UNION ALL SELECT 'index', generation, 'contact_tokens' FROM cloakroom.contact_tokens UNION ALL SELECT 'index', generation, 'attribute_tags' FROM cloakroom.attribute_tags)
 SELECT place || ' names generation ' || n.generation FROM named n JOIN active a USING (purpose) WHERE n.generation <> a.generation`

const oldKeysets = ` UNION SELECT purpose || '/' || generation || ' is ' || state FROM cloakroom.account_keysets WHERE account_id = 1 AND `

const oldEpochs = `SELECT 'a subject key lies under epoch ' || epoch FROM cloakroom.subject_keys
 WHERE state = 'active' AND epoch <> (SELECT epoch FROM cloakroom.key_epochs WHERE state = 'active')`

// rotations gives every plan; the folder is for keys that follow the master key.
func rotations(folder string) map[string]rotation {
	return map[string]rotation{
		"account": {kind: chat.RotateAccount, account: schema.Acme, arguments: chat.JobArguments{Reseal: true}, after: oldRows + oldKeysets + `purpose IN ('data', 'vault') AND (generation = 1) <> (state = 'destroyed')
 UNION SELECT 'audit is ' || state FROM cloakroom.account_keysets WHERE account_id = 1 AND purpose = 'audit' AND generation = 1 AND state <> 'retired'`},
		"account, subject keys alone": {kind: chat.RotateAccount, account: schema.Acme, arguments: chat.JobArguments{}, after: `SELECT 'a subject key under ' || key_id FROM cloakroom.subject_keys WHERE account_id = 1 AND state = 'active' AND key_id <> 2` +
			oldKeysets + `purpose = 'data' AND state <> CASE generation WHEN 1 THEN 'retired' ELSE 'active' END`},
		"account, old keys kept": {kind: chat.RotateAccount, account: schema.Acme, arguments: chat.JobArguments{Reseal: true, Retention: time.Hour}, after: oldRows + oldKeysets + `purpose = 'data' AND generation = 1 AND state <> 'refused'`},
		"index": {kind: chat.RotateIndex, account: schema.Acme, before: someTags, after: oldRows + oldKeysets + `purpose = 'index' AND (generation = 1) <> (state = 'destroyed')
 UNION ` + notIndexed},
		"search by tokens": {kind: chat.IndexSearch, account: schema.Acme, before: noTokens, after: oldRows + ` UNION ` + notIndexed},
		"search by scan": {kind: chat.IndexSearch, account: schema.Acme, before: `UPDATE cloakroom.search_settings SET mode = 'SCAN', messages_indexed = false, contacts_indexed = false`,
			after: `SELECT 'message ' || message_id FROM cloakroom.message_tokens UNION SELECT 'contact ' || contact_id FROM cloakroom.contact_tokens`},
		"epoch": {kind: chat.RotateEpoch, account: 0, arguments: chat.JobArguments{}, after: oldEpochs + ` UNION SELECT epoch || ' is ' || state FROM cloakroom.key_epochs WHERE (epoch = 1) <> (state = 'destroyed')`},
		"master": {kind: chat.RotateMaster, account: 0, arguments: chat.JobArguments{To: "local-file://" + filepath.Join(folder, "next.key")}, after: oldEpochs + ` UNION SELECT purpose || ' lies under ' || master_key FROM cloakroom.account_keysets WHERE master_key NOT LIKE '%next.key'
 UNION SELECT 'epoch lies under ' || master_key FROM cloakroom.key_epochs WHERE state = 'active' AND master_key NOT LIKE '%next.key'`},
		"nothing to retire": {kind: chat.RetireKeys, account: 0, arguments: chat.JobArguments{}, after: oldRows + oldKeysets + `state <> 'active'`},
	}
}

// untouched is what no rotation may change of Chatwoot's.
const untouched = `SELECT COALESCE(max(updated_at)::text, '') FROM contacts UNION ALL SELECT max(updated_at)::text FROM conversations`

func TestRotations(t *testing.T) {
	t.Parallel()
	for name, rot := range rotations(t.TempDir()) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRotating(t)
			r.prepare(rot)
			values, tags, chatwoot, alias := r.open(schema.Acme), r.tags(), r.wrong(untouched), r.alias()
			job := r.finish(r.begin(rot.kind, rot.account, rot.arguments))
			if job.State != chat.JobDone || job.Checkpoint.Found != 0 {
				t.Errorf("the job is %s, %d rows at fault", job.State, job.Checkpoint.Found)
			}
			other := r.another()
			for _, each := range []*replica{r, other} {
				if diff := cmp.Diff(values, each.open(schema.Acme)); diff != "" {
					t.Error(diff)
				}
			}
			if wrong := r.wrong(rot.after); wrong != "" {
				t.Error(wrong)
			}
			if got := r.tags(); got != tags {
				t.Errorf("blind index entries:\n%s\nbefore:\n%s", got, tags)
			}
			if got := r.wrong(untouched); got != chatwoot {
				t.Error("rows of Chatwoot's were touched")
			}
			if got := other.alias(); got != alias {
				t.Errorf("the alias %s has become %s", alias, got)
			}
			if n := r.audited(chat.JobStarted) + r.audited(chat.JobFinished); n != 2 {
				t.Errorf("%d entries about the job, want 2", n)
			}
			r.lookUp(everything)
		})
	}
}

// prepare gives a rotation something to do.
func (r *replica) prepare(rot rotation) {
	r.t.Helper()
	if rot.before == "" {
		return
	}
	if err := r.store.RunScript(r.t.Context(), rot.before); err != nil {
		r.t.Fatal(err)
	}
}

// died is what a test's checkpoint panics with.
type died struct{ n int }

// TestEveryCheckpointSurvivesACrash lets the worker die right before and right after every transaction of every plan.
// Another one goes on each time, and comes to the same end as one that was left in peace.
func TestEveryCheckpointSurvivesACrash(t *testing.T) {
	t.Parallel()
	peace, crash := t.TempDir(), t.TempDir()
	for name, rot := range rotations(crash) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calm := newRotating(t)
			calm.prepare(rot)
			calm.finish(calm.begin(rot.kind, rot.account, rotations(peace)[name].arguments))
			r := newRotating(t)
			r.prepare(rot)
			values, tags := r.open(schema.Acme), r.tags()
			job := r.begin(rot.kind, rot.account, rot.arguments)
			crashes := 0
			for !r.dies(job.ID, &crashes) {
				storetest.Exec(t, r.store, `UPDATE cloakroom.jobs SET holder = 'the dead', held_until = now() - interval '1 second'`)
				r = r.another()
			}
			if least := 2*len(planOf(rot.kind)) - 2; crashes < least {
				t.Errorf("it crashed %d times, want %d or more", crashes, least)
			}
			if diff := cmp.Diff(values, r.open(schema.Acme)); diff != "" {
				t.Error(diff)
			}
			if wrong := r.wrong(rot.after); wrong != "" {
				t.Error(wrong)
			}
			if got := r.tags(); got != tags {
				t.Errorf("blind index entries:\n%s\nbefore:\n%s", got, tags)
			}
			if got, want := r.wrong(endState), calm.wrong(endState); got != want {
				t.Errorf("it ended as\n%s\nand in peace as\n%s", got, want)
			}
		})
	}
}

// endState is what two runs of a job must agree on.
const endState = `SELECT account_id || ' ' || purpose || '/' || generation || ' ' || state FROM cloakroom.account_keysets
 UNION SELECT 'epoch ' || epoch || ' ' || state FROM cloakroom.key_epochs
 UNION SELECT kind || ' ' || state || ' ' || rows_done FROM cloakroom.jobs
 UNION SELECT action || ': ' || count(*) FROM cloakroom.audit_entries WHERE action LIKE 'key%' OR action LIKE 'job%' GROUP BY action
 UNION SELECT 'keys under ' || key_id || ' and ' || epoch || ': ' || count(*) FROM cloakroom.subject_keys GROUP BY key_id, epoch ORDER BY 1`

// dies works on a job until the next checkpoint that nobody died at yet, and dies there; true when the job is over.
func (r *replica) dies(jobID int64, crashes *int) (over bool) {
	r.t.Helper()
	seen := 0
	r.checkpoint = func(committed bool) {
		// What is not committed is done again, so the next worker comes by here once more and dies a little later.
		if seen++; committed || seen == 1 && *crashes%2 == 0 {
			*crashes++
			panic(died{*crashes})
		}
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case died:
			over = false
		default:
			panic(p)
		}
	}()
	for {
		again, done, err := r.WorkJob(r.t.Context(), jobID, 0)
		if err != nil {
			r.t.Fatal(err)
		}
		if done {
			return true
		}
		if again > 0 {
			tick(r.t)
		}
	}
}

// TestRotationWaitsForReplicas: nothing goes on while a replica may still use what was before.
func TestRotationWaitsForReplicas(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	if _, err := r.store.RegisterReplica(t.Context(), "deaf", "serve", false); err != nil {
		t.Fatal(err)
	}
	job := r.begin(chat.RotateAccount, schema.Acme, chat.JobArguments{})
	for job.WaitingFor == "" {
		if _, done, err := r.WorkJob(t.Context(), job.ID, 0); err != nil || done {
			t.Fatal(done, err)
		}
		job = r.found(job.ID)
	}
	if job.Step != "await readers" || !strings.Contains(job.WaitingFor, "serve deaf") {
		t.Errorf("at %q it waits for %q", job.Step, job.WaitingFor)
	}
	if err := r.store.SetReplicaTrouble(t.Context(), "deaf", "the key service does not answer"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.WorkJob(t.Context(), job.ID, 0); err != nil {
		t.Fatal(err)
	}
	if job = r.found(job.ID); !strings.Contains(job.WaitingFor, "the key service does not answer") {
		t.Errorf("it waits for %q", job.WaitingFor)
	}
	if n := storetest.Value[int64](t, r.store, `SELECT count(*) FROM cloakroom.account_keysets WHERE account_id = 1 AND state = 'active' AND generation = 2`); n != 0 {
		t.Error("it went on all the same")
	}
	if err := r.store.AcknowledgeKeyChange(t.Context(), "deaf", job.Checkpoint.Change); err != nil {
		t.Fatal(err)
	}
	for job.Step != "await writers" {
		if _, _, err := r.WorkJob(t.Context(), job.ID, 0); err != nil {
			t.Fatal(err)
		}
		job = r.found(job.ID)
	}
}
