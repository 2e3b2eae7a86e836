package vault

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
)

func TestRedisDown(t *testing.T) {
	t.Parallel()
	up := newSealed(t)
	acme := up.account(schema.Acme)
	want := values(t, func() Rows {
		rows := Rows{Contacts: up.contacts(acme, 1, 4, 7, 13, 37)}
		rows.ContactAttributes = rows.Contacts
		return rows
	}())
	down := newReplica(t, up.store, redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1}))
	for range 3 {
		rows := Rows{Contacts: down.contacts(acme, 1, 4, 7, 13, 37)}
		rows.ContactAttributes = rows.Contacts
		if diff := cmp.Diff(want, values(t, rows)); diff != "" {
			t.Fatal(diff)
		}
	}
	if n := down.counted(cacheCounter, "error"); n != 1 {
		t.Errorf("a Redis that does not answer was asked %v times within a second", n)
	}
	if !down.journal.has("Redis does not answer") {
		t.Error("the log does not say so")
	}
}

func TestEpochMoves(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	before := r.account(schema.Acme)
	_ = r.contacts(before, 1)
	r.Settle()
	if err := r.store.MoveCacheEpoch(t.Context(), schema.Acme); err != nil {
		t.Fatal(err)
	}
	after := r.account(schema.Acme)
	if after.Settings.CacheEpoch != before.Settings.CacheEpoch+1 {
		t.Fatalf("epoch %d after %d", after.Settings.CacheEpoch, before.Settings.CacheEpoch)
	}
	_ = r.contacts(after, 1)
	if hits := r.counted(cacheCounter, "hit"); hits != 0 {
		t.Errorf("%v hits across an epoch", hits)
	}
	// An account without a row of its own gets an epoch, too.
	if err := r.store.MoveCacheEpoch(t.Context(), schema.Borealis); err != nil {
		t.Fatal(err)
	}
	if e := r.account(schema.Borealis).Settings.CacheEpoch; e == 0 {
		t.Error("the epoch did not move")
	}
}

// TestTombstoneStopsRefill is the race of a reader who read the row before a change and comes to the cache after it.
func TestTombstoneStopsRefill(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	acme := r.account(schema.Acme)
	key := chat.RecordKey{Kind: chat.ContactRecord, ID: 1}
	epoch := acme.Settings.CacheEpoch
	old := &chat.Record{RecordKey: key, Sealed: true, KeySealed: []byte("k")}
	if err := r.cache.drop(t.Context(), acme.ID, epoch, []chat.RecordKey{key}); err != nil {
		t.Fatal(err)
	}
	r.cache.fill(acme.ID, epoch, []*chat.Record{old})
	r.Settle()
	if found := r.cache.get(t.Context(), acme.ID, epoch, []chat.RecordKey{key}); len(found) != 0 {
		t.Error("the old record is back")
	}
	if ttl := r.client.TTL(t.Context(), cacheKey(acme.ID, epoch, key)).Val(); ttl <= 0 || ttl > tombstoneTTL {
		t.Errorf("the tombstone stays %v", ttl)
	}
	if got := r.email(1); strings.HasPrefix(got, "error") {
		t.Error(got)
	}
	// And a fill does not replace what another reader has filled.
	key.ID = 2
	first := &chat.Record{RecordKey: key, Sealed: true, KeySealed: []byte("first"), Version: 2}
	r.cache.fill(acme.ID, epoch, []*chat.Record{first})
	r.Settle()
	second := *first
	second.Version = 1
	r.cache.fill(acme.ID, epoch, []*chat.Record{&second})
	r.Settle()
	if found := r.cache.get(t.Context(), acme.ID, epoch, []chat.RecordKey{key}); found[key] == nil || found[key].Version != 2 {
		t.Errorf("%+v", found[key])
	}
}
