package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
)

// River brings the ids of jobs to whoever has time for them, and a tick to one of all. What a job is and how far it has
// come is in our own table; River's hold numbers and times, and never what went wrong.
const (
	queueSchema      = "cloakroom"
	queueWorkers     = 2
	queueConnections = 3 // of its own, so that requests never wait for the queue's

	sliceTime    = 20 * time.Second // after which another job gets a turn
	pieceTime    = 2 * time.Second  // after which a queue that is to stop does
	longestRetry = time.Minute
	shortRest    = time.Second      // that is waited for here: the queue looks for jobs once a second
	stopTime     = 10 * time.Second // for the piece under way; what it has not committed is done again
	timeout      = time.Minute      // of a slice that hangs
	rescueAfter  = 90 * time.Second // a job whose worker was killed is another's after this
)

// QueueWork is what a queue works on.
type QueueWork struct {
	// Job works on a job for at most slice. done says that there is nothing more to do; otherwise again says when to come
	// back, which for an error is when to try again.
	Job func(ctx context.Context, jobID int64, slice time.Duration) (again time.Duration, done bool, err error)
	// Tend is called on one of all replicas, every so often.
	Tend      func(ctx context.Context) error
	TendEvery time.Duration
	Log       *slog.Logger
}

// Queue works on jobs until it is stopped.
type Queue struct {
	client   *river.Client[pgx.Tx]
	pool     *pgxpool.Pool
	stopping chan struct{}
	stop     func()
}

type jobArgs struct {
	JobID int64 `json:"job_id"`
}

// Kind names the sort of job in River's table.
func (jobArgs) Kind() string { return "cloakroom_job" }

type tendArgs struct{}

// Kind names the sort of job in River's table.
func (tendArgs) Kind() string { return "cloakroom_tend" }

// once is that something is in the queue one time at most, until it is done with.
var once = river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{rivertype.JobStateAvailable, rivertype.JobStatePending,
	rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled}}

// OpenQueue begins to work on jobs. Any number of replicas may; each job is worked on by one of them at a time.
func (s *Store) OpenQueue(ctx context.Context, work QueueWork) (*Queue, error) {
	pool, err := s.ownPool(ctx)
	if err != nil {
		return nil, err
	}
	q := &Queue{pool: pool, stopping: make(chan struct{})}
	q.stop = sync.OnceFunc(func() { close(q.stopping) })
	q.client, err = river.NewClient(riverpgxv5.New(pool), q.config(work))
	if err == nil {
		err = q.client.Start(context.WithoutCancel(ctx)) // whoever opens it stops it, in its turn among what is closed
	}
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("open the job queue: %w", err)
	}
	return q, nil
}

// ownPool gives the queue connections of its own, like those of the store.
func (s *Store) ownPool(ctx context.Context) (*pgxpool.Pool, error) {
	config := s.pool.Config() // a copy
	config.MaxConns, config.MinConns, config.MinIdleConns = queueConnections, 0, 0
	config.ConnConfig.Tracer = nil // it counts the statements of requests
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the job queue's connections: %w", err)
	}
	return pool, nil
}

func (q *Queue) config(work QueueWork) *river.Config {
	workers := river.NewWorkers()
	river.AddWorker(workers, &jobWorker{work: work, stopping: q.stopping})
	river.AddWorker(workers, &tendWorker{work: work})
	tend := river.NewPeriodicJob(river.PeriodicInterval(work.TendEvery), func() (river.JobArgs, *river.InsertOpts) {
		return tendArgs{}, &river.InsertOpts{UniqueOpts: once, MaxAttempts: 1}
	}, &river.PeriodicJobOpts{RunOnStart: true})
	return &river.Config{
		Schema: queueSchema, Workers: workers, PeriodicJobs: []*river.PeriodicJob{tend},
		Queues:   map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: queueWorkers}},
		PollOnly: true, // no connection has to be kept for listening, so a pooler may stand in between
		Logger:   slog.New(&queueLog{to: work.Log, stopping: q.stopping, last: new(lastSaid)}),

		JobTimeout: timeout, RescueStuckJobsAfter: rescueAfter, SoftStopTimeout: stopTime, RetryPolicy: retrySoon{},
		CompletedJobRetentionPeriod: time.Hour, CancelledJobRetentionPeriod: time.Hour, DiscardedJobRetentionPeriod: time.Hour,
		ReindexerSchedule: river.NeverSchedule(), // only the owner of a table may
	}
}

// Stop hands back the jobs under way, which others go on with, and returns when none is worked on any more.
func (q *Queue) Stop(ctx context.Context) error {
	q.stop()
	if err := q.client.Stop(ctx); err != nil {
		return fmt.Errorf("stop the job queue: %w", err)
	}
	q.pool.Close()
	return nil
}

// retrySoon is River's own way of retrying, which jobs take only when even saying why they failed has failed.
type retrySoon struct{}

// NextRetry waits a second more each time.
func (retrySoon) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().Add(min(time.Duration(job.Attempt)*time.Second, longestRetry))
}

type jobWorker struct {
	river.WorkerDefaults[jobArgs]
	work     QueueWork
	stopping <-chan struct{}
}

// errFailed is all that River's table is told of a failure.
var errFailed = errors.New("it failed; the job and the program's log say how")

// Work works on a job for a slice of time, in pieces, so that a queue that is to stop need not wait for the slice.
func (w *jobWorker) Work(ctx context.Context, job *river.Job[jobArgs]) error {
	until := time.Now().Add(sliceTime)
	for {
		again, done, err := w.piece(ctx, job.Args.JobID)
		switch {
		case done:
			return nil
		case ctx.Err() != nil:
			return river.JobSnooze(0)
		case err != nil && again <= 0:
			return errFailed
		case err != nil:
			return river.JobSnooze(min(again, longestRetry))
		case again >= shortRest:
			return river.JobSnooze(again)
		case w.stopped() || !time.Now().Before(until):
			return river.JobSnooze(0)
		}
		w.rest(ctx, again) // what keeps a job to its rate is shorter than the queue's own step
	}
}

func (w *jobWorker) rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-w.stopping:
	case <-timer.C:
	}
}

func (w *jobWorker) piece(ctx context.Context, jobID int64) (again time.Duration, done bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			again, done, err = 0, false, panicked(p)
		}
		if err != nil && again <= 0 && ctx.Err() == nil {
			w.work.Log.ErrorContext(ctx, "a job failed and could not be told so", "job", jobID, "error", Redact(err))
		}
	}()
	return w.work.Job(ctx, jobID, pieceTime)
}

func (w *jobWorker) stopped() bool {
	select {
	case <-w.stopping:
		return true
	default:
		return false
	}
}

// panicked makes an error of a panic. What it carries may be anything, so only the runtime's own faults are spelt out.
func panicked(p any) error {
	var fault runtime.Error
	if err, ok := p.(error); ok && errors.As(err, &fault) {
		return fmt.Errorf("a panic: %w\n%s", fault, debug.Stack())
	}
	return fmt.Errorf("a panic with a %T\n%s", p, debug.Stack())
}

type tendWorker struct {
	river.WorkerDefaults[tendArgs]
	work QueueWork
}

// Work tends once; what fails is tried again at the next tick.
func (w *tendWorker) Work(ctx context.Context, _ *river.Job[tendArgs]) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
		if err != nil && ctx.Err() == nil {
			w.work.Log.ErrorContext(ctx, "jobs were not tended", "error", Redact(err))
			err = errFailed
		}
	}()
	return w.work.Tend(ctx)
}

// inserter puts jobs in the queue, in transactions that it is given.
var inserter = sync.OnceValues(func() (*river.Client[pgx.Tx], error) {
	return river.NewClient(riverpgxv5.New(nil), &river.Config{Schema: queueSchema, PollOnly: true, Logger: slog.New(slog.DiscardHandler)})
})

const bringForward = `UPDATE cloakroom.river_job SET scheduled_at = $2
 WHERE id = $1 AND state IN ('available', 'retryable', 'scheduled') AND scheduled_at > $2`

// Enqueue has a job worked on from a time on, by whichever replica has time for it; in a transaction, from its commit on.
// One that is in the queue already is there once all the same, at the earlier of the two times.
func (s *Store) Enqueue(ctx context.Context, jobID int64, notBefore time.Time) error {
	err := s.InTx(ctx, func(tx *Store) error {
		client, err := inserter()
		if err != nil {
			return err
		}
		options := &river.InsertOpts{UniqueOpts: once, MaxAttempts: math.MaxInt16, Priority: 2}
		if notBefore.After(time.Now()) { // what has a time at all waits for the queue's next look at its calendar
			options.ScheduledAt = notBefore
		}
		job, err := client.InsertTx(ctx, tx.db.(guarded).querier.(pgx.Tx), jobArgs{jobID}, options)
		if err != nil {
			return err
		}
		if job.UniqueSkippedAsDuplicate {
			_, err = tx.db.Exec(ctx, bringForward, job.Job.ID, notBefore)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("put job %d in the queue: %w", jobID, err)
	}
	return nil
}
