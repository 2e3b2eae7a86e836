package vault

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// newAttendant gives a replica that is registered and has the keys of the installation and of two accounts in memory.
func newAttendant(t *testing.T, s *store.Store) *replica {
	t.Helper()
	r := newReplica(t, s, nil)
	if err := r.Register(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	r.readKeys(0, 1, 2)
	return r
}

// readKeys takes the keys of accounts, as requests do, and says how often they had to be read.
func (r *replica) readKeys(accounts ...int64) (read int) {
	r.t.Helper()
	before := r.keys.Stats().Reloads
	for _, id := range accounts {
		if _, err := r.keys.Account(r.t.Context(), id); err != nil {
			r.t.Fatal(err)
		}
	}
	return int(r.keys.Stats().Reloads - before)
}

func (r *replica) mustBeat() {
	r.t.Helper()
	if err := r.beat(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *replica) change(accountID int64) int64 {
	r.t.Helper()
	change, err := r.store.NoteKeyChange(r.t.Context(), accountID)
	if err != nil {
		r.t.Fatal(err)
	}
	return change
}

// behind is the replica as others see it, nil when it is not behind a change.
func (r *replica) behind(change int64) *store.Replica {
	r.t.Helper()
	list, err := r.store.ReplicasBehind(r.t.Context(), change)
	if err != nil {
		r.t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(b store.Replica) bool { return b.ID == r.attendee.id })
	if i < 0 {
		return nil
	}
	return &list[i]
}

func (r *replica) awaitFollowed(change int64) {
	r.t.Helper()
	await(r.t, "the change to be acknowledged", func() bool { return r.behind(change) == nil })
}

func await(t testing.TB, what string, so func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// TestChangedKeysAreReadAgain: of the account that changed, and of every account for a change of all.
func TestChangedKeysAreReadAgain(t *testing.T) {
	t.Parallel()
	r := newAttendant(t, storetest.New(t))
	if n := r.readKeys(0, 1, 2); n != 0 {
		t.Fatalf("%d readings of what is in memory", n)
	}
	r.mustBeat()
	r.change(1)
	if n := r.readKeys(1, 2); n != 0 {
		t.Errorf("%d readings before the change was heard of", n)
	}
	r.mustBeat()
	if n := r.readKeys(2); n != 0 {
		t.Errorf("%d readings of an account that did not change", n)
	}
	if n := r.readKeys(1); n == 0 {
		t.Error("the account that changed was not read again")
	}
	r.mustBeat() // hears of no more, whether or not the change is acknowledged yet
	if n := r.readKeys(1, 2); n != 0 {
		t.Errorf("%d readings for one change", n)
	}
	change := r.change(0)
	r.mustBeat()
	if n := r.readKeys(1, 2); n < 2 {
		t.Errorf("%d readings after a change of every account", n)
	}
	r.awaitFollowed(change)
}

// TestAcknowledgedOnceRequestsLeft: a request that began before the change was heard of may hold the old keys. One that
// began later does not matter, and a slow one does not make the process look dead.
func TestAcknowledgedOnceRequestsLeft(t *testing.T) {
	t.Parallel()
	r := newAttendant(t, storetest.New(t))
	leave := r.Enter()
	first := r.change(1)
	r.mustBeat()
	await(t, "the beat's turn to end", func() bool { r.turns.mu.Lock(); defer r.turns.mu.Unlock(); return r.turns.now == nil })
	defer r.Enter()()
	second := r.change(2) // while the first is waited for
	for range 3 {
		storetest.Exec(t, r.store, `UPDATE cloakroom.replicas SET seen_at = now() - interval '29 seconds'`)
		r.mustBeat()
		row := r.behind(first)
		if row == nil {
			t.Fatal("a change is acknowledged while a request from before it is under way")
		}
		if time.Since(row.SeenAt) > 20*time.Second {
			t.Errorf("seen %v ago", time.Since(row.SeenAt))
		}
	}
	leave()
	r.awaitFollowed(first)
	if r.behind(second) == nil {
		t.Error("the second change is acknowledged although a request from before it is under way")
	}
}

// TestChainThatCannotBeFollowed: nothing is forgotten or acknowledged, the others see why, and it goes on by itself.
func TestChainThatCannotBeFollowed(t *testing.T) {
	t.Parallel()
	r := newAttendant(t, storetest.New(t))
	storetest.Exec(t, r.store, `INSERT INTO cloakroom.master_keys (master_key, successor, succession_sealed)
 SELECT DISTINCT master_key, 'local-file:///forged', '\x00'::bytea FROM cloakroom.account_keysets`)
	change := r.change(0)
	before := r.attendee.trusted
	if err := r.beat(t.Context()); err == nil {
		t.Fatal("a forged successor was followed")
	}
	if row := r.behind(change); row == nil || !strings.Contains(row.Trouble, "master key") {
		t.Errorf("the others see %+v", row)
	}
	if n := r.readKeys(1, 2); n != 0 {
		t.Error("keys were forgotten that could not be read again")
	}
	if !r.attendee.trusted.After(before) {
		t.Error("keys are not trusted although the others wait")
	}
	storetest.Exec(t, r.store, `DELETE FROM cloakroom.master_keys`)
	r.mustBeat()
	r.awaitFollowed(change)
	if n := storetest.Value[int64](t, r.store, `SELECT count(*) FROM cloakroom.replicas WHERE trouble <> ''`); n != 0 {
		t.Error("the trouble is not over")
	}
}

// TestSilenceEndsTrust: keys in memory are good for fifteen seconds after the database was last asked. After a longer
// silence the others may have gone on, so that nothing is trusted again before what changed is forgotten.
func TestSilenceEndsTrust(t *testing.T) {
	t.Parallel()
	r := newAttendant(t, storetest.New(t))
	silent := func(d time.Duration) { // as if the last beat had been that long ago
		r.attendee.now = func() time.Time { return time.Now().Add(-d) }
		r.attendee.trusted = time.Time{}
		r.mustBeat()
		r.attendee.now = time.Now
	}
	silent(10 * time.Second)
	if n := r.readKeys(1); n != 0 {
		t.Errorf("%d readings after 10 s", n)
	}
	silent(16 * time.Second)
	for range 2 {
		if n := r.readKeys(1); n == 0 {
			t.Error("keys are used after 16 s of silence")
		}
	}
	r.mustBeat()
	r.readKeys(1)
	if n := r.readKeys(1); n != 0 {
		t.Errorf("%d readings after a beat", n)
	}

	silent(16 * time.Second)
	storetest.Exec(t, r.store, `INSERT INTO cloakroom.master_keys (master_key, successor, succession_sealed)
 SELECT DISTINCT master_key, 'local-file:///forged', '\x00'::bytea FROM cloakroom.account_keysets`)
	r.change(1)
	if err := r.beat(t.Context()); err == nil || r.attendee.trusted.After(time.Now()) {
		t.Errorf("trusted before what changed was forgotten: %v", err)
	}
}

// TestStruckOff: a process that the others forgot has seen nothing when it comes back, and forgets everything.
func TestStruckOff(t *testing.T) {
	t.Parallel()
	r := newAttendant(t, storetest.New(t))
	change := r.change(1)
	r.mustBeat()
	r.awaitFollowed(change)
	r.readKeys(0, 1, 2)
	storetest.Exec(t, r.store, `UPDATE cloakroom.replicas SET seen_at = now() - interval '2 hours'`)
	if err := r.store.PruneReplicas(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.mustBeat()
	if r.behind(change) == nil {
		t.Error("one that comes back is taken for up to date")
	}
	if r.attendee.trusted.After(time.Now()) {
		t.Error("what it holds from before is trusted")
	}
	r.mustBeat()
	if n := r.readKeys(1, 2); n < 2 {
		t.Errorf("%d readings of what it held before", n)
	}
	r.awaitFollowed(change)
}

// TestAttend: a process follows by itself, at once when it is told, and is not waited for once it has left.
func TestAttend(t *testing.T) {
	t.Parallel()
	r := newAttendant(t, storetest.New(t))
	ctx, stop := context.WithCancel(t.Context())
	attending := make(chan struct{})
	go func() { r.Attend(ctx); close(attending) }()
	for range 3 {
		change := r.change(1)
		r.KeysChanged()
		r.awaitFollowed(change)
	}
	r.awaitFollowed(r.change(2)) // nobody tells
	stop()
	<-attending
	change := r.change(0)
	if r.behind(change) == nil {
		t.Error("one that has not left is not waited for")
	}
	for range 2 {
		if err := r.Deregister(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if r.behind(change) != nil {
		t.Error("one that has left is waited for")
	}
	r.mustBeat()
	if n := storetest.Value[int64](t, r.store, `SELECT count(*) FROM cloakroom.replicas`); n != 0 {
		t.Error("a last beat brought it back")
	}
}

// TestUnregistered: a vault that nobody registered, as in a test, can be closed.
func TestUnregistered(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.New(t), nil)
	r.KeysChanged()
	if err := r.Deregister(t.Context()); err != nil {
		t.Error(err)
	}
}
