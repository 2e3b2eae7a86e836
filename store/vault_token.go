package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// VaultTokenRow is a third party's credential as it lies at rest.
type VaultTokenRow struct {
	chat.VaultToken
	KeyID   int    // 0 once it is revoked
	Sealed  []byte // empty once it is revoked
	Lineage []byte // sixteen random bytes of this credential; empty once it is revoked
	Parent  []byte // lineage of the one it was refreshed from; empty where it was stored

	Failures int // of refreshes, in a row

	// By the database's clock, when it was read:
	Expired bool
	Due     bool // to be refreshed
	Resting bool // not to be tried again yet
	Leased  bool // somebody is refreshing it
}

const vaultTokenColumns = `account_id, vault_token_id, provider, subject, kind, state, version, scopes, key_id, token_sealed,
 expires_at, rotated_at, created_at, updated_at, COALESCE(expires_at <= clock_timestamp(), false), lineage, parent,
 NULLIF(reauth_reason, ''), refresh_after, next_try_at, NULLIF(last_error, ''), failures, COALESCE(refresh_after <= clock_timestamp(), false),
 COALESCE(next_try_at > clock_timestamp(), false), COALESCE(lease_until > clock_timestamp(), false)`

func scanVaultToken(rows pgx.Rows) (*VaultTokenRow, error) {
	r := new(VaultTokenRow)
	return r, rows.Scan(&r.AccountID, &r.ID, &r.Provider, &r.Subject, &r.Kind, &r.State, &r.Version, &r.Scopes, &r.KeyID, &r.Sealed,
		&r.ExpiresAt, &r.RotatedAt, &r.CreatedAt, &r.UpdatedAt, &r.Expired, &r.Lineage, &r.Parent,
		&r.ReauthReason, &r.RefreshAfter, &r.NextTryAt, &r.LastError, &r.Failures, &r.Due, &r.Resting, &r.Leased)
}

// oneVaultToken gives the only row of a statement about an account, which is its first argument; chat.ErrNotFound when
// there is none.
func (s *Store) oneVaultToken(ctx context.Context, doing, sql string, args ...any) (*VaultTokenRow, error) {
	list, err := collect(ctx, s.db, scanVaultToken, sql, args...)
	if err == nil && len(list) == 0 {
		err = chat.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("%s a vault token of account %v: %w", doing, args[0], err)
	}
	return list[0], nil
}

// The row is there before anything is sealed for it: its id is bound into what is sealed.
const reserveVaultToken = `INSERT INTO cloakroom.vault_tokens (account_id, provider, subject, kind, state, version, key_id, token_sealed, rotated_at, lineage)
 VALUES ($1, $2, $3, $4, 'REVOKED', 0, 0, '', now(), '') ON CONFLICT (account_id, provider, subject) DO UPDATE SET updated_at = now()
 RETURNING ` + vaultTokenColumns

// ReserveVaultToken locks the row of an account, provider and subject until the transaction ends, and makes it when there
// is none: one of version 0, in which nothing lies yet. UpdatedAt is the database's time of now.
func (s *Store) ReserveVaultToken(ctx context.Context, accountID int64, provider, subject string, kind chat.VaultTokenKind) (*VaultTokenRow, error) {
	return s.oneVaultToken(ctx, "reserve", reserveVaultToken, accountID, provider, subject, kind)
}

const writeVaultToken = `UPDATE cloakroom.vault_tokens SET kind = $3, state = 'ACTIVE', version = $4, scopes = $5, key_id = $6,
 token_sealed = $7, expires_at = $8, rotated_at = $9, lineage = $10, parent = $11, refresh_after = $12, updated_at = now(),
 reauth_reason = '', lease_owner = '', lease_until = NULL, failures = 0, next_try_at = NULL, last_error = ''
 WHERE account_id = $1 AND vault_token_id = $2 AND version = $4 - 1 RETURNING ` + vaultTokenColumns

// WriteVaultToken puts a credential into a row that the transaction has locked, as its next version and in force, and gives
// the row. What was known of failed refreshes is over.
func (s *Store) WriteVaultToken(ctx context.Context, r *VaultTokenRow) (*VaultTokenRow, error) {
	scopes := r.Scopes
	if scopes == nil {
		scopes = []string{}
	}
	return s.oneVaultToken(ctx, "write", writeVaultToken, r.AccountID, r.ID, r.Kind, r.Version, scopes, r.KeyID, r.Sealed, r.ExpiresAt, r.RotatedAt,
		r.Lineage, r.Parent, r.RefreshAfter)
}

const findVaultToken = `SELECT ` + vaultTokenColumns + ` FROM cloakroom.vault_tokens
 WHERE account_id = $1 AND provider = $2 AND subject = $3 AND version > 0`

// FindVaultToken reads the row of an account, provider and subject, a revoked one too; chat.ErrNotFound when nothing was
// ever stored there.
func (s *Store) FindVaultToken(ctx context.Context, accountID int64, provider, subject string) (*VaultTokenRow, error) {
	return s.oneVaultToken(ctx, "find", findVaultToken, accountID, provider, subject)
}

const revokeVaultToken = `UPDATE cloakroom.vault_tokens SET state = 'REVOKED', key_id = 0, token_sealed = '',
 lineage = '', parent = '', reauth_reason = '', refresh_after = NULL, lease_owner = '', lease_until = NULL, failures = 0, next_try_at = NULL, last_error = '',
 updated_at = CASE WHEN state = 'REVOKED' THEN updated_at ELSE now() END
 WHERE account_id = $1 AND provider = $2 AND subject = $3 AND version > 0 RETURNING ` + vaultTokenColumns

// RevokeVaultToken empties a row and gives what is left of it; one that was revoked already keeps its time.
// chat.ErrNotFound when nothing was ever stored there.
func (s *Store) RevokeVaultToken(ctx context.Context, accountID int64, provider, subject string) (*VaultTokenRow, error) {
	return s.oneVaultToken(ctx, "revoke", revokeVaultToken, accountID, provider, subject)
}

const listVaultTokens = `SELECT ` + vaultTokenColumns + ` FROM cloakroom.vault_tokens
 WHERE account_id = $1 AND version > 0 ORDER BY provider, subject`

// ListVaultTokens reads every token of an account, revoked ones too, by provider and subject.
func (s *Store) ListVaultTokens(ctx context.Context, accountID int64) ([]*VaultTokenRow, error) {
	list, err := collect(ctx, s.db, scanVaultToken, listVaultTokens, accountID)
	if err != nil {
		return nil, fmt.Errorf("list the vault tokens of account %d: %w", accountID, err)
	}
	return list, nil
}
