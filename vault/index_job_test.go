package vault

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// noTokens makes a sealed account one that was sealed before there were tokens, with two attributes that were decided about.
const noTokens = `DELETE FROM cloakroom.message_tokens; DELETE FROM cloakroom.contact_tokens; DELETE FROM cloakroom.attribute_tags;
 DELETE FROM cloakroom.search_settings; INSERT INTO cloakroom.attribute_policies (account_id, model, attribute_key, value_type, personal, searchable)
 SELECT DISTINCT 1, CASE attribute_model WHEN 0 THEN 'CONVERSATION' ELSE 'CONTACT' END, attribute_key, 'TEXT', true, true
 FROM custom_attribute_definitions WHERE account_id = 1 AND attribute_display_type = 0
 UNION SELECT 1, 'CONTACT', 'city', 'TEXT', true, true;`

// someTags are of an attribute that somebody has decided about since; whose they are is not their own.
const someTags = `INSERT INTO cloakroom.attribute_policies (account_id, model, attribute_key, value_type, personal, searchable, indexed)
 VALUES (1, 'CONTACT', 'city', 'TEXT', true, true, true);
 INSERT INTO cloakroom.attribute_tags (account_id, model, attribute_key, generation, tag_index, entity_id)
 SELECT 1, 'CONTACT', 'city', 1, decode(repeat('ab', 16), 'hex'), contact_id FROM cloakroom.contacts UNION ALL
 SELECT 1, 'CONVERSATION', 'gone', 1, decode(repeat('cd', 16), 'hex'), conversation_id FROM cloakroom.conversations;`

// notIndexed finds sealed rows without tokens, and settings that do not say that all have them.
const notIndexed = `SELECT 'message ' || s.message_id FROM cloakroom.messages s WHERE content_sealed IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM cloakroom.message_tokens t WHERE t.message_id = s.message_id AND t.generation = ` + indexInForce + `)
 UNION SELECT 'contact ' || s.contact_id FROM cloakroom.contacts s WHERE key_id <> 0
  AND NOT EXISTS (SELECT 1 FROM cloakroom.contact_tokens t WHERE t.contact_id = s.contact_id AND t.generation = ` + indexInForce + `)
 UNION SELECT 'the settings' WHERE NOT EXISTS (SELECT 1 FROM cloakroom.search_settings WHERE messages_indexed AND contacts_indexed)
 UNION SELECT attribute_key FROM cloakroom.attribute_policies WHERE NOT indexed`

const indexInForce = `(SELECT generation FROM cloakroom.account_keysets WHERE account_id = 1 AND purpose = 'index' AND state = 'active')`

// words gives the tokens and tags that the account's rows have, by row.
func (r *replica) words() map[string][]string {
	r.t.Helper()
	found := make(map[string][]string)
	for line := range strings.Lines(r.wrong(`SELECT 'message ' || message_id || '=' || token FROM cloakroom.message_tokens, unnest(tokens) token
 UNION ALL SELECT 'contact ' || contact_id || '=' || token FROM cloakroom.contact_tokens, unnest(tokens) token
 UNION ALL SELECT lower(model) || ' ' || entity_id || ' ' || attribute_key || '=' || encode(tag_index, 'hex') FROM cloakroom.attribute_tags`)) {
		place, word, _ := strings.Cut(strings.TrimSpace(line), "=")
		found[place] = append(found[place], word)
	}
	return found
}

// wrongWords says which rows of a sealed account have other tokens than their values have now. Rows are filled up with random
// tokens; those that two makings have in common are of words. Only tables that renew empties are looked into.
func (r *replica) wrongWords(renew string) (wrong []string) {
	r.t.Helper()
	have := r.words()
	one, other := r.freshWords(renew), r.freshWords(renew)
	for place := range one {
		both := slices.DeleteFunc(slices.Clone(one[place]), func(w string) bool { return !slices.Contains(other[place], w) })
		for _, w := range both {
			if !slices.Contains(have[place], w) {
				wrong = append(wrong, place+" lacks a word")
				break
			}
		}
		if len(have[place]) != len(one[place]) {
			wrong = append(wrong, fmt.Sprintf("%s has %d words, not %d", place, len(have[place]), len(one[place])))
		}
	}
	for place := range have {
		if one[place] == nil {
			wrong = append(wrong, place+" is to have none")
		}
	}
	slices.Sort(wrong)
	return wrong
}

// freshWords makes the tokens from nothing, in place of those that are there.
func (r *replica) freshWords(renew string) (made map[string][]string) {
	r.t.Helper()
	if err := r.store.RunScript(r.t.Context(), renew); err != nil {
		r.t.Fatal(err)
	}
	if job := r.finish(r.begin(chat.IndexSearch, schema.Acme, chat.JobArguments{})); job.State != chat.JobDone {
		r.t.Fatalf("the job is %s", job.State)
	}
	return r.words()
}

const (
	renewContacts = `DELETE FROM cloakroom.contact_tokens; DELETE FROM cloakroom.attribute_tags; UPDATE cloakroom.attribute_policies SET indexed = false;`
	renewAll      = renewContacts + `DELETE FROM cloakroom.message_tokens;`
)

// newUnindexed is a sealed demo from before there were tokens.
func newUnindexed(t testing.TB) *replica {
	t.Helper()
	r := newRotating(t)
	if err := r.store.RunScript(t.Context(), noTokens); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSealingIndexes: what is sealed in one go is searched by tokens at once, and there is nothing for a job to do.
func TestSealingIndexes(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	if wrong := r.wrong(notIndexed); wrong != "" {
		t.Errorf("not indexed: %.500s", wrong)
	}
	if due, err := r.store.ListIndexesDue(t.Context(), time.Hour, 10); err != nil || due != nil {
		t.Errorf("jobs are due for %v, %v", due, err)
	}
	if wrong := r.wrongWords(renewAll); wrong != nil {
		t.Errorf("%.500s", wrong)
	}
}

// TestIndexSearch: the schedule begins one job for an account that was sealed before there were tokens, and when it is
// done every row has what it would have had.
func TestIndexSearch(t *testing.T) {
	t.Parallel()
	r := newUnindexed(t)
	for range 2 {
		if err := r.tendIndexes(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	jobs, err := r.ListJobs(t.Context(), true)
	if err != nil || len(jobs) != 1 || jobs[0].Kind != chat.IndexSearch || jobs[0].AccountID != schema.Acme {
		t.Fatalf("%d jobs are begun, %v", len(jobs), err)
	}
	if !r.journal.has("an account's search is being indexed") {
		t.Error("the log does not say so")
	}
	job := r.finish(jobs[0])
	if job.State != chat.JobDone || job.Checkpoint.Found != 0 {
		t.Errorf("the job is %s, %d rows at fault", job.State, job.Checkpoint.Found)
	}
	if wrong := r.wrong(notIndexed); wrong != "" {
		t.Errorf("not indexed: %.500s", wrong)
	}
	made := r.words()
	for _, of := range []string{"message ", "contact ", "contact 1 city"} {
		if !slices.ContainsFunc(keysOf(made), func(place string) bool { return strings.HasPrefix(place, of) }) {
			t.Errorf("no %shas a word", of)
		}
	}
	if due, err := r.store.ListIndexesDue(t.Context(), time.Hour, 10); err != nil || due != nil {
		t.Errorf("jobs are due for %v, %v", due, err)
	}
}

func keysOf[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

// TestIndexSearchComesBack: what somebody holds is left out and gone after; nothing counts as indexed until then.
func TestIndexSearchComesBack(t *testing.T) {
	t.Parallel()
	r := newUnindexed(t)
	job := r.begin(chat.IndexSearch, schema.Acme, chat.JobArguments{})
	back := false
	err := r.store.InTx(t.Context(), func(tx *store.Store) error {
		held, err := tx.LockUnindexed(t.Context(), schema.Acme, chat.MessageRecord, 0, 0, 1, 10)
		if err != nil || len(held) == 0 {
			t.Fatal(len(held), err)
		}
		if free, _, err := tx.LockAttributed(t.Context(), schema.Acme, chat.ContactRecord, []int64{everything}); err != nil || len(free) == 0 {
			t.Fatal(len(free), err)
		}
		for was := ""; !back; was = job.Step {
			r.step(&job)
			back = was == "attributes" && job.WaitingFor != "" || was == "mark" && job.Step == "messages"
		}
		if r.wrong(`SELECT account_id::text FROM cloakroom.search_settings WHERE messages_indexed`) != "" {
			t.Error("messages count as indexed while some are not")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if job = r.finish(job); job.State != chat.JobDone || job.Checkpoint.Found != 0 {
		t.Errorf("the job is %s, %d rows at fault", job.State, job.Checkpoint.Found)
	}
	if wrong := r.wrong(notIndexed); wrong != "" {
		t.Errorf("not indexed: %.500s", wrong)
	}
	if wrong := r.wrongWords(renewContacts); wrong != nil {
		t.Errorf("%.500s", wrong)
	}
}

// TestIndexSearchGoesRoundWhatDoesNotOpen: nobody can find it, so it keeps nobody from being found.
func TestIndexSearchGoesRoundWhatDoesNotOpen(t *testing.T) {
	t.Parallel()
	r := newUnindexed(t)
	message := r.one(`SELECT min(message_id) FROM cloakroom.messages WHERE content_sealed IS NOT NULL`)
	storetest.Exec(t, r.store, `UPDATE cloakroom.messages SET content_sealed = set_byte(content_sealed, 20, get_byte(content_sealed, 20) # 1) WHERE message_id = $1`, message)
	storetest.Exec(t, r.store, `UPDATE cloakroom.contacts SET email_sealed = set_byte(email_sealed, 20, get_byte(email_sealed, 20) # 1) WHERE contact_id = $1`, everything)
	job := r.finish(r.begin(chat.IndexSearch, schema.Acme, chat.JobArguments{}))
	if job.State != chat.JobDone || job.Checkpoint.Found < 2 {
		t.Errorf("the job is %s, %d rows at fault", job.State, job.Checkpoint.Found)
	}
	if wrong := r.wrong(notIndexed); wrong != "" {
		t.Errorf("not indexed: %.500s", wrong)
	}
	if n := r.one(`SELECT sum(cardinality(tokens)) FROM (SELECT tokens FROM cloakroom.message_tokens WHERE message_id = $1
 UNION ALL SELECT tokens FROM cloakroom.contact_tokens WHERE contact_id = $2) s`, message, everything); n != 0 {
		t.Errorf("what does not open has %d words", n)
	}
	if n := r.audited(chat.SealedUnreadableHit); n != 1 || !r.journal.has("found a row at fault") {
		t.Errorf("%d entries about it, want 1", n)
	}
}

// TestIndexSearchAgainstWriters: while the job runs, contacts are changed, made and erased, on two replicas; no older text
// ever leaves its tokens over a newer one's.
func TestIndexSearchAgainstWriters(t *testing.T) {
	t.Parallel()
	r := newUnindexed(t)
	other := r.another()
	var writers sync.WaitGroup
	stop := make(chan struct{})
	for i, w := range []*replica{r, other} {
		writers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				w.put(everything, changes{chat.FieldEmail: to(fmt.Sprintf("writer%d.%d@example.org", i, n)), chat.FieldName: to(fmt.Sprintf("Writer %d %d", i, n)),
					chat.FieldProfile: to(fmt.Sprintf(`{"city": "Town %d", "company_name": "Company %d"}`, n, n))})
			}
		})
	}
	for round := range 2 {
		if job := r.finish(r.begin(chat.IndexSearch, schema.Acme, chat.JobArguments{})); job.State != chat.JobDone {
			t.Errorf("the job is %s", job.State)
		}
		if round > 0 {
			break
		}
		if err := r.store.RunScript(t.Context(), renewContacts); err != nil {
			t.Error(err)
		}
		if _, err := r.EraseContact(t.Context(), schema.Acme, everything+1, why); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	writers.Wait()
	if wrong := r.wrong(notIndexed); wrong != "" {
		t.Errorf("not indexed: %.500s", wrong)
	}
	if wrong := r.wrongWords(renewContacts); wrong != nil {
		t.Errorf("%.500s", wrong)
	}
	if n := r.one(`SELECT count(*) FROM cloakroom.contact_tokens WHERE contact_id = $1`, everything+1); n != 0 {
		t.Error("a contact that is erased has tokens")
	}
}

// TestDecisionWhileIndexing: an attribute that is made searchable after the job has gone over the attributes is not taken for
// one that it has seen.
func TestDecisionWhileIndexing(t *testing.T) {
	t.Parallel()
	r := newUnindexed(t)
	job := r.begin(chat.IndexSearch, schema.Acme, chat.JobArguments{})
	for job.Step != "mark" {
		r.step(&job)
	}
	storetest.Exec(t, r.store, `INSERT INTO cloakroom.attribute_policies (account_id, model, attribute_key, value_type, personal, searchable)
 VALUES (1, 'CONTACT', 'company_name', 'TEXT', true, true)`)
	r.step(&job)
	if job.Step != "attributes" || r.one(`SELECT count(*) FROM cloakroom.attribute_policies WHERE indexed`) != 0 {
		t.Errorf("the job went on to %q", job.Step)
	}
	r.finish(job)
	if wrong := r.wrong(notIndexed); wrong != "" {
		t.Errorf("not indexed: %.500s", wrong)
	}
	if wrong := r.wrongWords(renewContacts); wrong != nil {
		t.Errorf("%.500s", wrong)
	}
}
