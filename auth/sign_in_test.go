package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store/storetest"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"
)

// signInFrom posts a sign-in from a peer's address.
func signInFrom(t testing.TB, a *Authenticator, peer, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/auth/sign_in", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.RemoteAddr = peer
	w := httptest.NewRecorder()
	a.SignIn(w, r)
	return w
}

func credentials(email, password string) string {
	raw, _ := json.Marshal(map[string]string{"email": email, "password": password})
	return string(raw)
}

// sessionOf copies the session headers of an answer into a request, as a browser does.
func sessionOf(t testing.TB, w *httptest.ResponseRecorder) *http.Request {
	t.Helper()
	r := with(t)
	for _, name := range []string{"access-token", "client", "uid", "expiry", "token-type"} {
		r.Header.Set(name, w.Header().Get(name))
	}
	return r
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	var signedIn []int64
	a, s, c := newRoom(t, OnSignIn(func(_ context.Context, v *chat.Viewer) { signedIn = append(signedIn, v.UserID()) }))
	storetest.Exec(t, s, `UPDATE users SET pubsub_token = 'pubsub-secret' || id`)
	w := signInFrom(t, a, "192.0.2.1:1000", credentials(" ADA@example.com ", "right"))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	var got any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"data": map[string]any{
		"id": 2.0, "name": "ada", "email": "ada@example.com", "type": nil,
		"accounts": []any{map[string]any{"id": 1.0, "name": "Acme", "role": "agent"}, map[string]any{"id": 2.0, "name": "Borealis", "role": "administrator"}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	h := w.Header()
	expiry, err := strconv.ParseInt(h.Get("expiry"), 10, 64)
	if err != nil || expiry != c.now().AddDate(0, 2, 0).Unix() {
		t.Errorf("expiry %q, want two months from now", h.Get("expiry"))
	}
	if h.Get("token-type") != "Bearer" || len(h.Get("access-token")) != 22 || len(h.Get("client")) != 22 || h.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", h)
	}
	if who(t, a, sessionOf(t, w)) != ada || who(t, a, session(t)) != ada {
		t.Error("the new session, or the one before it, is not good")
	}
	if stored := storetest.Value[string](t, s, `SELECT tokens::text FROM users WHERE id = 2`); strings.Contains(stored, h.Get("access-token")) || !strings.Contains(stored, "$2a$10$") {
		t.Error("the token is not stored as bcrypt of cost 10")
	}
	w = signInFrom(t, a, "192.0.2.1:1000", credentials("root@example.com", "right"))
	if !strings.Contains(w.Body.String(), `"type":"SuperAdmin"`) || strings.Contains(w.Body.String(), "secret") || strings.Contains(w.Body.String(), "token") {
		t.Errorf("the super admin's answer is %s", w.Body)
	}
	if diff := cmp.Diff([]int64{ada, 1}, signedIn); diff != "" {
		t.Error(diff)
	}
}

func TestSignInRefused(t *testing.T) {
	t.Parallel()
	const wrong = `{"errors":[{"message":"the e-mail or the password is wrong","extensions":{"code":"UNAUTHENTICATED"}}]}`
	a, s, _ := newRoom(t, OnSignIn(func(context.Context, *chat.Viewer) { t.Error("somebody signed in") }))
	storetest.Exec(t, s, `UPDATE users SET encrypted_password = '' WHERE id = 1`)
	storetest.Exec(t, s, `INSERT INTO users (id, uid, email, name, provider, encrypted_password, confirmed_at, otp_required_for_login, created_at, updated_at)
		SELECT v.id, v.name || '@example.com', v.name || '@example.com', v.name, v.provider, u.encrypted_password, confirmed, otp, now(), now()
		FROM users u, (VALUES (11, 'new', 'email', NULL, false), (12, 'otp', 'email', now(), true), (13, 'saml', 'saml', now(), false)) AS v (id, name, provider, confirmed, otp)
		WHERE u.id = 2`)
	for i, test := range []struct {
		name, body string
		status     int
		want       string // part of the body
	}{
		{"wrong password", credentials("ada@example.com", "wrong"), 401, wrong},
		{"no password", credentials("ada@example.com", ""), 401, wrong},
		{"nobody", credentials("nobody@example.com", "right"), 401, wrong},
		{"no e-mail", `{}`, 401, wrong},
		{"NUL in the e-mail", credentials("ada@example.com\x00", "right"), 401, wrong},
		{"a user without a password", credentials("root@example.com", ""), 401, wrong},
		{"unconfirmed", credentials("new@example.com", "right"), 403, "confirm your e-mail"},
		{"unconfirmed, wrong password", credentials("new@example.com", "wrong"), 401, wrong},
		{"second factor", credentials("otp@example.com", "right"), 403, "at Chatwoot"},
		{"second factor, wrong password", credentials("otp@example.com", "wrong"), 401, wrong},
		{"single sign-on", credentials("saml@example.com", "right"), 403, "at Chatwoot"},
		{"not JSON", `email=ada@example.com`, 400, "INVALID"},
		{"two objects", `{}{}`, 400, "INVALID"},
		{"a list as password", `{"email":"ada@example.com","password":["right"]}`, 400, "INVALID"},
		{"too long", credentials("ada@example.com", strings.Repeat("a", maxSignIn)), 400, "INVALID"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := signInFrom(t, a, fmt.Sprintf("192.0.2.%d:1000", i), test.body)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
			if w.Header().Get("access-token") != "" || w.Header().Get("Cache-Control") != "no-store" || strings.Contains(w.Body.String(), "example.com") {
				t.Errorf("headers %v, body %s", w.Header(), w.Body)
			}
		})
	}
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/auth/sign_in", strings.NewReader(credentials("ada@example.com", "right")))
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		if a.SignIn(w, r); w.Code != http.StatusBadRequest {
			t.Errorf("content type %q: status %d", kind, w.Code)
		}
	}
}

// An e-mail that nobody has must take as long as a wrong password: it is compared all the same.
func TestSignInComparesForNobody(t *testing.T) {
	t.Parallel()
	a, _, _ := newRoom(t)
	var compared []string
	a.compare = func(hash, _ []byte) error {
		compared = append(compared, string(hash[:7]))
		return bcrypt.ErrMismatchedHashAndPassword
	}
	signInFrom(t, a, "192.0.2.1:1", credentials("nobody@example.com", "x"))
	if diff := cmp.Diff([]string{"$2a$11$"}, compared); diff != "" {
		t.Error(diff)
	}
}

func TestSignInLimits(t *testing.T) {
	t.Parallel()
	a, _, c := newRoom(t)
	a.compare = func([]byte, []byte) error { return bcrypt.ErrMismatchedHashAndPassword } // the cost is not the point here
	attempt := func(peer, email string) *httptest.ResponseRecorder {
		t.Helper()
		return signInFrom(t, a, peer, credentials(email, "wrong"))
	}
	for i := range 5 {
		if w := attempt(fmt.Sprintf("192.0.2.1:%d", i), fmt.Sprintf("u%d@example.com", i)); w.Code != http.StatusUnauthorized {
			t.Fatalf("attempt %d of an address: status %d", i, w.Code)
		}
	}
	c.advance(time.Minute)
	w := attempt("192.0.2.1:9", "u9@example.com")
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "240" || !strings.Contains(w.Body.String(), `"LIMITED"`) {
		t.Errorf("sixth attempt of an address: status %d, Retry-After %q, %s", w.Code, w.Header().Get("Retry-After"), w.Body)
	}
	c.advance(4 * time.Minute)
	if w := attempt("192.0.2.1:9", "u9@example.com"); w.Code != http.StatusUnauthorized {
		t.Errorf("after five minutes: status %d", w.Code)
	}
	for i := range 10 {
		attempt(fmt.Sprintf("198.51.100.%d:1", i), "ada@example.com")
	}
	if w := attempt("198.51.100.99:1", " Ada@Example.com"); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "900" {
		t.Errorf("eleventh attempt of an e-mail: status %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	for i := range 5 {
		attempt(fmt.Sprintf("[2001:db8::%d]:1", i), fmt.Sprintf("v%d@example.com", i))
	}
	if w := attempt("[2001:db8:0:0:ffff::1]:1", "v9@example.com"); w.Code != http.StatusTooManyRequests {
		t.Errorf("sixth attempt of an IPv6 /64: status %d", w.Code)
	}
	if w := attempt("[2001:db8:0:1::1]:1", "v9@example.com"); w.Code != http.StatusUnauthorized {
		t.Errorf("another /64: status %d", w.Code)
	}
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	here, s, c := newRoom(t)
	there := New(s, pepper, WithClock(c.now))
	w := signInFrom(t, here, "192.0.2.1:1", credentials("ada@example.com", "right"))
	if who(t, here, sessionOf(t, w)) != ada || who(t, there, sessionOf(t, w)) != ada {
		t.Fatal("not signed in")
	}
	out := httptest.NewRecorder()
	if here.SignOut(out, sessionOf(t, w)); out.Code != http.StatusOK || out.Body.String() != "{\"success\":true}\n" {
		t.Fatalf("status %d: %s", out.Code, out.Body)
	}
	if who(t, here, sessionOf(t, w)) != 0 {
		t.Error("still signed in here")
	}
	c.advance(freshFor)
	if who(t, there, sessionOf(t, w)) != 0 {
		t.Error("still signed in on another replica after a second")
	}
	if who(t, here, session(t)) != ada {
		t.Error("another client of the user was signed out")
	}
	for name, r := range map[string]*http.Request{
		"again": sessionOf(t, w), "nobody": with(t), "access token": with(t, "api_access_token", "root-token"),
		"service token": with(t, "authorization", "Bearer "+createToken(t, s, nil)),
	} {
		out := httptest.NewRecorder()
		if here.SignOut(out, r); out.Code != http.StatusUnauthorized {
			t.Errorf("%s: status %d", name, out.Code)
		}
	}
}

func TestSignInConcurrently(t *testing.T) {
	t.Parallel()
	a, _, _ := newRoom(t)
	var group sync.WaitGroup
	var good atomic.Int64
	for i := range 5 {
		group.Go(func() {
			w := signInFrom(t, a, fmt.Sprintf("192.0.2.%d:1", i), credentials("ada@example.com", "right"))
			if w.Code == http.StatusOK && who(t, a, sessionOf(t, w)) == ada {
				good.Add(1)
			}
		})
	}
	group.Wait()
	if good.Load() != 5 {
		t.Errorf("%d of 5 sessions are good", good.Load())
	}
}

func TestSignInDatabaseDown(t *testing.T) {
	t.Parallel()
	a, s, _ := newRoom(t)
	s.Close()
	w := signInFrom(t, a, "192.0.2.1:1", credentials("ada@example.com", "right"))
	if w.Code != http.StatusInternalServerError || w.Body.String() != `{"errors":[{"message":"something went wrong on our side","extensions":{"code":"INTERNAL"}}]}`+"\n" {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func TestLimiterIsBounded(t *testing.T) {
	t.Parallel()
	c := newClock()
	l := newLimiter(1, time.Minute, c.now)
	for i := range maxLimited + 10 {
		l.allow(strconv.Itoa(i))
	}
	if len(l.attempts) > maxLimited {
		t.Errorf("%d keys, the limit is %d", len(l.attempts), maxLimited)
	}
}

// An office behind one address: right passwords are not guesses, wrong ones stay counted beside them.
func TestSignInCountsOnlyGuesses(t *testing.T) {
	t.Parallel()
	a, _, _ := newRoom(t)
	const office = "192.0.2.7:1"
	for range 12 {
		if w := signInFrom(t, a, office, credentials("ada@example.com", "right")); w.Code != http.StatusOK {
			t.Fatalf("a right password got %d: %s", w.Code, w.Body)
		}
	}
	for i := range 6 {
		w := signInFrom(t, a, office, credentials(fmt.Sprintf("guess%d@example.com", i), "wrong"))
		want := http.StatusUnauthorized
		if i == 5 {
			want = http.StatusTooManyRequests
		}
		if w.Code != want {
			t.Errorf("guess %d got %d, want %d", i+1, w.Code, want)
		}
		if i == 3 {
			signInFrom(t, a, office, credentials("ada@example.com", "right"))
		}
	}
}
