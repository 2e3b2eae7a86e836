package vault

import (
	"context"
	"errors"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/events"
)

// chosenAtOnce bounds the generations that are retired in one round.
const chosenAtOnce = 500

// retirable are the purposes whose old generations are taken out of use by the job that retires keys. Those of an index
// are by its rotation: their rows are deleted, not moved.
var retirable = []chat.KeysetPurpose{chat.KeysetData, chat.KeysetVault, chat.KeysetAudit, chat.KeysetCursor}

// retireKeys goes over all accounts: old generations that no row names are refused, refused ones and old epochs are
// destroyed after their retention.
var retireKeys = append([]step{
	{name: "choose", batch: chooseOfAll},
	drain("drain"),
	settle("await requests"),
	{name: "refuse", batch: refuseKeysets},
	settle("await refusal"),
	{name: "again", batch: func(_ context.Context, b *batch) (outcome, error) {
		if len(b.job.Checkpoint.Keysets) == chosenAtOnce {
			return outcome{back: "choose"}, nil
		}
		return over(0), nil
	}},
	{name: "destroy", batch: destroyKeysets},
}, epochEnd...)

func chooseOfAll(ctx context.Context, b *batch) (outcome, error) {
	var err error
	if b.job.Checkpoint.Keysets, err = b.tx.ListUnnamedKeysets(ctx, -1, retirable, chosenAtOnce); err != nil {
		return outcome{}, err
	}
	epochs, err := b.tx.ListSpentEpochs(ctx, b.job.Arguments.Epochs)
	if err != nil {
		return outcome{}, err
	}
	if len(epochs) > 0 {
		b.job.Checkpoint.Epochs = true
		return over(0), b.moveAllCaches(ctx)
	}
	return over(0), b.moveCaches(ctx)
}

// moveCaches makes what Redis holds under the chosen data keys unreachable, before they are refused.
func (b *batch) moveCaches(ctx context.Context) error {
	var moved []int64
	for _, k := range b.job.Checkpoint.Keysets {
		if k.Purpose == chat.KeysetData && !slices.Contains(moved, k.AccountID) {
			moved = append(moved, k.AccountID)
		}
	}
	for _, accountID := range moved {
		if err := b.tx.MoveCacheEpoch(ctx, accountID); err != nil {
			return err
		}
	}
	b.tellAccounts(moved)
	return nil
}

func (b *batch) moveAllCaches(ctx context.Context) error {
	moved, err := b.tx.MoveAllCacheEpochs(ctx)
	b.tellAccounts(moved)
	return err
}

func (b *batch) tellAccounts(ids []int64) {
	b.after = append(b.after, func(ctx context.Context) {
		for _, id := range ids {
			b.tell(ctx, events.Event{Kind: events.AccountChanged, ID: id})
		}
	})
}

// refuseKeysets takes the chosen generations out of use, each unless a row has come to name it after all, and keeps on
// the checkpoint those that were.
func refuseKeysets(ctx context.Context, b *batch) (outcome, error) {
	chosen := b.job.Checkpoint.Keysets
	if len(chosen) < chosenAtOnce || b.job.Kind != chat.RetireKeys { // a full round is followed by another
		b.job.Checkpoint.Keysets = nil
	}
	var refused []chat.KeysetName
	for _, k := range chosen {
		done, err := b.tx.RefuseKeyset(ctx, k)
		if err != nil {
			return outcome{}, err
		}
		if !done {
			continue
		}
		refused = append(refused, k)
		if err := b.putKeyset(ctx, chat.GenerationRefused, k); err != nil {
			return outcome{}, err
		}
	}
	for _, accountID := range accountsOf(refused) {
		if err := b.changed(ctx, accountID); err != nil {
			return outcome{}, err
		}
	}
	if b.job.Kind != chat.RetireKeys {
		b.job.Checkpoint.Keysets = refused
	}
	return over(int64(len(refused))), nil
}

// destroyRefused destroys the account's refused generations of the job's purposes when nothing is to be kept: those that
// the job has refused itself, and those that another was faster to refuse.
func destroyRefused(purposes ...chat.KeysetPurpose) step {
	return step{name: "destroy", batch: func(ctx context.Context, b *batch) (outcome, error) {
		if b.job.Arguments.Retention > 0 {
			return over(0), nil
		}
		refused, err := b.tx.ListRefusedKeysets(ctx, b.job.AccountID, 0, chat.KeysetName{AccountID: -1}, chosenAtOnce)
		if err != nil {
			return outcome{}, err
		}
		refused = slices.DeleteFunc(refused, func(k chat.KeysetName) bool { return !slices.Contains(purposes, k.Purpose) })
		return over(int64(len(refused))), b.destroy(ctx, refused)
	}}
}

// destroyKeysets destroys every generation whose retention is over.
func destroyKeysets(ctx context.Context, b *batch) (outcome, error) {
	var after chat.KeysetName
	if last := b.job.Checkpoint.Keysets; len(last) == 1 {
		after = last[0]
	} else {
		after.AccountID = -1
	}
	due, err := b.tx.ListRefusedKeysets(ctx, -1, b.job.Arguments.Retention, after, chosenAtOnce)
	if err != nil || len(due) == 0 {
		b.job.Checkpoint.Keysets = nil
		return over(0), err
	}
	b.job.Checkpoint.Keysets = due[len(due)-1:]
	return outcome{rows: int64(len(due))}, b.destroy(ctx, due)
}

func (b *batch) destroy(ctx context.Context, sets []chat.KeysetName) error {
	for _, k := range sets {
		done, err := b.tx.DestroyKeyset(ctx, k)
		if err != nil {
			return err
		}
		if !done {
			b.log.WarnContext(ctx, "a refused generation is not destroyed: rows name it", "account", k.AccountID, "purpose", string(k.Purpose),
				"generation", k.Generation)
			continue
		}
		if err := b.putKeyset(ctx, chat.GenerationDestroyed, k); err != nil {
			return err
		}
	}
	return nil
}

func accountsOf(sets []chat.KeysetName) []int64 {
	var ids []int64
	for _, k := range sets {
		ids = append(ids, k.AccountID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// epochEnd destroys epochs whose retention is over. They go out of use first, everywhere: a key that is gone from the
// key service must be one that nobody asks for.
var epochEnd = []step{
	{name: "spend epochs", batch: spendEpochs},
	settle("await spent epochs"),
	{name: "destroy epochs", batch: destroyEpochs},
}

func spendEpochs(ctx context.Context, b *batch) (outcome, error) {
	retention := b.job.Arguments.Epochs
	if b.job.Kind == chat.RotateEpoch {
		retention = b.job.Arguments.Retention
	}
	if !b.job.Checkpoint.Epochs || b.job.Kind == chat.RotateEpoch && retention > 0 {
		return over(0), nil
	}
	spent, err := b.tx.SpendEpochs(ctx, retention)
	if err != nil || len(spent) == 0 {
		return over(0), err
	}
	return over(int64(len(spent))), b.changed(ctx, 0)
}

// findEpoch says whether an epoch's key can be destroyed from here. Where nobody knows the master key of its row, that can
// be a former name of the one there is: opening a keyset that bears it tells.
func (b *batch) findEpoch(ctx context.Context, e chat.Epoch) error {
	cause := b.keys.FindEpoch(ctx, e)
	if cause == nil {
		return nil
	}
	sets, err := b.tx.ListKeysetsNotUnder(ctx, b.keys.MasterURI(), -1, "", 0, chosenAtOnce)
	if err != nil {
		return err
	}
	for _, ks := range sets {
		if ks.MasterKey != e.MasterKey {
			continue
		}
		if _, err := b.keys.Account(ctx, ks.AccountID); err == nil {
			return b.keys.FindEpoch(ctx, e)
		}
	}
	return cause
}

// destroyEpochs destroys the keys of epochs that are out of use, which is what makes every backup of theirs unreadable;
// also those that an earlier job left. A key that is gone already was destroyed by one that could not say so any more.
func destroyEpochs(ctx context.Context, b *batch) (outcome, error) {
	rows, err := b.tx.ListEpochs(ctx)
	if err != nil {
		return outcome{}, err
	}
	var stranded error
	for _, e := range rows {
		if e.State != chat.KeysetDestroyed || len(e.Wrapped) == 0 {
			continue
		}
		if err := b.findEpoch(ctx, e); err != nil { // the others need not wait until somebody sees to this one
			stranded = errors.Join(stranded, err)
			continue
		}
		details := map[string]any{"key": e.Name, "master_key": e.MasterKey}
		if err := b.put(ctx, chat.EpochDestroyed, "epoch", int64(e.Number), details); err != nil {
			return outcome{}, err
		}
		if err := b.tx.EmptyEpoch(ctx, e.Number); err != nil {
			return outcome{}, err
		}
		if err := b.keys.DestroyEpoch(ctx, e); err != nil {
			return outcome{}, err
		}
		return outcome{rows: 1}, nil // one to a transaction: a key that is gone is on record at once
	}
	return over(0), stranded
}
