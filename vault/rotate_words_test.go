package vault

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
)

// finding is a search and the ids that it finds.
type finding struct {
	of, text string
	ids      []int64
}

// find searches as a request would, for at most a hundred.
func (r *replica) find(of, text string) (ids []int64, err error) {
	ctx := context.WithoutCancel(r.t.Context())
	err = r.serves(func(account *chat.Account) error {
		if s := account.Settings.Search; s.Mode != chat.SearchByTokens || !s.MessagesIndexed || !s.ContactsIndexed {
			return fmt.Errorf("the account is not searched by tokens: %+v", s)
		}
		if of == "messages" {
			found, err := r.SearchMessages(ctx, account, chat.MessageSearch{Text: text, Visibility: chat.Visibility{Reach: chat.ReachAll}, Page: chat.Page{Limit: 100}})
			for _, row := range found.Rows {
				ids = append(ids, row.ID)
			}
			return err
		}
		found, err := r.SearchContacts(ctx, account, seers[0].asks(text, 100))
		if err == nil {
			for _, c := range found.Contacts {
				ids = append(ids, c.ID)
			}
		}
		return err
	})
	return ids, err
}

// findings are searches of words that some messages have, and of parts of contacts' addresses.
func (r *replica) findings() (list []finding) {
	r.t.Helper()
	words := r.wrong(`SELECT word FROM (SELECT word, count(DISTINCT id) AS n FROM messages, regexp_split_to_table(lower(content), '[^a-z]+') word
 WHERE account_id = 1 AND length(word) > 4 GROUP BY 1) s WHERE n BETWEEN 2 AND 40 ORDER BY md5(word) LIMIT 3`)
	parts := r.wrong(`SELECT * FROM (SELECT substr(email, 2, 5) FROM contacts WHERE account_id = 1 AND length(email) > 8 ORDER BY md5(email) LIMIT 2) s
 UNION ALL SELECT * FROM (SELECT right(phone_number, 6) FROM contacts WHERE account_id = 1 AND phone_number <> '' ORDER BY md5(phone_number) LIMIT 2) s`)
	for of, texts := range map[string]string{"messages": words, "contacts": parts} {
		for text := range strings.Lines(texts) {
			f := finding{of: of, text: strings.TrimSpace(text)}
			var err error
			if f.ids, err = r.find(f.of, f.text); err != nil || len(f.ids) == 0 {
				r.t.Fatalf("%d %s are found, %v", len(f.ids), of, err)
			}
			list = append(list, f)
		}
	}
	return list
}

// TestSearchWhileTheIndexRotates: two replicas search all through two rotations, and find at every moment what they found
// before, although each row's tokens change hands in the midst of it.
func TestSearchWhileTheIndexRotates(t *testing.T) {
	t.Parallel()
	first := newRotating(t)
	one, two := first.attends(), first.another().attends()
	one.SearchTime, two.SearchTime = time.Minute, time.Minute
	asked := one.findings()
	ctx, stop := context.WithCancel(t.Context())
	var searches sync.WaitGroup
	for _, r := range []*replica{one, two} {
		searches.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				f := asked[i%len(asked)]
				if got, err := r.find(f.of, f.text); err != nil || !slices.Equal(got, f.ids) {
					t.Errorf("a search of %s finds %v, %v; before it found %v", f.of, got, err, f.ids)
					return
				}
			}
		})
	}
	for range 2 {
		if job := one.finish(one.begin(chat.RotateIndex, schema.Acme, chat.JobArguments{})); job.State != chat.JobDone || job.Checkpoint.Found > 0 {
			t.Errorf("the job is %s, %d rows at fault", job.State, job.Checkpoint.Found)
		}
	}
	stop()
	searches.Wait()
	if wrong := one.wrong(oldRows + oldKeysets + `purpose = 'index' AND (generation < 3) <> (state = 'destroyed') UNION ` + notIndexed); wrong != "" {
		t.Errorf("%.500s", wrong)
	}
}

// TestNoKeyGoesThatAWordNames: whatever becomes of the job, a generation outlives every row that was made under it.
func TestNoKeyGoesThatAWordNames(t *testing.T) {
	t.Parallel()
	for table, put := range map[string]string{
		"message_tokens": `UPDATE cloakroom.message_tokens SET generation = 1 WHERE message_id = (SELECT min(message_id) FROM cloakroom.messages WHERE content_sealed IS NOT NULL)`,
		"contact_tokens": `UPDATE cloakroom.contact_tokens SET generation = 1 WHERE contact_id = 5`,
		"attribute_tags": `INSERT INTO cloakroom.attribute_tags (account_id, model, attribute_key, generation, tag_index, entity_id) VALUES (1, 'CONTACT', 'city', 1, decode(repeat('ab', 16), 'hex'), 5)`,
	} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			r := newRotating(t)
			job := r.begin(chat.RotateIndex, schema.Acme, chat.JobArguments{})
			for job.Step != "shrink" {
				r.step(&job)
			}
			if err := r.store.RunScript(t.Context(), put); err != nil { // as a writer would that nobody knew of
				t.Fatal(err)
			}
			if r.step(&job); job.Step != "messages" {
				t.Errorf("the job went on to %q", job.Step)
			}
			status, err := r.KeyStatus(t.Context(), schema.Acme, true)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range status.Keysets {
				if k.Purpose == chat.KeysetIndex && k.Generation == 1 && (k.Rows == 0 || k.State != chat.KeysetRetired) {
					t.Errorf("the generation is %s, and %d rows name it", k.State, k.Rows)
				}
			}
			if done, err := r.store.DestroyKeyset(t.Context(), chat.KeysetName{AccountID: schema.Acme, Purpose: chat.KeysetIndex, Generation: 1}); done || err != nil {
				t.Errorf("its key is destroyed: %v, %v", done, err)
			}
			r.finish(job)
			if wrong := r.wrong(oldRows + oldKeysets + `purpose = 'index' AND (generation = 1) <> (state = 'destroyed')`); wrong != "" {
				t.Error(wrong)
			}
		})
	}
}

// TestIndexRotatesWithoutTokens: an account that is searched by opening has none, also if it had some a moment ago; its
// rotation waits for the job that takes them away, and for nobody else.
func TestIndexRotatesWithoutTokens(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	if _, err := r.SetSearchMode(t.Context(), chat.Operator, schema.Acme, chat.SearchByScan, "no index is wanted"); err != nil {
		t.Fatal(err)
	}
	job := r.begin(chat.RotateIndex, schema.Acme, chat.JobArguments{})
	for job.WaitingFor == "" {
		r.step(&job)
	}
	if job.Step != "words" || !strings.Contains(job.WaitingFor, "takes the account's tokens away") {
		t.Errorf("at %q it waits for %q", job.Step, job.WaitingFor)
	}
	var before []store.TokenRows
	clearing, err := r.store.FindOpenJob(t.Context(), chat.IndexSearch, schema.Acme, 0)
	if err == nil {
		_, err = r.CancelJob(t.Context(), clearing.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.finish(job)
	rows, err := r.store.CountTokenRows(t.Context(), schema.Acme)
	if diff := cmp.Diff(before, rows); diff != "" || err != nil {
		t.Errorf("%s, %v", diff, err)
	}
}
