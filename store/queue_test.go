package store_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// workbench works on jobs in place of the engine: it knows who works on what, and when.
type workbench struct {
	mu     sync.Mutex
	inside map[int64]int
	pieces map[int64]int // done, by job
	by     map[string]int
	fault  string
}

// piece works on a job as a queue would have it done, and notes when two do at once.
func (b *workbench) piece(queue string, jobID int64, work func(piece int)) int {
	b.mu.Lock()
	if b.inside == nil {
		b.inside, b.pieces, b.by = make(map[int64]int), make(map[int64]int), make(map[string]int)
	}
	b.inside[jobID]++
	if b.inside[jobID] > 1 {
		b.fault = "a job was worked on twice at once"
	}
	piece := b.pieces[jobID]
	b.mu.Unlock()
	work(piece)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inside[jobID]--
	b.pieces[jobID]++
	b.by[queue]++
	return b.pieces[jobID]
}

func (b *workbench) done(jobs, pieces int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, p := range b.pieces {
		if p >= pieces {
			n++
		}
	}
	return n == jobs
}

func quietly() *slog.Logger { return slog.New(slog.DiscardHandler) }

// openQueue starts a queue that ends with the test.
func openQueue(t *testing.T, s *store.Store, work store.QueueWork) *store.Queue {
	t.Helper()
	if work.Job == nil {
		work.Job = func(context.Context, int64, time.Duration) (time.Duration, bool, error) { return 0, true, nil }
	}
	if work.Tend == nil {
		work.Tend = func(context.Context) error { return nil }
	}
	if work.TendEvery == 0 {
		work.TendEvery = time.Hour
	}
	if work.Log == nil {
		work.Log = quietly()
	}
	q, err := s.OpenQueue(t.Context(), work)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopQueue(t, q) })
	return q
}

func stopQueue(t *testing.T, q *store.Queue) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := q.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func enqueue(t *testing.T, s *store.Store, jobID int64, at time.Time) {
	t.Helper()
	if err := s.Enqueue(t.Context(), jobID, at); err != nil {
		t.Fatal(err)
	}
}

const waiting = `SELECT count(*) FROM cloakroom.river_job WHERE kind = 'cloakroom_job' AND state NOT IN ('completed', 'cancelled', 'discarded')`

// TestQueuesShareJobs: three replicas take turns at ten jobs, and never is one in two hands.
func TestQueuesShareJobs(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	var b workbench
	for job := range 10 {
		enqueue(t, s, int64(job+1), time.Time{})
	}
	for _, name := range []string{"one", "two", "three"} {
		openQueue(t, s, store.QueueWork{Job: func(ctx context.Context, jobID int64, _ time.Duration) (time.Duration, bool, error) {
			pieces := b.piece(name, jobID, func(int) { _ = s.RunScript(ctx, `SELECT pg_sleep(0.02)`) })
			return 10 * time.Millisecond, pieces >= 3, nil
		}})
	}
	await(t, "all jobs", func() bool { return b.done(10, 3) })
	await(t, "the queue to be empty", func() bool { return storetest.Value[int64](t, s, waiting) == 0 })
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault != "" || len(b.by) < 2 {
		t.Errorf("%q, pieces by queue: %v", b.fault, b.by)
	}
}

// TestStoppedQueueHandsOver: a replica that is stopped ends the piece under way, and no more; another goes on.
func TestStoppedQueueHandsOver(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	var b workbench
	inside, goOn := make(chan struct{}), make(chan struct{})
	first := openQueue(t, s, store.QueueWork{Job: func(ctx context.Context, jobID int64, _ time.Duration) (time.Duration, bool, error) {
		b.piece("first", jobID, func(int) {
			inside <- struct{}{}
			<-goOn
			if ctx.Err() != nil {
				t.Error("the piece under way was cut short")
			}
		})
		return 0, false, nil
	}})
	enqueue(t, s, 1, time.Time{})
	<-inside
	stopped := make(chan struct{})
	go func() { stopQueue(t, first); close(stopped) }()
	select {
	case <-stopped:
		t.Error("the queue stopped while a piece was under way")
	case <-time.After(200 * time.Millisecond):
	}
	close(goOn)
	<-stopped
	want(t, "pieces of the first queue", b.pieces[1], 1)
	openQueue(t, s, store.QueueWork{Job: func(_ context.Context, jobID int64, _ time.Duration) (time.Duration, bool, error) {
		return 0, b.piece("second", jobID, func(int) {}) == 2, nil
	}})
	await(t, "another queue to go on", func() bool { return b.done(1, 2) })
}

// TestHungPieceIsCutShort: a piece that does not end has its context cancelled, and its job is there for others.
func TestHungPieceIsCutShort(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	inside := make(chan struct{})
	q := openQueue(t, s, store.QueueWork{Job: func(ctx context.Context, _ int64, _ time.Duration) (time.Duration, bool, error) {
		close(inside)
		<-ctx.Done()
		return 0, false, ctx.Err()
	}})
	enqueue(t, s, 1, time.Time{})
	<-inside
	stopQueue(t, q)
	want(t, "state of the job", storetest.Value[string](t, s, `SELECT state::text FROM cloakroom.river_job WHERE kind = 'cloakroom_job'`), "available")
}

// TestKilledWorkerIsReplaced: a job whose worker was killed stays marked as running, and is another's after a while.
func TestKilledWorkerIsReplaced(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	enqueue(t, s, 1, time.Time{})
	enqueue(t, s, 2, time.Time{})
	storetest.Exec(t, s, `UPDATE cloakroom.river_job SET state = 'running', attempt = 1, attempted_by = '{killed}',
 attempted_at = now() - CASE args ->> 'job_id' WHEN '1' THEN interval '91 seconds' ELSE interval '30 seconds' END`)
	var b workbench
	openQueue(t, s, store.QueueWork{Job: func(_ context.Context, jobID int64, _ time.Duration) (time.Duration, bool, error) {
		b.piece("", jobID, func(int) {})
		return 0, true, nil
	}})
	await(t, "the job of the killed worker", func() bool { return b.done(1, 1) })
	want(t, "a worker that may yet be alive is left its job", b.pieces[2], 0)
}

// TestEnqueueOnce: however often a job is put in the queue it is there once, at the earliest time that was asked for.
func TestEnqueueOnce(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	errGivenUp := errors.New("given up")
	err := s.InTx(t.Context(), func(tx *store.Store) error {
		return errors.Join(tx.Enqueue(t.Context(), 1, time.Time{}), errGivenUp)
	})
	if !errors.Is(err, errGivenUp) {
		t.Fatal(err)
	}
	want(t, "after a transaction that was rolled back", storetest.Value[int64](t, s, waiting), int64(0))
	const due = `SELECT (extract(epoch FROM scheduled_at - now()) / 60)::int::bigint FROM cloakroom.river_job WHERE args = '{"job_id": 1}'`
	for _, step := range []struct{ in, due time.Duration }{{time.Hour, time.Hour}, {2 * time.Hour, time.Hour}, {time.Minute, time.Minute}} {
		enqueue(t, s, 1, time.Now().Add(step.in))
		want(t, "rows in the queue", storetest.Value[int64](t, s, waiting), int64(1))
		want(t, "minutes until it is due", storetest.Value[int64](t, s, due), int64(step.due/time.Minute))
	}
	enqueue(t, s, 2, time.Time{})
	want(t, "rows in the queue", storetest.Value[int64](t, s, waiting), int64(2))
	for _, state := range []string{"available", "running", "retryable", "scheduled", "pending"} {
		storetest.Exec(t, s, `UPDATE cloakroom.river_job SET state = $1::text::cloakroom.river_job_state`, state)
		enqueue(t, s, 1, time.Time{})
		want(t, "rows in the queue beside one that is "+state, storetest.Value[int64](t, s, waiting), int64(2))
	}
	storetest.Exec(t, s, `UPDATE cloakroom.river_job SET state = 'completed', finalized_at = now()`)
	enqueue(t, s, 1, time.Time{})
	want(t, "rows in the queue once it was done", storetest.Value[int64](t, s, waiting), int64(1))
}

// TestOneTends: of several replicas one at a time is told to tend, as often as was asked for.
func TestOneTends(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	var mu sync.Mutex
	var ticks []time.Time
	inside := 0
	tend := func(context.Context) error {
		mu.Lock()
		ticks = append(ticks, time.Now())
		inside++
		if inside > 1 {
			t.Error("two tend at once")
		}
		fails := len(ticks)%2 == 0
		mu.Unlock()
		defer func() { mu.Lock(); inside--; mu.Unlock() }()
		if fails {
			return errors.New("this time it fails")
		}
		return nil
	}
	for range 3 {
		openQueue(t, s, store.QueueWork{Tend: tend, TendEvery: 2 * time.Second})
	}
	await(t, "ticks", func() bool { mu.Lock(); defer mu.Unlock(); return len(ticks) >= 4 })
	mu.Lock()
	defer mu.Unlock()
	if took := ticks[3].Sub(ticks[0]); took < 4*time.Second {
		t.Errorf("four ticks in %v: more than one replica ticks", took)
	}
}
