package keyring

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	defaultTTL         = 5 * time.Minute
	maxTTL             = time.Hour // beyond it a retired or destroyed key would stay in use too long
	defaultHardLimit   = 15 * time.Minute
	defaultMaxAccounts = 4096
	defaultMaxSubjects = 65536           // about 1 KB each
	loadTimeout        = time.Minute     // a key service that takes seconds for each of several calls, one after another, is slow but not down
	retryAfter         = 5 * time.Second // how long a failed reload is not tried again while cached keys serve
)

// Option changes a setting of New.
type Option func(*Keyring)

// WithTTL sets how long keys are used before they are read again: 5 minutes when not set, at most an
// hour. Each reading is due up to a tenth earlier, at random, so that accounts do not come due together.
func WithTTL(d time.Duration) Option { return func(k *Keyring) { k.ttl = d } }

// WithHardLimit sets how long keys may be used when reading them again fails: 15 minutes when not set,
// counted from the last reading that succeeded. It cannot be shorter than the TTL.
func WithHardLimit(d time.Duration) Option { return func(k *Keyring) { k.hardLimit = d } }

// WithMaxAccounts sets how many accounts' keys stay in memory: 4,096 when not set.
func WithMaxAccounts(n int) Option { return func(k *Keyring) { k.maxAccounts = n } }

// WithMaxSubjects sets how many unwrapped subject keys stay in memory, over all accounts: 65,536 when not set.
func WithMaxSubjects(n int) Option { return func(k *Keyring) { k.budget.limit = int64(n) } }

// WithFollower says how a master key that follows the configured one is opened; without it none can be followed.
func WithFollower(open func(ctx context.Context, uri string, create bool) (MasterKey, error)) Option {
	return func(k *Keyring) { k.follower = open }
}

// WithoutEpochs makes no first epoch of its own accord: subject keys are then wrapped once. Epochs that are there are
// used all the same.
func WithoutEpochs() Option { return func(k *Keyring) { k.noEpochs = true } }

// WithClock sets the clock, for tests.
func WithClock(now func() time.Time) Option { return func(k *Keyring) { k.now = now } }

// check reports every setting that makes no sense, all at once.
func (k *Keyring) check() error {
	var errs []error
	if k.chain[0].master == nil {
		errs = append(errs, errors.New("there is no master key"))
	}
	if k.sets == nil {
		errs = append(errs, errors.New("there is no place to keep keysets"))
	}
	if k.ttl <= 0 || k.ttl > maxTTL {
		errs = append(errs, fmt.Errorf("the TTL of keys is %v: it must be over 0 and at most %v", k.ttl, maxTTL))
	}
	if k.hardLimit < k.ttl {
		errs = append(errs, fmt.Errorf("the hard limit of keys is %v, shorter than their TTL of %v", k.hardLimit, k.ttl))
	}
	if k.maxAccounts < 1 || k.budget.limit < 1 {
		errs = append(errs, errors.New("the number of accounts and of subject keys in memory must be 1 or more"))
	}
	if k.now == nil {
		errs = append(errs, errors.New("there is no clock"))
	}
	return errors.Join(errs...)
}
