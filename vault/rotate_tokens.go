package vault

import (
	"bytes"
	"context"
	"fmt"

	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

// vaultTarget is the generation that credentials are to name: while only counting, one that none of them does. All
// generations of an account change in one transaction, so what b.target has made sure of holds for the vault's as well.
func (b *batch) vaultTarget(ctx context.Context) (*keyring.Account, int, error) {
	keys, _, err := b.target(ctx)
	if err != nil || b.job.Arguments.DryRun {
		return keys, 0, err
	}
	return keys, keys.VaultGeneration(), nil
}

func countTokens(ctx context.Context, b *batch) (int64, error) {
	_, generation, err := b.vaultTarget(ctx)
	if err != nil {
		return 0, err
	}
	return b.tx.CountStaleVaultTokens(ctx, b.job.AccountID, generation)
}

// resealTokens seals an account's credentials again under the vault generation in force. They are few, and what they open
// lies with third parties, so none stays behind to be sealed when it is next written.
func resealTokens(ctx context.Context, b *batch) (outcome, error) {
	keys, generation, err := b.vaultTarget(ctx)
	if err != nil {
		return outcome{}, err
	}
	rows, err := b.tx.LockStaleVaultTokens(ctx, b.job.AccountID, generation, b.job.Checkpoint.ID, b.limit)
	if err != nil {
		return outcome{}, err
	}
	for _, row := range rows {
		sealed, err := resealToken(keys, row)
		if isUnreadable(err) {
			b.atFault(ctx, "vault_tokens", row.AccountID, row.ID, err)
			continue
		}
		if err == nil {
			err = b.tx.ResealVaultToken(ctx, &row.VaultToken, row.KeyID, generation, sealed)
		}
		if err != nil {
			return outcome{}, err
		}
	}
	if len(rows) > 0 {
		b.job.Checkpoint.ID = rows[len(rows)-1].ID
	}
	return outcome{rows: int64(len(rows)), done: len(rows) < b.limit}, nil
}

// resealToken seals a credential again at its place, and opens it once more.
func resealToken(keys *keyring.Account, row *store.VaultTokenRow) ([]byte, error) {
	place := vaultTokenPlace(&row.VaultToken)
	plaintext, err := keys.OpenToken(place, row.Sealed)
	if err != nil {
		return nil, err
	}
	sealed, err := keys.SealToken(place, plaintext)
	if err != nil {
		return nil, err
	}
	if again, err := keys.OpenToken(place, sealed); err != nil || !bytes.Equal(again, plaintext) {
		return nil, fmt.Errorf("%w: vault token %d", errSealedWrong, row.ID)
	}
	return sealed, nil
}
