package auth

import (
	"context"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// loadTimeout bounds a load, which outlives the request that began it because others wait for it too.
const loadTimeout = 5 * time.Second

// memo remembers loaded values for a short time, and loads each only once at a time. Age counts from before
// the load began, since that is when the database was asked. Errors are not remembered.
type memo[V any] struct {
	ttl time.Duration
	max int
	now func() time.Time

	flights singleflight.Group

	mu         sync.Mutex
	entries    map[string]remembered[V]
	generation uint64 // moves at every forget, so that a load under way by then is neither kept nor joined
}

type remembered[V any] struct {
	value V
	began time.Time
}

func newMemo[V any](ttl time.Duration, limit int, now func() time.Time) *memo[V] {
	return &memo[V]{ttl: ttl, max: limit, now: now, entries: make(map[string]remembered[V])}
}

func (m *memo[V]) get(ctx context.Context, key string, load func(context.Context) (V, error)) (V, error) {
	began := m.now()
	m.mu.Lock()
	entry, ok := m.entries[key]
	generation := m.generation
	m.mu.Unlock()
	if ok && fresh(entry.began, began, m.ttl) {
		return entry.value, nil
	}
	// The slot of time is in the key because a load that hangs must not be joined when it is older than ttl.
	slot := began.UnixNano() / int64(m.ttl)
	flight := strconv.FormatUint(generation, 36) + "/" + strconv.FormatInt(slot, 36) + "/" + key
	v, err, _ := m.flights.Do(flight, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		v, err := load(ctx)
		if err == nil {
			m.keep(key, v, began, generation)
		}
		return v, err
	})
	return v.(V), err
}

func (m *memo[V]) keep(key string, v V, began time.Time, generation uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.generation != generation {
		return
	}
	now := m.now()
	makeRoom(m.entries, m.max, func(e remembered[V]) bool { return !fresh(e.began, now, m.ttl) })
	m.entries[key] = remembered[V]{v, began}
}

func (m *memo[V]) forget(match func(V) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.generation++
	for key, e := range m.entries {
		if match(e.value) {
			delete(m.entries, key)
		}
	}
}

// makeRoom keeps a map below its limit: what is stale goes, and when that is not enough a quarter of the
// rest, whichever it is. So memory is bounded, and the sweep is paid for by many insertions.
func makeRoom[K comparable, V any](entries map[K]V, limit int, stale func(V) bool) {
	if len(entries) < limit {
		return
	}
	for key, v := range entries {
		if stale(v) {
			delete(entries, key)
		}
	}
	for key := range entries {
		if len(entries) < limit-limit/4 {
			return
		}
		delete(entries, key)
	}
}
