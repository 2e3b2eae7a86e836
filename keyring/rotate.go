package keyring

import (
	"context"
	"fmt"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// NewGeneration makes a generation of an account's keys, pending, under the master key that wraps now. It is not stored.
func (k *Keyring) NewGeneration(ctx context.Context, accountID int64, p chat.KeysetPurpose, generation int) (chat.Keyset, error) {
	if generation < 1 || generation > maxGeneration {
		return chat.Keyset{}, fmt.Errorf("make %s keyset of account %d: generation %d is not between 1 and %d", p, accountID, generation, maxGeneration)
	}
	if err := k.Follow(ctx); err != nil {
		return chat.Keyset{}, err
	}
	return k.makeKeyset(ctx, accountID, p, generation, chat.KeysetPending)
}

// Rewrap gives a keyset wrapped under the master key that wraps now, after it was unwrapped again to compare. One that
// is so already, or was destroyed, comes back as it is. Nothing is stored.
func (k *Keyring) Rewrap(ctx context.Context, ks chat.Keyset) (chat.Keyset, error) {
	head := k.head()
	if ks.State == chat.KeysetDestroyed || ks.MasterKey == head.URI() {
		return ks, nil
	}
	if err := k.meet(ctx, ks.MasterKey); err != nil {
		return ks, err
	}
	head = k.head()
	before, err := k.openKeyset(ctx, ks)
	if err != nil {
		return ks, fmt.Errorf("rewrap keys of account %d: %w", ks.AccountID, err)
	}
	after := ks
	after.MasterKey = head.URI()
	if after.Wrapped, err = k.wrap(ctx, head, before.handle, wrapContext(&after)); err != nil {
		return ks, fmt.Errorf("rewrap %s keyset of account %d, generation %d: %w", ks.Purpose, ks.AccountID, ks.Generation, err)
	}
	again, err := k.openKeyset(ctx, after)
	if err != nil {
		return ks, fmt.Errorf("rewrap keys of account %d: %w", ks.AccountID, err)
	}
	if !sameKey(before.handle, again.handle) {
		return ks, fmt.Errorf("rewrap %s keyset of account %d, generation %d: under master key %q it is another key; the old wrap was kept",
			ks.Purpose, ks.AccountID, ks.Generation, head.URI())
	}
	return after, nil
}

// sameKey compares keysets that checkKey let through, so each is of one key.
func sameKey(x, y *keyset.Handle) bool {
	of, err := x.Primary()
	if err != nil {
		return false
	}
	other, err := y.Primary()
	return err == nil && of.KeyID() == other.KeyID() && of.Key().Equal(other.Key())
}
