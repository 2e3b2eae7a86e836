// Package auth is the room of who is asking: Chatwoot sessions, Chatwoot access tokens, service tokens, sign-in.
// Requests with credentials come in; what they say is checked against Chatwoot's tables and ours.
// What leaves is a chat.Viewer or one uniform refusal: never a credential, and never which part of one was wrong.
package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"golang.org/x/crypto/bcrypt"
)

const (
	// freshFor bounds how long an identity or a policy is remembered: below a second, so that a sign-out, a role
	// or a masking setting changed on one replica is in force on every other within a second.
	freshFor = 900 * time.Millisecond
	// verifiedFor bounds how long a bcrypt match is remembered. Sign-out does not wait for it: the match belongs
	// to a stored hash, and that is gone.
	verifiedFor = 5 * time.Minute

	maxRemembered = 20_000  // users, and service tokens
	maxVerified   = 100_000 // pairs of hash and token, some 100 bytes each
)

// Authenticator tells who is asking. It is safe for concurrent use; one serves a whole program.
type Authenticator struct {
	store  *store.Store
	log    *slog.Logger
	pepper []byte
	secret [sha256.Size]byte // keys what is remembered, so that a memory dump holds no credential to look for
	now    func() time.Time

	users    *memo[*identity]
	services *memo[*service]
	verified *verified
	compare  func(hash, password []byte) error
	// Sessions and sign-ins wait for their own slots: a flood of passwords must not hold up those signed in.
	sessionSlots slots
	signInSlots  slots

	perAddress *limiter
	perEmail   *limiter
	onSignIn   func(context.Context, *chat.Viewer)
	onRefused  func(ctx context.Context, tokenID string)
}

// Option changes an Authenticator while it is made.
type Option func(*Authenticator)

// WithClock sets the time that expiries and caches go by.
func WithClock(now func() time.Time) Option { return func(a *Authenticator) { a.now = now } }

// WithLogger sets where failures go that a client is not told of.
func WithLogger(log *slog.Logger) Option { return func(a *Authenticator) { a.log = log } }

// OnSignIn is called after each sign-in with a password, before it is answered, such as to audit super admins.
func OnSignIn(fn func(ctx context.Context, v *chat.Viewer)) Option {
	return func(a *Authenticator) { a.onSignIn = fn }
}

// OnRefused is called with each service token that is refused, before the refusal is answered: with the token's id where
// there is such a token, "" for one that was never given out.
func OnRefused(fn func(ctx context.Context, tokenID string)) Option {
	return func(a *Authenticator) { a.onRefused = fn }
}

// New makes an Authenticator. pepper is the installation's key for service-token secrets, 32 bytes.
func New(s *store.Store, pepper []byte, opts ...Option) *Authenticator {
	a := &Authenticator{
		store: s, log: slog.Default(), pepper: pepper, now: time.Now, compare: bcrypt.CompareHashAndPassword,
		sessionSlots: make(slots, runtime.NumCPU()), signInSlots: make(slots, max(1, runtime.NumCPU()/2)),
		onSignIn: func(context.Context, *chat.Viewer) {}, onRefused: func(context.Context, string) {},
	}
	_, _ = rand.Read(a.secret[:]) // never fails (crypto/rand)
	for _, opt := range opts {
		opt(a)
	}
	a.users = newMemo[*identity](freshFor, maxRemembered, a.now)
	a.services = newMemo[*service](freshFor, maxRemembered, a.now)
	a.verified = newVerified(verifiedFor, maxVerified, a.now)
	a.perAddress = newLimiter(5, 5*time.Minute, a.now)
	a.perEmail = newLimiter(10, 15*time.Minute, a.now)
	return a
}

// Authenticate tells who made a request. api_access_token wins over everything, as in Chatwoot; then comes a
// service token, then session headers, then the same in Chatwoot's bearer form. No credential and a bad one
// are both chat.ErrUnauthenticated; any other error means that the database could not be asked.
// The viewer is shared between requests and must not be changed.
func (a *Authenticator) Authenticate(ctx context.Context, r *http.Request) (*chat.Viewer, error) {
	c, ok := readCredential(r.Header)
	if !ok {
		return nil, chat.ErrUnauthenticated
	}
	switch c.kind {
	case serviceToken:
		return a.service(ctx, c.secret)
	case accessToken:
		id, err := a.identity(ctx, "token", c.secret, a.store.FindViewerByAccessToken)
		if err != nil {
			return nil, err
		}
		return id.viewer, nil
	default:
		id, err := a.session(ctx, c)
		if err != nil {
			return nil, err
		}
		return id.viewer, nil
	}
}

// Forget drops what is remembered of a user at once: after a sign-out, a change of role or of masking.
func (a *Authenticator) Forget(userID int64) {
	a.users.forget(func(id *identity) bool { return id.viewer.UserID() == userID })
}

// ForgetAll drops everything that is remembered of users and service tokens: after a change of an account's
// settings or of a token, and when an event may have been missed.
func (a *Authenticator) ForgetAll() {
	a.users.forget(func(*identity) bool { return true })
	a.services.forget(func(*service) bool { return true })
}

// keyed is an HMAC of parts under the process's own secret. Lengths go first, so that no two lists of parts
// give the same text.
func (a *Authenticator) keyed(parts ...string) string {
	mac := hmac.New(sha256.New, a.secret[:])
	for _, part := range parts {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		mac.Write(length[:])
		mac.Write([]byte(part))
	}
	return string(mac.Sum(nil))
}

// refusal turns a look-up that missed into the uniform answer.
func refusal(doing string, err error) error {
	if errors.Is(err, chat.ErrNotFound) {
		return chat.ErrUnauthenticated
	}
	return fmt.Errorf("%s: %w", doing, err)
}
