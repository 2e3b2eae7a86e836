package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"github.com/cloakroom/cloakroom/chat"
)

const jobColumns = `job_id, kind, account_id, state, arguments, step, checkpoint, rows_done, rows_total, waiting_for, trouble, attempts,
 actor_kind, actor_id, created_at, started_at, step_at, updated_at, finished_at`

func scanJob(rows pgx.Rows) (*chat.Job, error) {
	j := new(chat.Job)
	var arguments, checkpoint []byte
	err := rows.Scan(&j.ID, &j.Kind, &j.AccountID, &j.State, &arguments, &j.Step, &checkpoint, &j.RowsDone, &j.RowsTotal, &j.WaitingFor,
		&j.Trouble, &j.Attempts, &j.Actor.Kind, &j.Actor.ID, moment(&j.CreatedAt), moment(&j.StartedAt), moment(&j.StepAt),
		moment(&j.UpdatedAt), moment(&j.FinishedAt))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(json.Unmarshal(arguments, &j.Arguments), json.Unmarshal(checkpoint, &j.Checkpoint)); err != nil {
		return nil, fmt.Errorf("read job %d: %w", j.ID, err)
	}
	return j, nil
}

func moment(t *time.Time) *zeronull.Timestamptz { return (*zeronull.Timestamptz)(t) }

func (s *Store) oneJob(ctx context.Context, sql string, args ...any) (*chat.Job, error) {
	jobs, err := collect(ctx, s.db, scanJob, sql, args...)
	if err != nil {
		return nil, err
	}
	if len(jobs) == 0 {
		return nil, chat.ErrNotFound
	}
	return jobs[0], nil
}

const createJob = `INSERT INTO cloakroom.jobs (kind, account_id, state, arguments, actor_kind, actor_id)
 VALUES ($1, $2, 'queued', $3, $4, $5) ON CONFLICT DO NOTHING RETURNING ` + jobColumns

// CreateJob writes a job that is yet to begin; chat.ErrNotFound when one of its kind and account, and of its contact if
// it has one, is open already.
func (s *Store) CreateJob(ctx context.Context, j chat.Job) (*chat.Job, error) {
	arguments, err := json.Marshal(j.Arguments)
	if err != nil {
		return nil, fmt.Errorf("encode the arguments of a job: %w", err)
	}
	created, err := s.oneJob(ctx, createJob, j.Kind, j.AccountID, arguments, j.Actor.Kind, j.Actor.ID)
	if err != nil {
		return nil, fmt.Errorf("create a job of kind %s: %w", j.Kind, err)
	}
	return created, nil
}

const findOpenJob = `SELECT ` + jobColumns + ` FROM cloakroom.jobs
 WHERE kind = $1 AND account_id = $2 AND COALESCE(arguments ->> 'contactId', '') = $3 AND state IN ('queued', 'running', 'paused')`

// FindOpenJob reads the open job of a kind and account; contactID is 0 for kinds that have none. chat.ErrNotFound when
// none is open.
func (s *Store) FindOpenJob(ctx context.Context, kind chat.JobKind, accountID, contactID int64) (*chat.Job, error) {
	contact := ""
	if contactID != 0 {
		contact = chat.FormatID(contactID)
	}
	return s.oneJob(ctx, findOpenJob, kind, accountID, contact)
}

const findJob = `SELECT ` + jobColumns + ` FROM cloakroom.jobs WHERE job_id = $1`

// FindJob reads a job; chat.ErrNotFound when there is none of that id.
func (s *Store) FindJob(ctx context.Context, jobID int64) (*chat.Job, error) {
	return s.oneJob(ctx, findJob, jobID)
}

const listJobs = `SELECT ` + jobColumns + ` FROM cloakroom.jobs WHERE $1 OR state IN ('queued', 'running', 'paused')
 ORDER BY job_id DESC LIMIT 200`

// ListJobs reads open jobs, or the newest of all, newest first.
func (s *Store) ListJobs(ctx context.Context, all bool) ([]*chat.Job, error) {
	return collect(ctx, s.db, scanJob, listJobs, all)
}

const claimJob = `UPDATE cloakroom.jobs SET state = 'running', holder = $2, held_until = now() + $3::interval, started_at = COALESCE(started_at, now())
 WHERE job_id = $1 AND state IN ('queued', 'running') AND (held_until IS NULL OR held_until < now()) RETURNING ` + jobColumns

// ClaimJob takes a job for a holder, for as long as the lease; chat.ErrNotFound when it is not to be had: over,
// paused, or another's.
func (s *Store) ClaimJob(ctx context.Context, jobID int64, holder string, lease time.Duration) (*chat.Job, error) {
	return s.oneJob(ctx, claimJob, jobID, holder, lease)
}

const lockJob = `SELECT ` + jobColumns + ` FROM cloakroom.jobs WHERE job_id = $1 AND holder = $2 AND state = 'running' FOR UPDATE`

// LockJob reads a job that a holder has claimed and keeps everybody else from it until the transaction ends;
// chat.ErrNotFound when it was paused or cancelled, or taken over after its lease ran out.
func (s *Store) LockJob(ctx context.Context, jobID int64, holder string) (*chat.Job, error) {
	return s.oneJob(ctx, lockJob, jobID, holder)
}

const saveJob = `UPDATE cloakroom.jobs SET state = $3, step = $4, checkpoint = $5, rows_done = $6, rows_total = $7, waiting_for = $8,
 trouble = $9, attempts = $10, step_at = CASE WHEN step = $4 THEN COALESCE(step_at, now()) ELSE now() END, updated_at = now(),
 held_until = now() + $11::interval, finished_at = CASE WHEN $3 IN ('done', 'failed', 'cancelled') THEN now() END
 WHERE job_id = $1 AND holder = $2`

// SaveJob writes how far a job has come and renews its lease.
func (s *Store) SaveJob(ctx context.Context, j *chat.Job, holder string, lease time.Duration) error {
	checkpoint, err := json.Marshal(j.Checkpoint)
	if err != nil {
		return fmt.Errorf("encode the checkpoint of job %d: %w", j.ID, err)
	}
	_, err = s.db.Exec(ctx, saveJob, j.ID, holder, j.State, j.Step, checkpoint, j.RowsDone, j.RowsTotal, j.WaitingFor, j.Trouble, j.Attempts, lease)
	if err != nil {
		return fmt.Errorf("save job %d: %w", j.ID, err)
	}
	return nil
}

const releaseJob = `UPDATE cloakroom.jobs SET holder = '', held_until = NULL WHERE job_id = $1 AND holder = $2`

// ReleaseJob gives a job back, for anybody to claim.
func (s *Store) ReleaseJob(ctx context.Context, jobID int64, holder string) error {
	if _, err := s.db.Exec(ctx, releaseJob, jobID, holder); err != nil {
		return fmt.Errorf("release job %d: %w", jobID, err)
	}
	return nil
}

const setJobState = `UPDATE cloakroom.jobs SET state = $3, updated_at = now(), holder = '', held_until = NULL,
 finished_at = CASE WHEN $3 = 'cancelled' THEN now() END WHERE job_id = $1 AND state = ANY($2) RETURNING ` + jobColumns

// SetJobState moves a job from one of several states by hand; chat.ErrNotFound when it is in none of them.
func (s *Store) SetJobState(ctx context.Context, jobID int64, from []chat.JobState, to chat.JobState) (*chat.Job, error) {
	return s.oneJob(ctx, setJobState, jobID, from, to)
}

const setJobRate = `UPDATE cloakroom.jobs SET arguments = jsonb_set(arguments, '{rate}', to_jsonb($2::int))
 WHERE job_id = $1 AND state IN ('queued', 'running', 'paused') RETURNING ` + jobColumns

// SetJobRate bounds an open job to so many rows a second, 0 being no bound; chat.ErrNotFound when it is over.
func (s *Store) SetJobRate(ctx context.Context, jobID int64, rate int) (*chat.Job, error) {
	return s.oneJob(ctx, setJobRate, jobID, rate)
}

const listForgottenJobs = `SELECT ` + jobColumns + ` FROM cloakroom.jobs WHERE state IN ('queued', 'running')
 AND updated_at < now() - $1::interval AND (held_until IS NULL OR held_until < now()) ORDER BY job_id`

// ListForgottenJobs reads open jobs that nobody has worked on for a while.
func (s *Store) ListForgottenJobs(ctx context.Context, idle time.Duration) ([]*chat.Job, error) {
	return collect(ctx, s.db, scanJob, listForgottenJobs, idle)
}
