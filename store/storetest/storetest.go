// Package storetest is the test helper of the room of PostgreSQL: a database of its own for every test.
// What comes in is TEST_DATABASE_URL, a server on which databases may be made; each test gets a clone of a template that
// holds Chatwoot's tables and ours, made once and named by a hash of what is in it.
// No test's rows ever leave its clone, which is dropped when the test ends.
package storetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom/store"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// New gives a store on an empty Chatwoot database with Cloakroom's schema in it.
func New(t testing.TB) *store.Store {
	t.Helper()
	return open(t, clone(t, emptyTemplate))
}

// WithDemo gives a store on a database that holds Chatwoot's rows of the demo as of DemoTime. Nothing of ours is set
// in it: no account is masked, nothing is sealed.
func WithDemo(t testing.TB) *store.Store {
	t.Helper()
	return open(t, clone(t, demoTemplate))
}

// NewURL gives the URL of a database like New's, for tests of a whole program.
func NewURL(t testing.TB) string {
	t.Helper()
	return clone(t, emptyTemplate)
}

// pools finds the connections behind a store of ours, for the statements that only tests make.
var pools sync.Map // of *store.Store to *pgxpool.Pool

// Exec runs a statement on a store's database.
func Exec(t testing.TB, s *store.Store, sql string, args ...any) {
	t.Helper()
	if _, err := poolOf(t, s).Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("run a test's statement: %v\n%s", err, sql)
	}
}

// Value runs a query that gives one row of one column.
func Value[T any](t testing.TB, s *store.Store, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := poolOf(t, s).QueryRow(context.Background(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("run a test's query: %v\n%s", err, sql)
	}
	return v
}

func poolOf(t testing.TB, s *store.Store) *pgxpool.Pool {
	t.Helper()
	pool, ok := pools.Load(s)
	if !ok {
		t.Fatal("this store was not made by storetest")
	}
	return pool.(*pgxpool.Pool)
}

func open(t testing.TB, url string) *store.Store {
	t.Helper()
	ctx := context.Background()
	s, err := store.Open(ctx, url)
	if err != nil {
		t.Fatalf("open the test's database: %v", err)
	}
	t.Cleanup(s.Close)
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		t.Fatalf("open the test's own connections: %v", err)
	}
	t.Cleanup(pool.Close)
	pools.Store(s, pool)
	t.Cleanup(func() { pools.Delete(s) })
	return s
}

// clone makes a database from a template and gives its URL; it is dropped when the test ends.
func clone(t testing.TB, template func(context.Context, server) (string, error)) string {
	t.Helper()
	ctx := context.Background()
	srv, err := theServer()
	if err != nil {
		t.Fatal(err)
	}
	from, err := template(ctx, srv)
	if err != nil {
		t.Fatalf("make the template database: %v", err)
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	name := "cloakroom_test_" + hex.EncodeToString(random[:])
	if err := srv.exec(ctx, "CREATE DATABASE %s TEMPLATE %s STRATEGY file_copy", name, from); err != nil {
		t.Fatalf("clone the template database: %v", err)
	}
	t.Cleanup(func() {
		if err := srv.exec(ctx, "DROP DATABASE IF EXISTS %s WITH (FORCE)", name); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return srv.url(name)
}

// server is where databases are made. Its connections stay open as long as the test process.
type server struct {
	base *url.URL
	pool *pgxpool.Pool
}

var theServer = sync.OnceValues(func() (server, error) {
	base, err := url.Parse(os.Getenv("TEST_DATABASE_URL"))
	if err != nil || base.Host == "" && base.RawQuery == "" {
		return server{}, fmt.Errorf("run the tests with make test, or set TEST_DATABASE_URL")
	}
	pool, err := pgxpool.New(context.Background(), base.String())
	return server{base, pool}, err
})

func (s server) url(database string) string {
	u := *s.base
	u.Path = "/" + database
	return u.String()
}

// exec runs a statement about databases, which takes names where arguments cannot stand.
func (s server) exec(ctx context.Context, format string, names ...string) error {
	quoted := make([]any, len(names))
	for i, name := range names {
		quoted[i] = pgx.Identifier{name}.Sanitize()
	}
	_, err := s.pool.Exec(ctx, fmt.Sprintf(format, quoted...))
	return err
}
