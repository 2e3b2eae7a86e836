package keyring

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// cachedAccount is an account's keys and when to read them again.
type cachedAccount struct {
	account *Account
	fresh   time.Time // until then it is used as it is
	hard    time.Time // until then it is used when reading again fails
}

// claim gives keys that need no reading. When they are due, it gives nil to the first who asks, who then
// reads them, and the old ones to whoever asks meanwhile, so that a slow key service stops one request.
// seen is what was in memory, for reload to tell whether another reading came between.
func (k *Keyring) claim(accountID int64) (a *Account, seen *cachedAccount) {
	now := k.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	c, ok := k.cached.get(accountID)
	switch {
	case !ok || !now.Before(c.hard):
		return nil, c
	case !now.Before(c.fresh):
		c.fresh = now.Add(retryAfter)
		return nil, c
	}
	return c.account, c
}

// reload reads an account's keys and decides what to use when that fails.
func (k *Keyring) reload(ctx context.Context, accountID int64, seen *cachedAccount) (*Account, error) {
	k.mu.Lock()
	forgets := k.forgets
	c, ok := k.cached.get(accountID)
	k.mu.Unlock()
	if ok && c != seen { // read by a flight that landed after the caller looked
		return c.account, nil
	}
	a, err := k.load(ctx, accountID)
	now := k.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		if forgets == k.forgets {
			k.keep(accountID, a, now)
		}
		return a, nil
	}
	if errors.Is(err, errNoActive) {
		k.drop(accountID)
		return nil, err
	}
	if c, ok := k.cached.get(accountID); ok && now.Before(c.hard) {
		return c.account, nil
	}
	k.drop(accountID)
	return nil, err
}

// keep puts keys just read into memory. The jitter only shortens: the TTL is a promise.
func (k *Keyring) keep(accountID int64, a *Account, now time.Time) {
	k.drop(accountID)
	jitter := time.Duration(rand.Int64N(int64(k.ttl)/10 + 1))
	k.cached.put(accountID, &cachedAccount{account: a, fresh: now.Add(k.ttl - jitter), hard: now.Add(k.hardLimit)})
	for k.cached.len() > k.maxAccounts {
		if c, ok := k.cached.removeOldest(); ok {
			c.account.subjects.close()
		}
	}
}

func (k *Keyring) drop(accountID int64) {
	if c, ok := k.cached.remove(accountID); ok {
		c.account.subjects.close()
	}
}
