package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/leaktest"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// ofContact says which rows of Chatwoot's tables are about a contact, in words of its own.
func ofContact(id int64) map[string]string {
	talks := fmt.Sprintf(`(SELECT c.id FROM conversations c WHERE c.contact_id = %d)`, id)
	messages := `(SELECT m.id FROM messages m WHERE m.conversation_id IN ` + talks + `)`
	mine := fmt.Sprintf(`contact_id = %d`, id)
	return map[string]string{
		"contacts": fmt.Sprintf(`id = %d`, id), "contact_inboxes": mine, "conversations": mine, "notes": mine, "csat_survey_responses": mine, "calls": mine,
		"messages": `conversation_id IN ` + talks, "attachments": `message_id IN ` + messages,
		"notifications": `primary_actor_type = 'Conversation' AND primary_actor_id IN ` + talks,
		"active_storage_blobs": fmt.Sprintf(`id IN (SELECT blob_id FROM active_storage_attachments WHERE record_type = 'Contact' AND record_id = %d
 OR record_type = 'Attachment' AND record_id IN (SELECT a.id FROM attachments a WHERE a.message_id IN %s))`, id, messages),
		"companies": fmt.Sprintf(`id = (SELECT company_id FROM contacts WHERE id = %d)`, id),
	}
}

// text gives every column of some rows of a table as one text, bytes as they are.
func (r *replica) text(table, where string) []byte {
	r.t.Helper()
	space, name, _ := strings.Cut(table, ".")
	columns := storetest.Value[string](r.t, r.store, `SELECT string_agg(format(CASE data_type WHEN 'bytea' THEN 'COALESCE(%I, '''')'
 ELSE 'COALESCE(convert_to(%I::text, ''UTF8''), '''')' END, column_name), ' || ''\x0a''::bytea || ')
 FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2`, space, name)
	return storetest.Value[[]byte](r.t, r.store, fmt.Sprintf(`SELECT COALESCE(string_agg(%s, '\x0a'), '') FROM %s WHERE %s`, columns, table, where))
}

func (r *replica) tables() []string {
	r.t.Helper()
	return strings.Fields(storetest.Value[string](r.t, r.store, `SELECT string_agg(table_schema || '.' || table_name, ' ') FROM information_schema.tables
 WHERE table_schema IN ('public', 'cloakroom') AND table_type = 'BASE TABLE'`))
}

// plantedIn gives what is looked for of a contact: values that stand in its rows and nowhere else.
func (r *replica) plantedIn(contactID int64) *leaktest.Needles {
	r.t.Helper()
	mine, rest := ofContact(contactID), make(map[string]string)
	var hits []leaktest.Hit
	for _, table := range r.tables() {
		rest[table] = "true"
		if where, about := mine[strings.TrimPrefix(table, "public.")]; about {
			rest[table] = "(" + where + ") IS NOT TRUE"
			hits = append(hits, demoNeedles().Find(r.text(table, where))...)
		}
	}
	needles, others := demoNeedles().Only(hits), make(map[string]bool)
	for table, where := range rest {
		for _, hit := range needles.Find(r.text(table, where)) {
			others[hit.Carrier+hit.Text] = true
		}
	}
	hits = slices.DeleteFunc(hits, func(hit leaktest.Hit) bool { return others[hit.Carrier+hit.Text] })
	carriers := make(map[string]bool) // they tell that the search finds anything
	for _, hit := range hits {
		carriers[hit.Carrier] = true
	}
	if len(carriers) < 25 {
		r.t.Fatalf("values of %d carriers only stand in the contact's rows: %v", len(carriers), carriers)
	}
	return needles.Only(hits)
}

var demoNeedles = sync.OnceValue(func() *leaktest.Needles {
	demo, err := schema.Demo(storetest.DemoTime)
	if err != nil {
		panic(err)
	}
	return leaktest.Sealed(demo, schema.Acme)
})

// mustBeGone searches every row of both schemas, Redis, the opened trail and an export.
func (r *replica) mustBeGone(needles *leaktest.Needles, contactID int64) {
	r.t.Helper()
	for _, table := range r.tables() {
		for _, hit := range needles.Find(r.text(table, "true")) {
			r.t.Errorf("%s: %s", table, hit)
		}
	}
	for key, value := range r.cached(r.account(schema.Acme)) {
		for _, hit := range needles.Find([]byte(key + "\n" + value)) {
			r.t.Errorf("Redis: %s", hit)
		}
	}
	entries, err := r.Entries(r.t.Context(), schema.Acme, time.Time{}, 10_000)
	if err != nil {
		r.t.Fatal(err)
	}
	trail, _ := json.Marshal(entries)
	var export strings.Builder
	unreadable, err := r.ExportContact(r.t.Context(), schema.Acme, contactID, &export)
	if err != nil || unreadable != 0 {
		r.t.Errorf("export: %d unreadable, %v", unreadable, err)
	}
	for place, text := range map[string]string{"the audit trail": string(trail), "an export": export.String()} {
		for _, hit := range needles.Find([]byte(text)) {
			r.t.Errorf("%s: %s", place, hit)
		}
	}
}

// leasing bounds how many databases of Redis this process takes at a time: others take theirs.
var leasing = make(chan struct{}, 3)

// leaseRedis gives a database of Redis for one test: who verifies an erasure goes through every record of the account,
// and all tests have the same accounts. Leases lie in database 0, where other test processes lease as well.
func leaseRedis(t testing.TB) *redis.Client {
	t.Helper()
	leasing <- struct{}{}
	options, err := redis.ParseURL(os.Getenv("TEST_REDIS_URL"))
	if err != nil {
		t.Fatal("run the tests with make test, or set TEST_REDIS_URL")
	}
	leases := redis.NewClient(options)
	t.Cleanup(func() { _ = leases.Close(); <-leasing })
	for n := 1; n < 16; n++ {
		key := fmt.Sprintf("cloakroom-test:lease:%d", n)
		if free, err := leases.SetNX(t.Context(), key, "taken", 10*time.Minute).Result(); err != nil || !free {
			continue
		}
		t.Cleanup(func() { _ = leases.Del(context.Background(), key).Err() })
		options.DB = n
		client := redis.NewClient(options)
		t.Cleanup(func() { _ = client.Close() })
		if err := client.FlushDB(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		return client
	}
	t.Fatal("every database of Redis is leased")
	return nil
}

// newErasable gives a replica on a sealed demo, with a Redis of its own.
func newErasable(t *testing.T) *replica {
	t.Helper()
	return newReplica(t, sealedDemo.Clone(t), leaseRedis(t))
}

// inPhase gives a demo in a phase; off is an account of which nothing was ever sealed.
func inPhase(t *testing.T, phase chat.Phase) *replica {
	t.Helper()
	if phase == chat.Off {
		return newReplica(t, storetest.WithDemo(t), leaseRedis(t))
	}
	r := newErasable(t)
	for _, d := range chat.Datasets {
		if err := r.SetPhase(t.Context(), schema.Acme, d, phase); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

const why = "asked for by the customer"

func (r *replica) eraseContact(id int64) *chat.Erasure {
	r.t.Helper()
	e, err := r.EraseContact(r.t.Context(), schema.Acme, id, why)
	if err != nil {
		r.t.Fatal(err)
	}
	return e
}

func (r *replica) verify(id int64) *chat.Erasure {
	r.t.Helper()
	e, err := r.VerifyErasure(r.t.Context(), schema.Acme, id)
	if err != nil {
		r.t.Fatal(err)
	}
	return e
}

func TestErasedInEveryPhase(t *testing.T) {
	t.Parallel()
	for _, phase := range []chat.Phase{chat.Off, chat.DualWrite, chat.ReadSealed, chat.SealedOnly} {
		t.Run(string(phase), func(t *testing.T) {
			t.Parallel()
			r := inPhase(t, phase)
			needles := r.plantedIn(everything)
			about := r.about(everything)
			before := r.all(r.account(schema.Acme)) // fills the cache
			export := new(strings.Builder)
			if n, err := r.ExportContact(t.Context(), schema.Acme, everything, export); err != nil || n != 0 {
				t.Fatalf("%d unreadable, %v", n, err)
			}
			if !json.Valid([]byte(export.String())) {
				t.Fatalf("the export is no JSON: %.500s", export)
			}
			if hits := needles.Find([]byte(export.String())); len(hits) < 25 {
				t.Errorf("the export holds %d of the contact's values", len(hits))
			}
			messages := storetest.Value[int64](t, r.store, `SELECT count(*) FROM messages WHERE conversation_id IN (SELECT id FROM conversations WHERE contact_id = 1)`)
			e := r.eraseContact(everything)
			if e.Counts["messages"] != messages || e.Counts["contacts"] != 1 || len(e.SubjectKeyIDs) != 1 {
				t.Errorf("%+v, of %d messages", e, messages)
			}
			r.mustBeGone(needles, everything)
			if e := r.verify(everything); !e.Proven() || len(e.Leftovers) != 0 {
				t.Errorf("left: %v", e.Leftovers)
			}
			after := r.all(r.account(schema.Acme))
			for key, value := range before {
				switch now, there := after[key]; {
				case about(key) && there && now != "" && now != "file" && !strings.HasPrefix(now, "erased-") && !strings.HasPrefix(now, "Customer "):
					t.Errorf("%s is still %q", key, now)
				case !about(key) && value != now:
					t.Errorf("%s of another contact was %q and is %q", key, value, now)
				}
			}
			if r.audited(chat.SealedUnreadableHit) != 0 || r.counted(unreadableCounter, "") != 0 {
				t.Error("what was erased is reported as unreadable")
			}
		})
	}
}

// about tells of a name of values whether it is about a contact; ask before the contact is erased.
func (r *replica) about(contactID int64) func(string) bool {
	r.t.Helper()
	mine := make(map[string]bool)
	for kind, table := range map[string]string{"contact": "contacts", "contact_attributes": "contacts", "contact_inbox": "contact_inboxes",
		"conversation": "conversations", "message": "messages", "attachment": "attachments", "note": "notes"} {
		for _, id := range storetest.Value[[]int64](r.t, r.store, `SELECT COALESCE(array_agg(id), '{}') FROM `+table+` WHERE `+ofContact(contactID)[table]) {
			mine[fmt.Sprintf("%s %d", kind, id)] = true
		}
	}
	return func(key string) bool {
		parts := strings.SplitN(key, " ", 3)
		return mine[parts[0]+" "+parts[1]]
	}
}
