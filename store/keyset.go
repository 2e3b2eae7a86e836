package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

const listKeysets = `SELECT account_id, purpose, generation, keyset_sealed, master_key, state, created_at
 FROM cloakroom.account_keysets WHERE account_id = $1 ORDER BY purpose, generation`

// ListKeysets reads every keyset of an account, those out of use included.
func (s *Store) ListKeysets(ctx context.Context, accountID int64) ([]chat.Keyset, error) {
	sets, err := collect(ctx, s.db, func(rows pgx.Rows) (chat.Keyset, error) {
		var k chat.Keyset
		err := rows.Scan(&k.AccountID, &k.Purpose, &k.Generation, &k.Wrapped, &k.MasterKey, &k.State, &k.CreatedAt)
		return k, err
	}, listKeysets, accountID)
	if err != nil {
		return nil, fmt.Errorf("read the keysets of account %d: %w", accountID, err)
	}
	return sets, nil
}

const createKeyset = `INSERT INTO cloakroom.account_keysets
 (account_id, purpose, generation, keyset_sealed, master_key, state, activated_at)
 VALUES ($1, $2, $3, $4, $5, $6, now()) ON CONFLICT DO NOTHING`

// CreateKeysets inserts keysets that are not there yet and leaves existing ones alone.
func (s *Store) CreateKeysets(ctx context.Context, sets []chat.Keyset) error {
	return s.InTx(ctx, func(tx *Store) error {
		for _, k := range sets {
			if _, err := tx.db.Exec(ctx, createKeyset, k.AccountID, k.Purpose, k.Generation, k.Wrapped, k.MasterKey, k.State); err != nil {
				return fmt.Errorf("store keyset %s of account %d: %w", k.Purpose, k.AccountID, err)
			}
		}
		return nil
	})
}
