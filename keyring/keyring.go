package keyring

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/tink-crypto/tink-go/v2/tink"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"
)

// Keyring gives each account its keys and keeps those in use in memory, for a bounded time and number.
type Keyring struct {
	master      tink.AEADWithContext
	masterURI   string
	sets        Keysets
	ttl         time.Duration
	hardLimit   time.Duration
	maxAccounts int
	now         func() time.Time

	flights singleflight.Group
	budget  budget
	mu      sync.Mutex // guards what follows
	cached  *lru[int64, *cachedAccount]
	forgets uint64 // counts Forget, so that a reading begun before it is not kept after it
}

// New makes a keyring whose keysets are wrapped by master and kept in sets. masterURI names the master
// key beside every keyset it wraps; credentials in it are left out. An error means settings that make no
// sense; nothing is read yet.
func New(master tink.AEADWithContext, masterURI string, sets Keysets, opts ...Option) (*Keyring, error) {
	k := &Keyring{
		master: master, sets: sets, ttl: defaultTTL, hardLimit: defaultHardLimit,
		maxAccounts: defaultMaxAccounts, now: time.Now, cached: newLRU[int64, *cachedAccount](),
	}
	k.budget.limit = defaultMaxSubjects
	for _, opt := range opts {
		opt(k)
	}
	uri, err := withoutSecrets(masterURI)
	if err := errors.Join(err, k.check()); err != nil {
		return nil, fmt.Errorf("make the keyring: %w", err)
	}
	k.masterURI = uri
	return k, nil
}

// Account gives the keys of an account, 0 being the installation; keysets it lacks are made on first use.
// While the store or the master key fails, keys read before are used up to the hard limit; then, and for
// an account whose keys were never read, the error says what failed.
func (k *Keyring) Account(ctx context.Context, accountID int64) (*Account, error) {
	if accountID < 0 {
		return nil, fmt.Errorf("keys of account %d: there is no such account", accountID)
	}
	a, seen := k.claim(accountID)
	if a != nil {
		return a, nil
	}
	// The reading outlives the caller who began it: others wait for it too.
	flight := k.flights.DoChan(strconv.FormatInt(accountID, 10), func() (any, error) {
		long, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		return k.reload(long, accountID, seen)
	})
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("keys of account %d: %w", accountID, ctx.Err())
	case r := <-flight:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*Account), nil
	}
}

// Forget drops an account's keys from memory, so that the next request reads them again: after its
// keysets were changed, and after a subject key was destroyed.
func (k *Keyring) Forget(accountID int64) {
	k.mu.Lock()
	k.forgets++
	k.drop(accountID)
	k.mu.Unlock()
	k.flights.Forget(strconv.FormatInt(accountID, 10))
}

// load reads an account's keysets, makes those it lacks, and unwraps every live one.
func (k *Keyring) load(ctx context.Context, accountID int64) (*Account, error) {
	sets, err := k.sets.ListKeysets(ctx, accountID)
	if err != nil {
		return nil, fmt.Errorf("list keysets of account %d: %w", accountID, err)
	}
	if missing := missingPurposes(sets); len(missing) > 0 {
		if sets, err = k.create(ctx, accountID, missing); err != nil {
			return nil, err
		}
	}
	return k.open(ctx, accountID, sets)
}

// missingPurposes lists the purposes that have no keyset in any state. One whose keysets were all
// destroyed is not missing: a closed account must not come to life again.
func missingPurposes(sets []chat.Keyset) []chat.KeysetPurpose {
	var missing []chat.KeysetPurpose
	for _, p := range chat.KeysetPurposes {
		found := false
		for i := range sets {
			found = found || sets[i].Purpose == p
		}
		if !found {
			missing = append(missing, p)
		}
	}
	return missing
}

// create makes first generations and lists again: another replica may have been faster, and its keysets
// are then the account's.
func (k *Keyring) create(ctx context.Context, accountID int64, purposes []chat.KeysetPurpose) ([]chat.Keyset, error) {
	made := make([]chat.Keyset, 0, len(purposes))
	for _, p := range purposes {
		ks, err := k.makeKeyset(ctx, accountID, p, 1)
		if err != nil {
			return nil, err
		}
		made = append(made, ks)
	}
	if err := k.sets.CreateKeysets(ctx, made); err != nil {
		return nil, fmt.Errorf("create keysets of account %d: %w", accountID, err)
	}
	sets, err := k.sets.ListKeysets(ctx, accountID)
	if err != nil {
		return nil, fmt.Errorf("list keysets of account %d: %w", accountID, err)
	}
	return sets, nil
}

// open unwraps the live keysets, all at once: a key service in another place is slow, not busy.
func (k *Keyring) open(ctx context.Context, accountID int64, sets []chat.Keyset) (*Account, error) {
	live := make([]opened, 0, len(sets))
	for _, ks := range sets {
		if ks.AccountID != accountID || ks.Generation < 1 || ks.Generation > maxGeneration {
			return nil, fmt.Errorf("keys of account %d: a %s keyset of account %d, generation %d, is out of place",
				accountID, ks.Purpose, ks.AccountID, ks.Generation)
		}
		switch ks.State {
		case chat.KeysetPending, chat.KeysetActive, chat.KeysetRetired:
			live = append(live, opened{row: ks})
		case chat.KeysetRefused, chat.KeysetDestroyed:
		default:
			return nil, fmt.Errorf("keys of account %d: a %s keyset is in an unknown state", accountID, ks.Purpose)
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i := range live {
		group.Go(func() (err error) {
			live[i], err = k.openKeyset(ctx, live[i].row)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("keys of account %d: %w", accountID, err)
	}
	return newAccount(accountID, live, &k.budget)
}
