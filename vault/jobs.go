package vault

import (
	"context"
	"errors"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

// StartJob puts a job in the queue, on record; when one of its kind and account is open already, it gives that one and
// started is false.
func (v *Vault) StartJob(ctx context.Context, kind chat.JobKind, accountID int64, arguments chat.JobArguments) (job *chat.Job, started bool, err error) {
	if err := checkJob(arguments); err != nil {
		return nil, false, err
	}
	entry := &chat.AuditEntry{AccountID: accountID, Actor: ActorFrom(ctx), Action: chat.JobStarted, EntityType: "job"}
	err = v.Change(ctx, entry, func(tx *store.Store) error {
		job, err = tx.CreateJob(ctx, chat.Job{Kind: kind, AccountID: accountID, Arguments: arguments, Actor: entry.Actor})
		if err != nil {
			return err
		}
		entry.EntityID, entry.Details = chat.FormatID(job.ID), map[string]any{"kind": kind, "dry_run": arguments.DryRun}
		return tx.Enqueue(ctx, job.ID, arguments.NotBefore)
	})
	if errors.Is(err, chat.ErrNotFound) {
		job, err = v.store.FindOpenJob(ctx, kind, accountID, arguments.ContactID)
		return job, false, err
	}
	return job, err == nil, err
}

func checkJob(a chat.JobArguments) error {
	switch {
	case a.Rate < 0:
		return chat.InvalidField("rate", "must be a number of rows a second, 0 for no limit")
	case a.Soak < 0:
		return chat.InvalidField("soak", "must not be negative")
	case a.Retention < 0:
		return chat.InvalidField("retention", "must not be negative")
	}
	return nil
}

// ListJobs reads open jobs, or the newest of all.
func (v *Vault) ListJobs(ctx context.Context, all bool) ([]*chat.Job, error) {
	return v.store.ListJobs(ctx, all)
}

// FindJob reads a job.
func (v *Vault) FindJob(ctx context.Context, jobID int64) (*chat.Job, error) {
	return v.store.FindJob(ctx, jobID)
}

// PauseJob stops a job after its batch; ResumeJob goes on with it. chat.Conflict when it is not under way.
func (v *Vault) PauseJob(ctx context.Context, jobID int64) (*chat.Job, error) {
	return v.moveJob(ctx, jobID, []chat.JobState{chat.JobQueued, chat.JobRunning}, chat.JobPaused, chat.JobPausedByHand)
}

// ResumeJob puts a job that was paused, or given up, in the queue again, where it stopped. chat.Conflict for others.
func (v *Vault) ResumeJob(ctx context.Context, jobID int64) (*chat.Job, error) {
	return v.moveJob(ctx, jobID, []chat.JobState{chat.JobPaused, chat.JobFailed}, chat.JobQueued, chat.JobResumed)
}

// CancelJob ends a job where it stands; what its batches did stays. chat.Conflict when it is over.
func (v *Vault) CancelJob(ctx context.Context, jobID int64) (*chat.Job, error) {
	open := []chat.JobState{chat.JobQueued, chat.JobRunning, chat.JobPaused}
	return v.moveJob(ctx, jobID, open, chat.JobCancelled, chat.JobStopped)
}

func (v *Vault) moveJob(ctx context.Context, jobID int64, from []chat.JobState, to chat.JobState, action chat.Action) (*chat.Job, error) {
	job, err := v.store.FindJob(ctx, jobID)
	if err != nil {
		return nil, noSuchJob(err)
	}
	entry := &chat.AuditEntry{AccountID: job.AccountID, Actor: ActorFrom(ctx), Action: action, EntityType: "job",
		EntityID: chat.FormatID(jobID), Details: map[string]any{"kind": job.Kind, "before": job.State}}
	err = v.Change(ctx, entry, func(tx *store.Store) error {
		moved, err := tx.SetJobState(ctx, jobID, from, to)
		if errors.Is(err, chat.ErrNotFound) {
			return chat.Errorf(chat.Conflict, "job %d is %s", jobID, job.State)
		}
		if err != nil {
			return err
		}
		job = moved
		if to != chat.JobQueued {
			return nil
		}
		return tx.Enqueue(ctx, jobID, job.Arguments.NotBefore)
	})
	return job, err
}

// SetJobRate bounds an open job to so many rows a second, from its next batch on; 0 is no bound.
func (v *Vault) SetJobRate(ctx context.Context, jobID int64, rate int) (*chat.Job, error) {
	if rate < 0 {
		return nil, chat.InvalidField("rate", "must be a number of rows a second, 0 for no limit")
	}
	job, err := v.store.SetJobRate(ctx, jobID, rate)
	return job, noSuchJob(err)
}

func noSuchJob(err error) error {
	if errors.Is(err, chat.ErrNotFound) {
		return chat.Errorf(chat.NotFound, "there is no such open job: `cloakroom jobs list --all` shows their ids")
	}
	return err
}
