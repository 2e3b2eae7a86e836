package store_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

func register(t *testing.T, s *store.Store, id string) int64 {
	t.Helper()
	change, err := s.RegisterReplica(t.Context(), id, "serve", false)
	if err != nil {
		t.Fatal(err)
	}
	return change
}

func noteChange(t *testing.T, s *store.Store, accountID int64) int64 {
	t.Helper()
	change, err := s.NoteKeyChange(t.Context(), accountID)
	if err != nil {
		t.Fatal(err)
	}
	return change
}

func behind(t *testing.T, s *store.Store, change int64) []string {
	t.Helper()
	list, err := s.ReplicasBehind(t.Context(), change)
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for _, r := range list {
		ids = append(ids, r.ID)
	}
	return ids
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// TestReplicas follows three processes through changes of keys.
func TestReplicas(t *testing.T) {
	t.Parallel()
	s, ctx := storetest.New(t), t.Context()
	want(t, "before any change", register(t, s, "a"), int64(0))
	first := noteChange(t, s, 7)
	want(t, "one that comes later has seen what was before", register(t, s, "b"), first)
	want(t, "behind", behind(t, s, first), []string{"a"})

	noteChange(t, s, 9)
	second, all := noteChange(t, s, 7), noteChange(t, s, 0)
	changes, registered, err := s.Beat(ctx, "a", 0)
	if err != nil || !registered {
		t.Fatalf("%v, %v", registered, err)
	}
	want(t, "the last change of each account", changes, []store.KeyChange{{ID: second - 1, AccountID: 9}, {ID: second, AccountID: 7}, {ID: all, AccountID: 0}})
	want(t, "hearing of a change is not having followed it", behind(t, s, first), []string{"a"})

	for _, id := range []string{"a", "b"} {
		if err := s.AcknowledgeKeyChange(ctx, id, all); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.AcknowledgeKeyChange(ctx, "a", first); err != nil { // late, from a request that took its time
		t.Fatal(err)
	}
	want(t, "behind once all have followed", behind(t, s, all), []string{})
	changes, registered, err = s.Beat(ctx, "a", all)
	if err != nil || !registered || len(changes) != 0 {
		t.Errorf("nothing new: %v, %v, %v", changes, registered, err)
	}

	if err := s.DeregisterReplica(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	want(t, "one that left is not waited for", behind(t, s, noteChange(t, s, 7)), []string{"b"})
	if _, registered, err = s.Beat(ctx, "a", all); err != nil || registered {
		t.Errorf("one that left is registered: %v, %v", registered, err)
	}
	want(t, "one that comes back with keys has seen nothing", registerHolding(t, s, "a"), int64(0))
}

func registerHolding(t *testing.T, s *store.Store, id string) int64 {
	t.Helper()
	change, err := s.RegisterReplica(t.Context(), id, "serve", true)
	if err != nil {
		t.Fatal(err)
	}
	return change
}

// TestSilentReplicas: who has not been heard of for thirty seconds by the database's clock is not waited for, and after
// an hour is struck off; changes of last week go, but for the last, at which new replicas begin.
func TestSilentReplicas(t *testing.T) {
	t.Parallel()
	s, ctx := storetest.New(t), t.Context()
	register(t, s, "dead")
	register(t, s, "slow")
	noteChange(t, s, 1)
	change := noteChange(t, s, 1)
	silent := func(id, how string) {
		storetest.Exec(t, s, `UPDATE cloakroom.replicas SET seen_at = now() - $2::interval WHERE replica_id = $1`, id, how)
	}
	silent("dead", "31 seconds")
	silent("slow", "29 seconds")
	want(t, "behind", behind(t, s, change), []string{"slow"})
	if err := s.SetReplicaTrouble(ctx, "slow", "the key service does not answer"); err != nil {
		t.Fatal(err)
	}
	list, err := s.ReplicasBehind(ctx, change)
	if err != nil || len(list) != 1 || list[0].Trouble != "the key service does not answer" || list[0].Program != "serve" || time.Since(list[0].StartedAt) > time.Minute {
		t.Errorf("%+v, %v", list, err)
	}
	if _, _, err := s.Beat(ctx, "dead", 0); err != nil {
		t.Fatal(err)
	}
	want(t, "one that speaks again counts again", behind(t, s, change), []string{"dead", "slow"})

	silent("dead", "61 minutes")
	storetest.Exec(t, s, `UPDATE cloakroom.key_changes SET changed_at = now() - interval '8 days'`)
	if err := s.PruneReplicas(ctx); err != nil {
		t.Fatal(err)
	}
	if _, registered, err := s.Beat(ctx, "dead", 0); err != nil || registered {
		t.Errorf("one that was struck off: %v, %v", registered, err)
	}
	want(t, "changes left", storetest.Value[[]int64](t, s, `SELECT array_agg(change_id) FROM cloakroom.key_changes`), []int64{change})
	want(t, "a new one begins at", register(t, s, "new"), change)
}

// TestChangesCommitInOrder: a transaction that has its number keeps others from theirs until it has committed. Without
// that the greater number could be there first, and a replica that has seen it never looks for the smaller one.
func TestChangesCommitInOrder(t *testing.T) {
	t.Parallel()
	s, ctx := storetest.New(t), t.Context()
	numbered, commit, late := make(chan int64), make(chan struct{}), make(chan int64, 1)
	var both sync.WaitGroup
	both.Go(func() {
		err := s.InTx(ctx, func(tx *store.Store) error {
			change, err := tx.NoteKeyChange(ctx, 1)
			numbered <- change
			<-commit
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	early := <-numbered
	both.Go(func() {
		change, err := s.NoteKeyChange(ctx, 2)
		if err != nil {
			t.Error(err)
		}
		late <- change
	})
	await(t, "the second to wait for the first", func() bool {
		return storetest.Value[bool](t, s, `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`)
	})
	want(t, "what can be seen while the first has not committed", register(t, s, "meanwhile"), int64(0))
	close(commit)
	both.Wait()
	if later := <-late; later <= early {
		t.Errorf("%d came after %d", later, early)
	}
	changes, _, err := s.Beat(ctx, "meanwhile", 0)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "seen afterwards", changes, []store.KeyChange{{ID: early, AccountID: 1}, {ID: early + 1, AccountID: 2}})
}

// TestNoChangeIsMissed has many transactions of different length change keys, some of them in vain, and one reader that
// asks for what came after the last it has seen.
func TestNoChangeIsMissed(t *testing.T) {
	t.Parallel()
	s, ctx := storetest.New(t), t.Context()
	register(t, s, "reader")
	var writers sync.WaitGroup
	for w := range 6 {
		writers.Go(func() {
			for n := range 30 {
				err := s.InTx(ctx, func(tx *store.Store) error {
					if _, err := tx.NoteKeyChange(ctx, int64(1000*w+n+1)); err != nil {
						return err
					}
					if n%5 == 4 {
						return errInVain
					}
					return tx.RunScript(ctx, `SELECT pg_sleep(0.001 * random())`)
				})
				if err != nil && !errors.Is(err, errInVain) {
					t.Error(err)
				}
			}
		})
	}
	finished := make(chan struct{})
	go func() { writers.Wait(); close(finished) }()
	seen, last := make(map[int64]bool), int64(0)
	read := func() {
		changes, _, err := s.Beat(ctx, "reader", last)
		if err != nil {
			t.Error(err)
		}
		for _, c := range changes {
			seen[c.AccountID], last = true, max(last, c.ID)
		}
	}
	for {
		read()
		select {
		case <-finished:
			read()
			want(t, "changes seen", len(seen), 6*24)
			return
		default:
		}
	}
}

var errInVain = errors.New("rolled back")

// await polls until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
