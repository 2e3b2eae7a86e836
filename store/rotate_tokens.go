package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloakroom/cloakroom/chat"
)

// What is revoked names no generation.
const staleVaultTokens = ` FROM cloakroom.vault_tokens s WHERE s.account_id = $1 AND s.key_id <> $2 AND s.key_id <> 0`

const lockStaleVaultTokens = `SELECT ` + vaultTokenColumns + staleVaultTokens + ` AND s.vault_token_id > $3
 ORDER BY s.vault_token_id LIMIT $4` + lockAndSkip

// LockStaleVaultTokens locks credentials of an account that name another generation, after an id; those that somebody
// holds are left out.
func (s *Store) LockStaleVaultTokens(ctx context.Context, accountID int64, generation int, after int64, limit int) ([]*VaultTokenRow, error) {
	list, err := collect(ctx, s.db, scanVaultToken, lockStaleVaultTokens, accountID, generation, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read vault tokens of account %d: %w", accountID, err)
	}
	return list, nil
}

const resealVaultToken = `UPDATE cloakroom.vault_tokens SET key_id = $5, token_sealed = $6
 WHERE account_id = $1 AND vault_token_id = $2 AND version = $3 AND key_id = $4`

// ResealVaultToken writes a credential that was sealed again under a generation, in place of exactly the one that was
// read: version and former generation must be the same still. Nothing else of the row changes.
func (s *Store) ResealVaultToken(ctx context.Context, t *chat.VaultToken, former, generation int, sealed []byte) error {
	tag, err := s.db.Exec(ctx, resealVaultToken, t.AccountID, t.ID, t.Version, former, generation, sealed)
	if err == nil && tag.RowsAffected() != 1 {
		err = errors.New("a row that is locked was not written")
	}
	if err != nil {
		return fmt.Errorf("write re-sealed vault token %d of account %d: %w", t.ID, t.AccountID, err)
	}
	return nil
}

// CountStaleVaultTokens counts the credentials of an account that name another generation.
func (s *Store) CountStaleVaultTokens(ctx context.Context, accountID int64, generation int) (n int64, err error) {
	if err := s.db.QueryRow(ctx, `SELECT count(*)`+staleVaultTokens, accountID, generation).Scan(&n); err != nil {
		return 0, fmt.Errorf("count the vault tokens of account %d: %w", accountID, err)
	}
	return n, nil
}
