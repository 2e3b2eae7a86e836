package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// turn is one change that hides: masked from when its mutation was answered until it was asked to be taken back.
type turn struct {
	name        string
	viewer      int64
	asked, done time.Time // when the mutation was sent, and when the first byte of its answer arrived
	over        time.Time
}

// TestNothingIsShownLate is L34 as a client sees it. Four processes answer from one database: two that hear of each
// other's changes, one whose events are cut off, and one without Redis. Once the mutation that masks is answered, no
// answer of any of them may begin that shows a value, whatever was asked before and held up meanwhile.
func TestNothingIsShownLate(t *testing.T) {
	t.Parallel()
	holdMachine(t)
	f := startFleet(t)
	r := newReaders(t)
	for name, p := range f.processes {
		r.poll(name, newClient(t, p), schema.Eve)
		r.poll(name, newClient(t, p), schema.Max)
	}
	var turns []turn
	for _, round := range []struct {
		by, held string
		turn     func(r *readers, by, held string) turn
	}{
		{"first", "", f.maskEve},
		{"deaf", "contacts", f.maskEve},
		{"without Redis", "cloakroom.contacts", f.maskEve},
		{"first", "", f.switchOn},
		{"without Redis", "conversations", f.switchOn},
	} {
		turns = append(turns, round.turn(r, round.by, round.held))
	}
	r.end()
	judge(t, r, turns)
}

// fleet is several servers of one installation.
type fleet struct {
	*testing.T
	processes map[string]*production
	conn      *pgx.Conn
}

func startFleet(t *testing.T) *fleet {
	t.Helper()
	redis := leaseRedis(t)
	proxy, deaf := redisProxy(t, redis)
	proxy.Refuse("subscribe")
	seeded := &production{database: storetest.NewURL(t)}
	settings := []string{"MASTER_KEY=local-file://" + filepath.Join(t.TempDir(), "master.key"), "LISTEN=127.0.0.1:0",
		// Requests that hang keep their connections: whoever changes something needs one as well.
		"DATABASE_URL=" + withParameter(t, seeded.database, "pool_max_conns", "16"),
		"DOCUMENTS=any", "RATE_LIMIT=0", "REDIS_URL=" + redis} // without a limit values are shown without Redis as well
	seeded.seed(t, program(t), settings)
	f := &fleet{T: t, processes: make(map[string]*production), conn: connect(t, seeded.database)}
	t.Cleanup(f.showLogs)
	for name, at := range map[string]string{"first": redis, "second": redis, "deaf": deaf, "without Redis": "redis://127.0.0.1:1/0"} {
		p := &production{database: seeded.database, tokens: seeded.tokens, server: &server{done: make(chan error, 1)}}
		p.serve(t, program(t), append(settings[:len(settings):len(settings)], "REDIS_URL="+at))
		f.processes[name] = p
	}
	return f
}

// withParameter gives a URL with one more parameter.
func withParameter(t testing.TB, at, name, value string) string {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal("the URL of the test's database is none")
	}
	query := u.Query()
	query.Set(name, value)
	u.RawQuery = query.Encode()
	return u.String()
}

// showLogs tells what the servers had to say, where the test failed; they have ended by then.
func (f *fleet) showLogs() {
	for name, p := range f.processes {
		if f.Failed() {
			f.Logf("%s logged:\n%s", name, p.log.String())
		}
	}
}

// maskEve masks the agent who is exempt, and takes it back.
func (f *fleet) maskEve(r *readers, by, held string) turn {
	f.Helper()
	return f.flip(r, turn{name: "mask Eve", viewer: schema.Eve}, by, held, func(c client, mask bool) observation {
		return f.setMasking(c, schema.Eve, mask)
	})
}

// switchOn switches the account's flag off and on again, which Max notices.
func (f *fleet) switchOn(r *readers, by, held string) turn {
	f.Helper()
	flag := func(c client, on bool) observation {
		return f.change(c, fmt.Sprintf(`mutation { setFeatureFlag(input: {accountId: "%d", name: "contact_pii_masking", enabled: %t, reason: "as agreed"}) {
			feature { name enabled } } }`, schema.Acme, on))
	}
	flag(newClient(f, f.processes[by]), false)
	return f.flip(r, turn{name: "switch the flag on", viewer: schema.Max}, by, held, flag)
}

// flip waits until everyone shows the viewer values, has them hidden, waits until everyone has answered since, and takes
// it back. Requests that need a table which is held hang from before the change until it is answered.
func (f *fleet) flip(r *readers, made turn, by, held string, set func(c client, hide bool) observation) turn {
	f.Helper()
	made.name = fmt.Sprintf("%s by %s, %q held", made.name, by, held)
	c := newClient(f, f.processes[by])
	r.await(f, made.name+": everyone shows values", everyone(f.processes, made.viewer, time.Now(), shown))
	release := f.hold(held)
	answer := set(c, true)
	made.asked, made.done = answer.asked, answer.began
	release()
	r.await(f, made.name+": everyone has answered", everyone(f.processes, made.viewer, made.done, func(observation) bool { return true }))
	made.over = time.Now()
	if made.viewer != schema.Max { // the flag stays as it was found
		set(c, false)
	}
	return made
}

// hold locks a table, "" for none, and waits until requests hang at it.
func (f *fleet) hold(table string) (release func()) {
	f.Helper()
	if table == "" {
		return func() {}
	}
	tx, err := f.conn.Begin(f.Context())
	if err != nil {
		f.Fatalf("begin to hold %s: %v", table, err)
	}
	if _, err := tx.Exec(f.Context(), `LOCK TABLE `+table+` IN ACCESS EXCLUSIVE MODE`); err != nil {
		f.Fatalf("hold %s: %v", table, err)
	}
	f.await(`SELECT count(*) > 2 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`, "requests hang at "+table)
	return func() {
		if err := tx.Rollback(context.WithoutCancel(f.Context())); err != nil {
			f.Fatalf("release %s: %v", table, err)
		}
	}
}

// await asks the database until something holds.
func (f *fleet) await(sql, what string) {
	f.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		var holds bool
		if err := f.conn.QueryRow(f.Context(), sql).Scan(&holds); err != nil {
			f.Fatalf("%s: %v", what, err)
		}
		if holds {
			return
		}
		select {
		case <-deadline:
			f.Fatalf("%s: not within 20 seconds", what)
		case <-tick.C:
		}
	}
}

func (f *fleet) setMasking(c client, agent int64, masked bool) observation {
	f.Helper()
	version := 0
	if err := f.conn.QueryRow(f.Context(), `SELECT coalesce(max(version), 0) FROM cloakroom.agent_masking WHERE user_id = $1`, agent).Scan(&version); err != nil {
		f.Fatalf("read the version of a setting: %v", err)
	}
	return f.change(c, fmt.Sprintf(`mutation { setPiiMasking(input: {agentId: "%d", masked: %t, reason: "as agreed", expectedVersion: %d}) {
		agent { piiMasked maskingVersion } } }`, agent, masked, version))
}

// change runs a mutation as the super admin.
func (f *fleet) change(c client, document string) observation {
	f.Helper()
	o, err := c.ask(f.Context(), schema.Root, document)
	if err != nil {
		f.Fatal(err)
	}
	var answer struct{ Errors []json.RawMessage }
	if err := json.Unmarshal(o.body, &answer); err != nil || len(answer.Errors) > 0 || o.status != 200 {
		f.Fatalf("a change: status %d, %v, %.500s", o.status, err, o.body)
	}
	return o
}

// judge compares every answer that began while a turn was in force, and says how much that was.
func judge(t *testing.T, r *readers, turns []turn) {
	t.Helper()
	if r.failed != nil {
		t.Errorf("requests failed: %v", r.failed)
	}
	compared, across, values := 0, 0, 0
	for _, o := range r.seen {
		values += min(len(o.hits), 1)
	}
	for _, made := range turns {
		last := made.asked.Add(-time.Hour)
		var late []observation
		for _, o := range r.seen {
			switch {
			case o.viewer != made.viewer || o.began.After(made.over):
			case o.began.After(made.done):
				compared++
				if o.asked.Before(made.asked) {
					across++
				}
				if shown(o) {
					late = append(late, o)
				}
			case shown(o) && o.began.After(last):
				last = o.began
			}
		}
		t.Logf("%s: answered after %s, the last value %s before that", made.name, made.done.Sub(made.asked), made.done.Sub(last))
		if len(late) > 0 {
			o := late[0]
			t.Errorf("%s: %d answers show values after the change was answered. The first is %s, asked for %s and begun %s after it: %s",
				made.name, len(late), o, o.asked.Sub(made.done), o.began.Sub(made.done), o.hits[0])
		}
	}
	t.Logf("%d answers, %d with values; %d compared after a change, of which %d were asked for before it", len(r.seen), values, compared, across)
	if compared < 100 || across < 10 || values < 100 {
		t.Error("that is too few to show anything")
	}
}
