package main

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestKilledAtEveryCheckpoint kills the program with SIGKILL whenever a job has come one transaction further, and starts
// it again. Each job ends all the same, no row names an old key, and every value is what it was.
func TestKilledAtEveryCheckpoint(t *testing.T) {
	t.Parallel()
	holdMachine(t)
	k := &killing{rotating: &rotating{T: t, directory: t.TempDir()}}
	seeded := &production{database: storetest.NewURL(t)}
	k.environment = []string{"LISTEN=127.0.0.1:0", "REDIS_URL=" + leaseRedis(t), "DATABASE_URL=" + seeded.database, "DOCUMENTS=any",
		"RATE_LIMIT=0", "MASTER_KEY=local-file://" + filepath.Join(k.directory, "master.key")}
	seeded.seed(t, program(t), k.environment)
	k.tokens, k.conn = seeded.tokens, connect(t, seeded.database)
	before := k.everything()
	for _, job := range []struct {
		kind  string
		kills int // at least
		line  []string
	}{
		{"rotate_account", 12, []string{"rotate", "account", "--account", "1", "--wait", "--retention", "0s", "--rate", "4000"}},
		{"rotate_index", 7, []string{"rotate", "index", "--account", "1", "--wait", "--retention", "0s", "--rate", "1000"}},
		{"rotate_master", 5, []string{"rotate", "master", "--to", k.masterKey("next+", 0), "--wait", "--rate", "20"}},
		{"rotate_epoch", 5, []string{"rotate", "epoch", "--wait", "--retention", "0s"}},
		{"retire_keys", 1, []string{"rotate", "retire", "--wait"}},
		{"verify_erasure", 1, []string{"jobs", "work", k.erasure()}},
	} {
		kills := k.until(job.kind, job.line)
		t.Logf("%s ended after it was killed %d times", job.kind, kills)
		if kills < job.kills {
			t.Errorf("%s was killed %d times only", job.kind, kills)
		}
	}
	if after := k.everything(); after != before {
		t.Errorf("values are others than before: %d and %d bytes", len(before), len(after))
	}
	var left int
	if err := k.conn.QueryRow(t.Context(), `SELECT count(*) FROM (`+oldKeys+`) old`).Scan(&left); err != nil || left > 0 {
		k.nothingOldIsLeft()
	}
}

// killing is a rotation whose program dies.
type killing struct {
	*rotating
	tokens map[int64]string
}

// erasure erases a contact of the other account and gives the number of the job that is to prove it, which is due.
func (k *killing) erasure() string {
	k.Helper()
	k.run("erase", "contact", "--account", "2", "--contact", fmt.Sprint(schema.ContactOfBorealis))
	var job int64
	if err := k.conn.QueryRow(k.Context(), `UPDATE cloakroom.jobs SET arguments = arguments - 'notBefore' WHERE kind = 'verify_erasure'
		RETURNING job_id`).Scan(&job); err != nil {
		k.Fatalf("find the job that proves the erasure: %v", err)
	}
	return fmt.Sprint(job)
}

// until runs a command, kills it at the first checkpoint it writes, and does so again until the job is over.
func (k *killing) until(kind string, line []string) (kills int) {
	k.Helper()
	deadline := time.Now().Add(4 * time.Minute)
	var last string
	if last = k.place(kind); strings.HasPrefix(last, "queued") {
		last = ""
	}
	for ; time.Now().Before(deadline); kills++ {
		cmd := exec.Command(program(k), line...)
		cmd.Env = k.environment
		var printed bytes.Buffer
		cmd.Stdout, cmd.Stderr = &printed, &printed
		if err := cmd.Start(); err != nil {
			k.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			_ = cmd.Wait() // how it ended is in what it printed
			close(ended)
		}()
		place, over := k.killAfter(cmd, kind, last, ended)
		if over {
			if strings.HasPrefix(place, "done") {
				return kills
			}
			k.Fatalf("%s ended at %q:\n%s", strings.Join(line, " "), place, printed.String())
		}
		last = place
		k.timePasses()
	}
	k.Fatalf("%s is not over within its time, after %d kills: it stands at %q", kind, kills, k.place(kind))
	return kills
}

// killAfter waits until the job has moved from where it was and kills the program, or says that it ended by itself.
func (k *killing) killAfter(cmd *exec.Cmd, kind, last string, ended <-chan struct{}) (place string, over bool) {
	k.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return k.place(kind), true
		case <-tick.C:
		}
		if place = k.place(kind); place != last && place != "" {
			_ = cmd.Process.Kill() // it may have ended by itself just now
			<-ended
			place = k.place(kind)
			return place, strings.HasPrefix(place, "done")
		}
	}
}

// place is how far the newest job of a kind has come, "" when there is none.
func (k *killing) place(kind string) string {
	k.Helper()
	var place string
	err := k.conn.QueryRow(k.Context(), `SELECT state || ' ' || job_id || ' ' || step || ' ' || checkpoint::text FROM cloakroom.jobs
		WHERE kind = $1 ORDER BY job_id DESC LIMIT 1`, kind).Scan(&place)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		k.Fatalf("read where the job stands: %v", err)
	}
	return place
}

// timePasses makes what the dead left behind run out: its lease on the job, and its place among those that hold keys.
func (k *killing) timePasses() {
	k.Helper()
	for _, sql := range []string{`UPDATE cloakroom.jobs SET held_until = now() - interval '1 second' WHERE held_until IS NOT NULL`,
		`UPDATE cloakroom.replicas SET seen_at = now() - interval '1 hour'`} {
		if _, err := k.conn.Exec(k.Context(), sql); err != nil {
			k.Fatal(err)
		}
	}
}

// everything is every value of the sealed account, as an exempt agent sees it.
func (k *killing) everything() string {
	k.Helper()
	p := &production{tokens: k.tokens, server: &server{done: make(chan error, 1)}}
	p.serve(k, program(k), k.environment)
	defer p.end(k)
	c := newClient(k, p)
	var all strings.Builder
	for _, list := range []string{
		`contacts(first: 25, orderBy: {field: CREATED_AT, direction: ASC}%s) { pageInfo { hasNextPage endCursor } nodes { id name email phoneNumber identifier customAttributes { key value }
			contactInboxes { sourceId } notes { content } } }`,
		`conversations(first: 8, orderBy: {field: CREATED_AT, direction: ASC}%s) { pageInfo { hasNextPage endCursor } nodes { id customAttributes { key value }
			messages(last: 40) { nodes { id content email { from to } attachments { id } } } } }`,
	} {
		for after, more := "", true; more; {
			o, err := c.ask(k.Context(), schema.Root, `{ account(id: "1") { `+fmt.Sprintf(list, after)+` } }`)
			page, ok := data(o.body)
			if err != nil || !ok {
				k.Fatalf("read everything: %v, %.700s", err, o.body)
			}
			before, rest, _ := strings.Cut(page, `"endCursor":"`)
			cursor, nodes, _ := strings.Cut(rest, `"`)
			more, after = strings.Contains(before, `"hasNextPage":true`), fmt.Sprintf(`, after: "%s"`, cursor)
			all.WriteString(nodes)
		}
	}
	return all.String()
}
