package auth

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"golang.org/x/sync/singleflight"
)

// batchWindow is how long the last token is still good after a new one was made, for requests under way
// (devise_token_auth, batch_request_buffer_throttle).
const batchWindow = 5 * time.Second

// session checks session headers the way devise_token_auth does: the token or the previous one until the
// expiry, and the last one for a moment.
func (a *Authenticator) session(ctx context.Context, c credential) (*identity, error) {
	id, err := a.identity(ctx, "uid", c.uid, a.store.FindViewerByUID)
	if err != nil {
		return nil, err
	}
	entry, ok := id.sessions[c.client]
	if !ok {
		return nil, chat.ErrUnauthenticated
	}
	for _, hash := range a.acceptable(entry) {
		ok, err := a.matches(ctx, hash, c.secret)
		if err != nil {
			return nil, err
		}
		if ok {
			return id, nil
		}
	}
	return nil, chat.ErrUnauthenticated
}

// acceptable lists the hashes that a token may match at this time.
func (a *Authenticator) acceptable(s store.Session) []string {
	now := a.now()
	var hashes []string
	if s.Expiry.After(now) {
		hashes = append(hashes, s.Token, s.PreviousToken)
	}
	if now.Sub(s.UpdatedAt).Abs() <= batchWindow { // Chatwoot's clock may be a little ahead of ours
		hashes = append(hashes, s.LastToken)
	}
	return hashes
}

// matches says that a bcrypt hash is of token. A match is remembered, a miss is not: misses are bounded by
// the slots, and what is remembered is only ever filled by those who hold a valid token.
func (a *Authenticator) matches(ctx context.Context, hash, token string) (bool, error) {
	if hash == "" {
		return false, nil
	}
	pair := a.keyed(hash, token)
	for {
		if a.verified.has(pair) {
			return true, nil
		}
		ok, err, _ := a.verified.flights.Do(pair, func() (any, error) {
			if a.verified.has(pair) { // by a flight that landed since we looked
				return true, nil
			}
			ok, err := a.bcrypt(ctx, a.sessionSlots, hash, token)
			if ok {
				a.verified.add(pair)
			}
			return ok, err
		})
		if err != nil && ctx.Err() == nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
			continue // the request that led the flight went away; ours is still there
		}
		return ok.(bool), err
	}
}

// bcrypt compares under a slot; a hash that is malformed matches nothing. The error is the context's.
func (a *Authenticator) bcrypt(ctx context.Context, s slots, hash, password string) (bool, error) {
	if err := s.take(ctx); err != nil {
		return false, err
	}
	defer s.release()
	return a.compare([]byte(hash), []byte(password)) == nil, nil
}

// slots bounds how many bcrypt computations run at once; each takes 50 ms of a processor and more.
type slots chan struct{}

func (s slots) take(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s slots) release() { <-s }

// verified remembers which pairs of hash and token have matched, by a keyed hash of the pair.
type verified struct {
	ttl     time.Duration
	max     int
	now     func() time.Time
	flights singleflight.Group

	mu    sync.Mutex
	until map[string]time.Time
}

func newVerified(ttl time.Duration, limit int, now func() time.Time) *verified {
	return &verified{ttl: ttl, max: limit, now: now, until: make(map[string]time.Time)}
}

func (v *verified) has(pair string) bool {
	now := v.now()
	v.mu.Lock()
	defer v.mu.Unlock()
	return now.Before(v.until[pair])
}

func (v *verified) add(pair string) {
	now := v.now()
	v.mu.Lock()
	defer v.mu.Unlock()
	makeRoom(v.until, v.max, func(until time.Time) bool { return !now.Before(until) })
	v.until[pair] = now.Add(v.ttl)
}
