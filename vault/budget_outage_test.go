package vault

import (
	"context"
	"errors"
	"testing"

	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestSpendWithoutRedis takes Redis away: who has a slice goes on until it is spent, then nobody knows.
func TestSpendWithoutRedis(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.New(t), nil)
	r.budgets.now = newClock().now
	who, limit := somebody(), Limit{Burst: 200, Restore: 1}
	if _, err := r.Spend(t.Context(), who, 4, limit); err != nil {
		t.Fatal(err)
	}
	_ = r.client.Close()
	if _, err := r.Spend(t.Context(), who, 6, limit); err != nil {
		t.Errorf("the slice that is left is not good: %v", err)
	}
	ctx, trips := WithBudgetTrips(t.Context())
	for range 20 {
		if _, err := r.Spend(ctx, who, 6, limit); !errors.Is(err, ErrBudgetUnknown) {
			t.Fatal(err)
		}
	}
	if _, err := r.Spend(ctx, somebody(), 1, limit); !errors.Is(err, ErrBudgetUnknown) {
		t.Error(err)
	}
	if n := trips.Load(); n != 1 {
		t.Errorf("a Redis that does not answer was asked %d times within a second", n)
	}
	if !r.cache.quiet.muted() {
		t.Error("the cache was not told")
	}
	if _, err := r.Spend(t.Context(), who, 1, Limit{}); err != nil {
		t.Errorf("no limit needs no Redis: %v", err)
	}
}

// TestSlowPageHidesNothing has the cache fail: that is no reason not to ask for a budget.
func TestSlowPageHidesNothing(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.New(t), nil)
	r.cache.failed(t.Context(), context.DeadlineExceeded)
	if _, err := r.Spend(t.Context(), somebody(), 1, Limit{Burst: 10, Restore: 1}); err != nil {
		t.Error(err)
	}
}

// TestSpendGivenUp has the asker go away: others wait for the same slice, so the trip is made to its end.
func TestSpendGivenUp(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.New(t), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Spend(ctx, somebody(), 1, Limit{Burst: 10, Restore: 1}); err != nil || r.budgets.own.muted() {
		t.Errorf("%v, muted: %t", err, r.budgets.own.muted())
	}
}
