package vault

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

// epochSteps put a new epoch in force and wrap every subject key of every account under it, so that the key of the old
// one can be destroyed, and with it every backup of its time.
var epochSteps = []step{
	{name: "create epoch", batch: createEpoch},
	settle("await readers"),
	{name: "activate epoch", batch: activateEpoch},
	settle("await writers"),
	{name: "rewrap", count: countEpochKeys, batch: rewrapEpoch},
	{name: "verify", batch: verifyEpoch},
	{name: "move caches", batch: func(ctx context.Context, b *batch) (outcome, error) {
		if b.withoutEpochs() {
			return over(0), nil
		}
		b.job.Checkpoint.Epochs = true
		return over(0), b.moveAllCaches(ctx)
	}},
}

var rotateEpoch = slices.Concat(epochSteps, []step{drain("drain"), settle("await requests")}, epochEnd)

// withoutEpochs says that the installation has none; then there is nothing to do.
func (b *batch) withoutEpochs() bool { return b.job.Checkpoint.Generation == 0 }

// createEpoch makes a pending epoch, or takes up one that is there. Its key stands in the key service when the
// transaction fails afterwards; it harms nobody, and its name is in nobody's row.
func createEpoch(ctx context.Context, b *batch) (outcome, error) {
	if _, err := b.keys.Account(ctx, 0); err != nil { // which makes the first epoch where there are to be any
		return outcome{}, err
	}
	rows, err := b.tx.ListEpochs(ctx)
	if err != nil {
		return outcome{}, err
	}
	if len(rows) == 0 {
		return over(0), nil
	}
	newest := rows[len(rows)-1]
	if newest.State == chat.KeysetPending && newest.MasterKey == b.keys.MasterURI() {
		b.job.Checkpoint.Generation = newest.Number
		return over(0), b.changed(ctx, 0)
	}
	e, err := b.keys.NewEpoch(ctx, newest.Number+1)
	if err != nil {
		return outcome{}, err
	}
	if err := b.tx.CreateEpoch(ctx, e); err != nil {
		return outcome{}, err
	}
	if err := b.put(ctx, chat.EpochBegun, "epoch", int64(e.Number), map[string]any{"key": e.Name, "master_key": e.MasterKey}); err != nil {
		return outcome{}, err
	}
	b.job.Checkpoint.Generation = e.Number
	return over(0), b.changed(ctx, 0)
}

// activateEpoch puts the new epoch in force; whatever came before it is retired.
func activateEpoch(ctx context.Context, b *batch) (outcome, error) {
	if b.withoutEpochs() {
		return over(0), nil
	}
	rows, err := b.tx.ListEpochs(ctx)
	if err != nil {
		return outcome{}, err
	}
	for _, e := range rows {
		if e.Number < b.job.Checkpoint.Generation && (e.State == chat.KeysetActive || e.State == chat.KeysetPending) {
			if err := b.tx.SetEpochState(ctx, e.Number, e.State, chat.KeysetRetired); err != nil {
				return outcome{}, err
			}
		}
	}
	if err := b.tx.SetEpochState(ctx, b.job.Checkpoint.Generation, chat.KeysetPending, chat.KeysetActive); err != nil {
		return outcome{}, err
	}
	return over(0), b.changed(ctx, 0)
}

func countEpochKeys(ctx context.Context, b *batch) (int64, error) {
	if b.job.Arguments.DryRun {
		return b.tx.CountKeysNotUnderEpoch(ctx, math.MaxInt32)
	}
	if b.withoutEpochs() {
		return 0, nil
	}
	return b.tx.CountKeysNotUnderEpoch(ctx, b.job.Checkpoint.Generation)
}

func rewrapEpoch(ctx context.Context, b *batch) (outcome, error) {
	if b.withoutEpochs() {
		return over(0), nil
	}
	at := &b.job.Checkpoint
	rows, err := b.tx.LockKeysNotUnderEpoch(ctx, at.Parent, at.ID, at.Generation, b.limit)
	if err != nil {
		return outcome{}, err
	}
	for rest := rows; len(rest) > 0; {
		n := ofOneAccount(rest)
		keys, err := b.accountKeys(ctx, rest[0].AccountID, (*keyring.Account).Epoch)
		if err != nil {
			return outcome{}, err
		}
		if err := b.rewrap(ctx, keys, rest[:n]); err != nil {
			return outcome{}, err
		}
		rest = rest[n:]
	}
	if len(rows) > 0 {
		at.Parent, at.ID = rows[len(rows)-1].AccountID, rows[len(rows)-1].ID
	}
	return outcome{rows: int64(len(rows)), done: len(rows) < b.limit}, nil
}

// ofOneAccount says how many of the first rows belong to one account.
func ofOneAccount(rows []store.WrappedKey) int {
	n := 1
	for n < len(rows) && rows[n].AccountID == rows[0].AccountID {
		n++
	}
	return n
}

func verifyEpoch(ctx context.Context, b *batch) (outcome, error) {
	if b.withoutEpochs() {
		return over(0), nil
	}
	left, err := b.tx.CountKeysNotUnderEpoch(ctx, b.job.Checkpoint.Generation)
	if err != nil {
		return outcome{}, err
	}
	if left > b.job.Checkpoint.Found {
		b.job.Checkpoint.Found = 0
		return outcome{back: "rewrap", wait: passAgain, waitingFor: fmt.Sprintf("%d subject keys that were in use", left)}, nil
	}
	return over(0), b.putFaults(ctx, "rotation of the epoch")
}
