package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

// Schedule says when keys are rotated by themselves. A zero length of time is never.
type Schedule struct {
	Rotation       time.Duration // age at which an account gets new keys
	Retention      time.Duration // between refusing a generation and destroying it
	EpochLength    time.Duration
	EpochRetention time.Duration // between retiring an epoch and destroying it
	Reseal         bool          // payloads too, so that old generations can be refused
	Rate           int           // rows a second of scheduled jobs
}

const (
	rotationsAtOnce = 3               // of accounts that the schedule has under way
	indexesAtOnce   = 2               // accounts whose search the schedule has indexed at a time
	retireEvery     = 24 * time.Hour  // between two lookings for keys that nobody names
	afterFailure    = 24 * time.Hour  // before what failed or was cancelled is begun again by itself
	verifyAgain     = time.Hour       // between two tries to prove an erasure
	forgottenAfter  = 3 * time.Minute // that a job lies idle, before it is put in the queue again
)

// Scheduler is the actor of what no person has asked for.
var Scheduler = chat.Actor{Kind: "SCHEDULE", ID: "schedule"}

// Tend starts what is due by the schedule and puts jobs in the queue again that nobody works on. It may run as often as
// one likes, on any number of replicas at once: of a kind and account there is one job at a time. What fails does not
// keep the rest from being done.
func (v *Vault) Tend(ctx context.Context) error {
	ctx, s := WithActor(ctx, Scheduler), v.Schedule
	return errors.Join(v.tendAccounts(ctx, s), v.tendEpoch(ctx, s), v.tendRetirement(ctx, s), v.tendErasures(ctx), v.tendIndexes(ctx),
		v.tendOrderings(ctx, s), v.tendForgotten(ctx), v.warnOverdue(ctx, s), v.tendTokens(ctx))
}

// tendAccounts rotates accounts whose keys are too old, oldest first and a few at a time.
func (v *Vault) tendAccounts(ctx context.Context, s Schedule) error {
	if s.Rotation <= 0 {
		return nil
	}
	due, err := v.store.ListRotationsDue(ctx, s.Rotation, afterFailure, rotationsAtOnce)
	if err != nil {
		return err
	}
	var errs []error
	for _, accountID := range due {
		arguments := chat.JobArguments{Reseal: s.Reseal, Retention: max(s.Retention, 1), Rate: s.Rate} // destroyed by retireKeys
		if _, _, err := v.StartJob(ctx, chat.RotateAccount, accountID, arguments); err != nil {
			errs = append(errs, fmt.Errorf("rotate the keys of account %d: %w", accountID, err))
		}
	}
	return errors.Join(errs...)
}

func (v *Vault) tendEpoch(ctx context.Context, s Schedule) error {
	if s.EpochLength <= 0 {
		return nil
	}
	due, err := v.store.EpochDue(ctx, s.EpochLength, afterFailure)
	if err != nil || !due {
		return err
	}
	_, _, err = v.StartJob(ctx, chat.RotateEpoch, 0, chat.JobArguments{Retention: max(s.EpochRetention, 1), Rate: s.Rate})
	return err
}

func (v *Vault) tendRetirement(ctx context.Context, s Schedule) error {
	due, err := v.store.JobDue(ctx, chat.RetireKeys, retireEvery)
	if err != nil || !due {
		return err
	}
	_, _, err = v.StartJob(ctx, chat.RetireKeys, 0, chat.JobArguments{Retention: s.Retention, Epochs: s.EpochRetention, Rate: s.Rate})
	return err
}

// tendErasures has erasures verified whose own job was cancelled or given up, or that left something behind.
func (v *Vault) tendErasures(ctx context.Context) error {
	due, err := v.store.ListVerificationsDue(ctx, verifyAgain)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range due {
		if _, _, err := v.StartJob(ctx, chat.VerifyErasure, e[0], chat.JobArguments{ContactID: e[1]}); err != nil {
			errs = append(errs, fmt.Errorf("verify the erasure of contact %d of account %d: %w", e[1], e[0], err))
		}
	}
	return errors.Join(errs...)
}

// tendIndexes has tokens and tags made, or taken away, of accounts whose settings of search are not met: such as one that
// was sealed before there were any.
func (v *Vault) tendIndexes(ctx context.Context) error {
	due, err := v.store.ListIndexesDue(ctx, afterFailure, indexesAtOnce)
	if err != nil {
		return err
	}
	var errs []error
	for _, accountID := range due {
		_, started, err := v.StartJob(ctx, chat.IndexSearch, accountID, chat.JobArguments{Rate: v.Schedule.Rate})
		if err != nil {
			errs = append(errs, fmt.Errorf("index the search of account %d: %w", accountID, err))
		} else if started {
			v.log.InfoContext(ctx, "an account's search is being indexed; until that is done, values are searched by opening them", "account", accountID)
		}
	}
	return errors.Join(errs...)
}

// tendForgotten puts jobs in the queue again that nobody works on, such as those whose queue was emptied by hand.
func (v *Vault) tendForgotten(ctx context.Context) error {
	jobs, err := v.store.ListForgottenJobs(ctx, forgottenAfter)
	if err != nil {
		return fmt.Errorf("look for jobs that nobody works on: %w", err)
	}
	var errs []error
	for _, job := range jobs {
		errs = append(errs, v.store.InTx(ctx, func(tx *store.Store) error { return tx.Enqueue(ctx, job.ID, job.Arguments.NotBefore) }))
	}
	return errors.Join(errs...)
}

// warnOverdue is the alarm of those who have no Prometheus: a line in the log, at most each hour.
func (v *Vault) warnOverdue(ctx context.Context, s Schedule) error {
	health, err := v.store.ReadKeyHealth(ctx, s.Rotation+overdueAfter, s.EpochLength+overdueAfter)
	if err != nil {
		return err
	}
	n := int(overdueCount(s.Rotation, health.DataOverdue) + overdueCount(s.EpochLength, health.EpochOverdue))
	if n > 0 && v.overdue.first(struct{}{}, time.Hour, time.Now()) {
		v.log.WarnContext(ctx, "keys should have been rotated more than a week ago: `cloakroom keys status` and `cloakroom jobs list` say which and why not", "count", n)
	}
	return nil
}
