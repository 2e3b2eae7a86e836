package keyring

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/cloakroom/cloakroom/chat"
	"golang.org/x/sync/errgroup"
)

// load reads an account's keysets, makes those it lacks, and unwraps them. known is what is in memory, or nil.
func (k *Keyring) load(ctx context.Context, accountID int64, known *Account) (*Account, error) {
	sets, err := k.sets.ListKeysets(ctx, accountID)
	if err != nil {
		return nil, fmt.Errorf("list keysets of account %d: %w", accountID, err)
	}
	if missing := missingPurposes(sets); len(missing) > 0 {
		if sets, err = k.create(ctx, accountID, missing); err != nil {
			return nil, err
		}
	}
	live, err := liveKeysets(accountID, sets)
	if err != nil {
		return nil, err
	}
	if live, err = k.open(ctx, live, known); err != nil {
		return nil, err
	}
	return newAccount(accountID, live, &k.budget)
}

// missingPurposes lists the purposes that have no keyset in any state. One whose keysets were all
// destroyed is not missing: a closed account must not come to life again.
func missingPurposes(sets []chat.Keyset) []chat.KeysetPurpose {
	var missing []chat.KeysetPurpose
	for _, p := range chat.KeysetPurposes {
		found := false
		for i := range sets {
			found = found || sets[i].Purpose == p
		}
		if !found {
			missing = append(missing, p)
		}
	}
	return missing
}

// create makes first generations and lists again: another replica may have been faster, and its keysets
// are then the account's.
func (k *Keyring) create(ctx context.Context, accountID int64, purposes []chat.KeysetPurpose) ([]chat.Keyset, error) {
	if err := k.Follow(ctx); err != nil {
		return nil, err
	}
	made := make([]chat.Keyset, len(purposes))
	group, groupCtx := errgroup.WithContext(ctx)
	for i, p := range purposes {
		group.Go(func() (err error) {
			made[i], err = k.makeKeyset(groupCtx, accountID, p, 1, chat.KeysetActive)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if err := k.sets.CreateKeysets(ctx, made); err != nil {
		return nil, fmt.Errorf("create keysets of account %d: %w", accountID, err)
	}
	sets, err := k.sets.ListKeysets(ctx, accountID)
	if err != nil {
		return nil, fmt.Errorf("list keysets of account %d: %w", accountID, err)
	}
	return sets, nil
}

// liveKeysets leaves out what is refused or destroyed, and refuses rows that cannot be.
func liveKeysets(accountID int64, sets []chat.Keyset) ([]opened, error) {
	live := make([]opened, 0, len(sets))
	for _, ks := range sets {
		if ks.AccountID != accountID || ks.Generation < 1 || ks.Generation > maxGeneration {
			return nil, fmt.Errorf("a %s keyset of account %d, generation %d, is out of place", ks.Purpose, ks.AccountID, ks.Generation)
		}
		switch ks.State {
		case chat.KeysetPending, chat.KeysetActive, chat.KeysetRetired:
			live = append(live, opened{row: ks})
		case chat.KeysetRefused, chat.KeysetDestroyed:
		default:
			return nil, fmt.Errorf("a %s keyset, generation %d, is in an unknown state", ks.Purpose, ks.Generation)
		}
	}
	return live, nil
}

// open unwraps keysets, all at once: a key service in another place is slow, not busy. When nothing about an account is
// new, what is in memory stays, and one keyset is unwrapped to see that the master key still grants.
func (k *Keyring) open(ctx context.Context, live []opened, known *Account) ([]opened, error) {
	names := make([]string, len(live))
	for i := range live {
		names[i] = live[i].row.MasterKey
	}
	if err := k.meet(ctx, names...); err != nil {
		return nil, err
	}
	if known != nil && unchanged(live, known.sets) {
		probe := known.sets[rand.IntN(len(known.sets))]
		if _, err := k.openKeyset(ctx, probe.row); err != nil {
			return nil, err
		}
		return known.sets, nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i := range live {
		group.Go(func() (err error) {
			live[i], err = k.openKeyset(ctx, live[i].row)
			return err
		})
	}
	return live, group.Wait()
}

// unchanged says whether the live rows are those that known was opened from.
func unchanged(live, known []opened) bool {
	if len(live) != len(known) || len(live) == 0 {
		return false
	}
	for i := range live {
		found := false
		for j := range known {
			found = found || sameRow(&live[i].row, &known[j].row)
		}
		if !found {
			return false
		}
	}
	return true
}

func sameRow(x, y *chat.Keyset) bool {
	return x.Purpose == y.Purpose && x.Generation == y.Generation && x.State == y.State && x.MasterKey == y.MasterKey &&
		bytes.Equal(x.Wrapped, y.Wrapped)
}
