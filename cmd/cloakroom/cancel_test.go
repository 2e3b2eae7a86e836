package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
)

// TestCancellationReachesPostgreSQL: a statement that nobody waits for any more is not left to PostgreSQL, whether the
// client went away or the request's time is over.
func TestCancellationReachesPostgreSQL(t *testing.T) {
	t.Parallel()
	p := startProduction(t, "cloakroom", "JOBS=off") // jobs come and go by themselves
	watch := connect(t, p.database)
	waiting := func() bool { return waitingStatements(t, watch) > 0 }
	const query = `{ account(id: "1") { contacts(first: 5) { nodes { id name } } } }`

	unlock := lockContacts(t, p.database)
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := p.ask(ctx, query)
		gone <- err
	}()
	eventually(t, 10*time.Second, "the statement waits for the lock", waiting)
	leave()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Fatalf("the client did not leave: %v", err)
	}
	eventually(t, 2*time.Second, "nothing waits for a client that is gone", func() bool { return !waiting() })

	start := time.Now()
	answer, err := p.ask(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > requestDeadline+2*time.Second {
		t.Errorf("the answer took %s, want at most the request's %s", took, requestDeadline)
	}
	if !strings.Contains(answer, `"code":"LIMITED"`) || strings.Contains(answer, "INTERNAL") {
		t.Errorf("the answer of a request out of time: %.400s", answer)
	}
	eventually(t, 2*time.Second, "nothing waits for a request that is over", func() bool { return !waiting() })

	unlock()
	if answer, err := p.ask(t.Context(), query); err != nil || !strings.Contains(answer, `"nodes":[{"id":`) {
		t.Errorf("the server does not serve as before: %v, %.400s", err, answer)
	}
}

// lockContacts keeps everybody else from reading contacts until unlock.
func lockContacts(t *testing.T, database string) (unlock func()) {
	t.Helper()
	tx, err := connect(t, database).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"contacts", "cloakroom.contacts"} {
		if _, err := tx.Exec(t.Context(), "LOCK TABLE "+table+" IN ACCESS EXCLUSIVE MODE"); err != nil {
			t.Fatalf("lock the contacts: %v", err)
		}
	}
	return func() {
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatalf("unlock the contacts: %v", err)
		}
	}
}

// waitingStatements counts the statements in this database that wait for a lock.
func waitingStatements(t *testing.T, conn *pgx.Conn) int {
	t.Helper()
	var n int
	err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
	if err != nil {
		t.Fatalf("look for statements that wait: %v", err)
	}
	return n
}

// ask asks as the super admin, on a connection of its own, so that leaving closes it.
func (p *production) ask(ctx context.Context, query string) (string, error) {
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.address+"/graphql", strings.NewReader(string(body)))
	if err != nil {
		return "", err
	}
	request.Close = true
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("api_access_token", p.tokens[schema.Root])
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	return string(answer), err
}

// eventually waits for what a server does on its own; it asks again at each tick.
func eventually(t testing.TB, within time.Duration, what string, done func() bool) {
	t.Helper()
	deadline := time.After(within)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline:
			if !done() {
				t.Fatalf("%s: not within %s", what, within)
			}
			return
		case <-tick.C:
		}
	}
}
