package resolvers_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/events"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
	"github.com/cloakroom/cloakroom/vault"
)

// masterKey is the URI of a key that lives as long as the test process.
var masterKey string

// sealedDemo is the demo as `cloakroom seed` leaves it, with the service tokens of the viewers.
var sealedDemo = storetest.Derived{Build: buildDemo}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	redis.SetLogger(silence{}) // some tests have a Redis that does not answer
	folder, err := os.MkdirTemp("", "cloakroom-edge-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	masterKey = "local-file://" + filepath.Join(folder, "master.key")
	code := m.Run()
	process.end()
	if err := sealedDemo.Drop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

// users are the viewers who present a Chatwoot access token.
var users = map[string]int64{
	"masked": schema.Max, "exempt": schema.Eve, "admin": schema.Ada, "root": schema.Root, "stranger": schema.Bob,
	"unset": schema.Ivy, "narrow": schema.Noor, "nowhere": schema.Zoe,
}

// services are the viewers who present a service token.
var services = map[string]struct {
	scopes   []chat.Scope
	accounts []int64
}{
	"pii-service":    {[]chat.Scope{chat.ScopePIIEmail, chat.ScopePIIPhone, chat.ScopeContactLookup}, []int64{schema.Acme}},
	"reader-service": {[]chat.Scope{chat.ScopeContactRead, chat.ScopeConversationRead}, []int64{schema.Acme}},
	"everything":     {chat.Scopes, []int64{schema.Acme, schema.Borealis}},
	"expired":        {chat.Scopes, []int64{schema.Acme}},
	"revoked":        {chat.Scopes, []int64{schema.Acme}},
}

// tokens holds the service tokens that buildDemo made, by viewer.
var tokens sync.Map

// accessTokens gives the users' Chatwoot access tokens.
var accessTokens = sync.OnceValues(func() (map[int64]string, error) {
	demo, err := storetest.Demo()
	if err != nil {
		return nil, err
	}
	table, _ := demo.Table("access_tokens")
	found := make(map[int64]string)
	for _, row := range table.Rows {
		values := make(map[string]any, len(row))
		for i, column := range table.Columns {
			values[column] = row[i]
		}
		if values["owner_type"] == "User" {
			found[values["owner_id"].(int64)] = values["token"].(string)
		}
	}
	return found, nil
})

// present puts a viewer's credential on a request.
func present(t testing.TB, r *http.Request, viewer string) {
	t.Helper()
	if token, ok := tokens.Load(viewer); ok {
		r.Header.Set("Authorization", "Bearer "+token.(string))
		return
	}
	id, ok := users[viewer]
	if !ok {
		t.Fatalf("there is no viewer %s", viewer)
	}
	known, err := accessTokens()
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("api_access_token", known[id])
}

// buildDemo seals account 1 and sets who is masked, step by step as `cloakroom seed` does.
func buildDemo(ctx context.Context, s *store.Store) error {
	keys, pepper, err := openKeys(ctx, s)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	client := nowhere()
	defer func() { _ = client.Close() }()
	v := vault.New(s, keys, client, events.New(client, log), log, prometheus.NewRegistry())
	if err := s.MarkDemo(ctx); err != nil {
		return err
	}
	if err := v.SealAccount(ctx, schema.Acme, func(vault.Sealing) {}); err != nil {
		return err
	}
	if err := s.BlankDemo(ctx, schema.Acme); err != nil {
		return err
	}
	for _, d := range chat.Datasets {
		if err := v.SetPhase(ctx, schema.Acme, d, chat.SealedOnly); err != nil {
			return err
		}
	}
	if err := decide(ctx, v); err != nil {
		return err
	}
	return issueTokens(ctx, s, pepper)
}

func decide(ctx context.Context, v *vault.Vault) error {
	root := &chat.Viewer{User: &chat.User{ID: schema.Root}, SuperAdmin: true}
	for agent, masked := range map[int64]bool{schema.Max: true, schema.Eve: false} {
		if err := v.SetMasking(ctx, root, vault.MaskingChange{AgentID: agent, Masked: masked, Reason: "set up with the demo data"}); err != nil {
			return err
		}
	}
	_, err := v.SetFlag(ctx, root, schema.Acme, chat.FlagContactPIIMasking, true, "set up with the demo data")
	return err
}

func issueTokens(ctx context.Context, s *store.Store, pepper []byte) error {
	for viewer, asked := range services {
		token, row, err := auth.NewServiceToken(pepper, auth.EnvTest, viewer, asked.scopes, asked.accounts, auth.DefaultLifetime)
		if err != nil {
			return err
		}
		if viewer == "expired" {
			row.CreatedAt, row.ExpiresAt = row.CreatedAt.Add(-2*time.Hour), row.CreatedAt.Add(-time.Hour)
		}
		if err := s.CreateServiceToken(ctx, row); err != nil {
			return err
		}
		if viewer == "revoked" {
			if err := s.RevokeServiceToken(ctx, row.ID, time.Now()); err != nil {
				return err
			}
		}
		tokens.Store(viewer, token)
	}
	return nil
}

// nowhere is a Redis that nobody answers for.
func nowhere() redis.UniversalClient {
	return redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1, DialTimeout: time.Second})
}

// leasing bounds how many leases this process holds, so that a machine with many cores waits instead of running out.
var leasing = make(chan struct{}, 8)

// leaseRedis gives a logical database of Redis for one test. Keys name accounts, of which every test has the same,
// so no two tests may share one; leases lie in database 0, because other test processes lease there too.
func leaseRedis(t testing.TB) redis.UniversalClient {
	t.Helper()
	leasing <- struct{}{}
	t.Cleanup(func() { <-leasing })
	options, err := redis.ParseURL(os.Getenv("TEST_REDIS_URL"))
	if err != nil {
		t.Fatal("run the tests with make test, or set TEST_REDIS_URL")
	}
	ctx := context.Background()
	leases := redis.NewClient(options)
	for n := 1; n < 16; n++ {
		key := "cloakroom-test:lease:" + strconv.Itoa(n)
		free, err := leases.SetNX(ctx, key, "taken", 10*time.Minute).Result()
		if err != nil {
			t.Fatalf("lease a database of Redis: %v", err)
		}
		if !free {
			continue
		}
		options.DB, options.MaxRetries = n, -1
		client := redis.NewClient(options)
		t.Cleanup(func() { _ = client.Close(); _ = leases.Del(ctx, key).Err(); _ = leases.Close() })
		if err := client.FlushDB(ctx).Err(); err != nil {
			t.Fatalf("empty a database of Redis: %v", err)
		}
		return client
	}
	t.Fatal("every logical database of Redis is leased")
	return nil
}

// forProcess is a testing.TB for what lives as long as the test process.
type forProcess struct {
	testing.TB
	ends []func()
}

func (p *forProcess) Helper()                   {}
func (p *forProcess) Context() context.Context  { return context.Background() }
func (p *forProcess) Cleanup(end func())        { p.ends = append(p.ends, end) }
func (p *forProcess) Fatal(args ...any)         { panic(fmt.Sprint(args...)) }
func (p *forProcess) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }
func (p *forProcess) Errorf(f string, a ...any) { fmt.Fprintf(os.Stderr, f+"\n", a...) }
func (p *forProcess) end() {
	for i := len(p.ends) - 1; i >= 0; i-- {
		p.ends[i]()
	}
}

var process forProcess

// shared is a replica for tests that change nothing.
var shared = sync.OnceValue(func() *edge {
	e := newEdge(&process)
	e.shared = new(sync.Mutex)
	return e
})
