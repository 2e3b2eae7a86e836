package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// TokenRefresh is one time that a third party is asked for a new credential.
type TokenRefresh struct {
	ID        int64
	StartedAt time.Time // by the database's clock, before it is asked
}

const claimTokenRefresh = `WITH claimed AS (
 UPDATE cloakroom.vault_tokens SET lease_owner = $4, lease_until = clock_timestamp() + $5::interval
 WHERE account_id = $1 AND vault_token_id = $2 AND lineage = $3 AND state = 'ACTIVE'
  AND COALESCE(lease_until <= clock_timestamp(), true) AND COALESCE(next_try_at <= clock_timestamp(), true)
 RETURNING account_id, vault_token_id, lineage)
 INSERT INTO cloakroom.vault_token_refreshes (account_id, vault_token_id, lineage, started_at)
 SELECT account_id, vault_token_id, lineage, clock_timestamp() FROM claimed
 RETURNING refresh_id, started_at`

// ClaimTokenRefresh has owner refresh a credential, for as long as the lease, and writes down that the third party is about
// to be asked; one statement does both. chat.ErrNotFound when somebody else is at it, when it is to rest, or when it is
// not the credential any more.
func (s *Store) ClaimTokenRefresh(ctx context.Context, r *VaultTokenRow, owner string, lease time.Duration) (*TokenRefresh, error) {
	list, err := collect(ctx, s.db, scanTokenRefresh, claimTokenRefresh, r.AccountID, r.ID, r.Lineage, owner, lease)
	if err == nil && len(list) == 0 {
		err = chat.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("claim vault token %d of account %d: %w", r.ID, r.AccountID, err)
	}
	return list[0], nil
}

func scanTokenRefresh(rows pgx.Rows) (*TokenRefresh, error) {
	r := new(TokenRefresh)
	return r, rows.Scan(&r.ID, &r.StartedAt)
}

const finishTokenRefresh = `UPDATE cloakroom.vault_token_refreshes SET outcome = $3, finished_at = clock_timestamp()
 WHERE account_id = $1 AND refresh_id = $2 AND outcome = ''`

// The outcomes of a refresh; the others are chat.RefreshErrors.
const (
	RefreshKept       = "REFRESHED"
	RefreshSuperseded = "SUPERSEDED" // it was brought, and another one is kept
	RefreshUnanswered = "UNANSWERED" // it may have been carried out, and nobody knows
)

// FinishTokenRefresh says how a refresh ended, and false when that was said before.
func (s *Store) FinishTokenRefresh(ctx context.Context, accountID, refreshID int64, outcome string) (bool, error) {
	tag, err := s.db.Exec(ctx, finishTokenRefresh, accountID, refreshID, outcome)
	if err != nil {
		return false, fmt.Errorf("finish refresh %d of account %d: %w", refreshID, accountID, err)
	}
	return tag.RowsAffected() == 1, nil
}

const countUnanswered = `SELECT count(*) FROM cloakroom.vault_token_refreshes
 WHERE account_id = $1 AND vault_token_id = $2 AND lineage = $3 AND refresh_id <> $4 AND outcome IN ('', 'UNANSWERED')`

// CountUnanswered counts the other times that a third party was asked with the same credential and no answer was read.
func (s *Store) CountUnanswered(ctx context.Context, r *VaultTokenRow, refreshID int64) (n int64, err error) {
	if err := s.db.QueryRow(ctx, countUnanswered, r.AccountID, r.ID, r.Lineage, refreshID).Scan(&n); err != nil {
		return 0, fmt.Errorf("count refreshes of vault token %d of account %d: %w", r.ID, r.AccountID, err)
	}
	return n, nil
}

const lockVaultToken = `SELECT ` + vaultTokenColumns + ` FROM cloakroom.vault_tokens WHERE account_id = $1 AND vault_token_id = $2 FOR UPDATE`

// LockVaultToken reads a row and locks it until the transaction ends; chat.ErrNotFound when there is none.
func (s *Store) LockVaultToken(ctx context.Context, accountID, tokenID int64) (*VaultTokenRow, error) {
	return s.oneVaultToken(ctx, "lock", lockVaultToken, accountID, tokenID)
}

const delayTokenRefresh = `UPDATE cloakroom.vault_tokens SET failures = failures + 1, last_error = $4, next_try_at = clock_timestamp() + $5::interval,
 lease_owner = '', lease_until = NULL WHERE account_id = $1 AND vault_token_id = $2 AND lineage = $3 RETURNING ` + vaultTokenColumns

// DelayTokenRefresh has a credential rest after a failure; the lease ends. chat.ErrNotFound when it is not the credential
// any more.
func (s *Store) DelayTokenRefresh(ctx context.Context, r *VaultTokenRow, failed chat.RefreshError, rest time.Duration) (*VaultTokenRow, error) {
	return s.oneVaultToken(ctx, "delay", delayTokenRefresh, r.AccountID, r.ID, r.Lineage, failed, rest)
}

const requireReauth = `UPDATE cloakroom.vault_tokens SET state = 'REAUTH_REQUIRED', reauth_reason = $4, failures = failures + 1, last_error = 'INVALID_GRANT',
 next_try_at = NULL, lease_owner = '', lease_until = NULL, updated_at = now()
 WHERE account_id = $1 AND vault_token_id = $2 AND lineage = $3 RETURNING ` + vaultTokenColumns

// RequireReauth says of a credential that it cannot be refreshed any more; it stays. chat.ErrNotFound when it is not the
// credential any more.
func (s *Store) RequireReauth(ctx context.Context, r *VaultTokenRow, reason chat.ReauthReason) (*VaultTokenRow, error) {
	return s.oneVaultToken(ctx, "give up", requireReauth, r.AccountID, r.ID, r.Lineage, reason)
}

const neverRefresh = `UPDATE cloakroom.vault_tokens SET refresh_after = NULL WHERE account_id = $1 AND vault_token_id = $2 AND lineage = $3`

// NeverRefresh says of a credential that there is nothing to refresh it with.
func (s *Store) NeverRefresh(ctx context.Context, r *VaultTokenRow) error {
	if _, err := s.db.Exec(ctx, neverRefresh, r.AccountID, r.ID, r.Lineage); err != nil {
		return fmt.Errorf("write vault token %d of account %d: %w", r.ID, r.AccountID, err)
	}
	return nil
}
