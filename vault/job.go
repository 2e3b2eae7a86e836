package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

const (
	jobLease    = time.Minute     // how long a worker that says nothing keeps its job
	jobElse     = 5 * time.Second // when to ask again for a job that another worker holds
	jobAttempts = 20              // failures in a row after which a job is given up
	jobBatch    = 2000            // rows of one transaction
	jobBackoff  = time.Minute     // the longest wait after a failure
)

// step is one part of a job's plan. Its batches run one after another, each in a transaction with the checkpoint, so
// that a worker may die anywhere and another goes on where the last transaction ended.
type step struct {
	name string
	// count says how many rows lie ahead, for the progress shown; nil where nobody counts.
	count func(ctx context.Context, b *batch) (int64, error)
	// batch does up to b.limit rows, moves b.job's checkpoint, and says how it went.
	batch func(ctx context.Context, b *batch) (outcome, error)
}

// batch is one transaction of a job. What the transaction did to keys is told when it stands.
type batch struct {
	*Vault
	tx    *store.Store
	job   *chat.Job
	limit int
	after []func(context.Context) // what is done once the transaction stands
}

// outcome is what one batch came to.
type outcome struct {
	rows       int64
	done       bool          // the step is over
	wait       time.Duration // nothing to do before that
	waitingFor string        // why, for whoever looks
	back       string        // the step to go back to, when this one found that it left something out
}

// over ends a step after so many rows.
func over(rows int64) outcome { return outcome{rows: rows, done: true} }

// planOf gives the steps of a kind of job, in order.
func planOf(kind chat.JobKind) []step {
	switch kind {
	case chat.RotateAccount:
		return rotateAccount
	case chat.RotateIndex:
		return rotateIndex
	case chat.RotateMaster:
		return rotateMaster
	case chat.RotateEpoch:
		return rotateEpoch
	case chat.RetireKeys:
		return retireKeys
	case chat.VerifyErasure:
		return verifyErasure
	case chat.BuildOrder:
		return buildOrder
	case chat.IndexSearch:
		return indexSearch
	default:
		return nil
	}
}

// WorkJob works on a job for at most about slice. done says that there is nothing more to do here: the job is over or
// paused. Otherwise again says when to come back. An error is on the job already, and again still says when to retry.
func (v *Vault) WorkJob(ctx context.Context, jobID int64, slice time.Duration) (again time.Duration, done bool, err error) {
	holder := rand.Text()
	job, err := v.store.ClaimJob(ctx, jobID, holder, jobLease)
	if errors.Is(err, chat.ErrNotFound) {
		return v.unclaimed(ctx, jobID)
	}
	if err != nil {
		return jobElse, false, fmt.Errorf("claim job %d: %w", jobID, err)
	}
	w := &worker{vault: v, holder: holder, job: job, until: time.Now().Add(slice)}
	defer w.release(ctx)
	return w.work(ctx)
}

// unclaimed says what to do about a job that could not be had.
func (v *Vault) unclaimed(ctx context.Context, jobID int64) (again time.Duration, done bool, err error) {
	job, err := v.store.FindJob(ctx, jobID)
	if err != nil {
		return jobElse, errors.Is(err, chat.ErrNotFound), err
	}
	return jobElse, !job.State.Open() || job.State == chat.JobPaused, nil
}

// worker works on a job that it holds.
type worker struct {
	vault  *Vault
	holder string
	job    *chat.Job
	until  time.Time
}

func (w *worker) work(ctx context.Context) (again time.Duration, done bool, err error) {
	for {
		start := time.Now()
		out, err := w.batch(ctx)
		switch {
		case errors.Is(err, errNotMine):
			return w.vault.unclaimed(ctx, w.job.ID)
		case ctx.Err() != nil:
			return 0, false, ctx.Err()
		case err != nil:
			return w.failed(ctx, err)
		case !w.job.State.Open():
			return 0, true, nil
		case out.wait > 0:
			return out.wait, false, nil
		}
		rest := w.pace(start, out.rows)
		if !time.Now().Before(w.until) {
			return rest, false, nil
		}
		if err := pause(ctx, rest); err != nil {
			return 0, false, err
		}
	}
}

// errNotMine is a job that was paused, cancelled or taken over since it was claimed.
var errNotMine = errors.New("the job is not this worker's any more")

// batch runs one batch of the step that is due, in one transaction with the job's row.
func (w *worker) batch(ctx context.Context) (out outcome, err error) {
	defer w.vault.Enter()() // a change of keys waits for batches that hold the old ones
	b := &batch{Vault: w.vault}
	err = w.vault.store.InTx(ctx, func(tx *store.Store) error {
		job, err := tx.LockJob(ctx, w.job.ID, w.holder)
		if errors.Is(err, chat.ErrNotFound) {
			return errNotMine
		}
		if err != nil {
			return err
		}
		b.tx, b.job, b.limit = tx, job, limitOf(job)
		if out, err = b.run(ctx); err != nil {
			return err
		}
		if err := tx.SaveJob(ctx, job, w.holder, jobLease); err != nil {
			return err
		}
		w.vault.reached(false)
		return nil
	})
	if err != nil {
		return out, err
	}
	w.vault.reached(true)
	w.job = b.job
	for _, fn := range b.after {
		fn(context.WithoutCancel(ctx))
	}
	return out, nil
}

// reached lets a test do something at a checkpoint, such as die.
func (v *Vault) reached(committed bool) {
	if v.checkpoint != nil {
		v.checkpoint(committed)
	}
}

// run runs a batch of the step that is due and moves on when the step is over.
func (b *batch) run(ctx context.Context) (outcome, error) {
	plan := planOf(b.job.Kind)
	if len(plan) == 0 {
		return outcome{}, fmt.Errorf("no version of this program that is running here knows jobs of kind %s", b.job.Kind)
	}
	at := 0
	for i := range plan {
		if plan[i].name == b.job.Step {
			at = i
		}
	}
	if b.job.Step == "" {
		return outcome{}, b.enter(ctx, plan[0])
	}
	if b.job.Arguments.DryRun {
		return b.next(ctx, plan, at, outcome{done: true})
	}
	out, err := plan[at].batch(ctx, b)
	if err != nil {
		return out, fmt.Errorf("%s of job %d: %w", plan[at].name, b.job.ID, err)
	}
	b.job.RowsDone += out.rows
	b.job.WaitingFor, b.job.Trouble, b.job.Attempts = out.waitingFor, "", 0
	return b.next(ctx, plan, at, out)
}

// next enters the step after one that is over, or the one to go back to; after the last one the job is done.
func (b *batch) next(ctx context.Context, plan []step, at int, out outcome) (outcome, error) {
	if out.back != "" {
		to := slices.IndexFunc(plan, func(s step) bool { return s.name == out.back })
		return out, b.enter(ctx, plan[to])
	}
	if !out.done {
		return out, nil
	}
	if at+1 < len(plan) {
		return out, b.enter(ctx, plan[at+1])
	}
	b.job.State, b.job.WaitingFor = chat.JobDone, ""
	return out, b.put(ctx, chat.JobFinished, "job", b.job.ID, map[string]any{"kind": b.job.Kind, "dry_run": b.job.Arguments.DryRun})
}

// enter begins a step: its rows are counted, and only what steps hand on stays of the checkpoint.
func (b *batch) enter(ctx context.Context, s step) error {
	b.job.Step, b.job.RowsDone, b.job.RowsTotal, b.job.WaitingFor = s.name, 0, 0, ""
	b.job.Checkpoint.Table, b.job.Checkpoint.Parent, b.job.Checkpoint.ID = 0, 0, 0
	if s.count == nil {
		return nil
	}
	total, err := s.count(ctx, b)
	if err != nil {
		return fmt.Errorf("count the rows of %s of job %d: %w", s.name, b.job.ID, err)
	}
	b.job.RowsTotal = total
	return nil
}

// put puts something on record in the batch's transaction, on behalf of whoever wanted the job.
func (b *batch) put(ctx context.Context, action chat.Action, entityType string, entityID int64, details map[string]any) error {
	return b.write(ctx, b.tx, chat.AuditEntry{AccountID: b.job.AccountID, Actor: b.job.Actor, Action: action,
		EntityType: entityType, EntityID: chat.FormatID(entityID), Details: details})
}

// failed keeps on the job what went wrong, and gives it up after too many failures in a row.
func (w *worker) failed(ctx context.Context, cause error) (again time.Duration, done bool, err error) {
	v := w.vault
	v.log.WarnContext(ctx, "a job failed and is tried again", "job", w.job.ID, "kind", string(w.job.Kind), "error", store.Redact(cause))
	saved := v.store.InTx(ctx, func(tx *store.Store) error {
		job, err := tx.LockJob(ctx, w.job.ID, w.holder)
		if err != nil {
			return err
		}
		w.job = job
		job.Trouble, job.Attempts = store.Redact(cause), job.Attempts+1
		if job.Attempts >= jobAttempts {
			job.State = chat.JobFailed
			b := &batch{Vault: v, tx: tx, job: job}
			if err := b.put(ctx, chat.JobGivenUp, "job", job.ID, map[string]any{"kind": job.Kind, "step": job.Step}); err != nil {
				v.log.ErrorContext(ctx, "a job that was given up is not on record", "job", job.ID, "error", store.Redact(err))
			}
		}
		return tx.SaveJob(ctx, job, w.holder, jobLease)
	})
	if errors.Is(saved, chat.ErrNotFound) { // paused or cancelled meanwhile
		saved = nil
	}
	wait := min(time.Second<<min(w.job.Attempts, 10), jobBackoff)
	return wait, !w.job.State.Open(), errors.Join(cause, saved)
}

func (w *worker) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordDeadline)
	defer cancel()
	if err := w.vault.store.ReleaseJob(ctx, w.job.ID, w.holder); err != nil {
		w.vault.log.WarnContext(ctx, "a job stays claimed until its lease runs out", "job", w.job.ID, "error", store.Redact(err))
	}
}
