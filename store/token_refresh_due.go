package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const dueTokens = ` FROM cloakroom.vault_tokens WHERE state = 'ACTIVE' AND refresh_after <= clock_timestamp()
 AND COALESCE(lease_until <= clock_timestamp(), true) AND COALESCE(next_try_at <= clock_timestamp(), true)`

const listRefreshesDue = `SELECT ` + vaultTokenColumns + dueTokens + ` AND provider = ANY($1) ORDER BY refresh_after, account_id, vault_token_id LIMIT $2`

// ListRefreshesDue reads credentials of some providers that are due and that nobody is refreshing, longest due first. It
// locks nothing: whoever refreshes one claims it.
func (s *Store) ListRefreshesDue(ctx context.Context, providers []string, limit int) ([]*VaultTokenRow, error) {
	list, err := collect(ctx, s.db, scanVaultToken, listRefreshesDue, providers, limit)
	if err != nil {
		return nil, fmt.Errorf("look for vault tokens that are due: %w", err)
	}
	return list, nil
}

// ListProvidersDue reads which providers have credentials that are due.
func (s *Store) ListProvidersDue(ctx context.Context) ([]string, error) {
	list, err := collect(ctx, s.db, func(rows pgx.Rows) (name string, err error) { return name, rows.Scan(&name) }, `SELECT DISTINCT provider`+dueTokens)
	if err != nil {
		return nil, fmt.Errorf("look for providers whose vault tokens are due: %w", err)
	}
	return list, nil
}

// VaultTokenCount is how many credentials stand somehow, over all accounts.
type VaultTokenCount struct {
	State string // a chat.VaultTokenState, or "LATE": in force, and due for a while
	Count int64
}

func scanVaultTokenCount(rows pgx.Rows) (c VaultTokenCount, err error) {
	return c, rows.Scan(&c.State, &c.Count)
}

const countVaultTokens = `SELECT CASE WHEN state = 'ACTIVE' AND refresh_after < now() - $1::interval THEN 'LATE' ELSE state END AS stands, count(*)
 FROM cloakroom.vault_tokens WHERE version > 0 GROUP BY stands`

// CountVaultTokens counts credentials by how they stand; those that have been due for longer than late are counted apart.
func (s *Store) CountVaultTokens(ctx context.Context, late time.Duration) ([]VaultTokenCount, error) {
	list, err := collect(ctx, s.db, scanVaultTokenCount, countVaultTokens, late)
	if err != nil {
		return nil, fmt.Errorf("count the vault tokens: %w", err)
	}
	return list, nil
}

// What was not answered says why a grant was lost, for as long as the credential is there.
const pruneTokenRefreshes = `DELETE FROM cloakroom.vault_token_refreshes r USING (
 SELECT a.account_id, a.refresh_id FROM cloakroom.vault_token_refreshes a WHERE a.started_at < now() - $1::interval
  AND NOT EXISTS (SELECT 1 FROM cloakroom.vault_tokens t WHERE t.account_id = a.account_id AND t.vault_token_id = a.vault_token_id AND t.lineage = a.lineage)
 ORDER BY a.started_at LIMIT $2) old
 WHERE r.account_id = old.account_id AND r.refresh_id = old.refresh_id`

// PruneTokenRefreshes deletes refreshes older than age of credentials that are not kept any more, at most limit.
func (s *Store) PruneTokenRefreshes(ctx context.Context, age time.Duration, limit int) error {
	if _, err := s.db.Exec(ctx, pruneTokenRefreshes, age, limit); err != nil {
		return fmt.Errorf("delete old refreshes of vault tokens: %w", err)
	}
	return nil
}
