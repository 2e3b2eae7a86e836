package keyring

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// held is what was read and unwrapped, and when to read it again.
type held[T any] struct {
	value   T
	fresh   time.Time // until then it is used as it is
	hard    time.Time // until then it is used when reading again fails
	reading time.Time // until then it is used because somebody else is reading it again
	failed  time.Time // until then it is used because reading failed a moment ago
}

// usable says whether a value needs no reading. When it is due, the first who asks is sent to read it, and whoever asks
// meanwhile goes on with it, so that a slow key service stops one request. What is not trusted any more nobody goes on
// with, unless reading it has just failed.
func (h *held[T]) usable(now time.Time, trusted bool) (ok, stale bool) {
	switch {
	case h == nil || !now.Before(h.hard):
		return false, false
	case now.Before(h.failed):
		return true, true
	case !trusted:
		return false, false
	case !now.Before(h.fresh) && !now.Before(h.reading):
		h.reading = now.Add(loadTimeout)
		return false, false
	}
	return true, false
}

// expire takes a value out of use, also for when reading it fails; what did not change since need not all be unwrapped.
func (h *held[T]) expire() { *h = held[T]{value: h.value} }

// forget takes an account's keys out of use and its subject keys out of memory.
func forget(h *held[*Account]) {
	h.expire()
	h.value.subjects.close()
}

// claimed is what is in memory when a request asks.
type claimed struct {
	account *Account // nil when it must be read
	epochs  *epochKeys
	// What was there, for a reading to tell whether another one came between.
	seenAccount *held[*Account]
	seenEpochs  *held[*epochKeys]
	era         uint64
}

func (c *claimed) flight(of any) string { return flightName(c.era, of) }

func flightName(era uint64, of any) string { return fmt.Sprintf("%d/%v", era, of) }

// claim looks for keys that need no reading, and sends the one request that comes first to read those that are due.
func (k *Keyring) claim(accountID int64) claimed {
	now := k.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	// The wall clock is asked as well, because the monotonic one stands still while a virtual machine sleeps.
	trusted := k.trusted.IsZero() || now.Before(k.trusted) && now.Round(0).Before(k.trusted.Round(0))
	c := claimed{seenEpochs: k.epochs, era: k.era}
	c.seenAccount, _ = k.cached.get(accountID)
	okEpochs, staleEpochs := k.epochs.usable(now, trusted)
	okAccount, staleAccount := c.seenAccount.usable(now, trusted)
	if staleEpochs || staleAccount {
		k.counts.servedStale.Add(1)
	}
	if okEpochs {
		c.epochs = k.epochs.value
	}
	if okAccount {
		c.account = c.seenAccount.value
	}
	return c
}

// slot is where a held value lies in the keyring; both are called under its lock.
type slot[T any] struct {
	get func() *held[T]
	put func(*held[T])
}

// reread reads a value and decides what to use when that fails. seen is what was in memory when the caller looked, to
// tell whether another reading came between.
func reread[T any](k *Keyring, s slot[T], seen *held[T], read func(known T) (T, error)) (value T, err error) {
	k.mu.Lock()
	forgets := k.forgets
	before := s.get()
	if before != nil && before != seen && k.now().Before(before.fresh) { // read by a flight that landed after the caller looked
		defer k.mu.Unlock()
		return before.value, nil
	}
	var known T
	if before != nil {
		known = before.value
	}
	k.mu.Unlock()
	k.counts.reloads.Add(1)
	value, err = read(known)
	now := k.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		if forgets == k.forgets {
			// The jitter only shortens: the TTL is a promise.
			jitter := time.Duration(rand.Int64N(int64(k.ttl)/10 + 1))
			s.put(&held[T]{value: value, fresh: now.Add(k.ttl - jitter), hard: now.Add(k.hardLimit)})
		}
		return value, nil
	}
	k.counts.reloadErrors.Add(1)
	if errors.Is(err, errNoActive) {
		s.put(nil)
		return value, err
	}
	if c := s.get(); c != nil && now.Before(c.hard) {
		c.failed = now.Add(retryAfter)
		k.counts.servedStale.Add(1)
		return c.value, nil
	}
	s.put(nil)
	return value, err
}

// reload reads an account's keys.
func (k *Keyring) reload(ctx context.Context, accountID int64, seen *held[*Account]) (*Account, error) {
	s := slot[*Account]{
		get: func() *held[*Account] { h, _ := k.cached.peek(accountID); return h },
		put: func(h *held[*Account]) { k.keep(accountID, h) },
	}
	return reread(k, s, seen, func(known *Account) (*Account, error) { return k.load(ctx, accountID, known) })
}

// reloadEpochs reads the keys of the epochs.
func (k *Keyring) reloadEpochs(ctx context.Context, seen *held[*epochKeys]) (*epochKeys, error) {
	s := slot[*epochKeys]{
		get: func() *held[*epochKeys] { return k.epochs },
		put: func(h *held[*epochKeys]) { k.epochs = h },
	}
	return reread(k, s, seen, func(known *epochKeys) (*epochKeys, error) { return k.loadEpochs(ctx, known) })
}

// keep puts keys just read into memory in place of older ones; nil takes those away.
func (k *Keyring) keep(accountID int64, h *held[*Account]) {
	if old, ok := k.cached.remove(accountID); ok {
		old.value.subjects.close()
	}
	if h == nil {
		return
	}
	k.cached.put(accountID, h)
	for k.cached.len() > k.maxAccounts {
		if old, ok := k.cached.removeOldest(); ok {
			old.value.subjects.close()
		}
	}
}
