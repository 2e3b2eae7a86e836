package vault

import (
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// clock is one that tests move.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.at.Store(time.Now().UnixNano())
	return c
}

func (c *clock) now() time.Time       { return time.Unix(0, c.at.Load()) }
func (c *clock) move(d time.Duration) { c.at.Add(int64(d)) }

// somebody is a viewer no other test knows: all share one Redis.
func somebody() string { return "user:" + chat.FormatID(1_000_000+rand.Int64N(1<<50)) }

const budgetCounter = "cloakroom_budget_total"

func refused(err error) bool { return chat.CodeOf(err) == chat.Limited }

// TestSpendAcrossReplicas has two replicas serve one viewer as fast as they can.
func TestSpendAcrossReplicas(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	who, limit := somebody(), Limit{Burst: 2000, Restore: 10}
	var granted, refusals atomic.Int64
	start := time.Now()
	var all sync.WaitGroup
	for _, r := range []*replica{newReplica(t, s, nil), newReplica(t, s, nil)} {
		for range 4 {
			all.Go(func() {
				for range 200 {
					switch _, err := r.Spend(t.Context(), who, 7, limit); {
					case err == nil:
						granted.Add(7)
					case refused(err):
						refusals.Add(1)
					default:
						t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
	most := limit.Burst + int(time.Since(start).Seconds()*float64(limit.Restore)) + 1
	if got := int(granted.Load()); got > most || got < limit.Burst*9/10 {
		t.Errorf("%d points were granted, want nearly %d", got, most)
	}
	if refusals.Load() == 0 {
		t.Error("nothing was refused")
	}
}

func TestSpendAsksRedisSeldom(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.New(t), nil)
	r.budgets.now = newClock().now
	who, limit := somebody(), Limit{Burst: 10_000, Restore: 500}
	ctx, trips := WithBudgetTrips(t.Context())
	ctx, records := WithTrips(ctx)
	for i := range 300 {
		balance, err := r.Spend(ctx, who, 5, limit)
		if err != nil || balance.Limit != limit || balance.Available > limit.Burst-5*(i+1)+limit.Restore {
			t.Fatalf("after %d requests: %+v, %v", i+1, balance, err)
		}
	}
	if n := trips.Load(); n != 3 {
		t.Errorf("%d trips to Redis for 300 requests, want 3", n)
	}
	if n := records.Load(); n != 0 {
		t.Errorf("%d trips to Redis count as trips for records", n)
	}
	if n := r.counted(budgetCounter, "cost"); n != 300 {
		t.Errorf("the metric says %v", n)
	}
}

// TestSpendRefuses drains a bucket: the refusal says how long to wait and names nobody, further ones cost no trip, and
// what comes back can be spent.
func TestSpendRefuses(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.New(t), nil)
	who, limit := somebody(), Limit{Burst: 100, Restore: 20}
	if balance, err := r.Spend(t.Context(), who, 90, limit); err != nil || balance.Available < 10 || balance.Available > 100 {
		t.Fatalf("%+v, %v", balance, err)
	}
	ctx, trips := WithBudgetTrips(t.Context())
	_, err := r.Spend(ctx, who, 100, limit)
	if !refused(err) || !strings.HasSuffix(err.Error(), " seconds") || strings.Contains(err.Error(), who[5:]) {
		t.Fatalf("%v", err)
	}
	for range 50 {
		if _, err := r.Spend(ctx, who, 100, limit); !refused(err) {
			t.Fatal(err)
		}
	}
	if n := trips.Load(); n > 1 {
		t.Errorf("refusals made %d trips to Redis", n)
	}
	waitFor(t, "points come back", func() bool {
		_, err := r.Spend(t.Context(), who, 40, limit)
		if err != nil && !refused(err) {
			t.Fatal(err)
		}
		return err == nil
	})
}

// waitFor asks again at each tick, within a deadline that only a broken machine passes.
func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline:
			t.Fatalf("%s: not in time", what)
		case <-tick.C:
		}
	}
}

func TestSpendEdges(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.New(t), nil)
	limit := Limit{Burst: 50, Restore: 1}
	for name, c := range map[string]struct {
		points    int
		limit     Limit
		refused   bool
		available int
	}{
		"no limit":        {1_000_000, Limit{Burst: 5}, false, 5},
		"all at once":     {50, limit, false, 0},
		"nothing":         {0, limit, false, 50},
		"less than that":  {-3, limit, false, 50},
		"more than fits":  {51, limit, true, 0},
		"smaller than 20": {1, Limit{Burst: 2, Restore: 1}, false, 1},
	} {
		balance, err := r.Spend(t.Context(), somebody(), c.points, c.limit)
		if refused(err) != c.refused || !c.refused && err != nil || balance.Limit != c.limit ||
			balance.Available < c.available || balance.Available > c.available+1 { // a point may have come back
			t.Errorf("%s: %+v, %v", name, balance, err)
		}
	}
}

// TestLeaseRunsOut has a slice grow old: what is left of it is forfeited, not spent beside a bucket that has filled up.
func TestLeaseRunsOut(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.New(t), nil)
	c := newClock()
	r.budgets.now = c.now
	who, limit := somebody(), Limit{Burst: 1000, Restore: 1}
	ctx, trips := WithBudgetTrips(t.Context())
	for range 5 {
		if _, err := r.Spend(ctx, who, 1, limit); err != nil {
			t.Fatal(err)
		}
		c.move(leaseLife + time.Millisecond)
	}
	if n := trips.Load(); n != 5 {
		t.Errorf("%d trips for five slices that grew old", n)
	}
	balance, err := r.Spend(ctx, who, 1, Limit{Burst: 500, Restore: 1}) // the operator halves the budget
	if err != nil || balance.Available > 500 || trips.Load() != 6 {
		t.Errorf("%+v, %v", balance, err)
	}
}

// TestBudgetAtRest looks at what lies in Redis: one key a viewer, which a cluster can place, gone when the bucket would
// be full, and nothing in it but two numbers.
func TestBudgetAtRest(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.New(t), nil)
	who, limit := somebody(), Limit{Burst: 1000, Restore: 50}
	if _, err := r.Spend(t.Context(), who, 500, limit); err != nil {
		t.Fatal(err)
	}
	key := "cloakroom:budget:{" + who + "}"
	if ttl := r.client.PTTL(t.Context(), key).Val(); ttl < 5*time.Second || ttl > 12*time.Second {
		t.Errorf("it expires in %v", ttl)
	}
	fields := r.client.HGetAll(t.Context(), key).Val()
	if len(fields) != 2 || strings.Trim(fields["level"]+fields["at"], "0123456789") != "" {
		t.Errorf("%v", fields)
	}
	// A clock that was set back restores nothing, and what is no longer there is full.
	if err := r.client.HSet(t.Context(), key, "level", 3_000_000, "at", time.Now().Add(time.Hour).UnixMicro()).Err(); err != nil {
		t.Fatal(err)
	}
	other := newReplica(t, r.store, nil)
	if _, err := other.Spend(t.Context(), who, 4, limit); !refused(err) {
		t.Errorf("%v", err)
	}
	if err := r.client.Del(t.Context(), key).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := newReplica(t, r.store, nil).Spend(t.Context(), who, 1000, limit); err != nil {
		t.Error(err)
	}
}

// TestLargeBudgetIsExact has a level that a number of Lua printed the usual way would round.
func TestLargeBudgetIsExact(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.New(t), nil)
	who, limit := somebody(), Limit{Burst: 1_000_000_000, Restore: 1}
	if _, err := r.Spend(t.Context(), who, 999_999_999, limit); err != nil {
		t.Fatal(err)
	}
	if balance, err := r.Spend(t.Context(), who, 1, limit); err != nil || balance.Available > 60 {
		t.Errorf("%+v, %v", balance, err)
	}
}

func TestLeasesAreBounded(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.New(t), nil)
	c := newClock()
	r.budgets.now = c.now
	for i := range 3 * maxLeases {
		r.budgets.of("user:" + chat.FormatID(int64(i)))
		if i%100 == 0 {
			c.move(time.Millisecond)
		}
		if n := len(r.budgets.leases); n > maxLeases {
			t.Fatalf("%d viewers are remembered", n)
		}
	}
	c.move(leaseLife)
	r.budgets.of("user:-1")
	c.move(time.Second)
	r.budgets.sweep(c.now())
	if n := len(r.budgets.leases); n != 1 {
		t.Errorf("%d viewers are remembered after all but one were idle", n)
	}
}
