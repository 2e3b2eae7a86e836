package resolvers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/events"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/resolvers"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// edge is one replica: the handler of POST /graphql behind authentication, over a real PostgreSQL and a real Redis.
type edge struct {
	store   *store.Store
	redis   redis.UniversalClient
	vault   *vault.Vault
	auth    *auth.Authenticator
	bus     *events.Bus
	log     *journal
	handler http.Handler
	shared  *sync.Mutex // of a replica that several tests ask: see ask
}

// newEdge gives a replica over a demo of its own.
func newEdge(t testing.TB) *edge {
	t.Helper()
	return newReplica(t, sealedDemo.Clone(t), leaseRedis(t))
}

// newReplica puts a replica together as cmd/cloakroom does.
func newReplica(t testing.TB, s *store.Store, client redis.UniversalClient, options ...auth.Option) *edge {
	t.Helper()
	e := &edge{store: s, redis: client, log: new(journal)}
	log := slog.New(slog.NewJSONHandler(e.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	keys, pepper, err := openKeys(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	e.bus = events.New(client, log)
	e.vault = vault.New(s, keys, client, e.bus, log, prometheus.NewRegistry())
	e.vault.SearchTime = time.Minute // a busy machine gives no other answers
	t.Cleanup(e.vault.Settle)
	e.auth = auth.New(s, pepper, append(options, auth.WithLogger(log))...)
	return e.with(t, resolvers.Settings{Open: true})
}

// with gives the same replica with other settings.
func (e *edge) with(t testing.TB, s resolvers.Settings) *edge {
	t.Helper()
	s.Log = slog.New(slog.NewJSONHandler(e.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	graphql, err := resolvers.NewHandler(&resolvers.Resolver{Store: e.store, Vault: e.vault, Auth: e.auth}, s)
	if err != nil {
		t.Fatal(err)
	}
	other := *e
	other.handler = other.authenticated(metered(graphql))
	return &other
}

// openKeys opens the master key of this test process.
func openKeys(ctx context.Context, s *store.Store) (*keyring.Keyring, []byte, error) {
	master, err := keyring.OpenMasterKey(ctx, masterKey, true)
	if err != nil {
		return nil, nil, err
	}
	keys, err := keyring.New(master, s, keyring.WithFollower(keyring.OpenMasterKey))
	if err != nil {
		return nil, nil, err
	}
	installation, err := keys.Account(ctx, 0)
	if err != nil {
		return nil, nil, err
	}
	pepper, err := installation.Pepper()
	return keys, pepper, err
}

// authenticated is the middleware of `cloakroom serve`.
func (e *edge) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(vault.WithRequestID(r.Context(), "request-of-a-test"))
		viewer, err := e.auth.Authenticate(r.Context(), r)
		switch {
		case errors.Is(err, chat.ErrUnauthenticated):
			resolvers.Refuse(w, http.StatusUnauthorized, chat.ErrUnauthenticated)
			return
		case err != nil:
			resolvers.Refuse(w, http.StatusInternalServerError, chat.Errorf(chat.Internal, "the credentials could not be checked; try again"))
			return
		}
		ctx := vault.WithActor(auth.WithViewer(r.Context(), viewer), chat.ActorOf(viewer))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// cost is what a request took from PostgreSQL and Redis, looking up the viewer aside.
type cost struct {
	*store.Count
	redis *atomic.Int64
}

type costKey struct{}

// metered counts for requests that ask for it.
func metered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := r.Context().Value(costKey{}).(*cost)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		ctx, count := store.WithCount(r.Context())
		ctx, trips := vault.WithTrips(ctx)
		*c = cost{count, trips}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// reply is an answer as it left.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// ask asks as one of the viewers. Tests that share a replica must not spend one another's budget for look-ups, so there
// each document with look-ups, 15 at most, has a budget of its own.
func (e *edge) ask(t testing.TB, viewer, query string, variables map[string]any) reply {
	t.Helper()
	if e.shared != nil && (strings.Contains(query, "lookupContact") || strings.Contains(query, "searchContacts")) {
		e.shared.Lock()
		defer e.shared.Unlock()
		forgetLookups(t, e, users[viewer])
	}
	return e.send(t.Context(), newRequest(t, viewer, query, variables))
}

// forgetLookups gives a user a whole budget for look-ups.
func forgetLookups(t testing.TB, e *edge, userID int64) {
	t.Helper()
	if err := e.redis.Del(t.Context(), "cloakroom:lookups:{user:"+chat.FormatID(userID)+"}").Err(); err != nil {
		t.Fatal(err)
	}
}

// askMetered asks and says what it cost.
func (e *edge) askMetered(t testing.TB, viewer, query string, variables map[string]any) (reply, *cost) {
	t.Helper()
	c := new(cost)
	return e.send(context.WithValue(t.Context(), costKey{}, c), newRequest(t, viewer, query, variables)), c
}

func (e *edge) send(ctx context.Context, r *http.Request) reply {
	w := httptest.NewRecorder()
	e.handler.ServeHTTP(w, r.WithContext(ctx))
	return reply{w.Code, w.Header(), w.Body.Bytes()}
}

func newRequest(t testing.TB, viewer, query string, variables map[string]any) *http.Request {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	return rawRequest(t, viewer, bytes.NewReader(body))
}

func rawRequest(t testing.TB, viewer string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if viewer != "" {
		present(t, r, viewer)
	}
	return r
}

// data decodes an answer that must hold no error.
func (r reply) data(t testing.TB, into any) {
	t.Helper()
	var answer struct {
		Data   json.RawMessage
		Errors []json.RawMessage
	}
	if err := json.Unmarshal(r.body, &answer); err != nil || len(answer.Errors) > 0 || r.status != http.StatusOK {
		t.Fatalf("status %d, %v, answer %.600s", r.status, err, r.body)
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		t.Fatalf("decode %.300s: %v", answer.Data, err)
	}
}

func decode(t testing.TB, body []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("decode %.300s: %v", body, err)
	}
}

// fault gives code and field of an answer's first error, "" when it has none.
func fault(t testing.TB, answer reply) (code, field string) {
	t.Helper()
	var body struct {
		Errors []struct {
			Extensions struct{ Code, Field string }
		}
	}
	decode(t, answer.body, &body)
	if len(body.Errors) == 0 {
		return "", ""
	}
	return body.Errors[0].Extensions.Code, body.Errors[0].Extensions.Field
}

// journal keeps what was logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) bytes() []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	return bytes.Clone(j.text.Bytes())
}

// eventually waits for what another replica must learn; it asks again at each tick, within the deadline.
func eventually(t testing.TB, within time.Duration, what string, done func() bool) {
	t.Helper()
	deadline := time.After(within)
	tick := time.NewTicker(10 * time.Millisecond)
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
