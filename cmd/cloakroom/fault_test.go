package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/leaktest"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// ward is one server whose PostgreSQL and Redis a test can take away.
type ward struct {
	*testing.T
	*production
	postgres, redis *leaktest.Proxy
	conn            *pgx.Conn // beside the server
	maintenance     *pgx.Conn // to another database of the same PostgreSQL
	name            string    // of the server's database
}

func startWard(t *testing.T) *ward {
	t.Helper()
	w := &ward{T: t, production: &production{database: storetest.NewURL(t), server: &server{done: make(chan error, 1)}}}
	at := leaseRedis(t)
	settings := []string{"MASTER_KEY=local-file://" + filepath.Join(t.TempDir(), "master.key"), "LISTEN=127.0.0.1:0", "DOCUMENTS=any",
		"RATE_LIMIT=1000000", // more than is asked for, so that Redis is needed and nobody is refused
		"DATABASE_URL=" + w.database, "REDIS_URL=" + at}
	w.seed(t, program(t), settings)
	var database, redis string
	w.postgres, database = postgresProxy(t, w.database)
	w.redis, redis = redisProxy(t, at)
	w.conn, w.maintenance = connect(t, w.database), connect(t, withDatabase(t, w.database, "postgres"))
	w.name = w.conn.Config().Database
	w.serve(t, program(t), append(settings, "DATABASE_URL="+database, "REDIS_URL="+redis))
	return w
}

func (w *ward) exec(conn *pgx.Conn, sql string) {
	w.Helper()
	if _, err := conn.Exec(w.Context(), sql); err != nil {
		w.Fatalf("run a test's statement: %v\n%s", err, sql)
	}
}

// rename takes a table away and gives it back.
func rename(table string) (strike, mend func(*ward)) {
	return func(w *ward) { w.exec(w.conn, `ALTER TABLE cloakroom.`+table+` RENAME TO gone`) },
		func(w *ward) { w.exec(w.conn, `ALTER TABLE cloakroom.gone RENAME TO `+table) }
}

const endBackends = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s' AND pid <> pg_backend_pid()`

// closeDatabase has PostgreSQL refuse whoever comes, and end who is there.
func (w *ward) closeDatabase() {
	w.Helper()
	w.exec(w.maintenance, `ALTER DATABASE `+pgx.Identifier{w.name}.Sanitize()+` ALLOW_CONNECTIONS false`)
	w.exec(w.maintenance, fmt.Sprintf(endBackends, w.name))
}

func (w *ward) openDatabase() {
	w.Helper()
	w.exec(w.maintenance, `ALTER DATABASE `+pgx.Identifier{w.name}.Sanitize()+` ALLOW_CONNECTIONS true`)
	w.conn = connect(w, w.database)
}

// fault is one thing that breaks. hides says that nobody is shown a value while it lasts.
type fault struct {
	name         string
	strike, mend func(*ward)
	hides        bool
}

func faults() []fault {
	list := []fault{
		{"PostgreSQL is cut off", func(w *ward) { w.postgres.Sever() }, func(w *ward) { w.postgres.Mend() }, true},
		{"PostgreSQL refuses connections", (*ward).closeDatabase, (*ward).openDatabase, true},
		{"PostgreSQL ends its sessions", func(w *ward) { w.exec(w.conn, fmt.Sprintf(endBackends, w.name)) }, func(*ward) {}, false},
		{"Redis is cut off", func(w *ward) { w.redis.Sever() }, func(w *ward) { w.redis.Mend() }, true},
	}
	for table, hides := range map[string]bool{"agent_masking": true, "account_flags": true, "accounts": true, "audit_entries": false} {
		strike, mend := rename(table)
		list = append(list, fault{table + " is gone", strike, mend, hides})
	}
	return list
}

// TestFaultsShowNothing breaks the parts of a server one after the other, while agents who are masked, exempt and
// neither go on asking. Whatever breaks, nobody who is masked is shown a value, no error quotes one, nothing of it is
// logged, and when the part is back so are the answers.
func TestFaultsShowNothing(t *testing.T) {
	t.Parallel()
	w := startWard(t)
	r := newReaders(t)
	c := newClient(t, w.production)
	viewers := []int64{schema.Eve, schema.Max, schema.Ivy}
	for _, viewer := range viewers {
		r.poll("it", c, viewer)
	}
	all := map[string]*production{"it": w.production}
	whole := func(o observation) bool { return shown(o) && o.body != nil && !hasErrors(o) }
	r.await(t, "all is well", everyone(all, schema.Eve, time.Now(), whole))
	for _, f := range faults() {
		struck := time.Now()
		f.strike(w)
		broken := func(o observation) bool { return !f.hides || !shown(o) }
		for _, viewer := range viewers {
			r.await(t, f.name+": answers meanwhile", everyone(all, viewer, struck, broken))
		}
		if f.name == "audit_entries is gone" {
			w.changesNothing(c)
		}
		mended := time.Now()
		f.mend(w)
		r.await(t, f.name+": all is well again", everyone(all, schema.Eve, mended, whole))
		t.Logf("%s: felt after %s, over %s after it was mended", f.name, mended.Sub(struck), time.Since(mended))
	}
	r.end()
	w.end(t)
	judgeFaults(t, r, w.log.Bytes())
}

// changesNothing says that a setting that cannot be put on record is not made.
func (w *ward) changesNothing(c client) {
	w.Helper()
	answer, err := c.ask(w.Context(), schema.Root, fmt.Sprintf(`mutation { setPiiMasking(input: {agentId: "%d", masked: false,
		reason: "as agreed", expectedVersion: 1}) { agent { id } } }`, schema.Max))
	if err != nil || !hasErrors(answer) {
		w.Errorf("a setting that cannot be put on record is answered with %.300s, %v", answer.body, err)
	}
	var masked bool
	if err := w.conn.QueryRow(w.Context(), `SELECT masked FROM cloakroom.agent_masking WHERE user_id = $1`, schema.Max).Scan(&masked); err != nil || !masked {
		w.Errorf("a setting was made without a record: masked %t, %v", masked, err)
	}
}

func judgeFaults(t *testing.T, r *readers, log []byte) {
	t.Helper()
	if r.failed != nil {
		t.Errorf("the server did not answer: %v", r.failed)
	}
	failures := 0
	for _, o := range r.seen {
		if o.viewer != schema.Eve && shown(o) {
			t.Errorf("%s: shows a value: %s", o, o.hits[0])
		}
		if !hasErrors(o) {
			continue
		}
		failures++
		if hits := r.needles.Find(errorsOf(t, o)); len(hits) > 0 {
			t.Errorf("%s: an error quotes a value: %s", o, hits[0])
		}
	}
	if hits := leaktest.Sealed(demo(t), schema.Acme).Find(log); len(hits) > 0 {
		t.Errorf("a value is in the log: %s", hits[0])
	}
	t.Logf("%d answers, %d of them with errors; %d bytes of log", len(r.seen), failures, len(log))
	if len(r.seen) < 100 || failures < 10 || len(log) == 0 {
		t.Error("that is too little to show anything")
	}
}

func hasErrors(o observation) bool { return len(errorsIn(o)) > 0 }

func errorsIn(o observation) []json.RawMessage {
	var answer struct{ Errors []json.RawMessage }
	if o.body == nil || json.Unmarshal(o.body, &answer) != nil {
		return nil
	}
	return answer.Errors
}

func errorsOf(t *testing.T, o observation) []byte {
	t.Helper()
	text, err := json.Marshal(errorsIn(o))
	if err != nil {
		t.Fatalf("encode the errors of an answer: %v", err)
	}
	return text
}

// withDatabase gives the URL of another database of the same PostgreSQL.
func withDatabase(t testing.TB, at, name string) string {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal("the URL of the test's database is none")
	}
	u.Path = "/" + name
	return u.String()
}
