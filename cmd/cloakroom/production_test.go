package main

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// production is `cloakroom serve` as an installation runs it, over the demo's data in a database of its own.
type production struct {
	address  string // host:port
	database string // the URL of its database, for what a test does beside it
	tokens   map[int64]string
	*server
}

// machine is held by tests that need most of it: several servers under load, or a program that is started many times.
// Two of them at once would see each other's load.
var machine sync.Mutex

func holdMachine(t testing.TB) {
	t.Helper()
	machine.Lock()
	t.Cleanup(machine.Unlock)
}

// startProduction migrates and seeds a database with the given program and serves it with trusted documents. The
// program's environment holds nothing but what it needs; settings of the test's own come last and win.
func startProduction(t testing.TB, program string, settings ...string) *production {
	t.Helper()
	p := &production{database: storetest.NewURL(t), server: &server{done: make(chan error, 1)}}
	environment := append([]string{"DATABASE_URL=" + p.database, "REDIS_URL=" + leaseRedis(t),
		"MASTER_KEY=local-file://" + filepath.Join(t.TempDir(), "master.key"), "LISTEN=127.0.0.1:0", "DOCUMENTS=trusted"}, settings...)
	p.seed(t, program, environment)
	p.serve(t, program, environment)
	return p
}

// seed migrates the database and loads the demo into it.
func (p *production) seed(t testing.TB, program string, environment []string) {
	t.Helper()
	for _, arguments := range [][]string{{"migrate", "up"}, {"seed"}} {
		cmd := exec.CommandContext(t.Context(), program, arguments...)
		cmd.Env = environment
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("cloakroom %s: %v\n%s", strings.Join(arguments, " "), err, out)
		}
	}
	p.tokens = readAccessTokens(t, p.database)
}

// serve starts the server, waits until it is ready, and ends it with the test.
func (p *production) serve(t testing.TB, program string, environment []string) {
	t.Helper()
	p.cmd = exec.Command(program, "serve")
	p.cmd.Env = environment
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start the server: %v", err)
	}
	serving := make(chan string, 1)
	go p.follow(stderr, serving)
	select {
	case at := <-serving:
		p.address = strings.TrimPrefix(at, "http://")
	case err := <-p.done:
		t.Fatalf("the server ended at once: %v\n%s", err, p.log.String())
	case <-time.After(time.Minute):
		t.Fatal("the server does not say that it serves")
	}
	t.Cleanup(func() { p.end(t) })
	waitReady(t, "http://"+p.address+"/readyz")
}

// end stops the server as an operator would; what it logged is in log afterwards.
func (p *production) end(t testing.TB) {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case err := <-p.done:
		if err != nil {
			t.Errorf("the server did not end well: %v\n%s", err, p.log.String())
		}
	case <-time.After(time.Minute):
		_ = p.cmd.Process.Kill()
		t.Error("the server does not stop")
	}
	p.cmd = nil
}

func waitReady(t testing.TB, url string) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		response, err := http.Get(url)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-deadline:
			t.Fatal("the server does not become ready")
		case <-tick.C:
		}
	}
}

// readAccessTokens gives the users' Chatwoot access tokens, by user.
func readAccessTokens(t testing.TB, database string) map[int64]string {
	t.Helper()
	conn := connect(t, database)
	rows, err := conn.Query(t.Context(), `SELECT owner_id, token FROM access_tokens WHERE owner_type = 'User'`)
	if err != nil {
		t.Fatalf("read the access tokens: %v", err)
	}
	tokens := make(map[int64]string)
	var id int64
	var token string
	if _, err := pgx.ForEachRow(rows, []any{&id, &token}, func() error { tokens[id] = token; return nil }); err != nil {
		t.Fatalf("read the access tokens: %v", err)
	}
	if tokens[schema.Root] == "" {
		t.Fatal("the demo's super admin has no access token")
	}
	return tokens
}

func connect(t testing.TB, database string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatalf("connect to the test's database: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// leaseRedis gives the URL of a logical database of Redis for one test. Keys name accounts, of which every test has
// the same, so no two tests may share one; the tests of other packages take theirs in the same way.
func leaseRedis(t testing.TB) string {
	t.Helper()
	at, err := url.Parse(os.Getenv("TEST_REDIS_URL"))
	if err != nil || at.Host == "" {
		t.Fatal("run the tests with make test, or set TEST_REDIS_URL")
	}
	leases := openTestRedis(t, at)
	for n := 1; n < 16; n++ {
		key := "cloakroom-test:lease:" + strconv.Itoa(n)
		free, err := leases.SetNX(t.Context(), key, "taken", 10*time.Minute).Result()
		if err != nil {
			t.Fatalf("lease a database of Redis: %v", err)
		}
		if !free {
			continue
		}
		t.Cleanup(func() { _ = leases.Del(context.Background(), key).Err() })
		at.Path = "/" + strconv.Itoa(n)
		if err := openTestRedis(t, at).FlushDB(t.Context()).Err(); err != nil {
			t.Fatalf("empty a database of Redis: %v", err)
		}
		return at.String()
	}
	t.Fatal("every logical database of Redis is leased")
	return ""
}

func openTestRedis(t testing.TB, at *url.URL) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(at.String())
	if err != nil {
		t.Fatalf("read the URL of the test's Redis: %v", err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}
