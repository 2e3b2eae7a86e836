package vault

import (
	"context"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/events"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

const (
	settleEvery  = 500 * time.Millisecond // between two looks at who is behind
	policyMemory = 2 * time.Second        // longer than any replica remembers an account's cache epoch
	passAgain    = time.Second            // before a step that left rows out is gone through again
)

// changed numbers a change of an account's keys, 0 being every account's, at the end of the transaction that makes it;
// once that stands, this process and all others are told. The step settle awaits them.
func (b *batch) changed(ctx context.Context, accountID int64) error {
	change, err := b.tx.NoteKeyChange(ctx, accountID)
	if err != nil {
		return err
	}
	b.job.Checkpoint.Change = change
	b.after = append(b.after, func(ctx context.Context) {
		b.forget(accountID)
		b.KeysChanged() // whether or not events are heard here
		b.tell(ctx, events.Event{Kind: events.KeysChanged, ID: accountID})
	})
	return nil
}

func (b *batch) forget(accountID int64) {
	if accountID == 0 {
		b.keys.ForgetAll()
		return
	}
	b.keys.Forget(accountID)
}

// settle waits until no replica uses what was before the last change of keys.
func settle(name string) step {
	return step{name: name, batch: func(ctx context.Context, b *batch) (outcome, error) {
		if b.job.Checkpoint.Change == 0 {
			return over(0), nil
		}
		behind, err := b.tx.ReplicasBehind(ctx, b.job.Checkpoint.Change)
		if err != nil {
			return outcome{}, err
		}
		if len(behind) > 0 {
			return outcome{wait: settleEvery, waitingFor: laggards(behind)}, nil
		}
		b.job.Checkpoint.Change = 0
		return over(0), nil
	}}
}

// laggards names who is behind, those with a reason first.
func laggards(behind []store.Replica) string {
	for _, r := range behind {
		if r.Trouble != "" {
			return fmt.Sprintf("%s %s, which says: %s", r.Program, short(r.ID), r.Trouble)
		}
	}
	return fmt.Sprintf("%s %s to forget old keys (%d in all)", behind[0].Program, short(behind[0].ID), len(behind))
}

func short(replica string) string { return replica[:min(len(replica), 8)] }

// drain makes sure that no request is under way that may hold a record of an earlier cache epoch: it waits until nobody
// begins one by such an epoch any more, and numbers a change for settle to await those that have begun.
func drain(name string) step {
	return step{name: name, batch: func(ctx context.Context, b *batch) (outcome, error) {
		if !b.refusing() {
			return over(0), nil
		}
		age, err := b.tx.Since(ctx, b.job.StepAt)
		if err != nil {
			return outcome{}, err
		}
		if age < policyMemory {
			return outcome{wait: policyMemory - age, waitingFor: "replicas to take the new cache epoch"}, nil
		}
		for _, accountID := range b.accounts() {
			if err := b.changed(ctx, accountID); err != nil {
				return outcome{}, err
			}
		}
		return over(0), nil
	}}
}

// refusing says that the job goes on to take keys out of use.
func (b *batch) refusing() bool {
	return len(b.job.Checkpoint.Keysets) > 0 || b.job.Checkpoint.Epochs
}

// accounts are those whose keys are about to go, 0 once when all are.
func (b *batch) accounts() []int64 {
	if b.job.Checkpoint.Epochs {
		return []int64{0}
	}
	return accountsOf(b.job.Checkpoint.Keysets)
}

// accountKeys gives an account's keys as of the job's last change: generation tells by number whether they are.
func (b *batch) accountKeys(ctx context.Context, accountID int64, generation func(*keyring.Account) int) (*keyring.Account, error) {
	keys, err := b.keys.Account(ctx, accountID)
	if err != nil || generation(keys) >= b.job.Checkpoint.Generation {
		return keys, err
	}
	b.forget(accountID)
	if keys, err = b.keys.Account(ctx, accountID); err != nil {
		return nil, err
	}
	if have := generation(keys); have < b.job.Checkpoint.Generation {
		return nil, fmt.Errorf("keys of account %d: generation %d is in force, not %d", accountID, have, b.job.Checkpoint.Generation)
	}
	return keys, nil
}

// createGenerations makes a pending generation of each purpose; one that an earlier job left pending is taken up.
func (b *batch) createGenerations(ctx context.Context, purposes ...chat.KeysetPurpose) error {
	accountID := b.job.AccountID
	if _, err := b.keys.Account(ctx, accountID); err != nil { // which makes the first ones
		return err
	}
	sets, err := b.tx.ListKeysets(ctx, accountID)
	if err != nil {
		return err
	}
	var made []chat.Keyset
	for _, p := range purposes {
		newest := newestOf(sets, p)
		if newest.State != chat.KeysetPending {
			if newest, err = b.keys.NewGeneration(ctx, accountID, p, newest.Generation+1); err != nil {
				return err
			}
			made = append(made, newest)
		}
		if p == purposes[0] {
			b.job.Checkpoint.Generation = newest.Generation
		}
	}
	if err := b.tx.CreateKeysets(ctx, made); err != nil {
		return err
	}
	for i := range made {
		if err := b.putKeyset(ctx, chat.GenerationCreated, nameOf(&made[i])); err != nil {
			return err
		}
	}
	return b.changed(ctx, accountID)
}

func newestOf(sets []chat.Keyset, p chat.KeysetPurpose) (newest chat.Keyset) {
	for _, k := range sets {
		if k.Purpose == p && k.Generation > newest.Generation {
			newest = k
		}
	}
	return newest
}

// activate puts the pending generations of the purposes in force, and retires those that were.
func (b *batch) activate(ctx context.Context, purposes ...chat.KeysetPurpose) error {
	sets, err := b.tx.ListKeysets(ctx, b.job.AccountID)
	if err != nil {
		return err
	}
	for _, p := range purposes {
		newest := newestOf(sets, p)
		if newest.State != chat.KeysetPending {
			return fmt.Errorf("activate %s keyset of account %d: generation %d is %s, not pending: cancel the job and start it anew",
				p, b.job.AccountID, newest.Generation, newest.State)
		}
		for i := range sets {
			if k := &sets[i]; k.Purpose == p && k.State == chat.KeysetActive {
				if err := b.tx.SetKeysetState(ctx, k.AccountID, p, k.Generation, chat.KeysetActive, chat.KeysetRetired); err != nil {
					return err
				}
			}
		}
		if err := b.tx.SetKeysetState(ctx, newest.AccountID, p, newest.Generation, chat.KeysetPending, chat.KeysetActive); err != nil {
			return err
		}
		if err := b.putKeyset(ctx, chat.GenerationActivated, nameOf(&newest)); err != nil {
			return err
		}
	}
	return b.changed(ctx, b.job.AccountID)
}

func nameOf(k *chat.Keyset) chat.KeysetName {
	return chat.KeysetName{AccountID: k.AccountID, Purpose: k.Purpose, Generation: k.Generation}
}

// putKeyset puts on record, in the trail of the account, what became of a generation.
func (b *batch) putKeyset(ctx context.Context, action chat.Action, k chat.KeysetName) error {
	return b.write(ctx, b.tx, chat.AuditEntry{AccountID: k.AccountID, Actor: b.job.Actor, Action: action, EntityType: "keyset",
		EntityID: fmt.Sprintf("%s/%d", k.Purpose, k.Generation), Details: map[string]any{"job": b.job.ID}})
}

// atFault counts a row that does not open, or is not what it should be, and says which in the log; a job goes round it.
func (b *batch) atFault(ctx context.Context, table string, accountID, id int64, cause error) {
	b.job.Checkpoint.Found++
	b.log.ErrorContext(ctx, "a job found a row at fault and left it as it is", "job", b.job.ID, "account", accountID, "table", table,
		"id", id, "cause", cause.Error())
}

// putFaults puts on record that rows were at fault, once for a job.
func (b *batch) putFaults(ctx context.Context, what string) error {
	if b.job.Checkpoint.Found == 0 {
		return nil
	}
	return b.put(ctx, chat.SealedUnreadableHit, "job", b.job.ID, map[string]any{"rows": b.job.Checkpoint.Found, "of": what})
}
