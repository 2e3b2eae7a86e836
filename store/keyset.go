package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

const keysetColumns = `account_id, purpose, generation, keyset_sealed, master_key, state, created_at, activated_at, retired_at, refused_at, destroyed_at`

func scanKeyset(rows pgx.Rows) (k chat.Keyset, err error) {
	err = rows.Scan(&k.AccountID, &k.Purpose, &k.Generation, &k.Wrapped, &k.MasterKey, &k.State, &k.CreatedAt,
		moment(&k.ActivatedAt), moment(&k.RetiredAt), moment(&k.RefusedAt),
		moment(&k.DestroyedAt))
	return k, err
}

const listKeysets = `SELECT ` + keysetColumns + ` FROM cloakroom.account_keysets WHERE account_id = $1 ORDER BY purpose, generation`

// ListKeysets reads every keyset of an account, those out of use included.
func (s *Store) ListKeysets(ctx context.Context, accountID int64) ([]chat.Keyset, error) {
	sets, err := collect(ctx, s.forKeys().db, scanKeyset, listKeysets, accountID)
	if err != nil {
		return nil, fmt.Errorf("read the keysets of account %d: %w", accountID, err)
	}
	return sets, nil
}

const createKeyset = `INSERT INTO cloakroom.account_keysets
 (account_id, purpose, generation, keyset_sealed, master_key, state, activated_at)
 VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $6::text <> 'pending' THEN now() END) ON CONFLICT DO NOTHING`

// CreateKeysets inserts keysets that are not there yet and leaves existing ones alone.
func (s *Store) CreateKeysets(ctx context.Context, sets []chat.Keyset) error {
	return s.forKeys().InTx(ctx, func(tx *Store) error {
		for _, k := range sets {
			if _, err := tx.db.Exec(ctx, createKeyset, k.AccountID, k.Purpose, k.Generation, k.Wrapped, k.MasterKey, k.State); err != nil {
				return fmt.Errorf("store keyset %s of account %d: %w", k.Purpose, k.AccountID, err)
			}
		}
		return nil
	})
}

// Each state has its time, and a destroyed key has no bytes.
const setKeysetState = `UPDATE cloakroom.account_keysets SET state = $5,
 activated_at = CASE WHEN $5::text = 'active' THEN now() ELSE activated_at END,
 retired_at = CASE WHEN $5::text = 'retired' THEN now() ELSE retired_at END,
 refused_at = CASE WHEN $5::text = 'refused' THEN now() ELSE refused_at END,
 destroyed_at = CASE WHEN $5::text = 'destroyed' THEN now() ELSE destroyed_at END,
 keyset_sealed = CASE WHEN $5::text = 'destroyed' THEN ''::bytea ELSE keyset_sealed END
 WHERE account_id = $1 AND purpose = $2 AND generation = $3 AND state = $4`

// keysetOrder is how states follow each other; some may be left out, none is gone back to.
var keysetOrder = map[string]int{
	chat.KeysetPending: 1, chat.KeysetActive: 2, chat.KeysetRetired: 3, chat.KeysetRefused: 4, chat.KeysetDestroyed: 5,
}

// SetKeysetState moves a keyset from one state down to another and notes when; its bytes go when it is destroyed. A
// CONFLICT means that it was not in the state it was to be in.
func (s *Store) SetKeysetState(ctx context.Context, accountID int64, p chat.KeysetPurpose, generation int, from, to string) error {
	if keysetOrder[from] == 0 || keysetOrder[to] <= keysetOrder[from] {
		return fmt.Errorf("set %s keyset of account %d, generation %d, from %s to %s: states only move down", p, accountID, generation, from, to)
	}
	tag, err := s.db.Exec(ctx, setKeysetState, accountID, p, generation, from, to)
	if err != nil {
		return fmt.Errorf("set %s keyset of account %d, generation %d, to %s: %w", p, accountID, generation, to, err)
	}
	if tag.RowsAffected() == 0 {
		return chat.Errorf(chat.Conflict, "the %s keyset of account %d, generation %d, is not %s (any more), so it was not made %s: look at its state and begin again",
			p, accountID, generation, from, to)
	}
	return nil
}

const replaceKeyset = `UPDATE cloakroom.account_keysets SET keyset_sealed = $5, master_key = $6
 WHERE account_id = $1 AND purpose = $2 AND generation = $3 AND keyset_sealed = $4 AND state <> 'destroyed'`

// ReplaceKeyset puts another wrap of a keyset in place of the one that was read; false when it is not there any more.
func (s *Store) ReplaceKeyset(ctx context.Context, before, after chat.Keyset) (bool, error) {
	if before.AccountID != after.AccountID || before.Purpose != after.Purpose || before.Generation != after.Generation {
		return false, fmt.Errorf("replace %s keyset of account %d, generation %d: the other wrap is of another keyset",
			before.Purpose, before.AccountID, before.Generation)
	}
	tag, err := s.db.Exec(ctx, replaceKeyset, before.AccountID, before.Purpose, before.Generation, before.Wrapped, after.Wrapped, after.MasterKey)
	if err != nil {
		return false, fmt.Errorf("replace %s keyset of account %d, generation %d: %w", before.Purpose, before.AccountID, before.Generation, err)
	}
	return tag.RowsAffected() == 1, nil
}

const notUnder = ` FROM cloakroom.account_keysets WHERE master_key <> $1 AND state IN ('pending', 'active', 'retired')`

const listKeysetsNotUnder = `SELECT ` + keysetColumns + notUnder + ` AND (account_id, purpose, generation) > ($2, $3, $4)
 ORDER BY account_id, purpose, generation LIMIT $5`

// ListKeysetsNotUnder reads the next live keysets that another master key than this wraps, by account, purpose and
// generation; to begin with, the account to come after is -1.
func (s *Store) ListKeysetsNotUnder(ctx context.Context, masterURI string, afterAccount int64, afterPurpose string, afterGeneration int, limit int) ([]chat.Keyset, error) {
	sets, err := collect(ctx, s.db, scanKeyset, listKeysetsNotUnder, masterURI, afterAccount, afterPurpose, afterGeneration, limit)
	if err != nil {
		return nil, fmt.Errorf("read the keysets under other master keys: %w", err)
	}
	return sets, nil
}

// CountKeysetsNotUnder counts the live keysets that another master key than this wraps.
func (s *Store) CountKeysetsNotUnder(ctx context.Context, masterURI string) (n int64, err error) {
	if err := s.db.QueryRow(ctx, `SELECT count(*)`+notUnder, masterURI).Scan(&n); err != nil {
		return 0, fmt.Errorf("count the keysets under other master keys: %w", err)
	}
	return n, nil
}
