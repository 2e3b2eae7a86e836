package vault

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// passing calls pass in the background; the channel has its answer.
func passing(ctx context.Context, turns *turns) <-chan error {
	passed := make(chan error, 1)
	go func() { passed <- turns.pass(ctx) }()
	return passed
}

func stillWaits(t *testing.T, passed <-chan error, why string) {
	t.Helper()
	select {
	case err := <-passed:
		t.Fatalf("%s was not waited for (%v)", why, err)
	case <-time.After(50 * time.Millisecond):
	}
}

func goesOn(t *testing.T, passed <-chan error) {
	t.Helper()
	select {
	case err := <-passed:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("waited for nobody")
	}
}

// started waits until a pass that was called has ended the turn.
func started(t *testing.T, turns *turns) {
	t.Helper()
	await(t, "the turn to be over", func() bool {
		turns.mu.Lock()
		defer turns.mu.Unlock()
		return turns.now == nil
	})
}

func TestPassWaitsForThoseBefore(t *testing.T) {
	t.Parallel()
	var turns turns
	goesOn(t, passing(t.Context(), &turns)) // nobody is there
	first, second := turns.enter(), turns.enter()
	passed := passing(t.Context(), &turns)
	started(t, &turns)
	later := turns.enter()
	stillWaits(t, passed, "who entered before")
	first()
	first() // leaving twice is leaving once
	stillWaits(t, passed, "the second of those who entered before")
	second()
	goesOn(t, passed)
	passed = passing(t.Context(), &turns)
	stillWaits(t, passed, "who entered after the first pass and before the second")
	later()
	goesOn(t, passed)
	if len(turns.past) != 0 {
		t.Errorf("%d turns are remembered for nothing", len(turns.past))
	}
}

// TestPassGivenUp: those whom a pass no longer waits for are waited for by the next.
func TestPassGivenUp(t *testing.T) {
	t.Parallel()
	var turns turns
	leave := turns.enter()
	ctx, giveUp := context.WithCancel(t.Context())
	given := passing(ctx, &turns)
	started(t, &turns)
	giveUp()
	if err := <-given; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	passed := passing(t.Context(), &turns)
	stillWaits(t, passed, "who entered before the pass that was given up")
	leave()
	goesOn(t, passed)
}

// TestTurnsUnderLoad: a pass never ends while somebody is inside who took the old value.
func TestTurnsUnderLoad(t *testing.T) {
	t.Parallel()
	var turns turns
	var value, oldest atomic.Int64
	var inside [8]atomic.Int64 // what each worker holds, 0 for nothing
	stop := make(chan struct{})
	var workers sync.WaitGroup
	value.Store(1)
	for w := range inside {
		workers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				leave := turns.enter()
				holds := value.Load()
				inside[w].Store(holds)
				if holds < oldest.Load() {
					t.Error("somebody took a value after it was out of use")
				}
				inside[w].Store(0)
				leave()
			}
		})
	}
	for v := int64(2); v < 2000; v++ {
		value.Store(v)
		if err := turns.pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		for w := range inside {
			if held := inside[w].Load(); held != 0 && held < v {
				t.Fatalf("%d is held after everybody was to have left who held less than %d", held, v)
			}
		}
		oldest.Store(v)
	}
	close(stop)
	workers.Wait()
}
