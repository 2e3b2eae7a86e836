package keyring

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
)

// clock is a clock that a test moves.
type clock struct{ nanos atomic.Int64 }

func (c *clock) now() time.Time        { return time.Unix(0, c.nanos.Load()) }
func (c *clock) move(by time.Duration) { c.nanos.Add(int64(by)) }

func cachedKeyring(t *testing.T, opts ...Option) (*Keyring, *memory, *keyService, *clock) {
	t.Helper()
	sets, c, service := &memory{}, &clock{}, newService()
	c.move(time.Hour) // the clock of none is at zero
	k, err := New(service.master(t, testMaster), sets, append([]Option{WithClock(c.now)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	mustAccount(t, k, 1) // makes the keysets
	sets.change(func(m *memory) { m.lists, m.epochLists, m.follows = 0, 0, 0 })
	service.change(func(s *keyService) { s.opens = 0 })
	return k, sets, service, c
}

func TestTTL(t *testing.T) {
	t.Parallel()
	k, sets, service, c := cachedKeyring(t)
	first := mustAccount(t, k, 1)
	c.move(defaultTTL * 9 / 10)
	c.move(-time.Nanosecond)
	if mustAccount(t, k, 1) != first || sets.listed() != 0 {
		t.Error("keys were read again before a tenth of the TTL was left")
	}
	c.move(defaultTTL / 10)
	c.move(time.Nanosecond)
	if mustAccount(t, k, 1) == first || sets.listed() != 1 || sets.epochLists != 1 {
		t.Error("keys were not read again at the end of the TTL")
	}
	if got := service.opened(); got != 2 { // one keyset of the account, and the epoch
		t.Errorf("%d keys were unwrapped though nothing had changed, want 2", got)
	}
}

// TestDueTogether proves that while one request reads keys that are due, the others go on with the old ones.
func TestDueTogether(t *testing.T) {
	t.Parallel()
	k, sets, _, c := cachedKeyring(t)
	first := mustAccount(t, k, 1)
	gate := make(chan struct{})
	sets.change(func(m *memory) { m.gate = gate })
	c.move(defaultTTL)
	if c := k.claim(1); c.account != nil || c.epochs != nil {
		t.Fatal("the first to ask was not sent to read")
	}
	if mustAccount(t, k, 1) != first {
		t.Error("a second request did not go on with the old keys")
	}
	close(gate)
}

func TestOutage(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*memory, *keyService, bool){
		"store": func(m *memory, _ *keyService, down bool) {
			m.change(func(m *memory) { m.err = map[bool]error{true: errDown}[down] })
		},
		"key service": func(_ *memory, s *keyService, down bool) {
			s.change(func(s *keyService) { s.down = map[bool]error{true: errDown}[down] })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, sets, service, c := cachedKeyring(t)
			first := mustAccount(t, k, 1)
			stop(sets, service, true)
			if _, err := k.Account(t.Context(), 2); !errors.Is(err, errDown) {
				t.Errorf("an account never read gave error %v, want the cause", err)
			}
			lists := sets.listed()
			for at := time.Duration(0); at < defaultHardLimit; at += time.Second {
				if a, err := k.Account(t.Context(), 1); err != nil || a != first {
					t.Fatalf("after %v the keys of before were not used: %v", at, err)
				}
				c.move(time.Second)
			}
			if tries := sets.listed() - lists; tries < 10 || tries > 140 {
				t.Errorf("reading was tried %d times in ten minutes of outage, want about one in five seconds", tries)
			}
			for range 2 {
				if a, err := k.Account(t.Context(), 1); !errors.Is(err, errDown) || a != nil {
					t.Errorf("after the hard limit the error is %v, want the cause", err)
				}
			}
			stop(sets, service, false)
			if mustAccount(t, k, 1) == first {
				t.Error("after the outage the keys of before are still in use")
			}
		})
	}
}

// TestSingleFlight sends a hundred requests for keys that nobody has read yet.
func TestSingleFlight(t *testing.T) {
	t.Parallel()
	k, sets, _, _ := cachedKeyring(t)
	k.Forget(1)
	gate := make(chan struct{})
	sets.change(func(m *memory) { m.gate = gate })
	var started, done sync.WaitGroup
	got := make([]*Account, 100)
	for i := range got {
		started.Add(1)
		done.Go(func() {
			started.Done()
			a, err := k.Account(t.Context(), 1)
			if err != nil {
				t.Error(err)
			}
			got[i] = a
		})
	}
	started.Wait()
	close(gate)
	done.Wait()
	for _, a := range got {
		if a == nil || a != got[0] {
			t.Fatal("a hundred requests got different keys")
		}
	}
	if sets.listed() != 1 {
		t.Errorf("keysets were listed %d times, want once", sets.listed())
	}
}

// TestFlightOutlivesCaller proves that a caller who gives up does not take the reading with him.
func TestFlightOutlivesCaller(t *testing.T) {
	t.Parallel()
	k, sets, _, _ := cachedKeyring(t)
	k.Forget(1)
	gate := make(chan struct{})
	sets.change(func(m *memory) { m.gate = gate })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Account(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Fatalf("a caller who gave up got error %v", err)
	}
	waiting := make(chan *Account)
	go func() {
		a, err := k.Account(context.Background(), 1)
		if err != nil {
			t.Error(err)
		}
		waiting <- a
	}()
	close(gate)
	if <-waiting == nil || sets.listed() != 1 {
		t.Errorf("keysets were listed %d times, want once", sets.listed())
	}
}

// TestForgetBeatsFlight proves that what was read before a Forget is not kept after it.
func TestForgetBeatsFlight(t *testing.T) {
	t.Parallel()
	k, sets, _, _ := cachedKeyring(t)
	k.Forget(1)
	gate := make(chan struct{})
	began := make(chan struct{})
	sets.change(func(m *memory) { m.gate, m.began = gate, began })
	seen := k.claim(1).seenAccount
	before := make(chan *Account)
	go func() {
		a, err := k.reload(context.Background(), 1, seen)
		if err != nil {
			t.Error(err)
		}
		before <- a
	}()
	<-began
	sets.change(func(m *memory) { m.began = nil })
	k.Forget(1)
	close(gate)
	if old := <-before; old == mustAccount(t, k, 1) {
		t.Error("keys read before Forget were kept after it")
	}
}

// TestDestroyedIsFinal proves that cached keys are not used to get round a decision.
func TestDestroyedIsFinal(t *testing.T) {
	t.Parallel()
	for _, state := range []string{chat.KeysetRefused, chat.KeysetDestroyed, chat.KeysetPending, chat.KeysetRetired, "lost"} {
		k, sets, _, c := cachedKeyring(t)
		sets.change(func(m *memory) {
			ks := m.find(1, chat.KeysetData, 1)
			ks.State = state
			if state == chat.KeysetDestroyed {
				ks.Wrapped = nil
			}
		})
		c.move(defaultTTL)
		a, err := k.Account(t.Context(), 1)
		if state == "lost" { // not a decision but damage: as in an outage
			if err != nil {
				t.Errorf("%s: %v", state, err)
			}
			continue
		}
		if a != nil || !errors.Is(err, errNoActive) {
			t.Errorf("%s: the account still has keys, error %v", state, err)
		}
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	k, _, _, _ := cachedKeyring(t, WithMaxAccounts(2), WithMaxSubjects(3))
	one := mustAccount(t, k, 1)
	two := mustAccount(t, k, 2)
	if mustAccount(t, k, 1) != one {
		t.Error("one of two accounts did not stay")
	}
	keys := func(a *Account, n int64) {
		for id := int64(1); id <= n; id++ {
			_, wrapped, err := a.NewSubject(42, id)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := a.Subject(42, id, wrapped); err != nil {
				t.Fatal(err)
			}
		}
	}
	keys(one, 5)
	if got := k.budget.used.Load(); got != 3 || one.subjects.kept.len() != 3 {
		t.Errorf("%d subject keys are in memory, want 3", got)
	}
	keys(two, 2)
	if one.subjects.kept.len() != 3 || two.subjects.kept.len() != 0 {
		t.Error("one account took another's place in memory")
	}
	mustAccount(t, k, 2)
	mustAccount(t, k, 3) // the third account drives out the first
	if got := k.budget.used.Load(); got != 0 {
		t.Errorf("%d subject keys are in memory after their account left it", got)
	}
	keys(one, 1) // still works, but keeps nothing
	if got := k.budget.used.Load(); got != 0 {
		t.Errorf("an account that left memory keeps %d subject keys", got)
	}
	if mustAccount(t, k, 1) == one {
		t.Error("three accounts are in memory, want 2")
	}
}
