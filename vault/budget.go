package vault

import (
	"context"
	_ "embed"
	"errors"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/chat"
)

// Limit is a leaky bucket: Burst points at most, Restore points a second come back. Restore 0 is no limit.
type Limit struct{ Burst, Restore int }

// Balance is what a viewer has left after spending, as far as this process knows: other replicas may have spent since.
type Balance struct {
	Limit
	Available int
}

// ErrBudgetUnknown says that Redis cannot be asked what is left of a budget.
var ErrBudgetUnknown = errors.New("the budget cannot be read: Redis does not answer")

// Spend takes points from a viewer's budget; who names the viewer by kind and id, such as "user:7". Errors: a
// *chat.Error LIMITED when too little is left, ErrBudgetUnknown when Redis cannot be asked.
//
// A process takes a slice of the bucket at a time and spends that by itself, so Redis is not on the path of most
// requests. A viewer whose slice has something left is served through an outage of Redis until it is spent or
// leaseLife old.
func (v *Vault) Spend(ctx context.Context, who string, points int, limit Limit) (Balance, error) {
	if limit.Restore <= 0 {
		return Balance{limit, limit.Burst}, nil
	}
	balance, err := v.budgets.spend(ctx, who, max(points, 0), limit)
	outcome := "granted"
	switch {
	case errors.Is(err, ErrBudgetUnknown):
		outcome = "unknown"
	case err != nil:
		outcome = "refused"
	}
	v.metrics.budget.WithLabelValues("cost", outcome).Inc()
	return balance, err
}

// budgets spends what Redis holds for all replicas.
type budgets struct {
	redis    redis.UniversalClient
	log      *slog.Logger
	deadline time.Duration // of one trip
	now      func() time.Time
	lookedUp func() int64 // the time of a look-up in Unix milliseconds; 0 is by the clock of Redis
	own      *quiet       // not the cache's: a slow page may quieten the cache, but must hide no values
	cache    *quiet       // told of failures, so that a Redis that is gone is dialled once a request

	mu     sync.Mutex
	leases map[string]*lease
}

const (
	// leaseLife bounds how long a slice stays with one process: what is older is forfeited, because the bucket may
	// have filled up meanwhile.
	leaseLife  = 3 * time.Second
	leaseShare = 20 // a slice is this part of the bucket
	// maxLeases bounds the viewers remembered. To forget one costs them no more than the rest of a slice.
	maxLeases = 10_000
)

func newBudgets(client redis.UniversalClient, log *slog.Logger, cache *quiet) *budgets {
	return &budgets{redis: client, log: log, deadline: cacheDeadline, now: time.Now, lookedUp: func() int64 { return 0 }, own: new(quiet), cache: cache,
		leases: make(map[string]*lease)}
}

// lease is a slice of one viewer's bucket, and what was left of the bucket when it was taken.
type lease struct {
	mu      sync.Mutex // held over a trip: those who wait for it spend the same slice
	limit   Limit
	left    int
	taken   time.Time // when left was taken from the bucket
	bucket  float64   // points, when Redis was asked last
	asked   time.Time
	touched atomic.Int64 // Unix nanoseconds; read by sweep without the lock
}

// inBucket is the most that the bucket can hold by now: others only take from it.
func (l *lease) inBucket(now time.Time) float64 {
	return min(float64(l.limit.Burst), l.bucket+now.Sub(l.asked).Seconds()*float64(l.limit.Restore))
}

func (l *lease) balance(now time.Time) Balance {
	return Balance{l.limit, min(l.limit.Burst, l.left+int(l.inBucket(now)))}
}

func (b *budgets) spend(ctx context.Context, who string, points int, limit Limit) (Balance, error) {
	if points > limit.Burst {
		return Balance{Limit: limit}, chat.Errorf(chat.Limited, "this costs %d points, more than the %d that a budget can hold", points, limit.Burst)
	}
	l := b.of(who)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := b.now()
	if l.limit != limit { // nothing is known, or what is known is about another bucket
		l.limit, l.left, l.bucket, l.asked = limit, 0, float64(limit.Burst), now
	}
	if now.Sub(l.taken) > leaseLife {
		l.left = 0
	}
	if l.left < points {
		if err := b.refill(ctx, l, who, points); err != nil {
			return Balance{Limit: limit}, err
		}
	}
	if l.left < points {
		wait := (float64(points-l.left) - l.inBucket(b.now())) / float64(limit.Restore)
		return l.balance(b.now()), chat.Errorf(chat.Limited, "the budget for requests is spent: try again in %s", inSeconds(wait))
	}
	l.left -= points
	return l.balance(b.now()), nil
}

// refill takes another slice, unless it is known that the bucket cannot hold what is needed: a viewer who goes on
// asking with a spent budget costs Redis nothing.
func (b *budgets) refill(ctx context.Context, l *lease, who string, points int) error {
	need := points - l.left
	if l.inBucket(b.now()) < float64(need) {
		return nil
	}
	if b.own.muted() {
		return ErrBudgetUnknown
	}
	countBudgetTrip(ctx)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.deadline) // those who wait need it, if this asker does not
	defer cancel()
	asked := b.now() // before the trip, so that a slice ends too early rather than too late
	answer, err := takeSlice.Run(ctx, b.redis, []string{"cloakroom:budget:{" + who + "}"},
		need, max(need, l.limit.Burst/leaseShare), l.limit.Burst, l.limit.Restore).Int64Slice()
	if err == nil && len(answer) != 2 {
		err = errors.New("the script of budgets gave another answer than it should")
	}
	if err != nil {
		b.failed(ctx, err)
		return ErrBudgetUnknown
	}
	l.bucket, l.asked = float64(answer[1])/1e6, asked
	if granted := int(answer[0]); granted > 0 {
		l.left, l.taken = l.left+granted, asked // what was left before is spent at once
	}
	return nil
}

//go:embed budget.lua
var budgetScript string

// takeSlice answers with the points granted, and the millionths of points left in the bucket.
var takeSlice = redis.NewScript(budgetScript)

func (b *budgets) failed(ctx context.Context, err error) {
	b.own.mute()
	b.cache.mute()
	b.log.WarnContext(ctx, "Redis does not answer: budgets cannot be read", "error", err.Error())
}

// of gives the lease of a viewer, a new one for who is not remembered.
func (b *budgets) of(who string) *lease {
	now := b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	l, known := b.leases[who]
	if !known {
		if len(b.leases) >= maxLeases {
			b.sweep(now)
		}
		l = new(lease)
		b.leases[who] = l
	}
	l.touched.Store(now.UnixNano())
	return l
}

// sweep forgets who has not asked lately, and everybody when that are too few: one sweep makes room for many.
func (b *budgets) sweep(now time.Time) {
	for who, l := range b.leases {
		if now.UnixNano()-l.touched.Load() > int64(leaseLife) {
			delete(b.leases, who)
		}
	}
	if len(b.leases) > maxLeases/2 {
		clear(b.leases)
	}
}

// inSeconds spells out a wait, one second at the least.
func inSeconds(wait float64) string {
	n := max(1, int64(math.Ceil(wait)))
	if n == 1 {
		return "1 second"
	}
	return chat.FormatID(n) + " seconds"
}

type budgetTripsKey struct{}

// WithBudgetTrips returns a context in which round trips to Redis for budgets are counted; WithTrips counts those
// for records.
func WithBudgetTrips(ctx context.Context) (context.Context, *atomic.Int64) {
	trips := new(atomic.Int64)
	return context.WithValue(ctx, budgetTripsKey{}, trips), trips
}

func countBudgetTrip(ctx context.Context) {
	if trips, ok := ctx.Value(budgetTripsKey{}).(*atomic.Int64); ok {
		trips.Add(1)
	}
}
