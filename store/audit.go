package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// AuditRow is an audit entry as it lies at rest: its details are sealed.
type AuditRow struct {
	chat.AuditEntry
	KeyID         int
	DetailsSealed []byte
}

const reserveAuditIDs = `SELECT nextval(pg_get_serial_sequence('cloakroom.audit_entries', 'entry_id')) FROM generate_series(1, $1)`

// ReserveAuditIDs reserves ids of entries: an entry's is bound into its details before it is written.
func (s *Store) ReserveAuditIDs(ctx context.Context, n int) ([]int64, error) {
	return collect(ctx, s.db, func(rows pgx.Rows) (int64, error) {
		var id int64
		return id, rows.Scan(&id)
	}, reserveAuditIDs, n)
}

const createAuditEntry = `INSERT INTO cloakroom.audit_entries
 (account_id, entry_id, actor_kind, actor_id, action, entity_type, entity_id, request_id, key_id, details_sealed)
 OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

// CreateAuditEntry writes an entry; call it in the transaction of what it records.
func (s *Store) CreateAuditEntry(ctx context.Context, r AuditRow) error {
	_, err := s.db.Exec(ctx, createAuditEntry, r.AccountID, r.ID, r.Actor.Kind, r.Actor.ID, r.Action,
		r.EntityType, r.EntityID, r.RequestID, r.KeyID, r.DetailsSealed)
	if err != nil {
		return fmt.Errorf("write an audit entry: %w", err)
	}
	return nil
}

const listAuditEntries = `SELECT account_id, entry_id, occurred_at, actor_kind, actor_id, action, entity_type, entity_id,
 request_id, key_id, details_sealed FROM cloakroom.audit_entries
 WHERE account_id = $1 AND occurred_at >= $2 ORDER BY occurred_at DESC, entry_id DESC LIMIT $3`

// ListAuditEntries reads the newest entries of an account since a time; account 0 is the installation.
func (s *Store) ListAuditEntries(ctx context.Context, accountID int64, since time.Time, limit int) ([]AuditRow, error) {
	return collect(ctx, s.db, func(rows pgx.Rows) (AuditRow, error) {
		var r AuditRow
		err := rows.Scan(&r.AccountID, &r.ID, (*auditTime)(&r.OccurredAt), &r.Actor.Kind, &r.Actor.ID, &r.Action, &r.EntityType,
			&r.EntityID, &r.RequestID, &r.KeyID, &r.DetailsSealed)
		return r, err
	}, listAuditEntries, accountID, since, limit)
}
