package vault

import (
	"context"
	"fmt"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

// accountPurposes are rotated together. Aliases are not among them: they, and the pepper of service tokens, must stay as
// they are. The index has a job of its own.
var accountPurposes = []chat.KeysetPurpose{chat.KeysetData, chat.KeysetVault, chat.KeysetCursor, chat.KeysetAudit}

// refusable are the purposes whose old generations the job itself takes out of use once no row names them. Clients hold
// cursors for a day, so those are left to the job that retires keys.
var refusable = []chat.KeysetPurpose{chat.KeysetData, chat.KeysetVault, chat.KeysetAudit}

// rotateAccount gives an account new keys: readable everywhere before anybody writes with them, in force everywhere
// before rows are moved to them, and the old ones out of use only when no row and no request has need of them.
var rotateAccount = []step{
	{name: "create", batch: func(ctx context.Context, b *batch) (outcome, error) {
		return over(0), b.createGenerations(ctx, accountPurposes...)
	}},
	settle("await readers"),
	{name: "activate", batch: func(ctx context.Context, b *batch) (outcome, error) {
		return over(0), b.activate(ctx, accountPurposes...)
	}},
	settle("await writers"),
	{name: "rewrap", count: countAccountKeys, batch: rewrapAccount},
	{name: "tokens", count: countTokens, batch: resealTokens},
	{name: "reseal", count: countAccountRows, batch: resealAccount},
	{name: "verify", batch: verifyAccount},
	{name: "choose", batch: chooseOfAccount},
	drain("drain"),
	settle("await requests"),
	{name: "refuse", batch: refuseKeysets},
	settle("await refusal"),
	destroyRefused(accountPurposes...),
}

func dataGeneration(keys *keyring.Account) int { return keys.Generation() }

// target is the generation that rows are to name: while only counting, one that none of them does.
func (b *batch) target(ctx context.Context) (*keyring.Account, int, error) {
	keys, err := b.accountKeys(ctx, b.job.AccountID, dataGeneration)
	if err != nil {
		return nil, 0, err
	}
	if b.job.Arguments.DryRun {
		return keys, 0, nil
	}
	return keys, keys.Generation(), nil
}

func countAccountKeys(ctx context.Context, b *batch) (int64, error) {
	_, generation, err := b.target(ctx)
	if err != nil {
		return 0, err
	}
	return b.tx.CountKeysNotUnderGeneration(ctx, b.job.AccountID, generation)
}

func countAccountRows(ctx context.Context, b *batch) (int64, error) {
	_, generation, err := b.target(ctx)
	if err != nil || !b.job.Arguments.Reseal {
		return 0, err
	}
	return b.tx.CountStaleRows(ctx, b.job.AccountID, generation)
}

func rewrapAccount(ctx context.Context, b *batch) (outcome, error) {
	keys, generation, err := b.target(ctx)
	if err != nil {
		return outcome{}, err
	}
	rows, err := b.tx.LockKeysNotUnderGeneration(ctx, b.job.AccountID, b.job.Checkpoint.ID, generation, b.limit)
	if err != nil {
		return outcome{}, err
	}
	if err := b.rewrap(ctx, keys, rows); err != nil {
		return outcome{}, err
	}
	if len(rows) > 0 {
		b.job.Checkpoint.ID = rows[len(rows)-1].ID
	}
	return outcome{rows: int64(len(rows)), done: len(rows) < b.limit}, nil
}

// rewrap wraps subject keys of one account under its data generation and the epoch of now. Each is opened again and
// compared before it is written.
func (b *batch) rewrap(ctx context.Context, keys *keyring.Account, rows []store.WrappedKey) error {
	moved, wrapped := make([]store.WrappedKey, 0, len(rows)), make([][]byte, 0, len(rows))
	again, faults := inParallel(rows, func(row *store.WrappedKey) ([]byte, error) {
		return keys.Rewrap(row.ContactID, row.ID, row.Wrapped)
	})
	for i := range rows {
		if err := faults[i]; isUnreadable(err) {
			b.atFault(ctx, "subject_keys", rows[i].AccountID, rows[i].ID, err)
			continue
		} else if err != nil {
			return err
		}
		moved, wrapped = append(moved, rows[i]), append(wrapped, again[i])
	}
	if len(moved) == 0 {
		return nil
	}
	n, err := b.tx.RewrapKeys(ctx, keys.ID(), moved, wrapped, keys.Generation(), keys.Epoch())
	if err == nil && n != int64(len(moved)) {
		err = fmt.Errorf("rewrap subject keys of account %d: %d of %d rows that are locked were written", keys.ID(), n, len(moved))
	}
	return err
}

// verifyAccount counts what is left. What a request held, or a straggler has written, is gone after again.
func verifyAccount(ctx context.Context, b *batch) (outcome, error) {
	_, generation, err := b.target(ctx)
	if err != nil {
		return outcome{}, err
	}
	left, err := b.tx.CountKeysNotUnderGeneration(ctx, b.job.AccountID, generation)
	if err != nil {
		return outcome{}, err
	}
	tokens, err := countTokens(ctx, b)
	if err != nil {
		return outcome{}, err
	}
	left += tokens
	if b.job.Arguments.Reseal {
		rows, err := b.tx.CountStaleRows(ctx, b.job.AccountID, generation)
		if err != nil {
			return outcome{}, err
		}
		left += rows
	}
	if left > b.job.Checkpoint.Found {
		b.job.Checkpoint.Found = 0
		return outcome{back: "rewrap", wait: passAgain, waitingFor: fmt.Sprintf("%d rows that were in use", left)}, nil
	}
	return over(0), b.putFaults(ctx, "rotation")
}

// chooseOfAccount chooses the old generations that no row names any more. Records in Redis may lie under them still, so
// the cache moves first.
func chooseOfAccount(ctx context.Context, b *batch) (outcome, error) {
	if !b.job.Arguments.Reseal {
		return over(0), nil
	}
	var err error
	b.job.Checkpoint.Keysets, err = b.tx.ListUnnamedKeysets(ctx, b.job.AccountID, refusable, chosenAtOnce)
	if err != nil {
		return outcome{}, err
	}
	return over(0), b.moveCaches(ctx)
}
