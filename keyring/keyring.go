package keyring

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// Keyring gives each account its keys and keeps those in use in memory, for a bounded time and number.
type Keyring struct {
	follower    func(ctx context.Context, uri string, create bool) (MasterKey, error)
	sets        Keysets
	ttl         time.Duration
	hardLimit   time.Duration
	maxAccounts int
	noEpochs    bool
	now         func() time.Time

	flights singleflight.Group
	budget  budget
	counts  counts

	readings atomic.Uint64   // of the epochs
	mu       sync.Mutex      // guards what follows
	chain    []link          // of master keys, from the configured one to the one that wraps now
	former   map[string]bool // names that the configured master key had before
	epochs   *held[*epochKeys]
	cached   *lru[int64, *held[*Account]]
	trusted  time.Time // until then what is in memory is known to be up to date; zero when nobody says
	era      uint64    // counts ForgetAll, so that nobody joins a reading begun before it
	forgets  uint64    // counts every Forget, so that a reading begun before it is not kept after it
}

// New makes a keyring whose keysets are wrapped by master, or by the master key that follows it, and kept in sets. An
// error means settings that make no sense; nothing is read yet.
func New(master MasterKey, sets Keysets, opts ...Option) (*Keyring, error) {
	k := &Keyring{
		chain: []link{{master: master}}, sets: sets, ttl: defaultTTL, hardLimit: defaultHardLimit,
		maxAccounts: defaultMaxAccounts, now: time.Now, cached: newLRU[int64, *held[*Account]](),
	}
	k.budget.limit = defaultMaxSubjects
	for _, opt := range opts {
		opt(k)
	}
	if err := k.check(); err != nil {
		return nil, fmt.Errorf("make the keyring: %w", err)
	}
	return k, nil
}

// Account gives the keys of an account, 0 being the installation; keysets it lacks are made on first use.
// While the store or the master key fails, keys read before are used up to the hard limit; then, and for
// an account whose keys were never read, the error says what failed.
func (k *Keyring) Account(ctx context.Context, accountID int64) (*Account, error) {
	if accountID < 0 {
		return nil, fmt.Errorf("keys of account %d: there is no such account", accountID)
	}
	c := k.claim(accountID)
	if c.account == nil || c.epochs == nil {
		return k.read(ctx, accountID, c)
	}
	return k.under(c.account, c.epochs), nil
}

// read reads what is due.
func (k *Keyring) read(ctx context.Context, accountID int64, c claimed) (*Account, error) {
	// Both are read at once, and each reading outlives the caller who began it: others wait for it too.
	var epochs, account <-chan singleflight.Result
	if c.epochs == nil {
		epochs = k.flights.DoChan(c.flight("epochs"), inFlight(ctx, func(ctx context.Context) (any, error) {
			return k.reloadEpochs(ctx, c.seenEpochs)
		}))
	}
	if c.account == nil {
		account = k.flights.DoChan(c.flight(accountID), inFlight(ctx, func(ctx context.Context) (any, error) {
			return k.reload(ctx, accountID, c.seenAccount)
		}))
	}
	e, errEpochs := land(ctx, epochs, c.epochs)
	a, errAccount := land(ctx, account, c.account)
	if err := errors.Join(errEpochs, errAccount); err != nil {
		return nil, fmt.Errorf("keys of account %d: %w", accountID, err)
	}
	return k.under(a, e), nil
}

// inFlight lets a reading go on when its caller gives up, for a bounded time.
func inFlight(ctx context.Context, read func(context.Context) (any, error)) func() (any, error) {
	return func() (any, error) {
		long, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		return read(long)
	}
}

// land waits for a flight; without one, what is in memory is good.
func land[T any](ctx context.Context, flight <-chan singleflight.Result, inMemory T) (value T, err error) {
	if flight == nil {
		return inMemory, nil
	}
	select {
	case <-ctx.Done():
		return value, ctx.Err()
	case r := <-flight:
		if r.Err != nil {
			return value, r.Err
		}
		return r.Val.(T), nil
	}
}

// under gives an account's keys together with the epochs of now. Subject keys that were unwrapped under other epochs
// leave memory: the epoch may be destroyed.
func (k *Keyring) under(a *Account, e *epochKeys) *Account {
	if a.epochs != nil && a.epochs.reading >= e.reading {
		return a
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	c, ok := k.cached.get(a.id)
	if ok && c.value.keys == a.keys && c.value.epochs != nil && c.value.epochs.reading >= e.reading {
		return c.value
	}
	renewed := &Account{keys: a.keys, epochs: e, subjects: newSubjectCache(&k.budget)}
	if ok && c.value == a {
		a.subjects.close()
		c.value = renewed
	} else {
		renewed.subjects.close() // nobody would do it later
	}
	return renewed
}

// Forget takes an account's keys out of use, so that the next request reads them again: after its
// keysets were changed, and after a subject key was destroyed.
func (k *Keyring) Forget(accountID int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgets++
	if c, ok := k.cached.peek(accountID); ok {
		forget(c)
	}
	k.flights.Forget(flightName(k.era, accountID))
}

// ForgetAll takes every account's keys and the epochs' out of use, as Forget does.
func (k *Keyring) ForgetAll() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgets++
	k.era++
	k.cached.each(forget)
	k.epochs = nil
}

// Trust says until when what is in memory is known to be up to date, by whoever listens for changes of keys. From then
// on keys are read again before each use; when that fails they still serve up to the hard limit. Without a call, or
// with the zero time, the TTL alone decides.
func (k *Keyring) Trust(until time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.trusted = until
}
