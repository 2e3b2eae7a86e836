package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

const findMasking = `SELECT COALESCE(am.masked, false), COALESCE(am.version, 0)
 FROM users u LEFT JOIN cloakroom.agent_masking am ON am.user_id = u.id WHERE u.id = $1::bigint`

const putMasking = `INSERT INTO cloakroom.agent_masking AS am (user_id, masked, version, set_by) VALUES ($1, $2, $3 + 1, $4)
 ON CONFLICT (user_id) DO UPDATE SET masked = excluded.masked, version = excluded.version, set_by = excluded.set_by,
 updated_at = now() WHERE am.version = $3`

// SetMasking changes an agent's setting when its version is still the expected one, 0 for an agent nobody ever
// set, and gives the setting before. chat.ErrNotFound when there is no such user; a CONFLICT when the version
// has moved.
func (s *Store) SetMasking(ctx context.Context, agentID int64, masked bool, expectedVersion int, setBy int64) (chat.Masking, error) {
	var before chat.Masking
	err := s.db.QueryRow(ctx, findMasking, agentID).Scan(&before.Masked, &before.Version)
	if errors.Is(err, pgx.ErrNoRows) {
		return before, chat.ErrNotFound
	}
	if err != nil {
		return before, fmt.Errorf("read the masking of user %d: %w", agentID, err)
	}
	moved := &chat.Error{Code: chat.Conflict, Field: "input.expectedVersion",
		Message: "the setting was changed in the meantime: read maskingVersion again"}
	if before.Version != expectedVersion {
		return before, moved
	}
	tag, err := s.db.Exec(ctx, putMasking, agentID, masked, expectedVersion, setBy)
	if err != nil {
		return before, fmt.Errorf("set the masking of user %d: %w", agentID, err)
	}
	if tag.RowsAffected() == 0 { // somebody was faster, since the setting was read
		return before, moved
	}
	return before, nil
}

// onByDefault are the flags that are on in an account without a row for them; readPolicy says the same.
var onByDefault = map[chat.Flag]bool{chat.FlagMaskedContactLookup: true}

const ensureFlag = `INSERT INTO cloakroom.account_flags (account_id, name, enabled)
 SELECT a.id, $2, $3 FROM accounts a WHERE a.id = $1::bigint ON CONFLICT DO NOTHING`

const lockFlag = `SELECT enabled FROM cloakroom.account_flags WHERE account_id = $1 AND name = $2 FOR UPDATE`

const setFlag = `UPDATE cloakroom.account_flags SET enabled = $3, version = version + 1, updated_at = now()
 WHERE account_id = $1 AND name = $2`

// SetFlag changes an account's feature flag and gives its state before; chat.ErrNotFound when there is no such
// account. Call it in a transaction: the flag's row stays locked, so that two changes are in order.
func (s *Store) SetFlag(ctx context.Context, accountID int64, flag chat.Flag, enabled bool) (bool, error) {
	if _, err := s.db.Exec(ctx, ensureFlag, accountID, flag, onByDefault[flag]); err != nil {
		return false, fmt.Errorf("prepare flag %s of account %d: %w", flag, accountID, err)
	}
	var before bool
	err := s.db.QueryRow(ctx, lockFlag, accountID, flag).Scan(&before)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, chat.ErrNotFound
	}
	if err != nil {
		return false, fmt.Errorf("read flag %s of account %d: %w", flag, accountID, err)
	}
	if _, err := s.db.Exec(ctx, setFlag, accountID, flag, enabled); err != nil {
		return false, fmt.Errorf("set flag %s of account %d: %w", flag, accountID, err)
	}
	return before, nil
}

const findAccount = `SELECT a.id::int8, a.name, (a.feature_flags & $2) <> 0 FROM accounts a WHERE a.id = $1`

// FindAccount reads an account without its settings; chat.ErrNotFound when there is none.
func (s *Store) FindAccount(ctx context.Context, accountID int64) (*chat.Account, error) {
	a := new(chat.Account)
	err := s.db.QueryRow(ctx, findAccount, accountID, int64(1)<<49).Scan(&a.ID, &a.Name, &a.CRMV2)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, chat.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("find account %d: %w", accountID, err)
	}
	return a, nil
}
