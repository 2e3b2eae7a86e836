package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/jackc/pgx/v5"
)

// ServiceTokenRow is a service token with those of its accounts that exist.
type ServiceTokenRow struct {
	chat.ServiceToken
	Accounts []TokenAccount // by id
}

// TokenAccount is an account that a token names. Its settings are not filled in.
type TokenAccount struct {
	chat.Account
	Active bool
}

const createServiceToken = `
INSERT INTO cloakroom.service_tokens (token_id, name, secret_hash, scopes, account_ids, documents, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, COALESCE($6::text[], '{}'), $7, $8)`

// CreateServiceToken keeps a new token; chat.ErrDuplicate when its id is taken.
func (s *Store) CreateServiceToken(ctx context.Context, t chat.ServiceToken) error {
	_, err := s.db.Exec(ctx, createServiceToken, t.ID, t.Name, t.SecretHash, t.Scopes, t.AccountIDs, t.Documents, t.CreatedAt, t.ExpiresAt)
	if err != nil {
		return fmt.Errorf("create a service token: %w", err)
	}
	return nil
}

const serviceTokenColumns = `
SELECT t.token_id, t.name, t.secret_hash, t.scopes, t.account_ids, t.documents, t.created_at, t.expires_at, t.revoked_at, t.last_used_at,
       (SELECT json_agg(json_build_object('ID', a.id, 'Name', a.name, 'Active', COALESCE(a.status, 1) = 0,
                   'CRMV2', a.feature_flags & (1::bigint << 49) <> 0) ORDER BY a.id)
        FROM accounts a WHERE a.id = ANY (t.account_ids))
FROM cloakroom.service_tokens t`

const findServiceToken = serviceTokenColumns + `
WHERE t.token_id = $1`

// FindServiceToken finds a token by its public id, revoked and expired ones too; ErrNotFound when there is none.
func (s *Store) FindServiceToken(ctx context.Context, id string) (*ServiceTokenRow, error) {
	rows, err := collect(ctx, s.db, scanServiceToken, findServiceToken, id)
	if err != nil {
		return nil, fmt.Errorf("find a service token: %w", err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("find a service token: %w", chat.ErrNotFound)
	}
	return rows[0], nil
}

const listServiceTokens = serviceTokenColumns + `
ORDER BY t.created_at, t.token_id`

// ListServiceTokens lists every token of the installation, oldest first.
func (s *Store) ListServiceTokens(ctx context.Context) ([]*ServiceTokenRow, error) {
	rows, err := collect(ctx, s.db, scanServiceToken, listServiceTokens)
	if err != nil {
		return nil, fmt.Errorf("list service tokens: %w", err)
	}
	return rows, nil
}

const revokeServiceToken = `
UPDATE cloakroom.service_tokens SET revoked_at = COALESCE(revoked_at, $2) WHERE token_id = $1`

// RevokeServiceToken ends a token at a point in time; one that is revoked keeps its first. ErrNotFound when
// there is none.
func (s *Store) RevokeServiceToken(ctx context.Context, id string, at time.Time) error {
	return s.changeServiceToken(ctx, "revoke", revokeServiceToken, id, at)
}

const expireServiceToken = `
UPDATE cloakroom.service_tokens SET expires_at = LEAST(expires_at, $2) WHERE token_id = $1`

// ExpireServiceToken lets a token run out at a point in time, if not before. ErrNotFound when there is none.
func (s *Store) ExpireServiceToken(ctx context.Context, id string, at time.Time) error {
	return s.changeServiceToken(ctx, "expire", expireServiceToken, id, at)
}

func (s *Store) changeServiceToken(ctx context.Context, verb, sql, id string, at time.Time) error {
	tag, err := s.db.Exec(ctx, sql, id, at)
	if err == nil && tag.RowsAffected() == 0 {
		err = chat.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("%s a service token: %w", verb, err)
	}
	return nil
}

const touchServiceToken = `
UPDATE cloakroom.service_tokens SET last_used_at = $2
WHERE token_id = $1 AND (last_used_at IS NULL OR last_used_at < $2)`

// TouchServiceToken notes the minute in which a token was used. A minute is enough to find the unused ones,
// and costs one write a minute for each token, however busy it is.
func (s *Store) TouchServiceToken(ctx context.Context, id string, at time.Time) error {
	if _, err := s.db.Exec(ctx, touchServiceToken, id, at.UTC().Truncate(time.Minute)); err != nil {
		return fmt.Errorf("note the use of a service token: %w", err)
	}
	return nil
}

func scanServiceToken(rows pgx.Rows) (*ServiceTokenRow, error) {
	var t ServiceTokenRow
	var accounts []byte
	err := rows.Scan(&t.ID, &t.Name, &t.SecretHash, &t.Scopes, &t.AccountIDs, &t.Documents, &t.CreatedAt, &t.ExpiresAt,
		&t.RevokedAt, &t.LastUsedAt, &accounts)
	if err != nil || accounts == nil {
		return &t, err
	}
	if err := json.Unmarshal(accounts, &t.Accounts); err != nil {
		return nil, errors.New("read a service token's accounts: not the JSON that was built")
	}
	return &t, nil
}
