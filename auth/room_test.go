package auth

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
	"golang.org/x/crypto/bcrypt"
)

const (
	ada    = int64(2) // agent of account 1, administrator of account 2, and in account 3, which is suspended
	client = "kq3m1Vb0Zt8cXy5LwR7nAg"
	raw    = "Zt8cXy5LwR7nAgkq3m1Vb0"
)

var pepper = []byte("0123456789abcdef0123456789abcdef")

// clock is a time that moves when a test says so.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.nanos.Store(time.Now().UnixNano())
	return c
}
func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()) }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

// hashOf is bcrypt at the lowest cost: the rules are the same at any.
func hashOf(t testing.TB, token string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(token), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

// newRoom gives an Authenticator over three users, of whom Ada has a session of client and raw.
func newRoom(t testing.TB, opts ...Option) (*Authenticator, *store.Store, *clock) {
	t.Helper()
	s, c := storetest.New(t), newClock()
	storetest.Exec(t, s, `INSERT INTO accounts (id, name, status, created_at, updated_at) VALUES
		(1, 'Acme', 0, now(), now()), (2, 'Borealis', 0, now(), now()), (3, 'Suspended', 1, now(), now())`)
	storetest.Exec(t, s, `INSERT INTO users (id, uid, email, name, type, encrypted_password, confirmed_at, created_at, updated_at)
		SELECT id, name || '@example.com', name || '@example.com', name, kind, $1, now(), now(), now()
		FROM (VALUES (1, 'root', 'SuperAdmin'), (2, 'ada', NULL), (3, 'lone', NULL)) AS u (id, name, kind)`, hashOf(t, "right"))
	storetest.Exec(t, s, `INSERT INTO account_users (account_id, user_id, role, created_at, updated_at) VALUES
		(1, 1, 1, now(), now()), (1, 2, 0, now(), now()), (2, 2, 1, now(), now()), (3, 2, 1, now(), now())`)
	storetest.Exec(t, s, `INSERT INTO access_tokens (owner_type, owner_id, token, created_at, updated_at) VALUES
		('User', 1, 'root-token', now(), now()), ('AgentBot', 1, 'bot-token', now(), now()), ('PlatformApp', 1, 'app-token', now(), now())`)
	putTokens(t, s, fmt.Sprintf(`{%q:{"token":%q,"expiry":%d}}`, client, hashOf(t, raw), c.now().Add(time.Hour).Unix()))
	return New(s, pepper, append([]Option{WithClock(c.now)}, opts...)...), s, c
}

// putTokens writes Ada's sessions as a native object.
func putTokens(t testing.TB, s *store.Store, object string) {
	t.Helper()
	storetest.Exec(t, s, `UPDATE users SET tokens = $1::text::json WHERE id = $2`, object, ada)
}

// with makes a request with header names and values in turn.
func with(t testing.TB, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// session is the headers of Ada's session.
func session(t testing.TB) *http.Request {
	t.Helper()
	return with(t, "access-token", raw, "client", client, "uid", "ada@example.com", "token-type", "Bearer")
}

// who is the id of the user a request is made by, 0 when it is refused.
func who(t testing.TB, a *Authenticator, r *http.Request) int64 {
	t.Helper()
	v, err := a.Authenticate(t.Context(), r)
	if err != nil {
		if !errors.Is(err, chat.ErrUnauthenticated) || err.Error() != chat.ErrUnauthenticated.Error() || v != nil {
			t.Fatalf("error %v, viewer %v: want the uniform refusal itself", err, v)
		}
		return 0
	}
	return v.UserID()
}
