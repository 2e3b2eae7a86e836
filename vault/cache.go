package vault

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/chat"
)

// cache keeps sealed records in Redis, as they lie in the database: envelopes and the wrapped subject key. An
// entry that was moved under another key opens nowhere, because an envelope is bound to its row.
type cache struct {
	redis    redis.UniversalClient
	log      *slog.Logger
	metrics  *metrics
	deadline time.Duration // of one trip; a page that waits longer is better served by PostgreSQL

	fills sync.WaitGroup
	slots chan struct{} // bounds fills under way; without a free one a fill is left out
	quiet quiet
}

const (
	cacheTTLMin   = 5 * time.Minute
	cacheTTLMax   = 30 * time.Minute
	tombstoneTTL  = time.Minute
	redisQuiet    = time.Second // a Redis that failed is asked again after this
	cacheDeadline = 250 * time.Millisecond
	cacheFills    = 16
)

func newCache(client redis.UniversalClient, log *slog.Logger, m *metrics) *cache {
	return &cache{redis: client, log: log, metrics: m, deadline: cacheDeadline, slots: make(chan struct{}, cacheFills)}
}

// cacheKey names a record. The braces keep an account's records on one node of a cluster, so that a page is one
// MGET; the epoch makes everything older unreachable at once.
func cacheKey(accountID, epoch int64, k chat.RecordKey) string {
	b := make([]byte, 0, 64)
	b = append(b, "cloakroom:{"...)
	b = strconv.AppendInt(b, accountID, 10)
	b = append(b, "}:"...)
	for _, n := range []int64{epoch, int64(k.Kind), k.Parent} {
		b = strconv.AppendInt(b, n, 10)
		b = append(b, ':')
	}
	return string(strconv.AppendInt(b, k.ID, 10))
}

// get asks for records in one round trip; those that are not there are not in the answer. A Redis that does not
// answer is a miss.
func (c *cache) get(ctx context.Context, accountID, epoch int64, keys []chat.RecordKey) map[chat.RecordKey]*chat.Record {
	if len(keys) == 0 || c.quiet.muted() {
		return nil
	}
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = cacheKey(accountID, epoch, k)
	}
	countTrip(ctx)
	ctx, cancel := context.WithTimeout(ctx, c.deadline)
	defer cancel()
	values, err := c.redis.MGet(ctx, names...).Result()
	if err != nil {
		c.failed(ctx, err)
		return nil
	}
	found := make(map[chat.RecordKey]*chat.Record, len(keys))
	for i, value := range values {
		text, ok := value.(string)
		if !ok || text == "" { // "" is a tombstone
			continue
		}
		if record, err := decodeRecord(keys[i], text); err == nil {
			found[keys[i]] = record
		}
	}
	c.metrics.cache.WithLabelValues("hit").Add(float64(len(found)))
	c.metrics.cache.WithLabelValues("miss").Add(float64(len(keys) - len(found)))
	return found
}

// fill keeps records that were read, after the answer and never over what is there: a tombstone or another
// reader's record stands.
func (c *cache) fill(accountID, epoch int64, records []*chat.Record) {
	if len(records) == 0 || c.quiet.muted() {
		return
	}
	select {
	case c.slots <- struct{}{}:
	default:
		return
	}
	c.fills.Go(func() {
		defer func() { <-c.slots }()
		ctx, cancel := context.WithTimeout(context.Background(), c.deadline)
		defer cancel()
		_, err := c.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, r := range records {
				p.SetNX(ctx, cacheKey(accountID, epoch, r.RecordKey), encodeRecord(r), cacheTTL())
			}
			return nil
		})
		if err != nil {
			c.failed(ctx, err)
		}
	})
}

func cacheTTL() time.Duration { return cacheTTLMin + rand.N(cacheTTLMax-cacheTTLMin) }

// drop puts a tombstone in a record's place, so that a reader who read the row before the change cannot put it
// back after. An error means that the old record may still be there.
func (c *cache) drop(ctx context.Context, accountID, epoch int64, keys []chat.RecordKey) error {
	ctx, cancel := context.WithTimeout(ctx, c.deadline)
	defer cancel()
	_, err := c.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, k := range keys {
			p.Set(ctx, cacheKey(accountID, epoch, k), "", tombstoneTTL)
		}
		return nil
	})
	return err
}

func (c *cache) failed(ctx context.Context, err error) {
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return // the asker went away
	}
	c.quiet.mute()
	c.metrics.cache.WithLabelValues("error").Inc()
	c.log.WarnContext(ctx, "Redis does not answer: records come from PostgreSQL", "error", err.Error())
}

// quiet is the time for which a Redis that failed is not asked again.
type quiet struct{ til atomic.Int64 } // Unix nanoseconds

func (q *quiet) muted() bool { return time.Now().UnixNano() < q.til.Load() }
func (q *quiet) mute()       { q.til.Store(time.Now().Add(redisQuiet).UnixNano()) }

const codecVersion = 1

var errCodec = errors.New("a cached record is malformed")

// encodeRecord writes: version, contact id, row version, subject key id, then length-prefixed the wrapped key
// and each column, a missing column with length 0xffffffff.
func encodeRecord(r *chat.Record) []byte {
	size := 1 + 3*8 + 4 + len(r.KeySealed)
	for _, col := range r.Columns {
		size += 4 + len(col)
	}
	b := append(make([]byte, 0, size), codecVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(r.ContactID))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Version))
	b = binary.BigEndian.AppendUint64(b, uint64(r.SubjectKeyID))
	b = appendBytes(b, r.KeySealed)
	for _, col := range r.Columns {
		b = appendBytes(b, col)
	}
	return b
}

const noColumn = 1<<32 - 1

func appendBytes(b, value []byte) []byte {
	if value == nil {
		return binary.BigEndian.AppendUint32(b, noColumn)
	}
	return append(binary.BigEndian.AppendUint32(b, uint32(len(value))), value...)
}

// decodeRecord reads what encodeRecord wrote, and nothing else: no longer, no shorter.
func decodeRecord(key chat.RecordKey, text string) (*chat.Record, error) {
	b := []byte(text)
	if len(b) < 1+3*8 || b[0] != codecVersion {
		return nil, errCodec
	}
	r := &chat.Record{RecordKey: key, Sealed: true,
		ContactID:    int64(binary.BigEndian.Uint64(b[1:])),
		Version:      int64(binary.BigEndian.Uint64(b[9:])),
		SubjectKeyID: int64(binary.BigEndian.Uint64(b[17:]))}
	b = b[25:]
	var err error
	if r.KeySealed, b, err = takeBytes(b); err != nil {
		return nil, err
	}
	for i := range r.Columns {
		if r.Columns[i], b, err = takeBytes(b); err != nil {
			return nil, err
		}
	}
	if len(b) != 0 {
		return nil, errCodec
	}
	return r, nil
}

func takeBytes(b []byte) (value, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, errCodec
	}
	n := binary.BigEndian.Uint32(b)
	b = b[4:]
	if n == noColumn {
		return nil, b, nil
	}
	if uint64(n) > uint64(len(b)) {
		return nil, nil, errCodec
	}
	return b[:n:n], b[n:], nil
}

type tripsKey struct{}

// WithTrips returns a context in which round trips to Redis are counted.
func WithTrips(ctx context.Context) (context.Context, *atomic.Int64) {
	trips := new(atomic.Int64)
	return context.WithValue(ctx, tripsKey{}, trips), trips
}

func countTrip(ctx context.Context) {
	if trips, ok := ctx.Value(tripsKey{}).(*atomic.Int64); ok {
		trips.Add(1)
	}
}
