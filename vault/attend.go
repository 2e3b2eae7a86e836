package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

const (
	beatEvery    = 2 * time.Second
	beatDeadline = 5 * time.Second
	// trustFor is how long keys in memory are used without the database having been heard. With the deadline of a beat it
	// stays below the time after which the others go on without this process.
	trustFor   = store.ReplicaSilence / 2
	passTime   = 2 * time.Minute // longer than any request and any batch
	pruneEvery = 10 * time.Minute
	attendLog  = time.Minute // how often one failure after another is logged
)

// attendee is this process among those that hold keys.
type attendee struct {
	id      string
	program string
	wake    chan struct{} // something changed: beat now
	quiet   recent[struct{}]
	now     func() time.Time

	mu       sync.Mutex // held for a beat
	forgot   int64      // the change up to which nothing older is handed out any more; -1 is not even that of the start
	told     int64      // the change up to which the others know that nobody here uses anything older
	leaving  bool       // somebody waits for those who entered before
	trusted  time.Time  // until then the others reckon with this process
	prunedAt time.Time
	gone     bool
	life     context.Context // until the process deregisters
	end      context.CancelFunc
}

// Register says that this process is about to read keys; program is what it was started for, such as serve. It must have
// returned before the first key is read, and Attend must run from then on: a process that is not heard of for 15 seconds
// does not trust its keys any more.
func (v *Vault) Register(ctx context.Context, program string) error {
	a := &v.attendee
	a.mu.Lock()
	defer a.mu.Unlock()
	a.id, a.program, a.wake, a.now = rand.Text(), program, make(chan struct{}, 1), time.Now
	a.life, a.end = context.WithCancel(context.WithoutCancel(ctx))
	asked := a.now()
	change, err := v.store.RegisterReplica(ctx, a.id, a.program, false)
	if err != nil {
		return err
	}
	a.forgot, a.told = change, change
	v.trust(asked)
	return nil
}

// Attend follows changes of keys until ctx ends.
func (v *Vault) Attend(ctx context.Context) {
	a := &v.attendee
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		if err := v.beat(ctx); err != nil && ctx.Err() == nil && a.quiet.first(struct{}{}, attendLog, time.Now()) {
			v.log.WarnContext(ctx, "changes of keys are not followed", "error", store.Redact(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-a.wake:
		}
	}
}

// KeysChanged has Attend look at once for what changed.
func (v *Vault) KeysChanged() {
	select {
	case v.attendee.wake <- struct{}{}:
	default: // it is about to look
	}
}

// Deregister says that this process uses no keys any more: all requests and jobs must have ended. Who was killed instead
// is not waited for after 30 seconds.
func (v *Vault) Deregister(ctx context.Context) error {
	a := &v.attendee
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.id == "" || a.gone {
		return nil
	}
	a.gone = true
	a.end()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordDeadline)
	defer cancel()
	return v.store.DeregisterReplica(ctx, a.id)
}

// beat says once that this process lives, forgets what changed, and has the others told when nobody here uses it any
// more. An error leaves everything to the next beat.
func (v *Vault) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, beatDeadline)
	defer cancel()
	a := &v.attendee
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gone {
		return nil
	}
	asked := a.now()
	changes, registered, err := v.store.Beat(ctx, a.id, a.forgot)
	if err != nil {
		return err
	}
	if !registered {
		a.forgot, a.told, a.trusted = -1, 0, time.Time{}
		v.KeysChanged()
		_, err := v.store.RegisterReplica(ctx, a.id, a.program, true)
		return err
	}
	reckonedWith := asked.Before(a.trusted)
	if reckonedWith {
		v.trust(asked) // the others wait for this process, whatever it has yet to forget
	}
	if err := v.forgetChanged(ctx, changes); err != nil {
		return errors.Join(err, v.store.SetReplicaTrouble(ctx, a.id, store.Redact(err)))
	}
	if !reckonedWith {
		v.trust(asked)
	}
	if a.told < a.forgot && !a.leaving {
		a.leaving = true
		go v.acknowledge(a.forgot)
	}
	return v.prune(ctx)
}

func (v *Vault) trust(asked time.Time) {
	v.attendee.trusted = asked.Add(trustFor)
	v.keys.Trust(v.attendee.trusted)
}

// forgetChanged takes out of use what was read before the changes. While the chain of master keys cannot be followed
// everything stays: keys that could not be read again would be forgotten for nothing.
func (v *Vault) forgetChanged(ctx context.Context, changes []store.KeyChange) error {
	a := &v.attendee
	if len(changes) == 0 && a.forgot >= 0 {
		return nil
	}
	if err := v.keys.Follow(ctx); err != nil {
		return err
	}
	if a.forgot < 0 {
		v.keys.ForgetAll()
		a.forgot = 0
	}
	for _, change := range changes {
		if change.AccountID == 0 {
			v.keys.ForgetAll()
		} else {
			v.keys.Forget(change.AccountID)
		}
		a.forgot = max(a.forgot, change.ID)
	}
	return nil
}

// acknowledge waits until everybody has left who may hold something from before a change, and says so. Beats go on
// meanwhile: a slow request must not look like a dead process.
func (v *Vault) acknowledge(change int64) {
	a := &v.attendee
	ctx, cancel := context.WithTimeout(a.life, passTime)
	defer cancel()
	err := v.turns.pass(ctx)
	if err == nil {
		err = v.store.AcknowledgeKeyChange(ctx, a.id, change)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.leaving = false
	switch {
	case err == nil:
		a.told = max(a.told, change)
		if a.told < a.forgot {
			v.KeysChanged()
		}
	case !a.gone && a.quiet.first(struct{}{}, attendLog, time.Now()):
		v.log.Warn("a change of keys is not acknowledged yet", "error", store.Redact(err))
	}
}

// prune clears away, now and then, what dead processes have left.
func (v *Vault) prune(ctx context.Context) error {
	if now := time.Now(); now.Sub(v.attendee.prunedAt) >= pruneEvery {
		v.attendee.prunedAt = now
		return v.store.PruneReplicas(ctx)
	}
	return nil
}
