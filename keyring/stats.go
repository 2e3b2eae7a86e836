package keyring

import (
	"sync/atomic"
	"time"
)

// Stats says what the keyring did since it was made; every number only grows.
type Stats struct {
	Unwraps      uint64    // calls to a master key or to the key of an epoch, to open what it wrapped
	UnwrapErrors uint64    // those of them that failed
	Reloads      uint64    // readings of an account's keys, or of the epochs
	ReloadErrors uint64    // those of them that failed
	ServedStale  uint64    // requests that got keys of before because reading them anew had failed
	LastUnwrap   time.Time // when a key service last opened something; zero is never
}

type counts struct {
	unwraps, unwrapErrors, reloads, reloadErrors, servedStale atomic.Uint64
	lastUnwrap                                                atomic.Int64 // Unix nanoseconds
}

// Stats gives the numbers of now, for metrics.
func (k *Keyring) Stats() Stats {
	c := &k.counts
	s := Stats{
		Unwraps: c.unwraps.Load(), UnwrapErrors: c.unwrapErrors.Load(), Reloads: c.reloads.Load(),
		ReloadErrors: c.reloadErrors.Load(), ServedStale: c.servedStale.Load(),
	}
	if nanos := c.lastUnwrap.Load(); nanos != 0 {
		s.LastUnwrap = time.Unix(0, nanos)
	}
	return s
}

// unwrapped counts a call to a key service.
func (k *Keyring) unwrapped(err error) {
	k.counts.unwraps.Add(1)
	if err != nil {
		k.counts.unwrapErrors.Add(1)
		return
	}
	k.counts.lastUnwrap.Store(k.now().UnixNano())
}
