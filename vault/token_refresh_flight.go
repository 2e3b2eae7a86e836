package vault

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

var (
	// errStopped is a refresh that is not begun because the process ends.
	errStopped = fmt.Errorf("%w: the process ends", errNotRefreshed)
	// errNotRefreshed is a credential that is still the one it was; its row says why.
	errNotRefreshed = errors.New("the token was not refreshed")
	// errWaiting is a refresh that is not over within a request's time. It goes on.
	errWaiting = errors.New("the token is being refreshed")
)

// refreshes are those under way in this process: of a credential there is one, however many wait for it.
type refreshes struct {
	mu      sync.Mutex
	flights map[string]*flight
	running sync.WaitGroup
	stopped bool
}

type flight struct {
	over chan struct{} // closed when err is there
	err  error
}

// join begins a flight unless there is one of the key, and gives it.
func (r *refreshes) join(key string, do func() error) *flight {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f, ok := r.flights[key]; ok {
		return f
	}
	f := &flight{over: make(chan struct{}), err: errStopped}
	if r.stopped {
		close(f.over)
		return f
	}
	if r.flights == nil {
		r.flights = make(map[string]*flight)
	}
	r.flights[key] = f
	r.running.Go(func() {
		defer func() {
			if p := recover(); p != nil { // what it carries may be anything
				f.err = fmt.Errorf("a panic with a %T", p)
			}
			r.mu.Lock()
			delete(r.flights, key)
			r.mu.Unlock()
			close(f.over)
		}()
		f.err = do()
	})
	return f
}

// wait gives the flight's error once it is over, or errWaiting: the flight goes on then.
func (f *flight) wait(ctx context.Context) error {
	timer := time.NewTimer(refreshPatient)
	defer timer.Stop()
	select {
	case <-f.over:
		return f.err
	case <-timer.C:
	case <-ctx.Done():
	}
	return errWaiting
}

func (r *refreshes) isStopped() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopped
}

// StopRefreshing has no refresh begin any more: for the end of a process. Those under way bring their answers home, which
// Settle waits for.
func (v *Vault) StopRefreshing() {
	v.refreshes.mu.Lock()
	defer v.refreshes.mu.Unlock()
	v.refreshes.stopped = true
}
