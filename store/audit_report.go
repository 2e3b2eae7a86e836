package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

const selectAuditPage = `SELECT account_id, entry_id, occurred_at, actor_kind, actor_id, action, entity_type, entity_id,
 request_id, key_id, details_sealed FROM cloakroom.audit_entries WHERE account_id = ?`

// PageAuditEntries reads a page of an account's entries that a filter wants, the newest first; account 0 is the
// installation.
func (s *Store) PageAuditEntries(ctx context.Context, accountID int64, f chat.AuditFilter, page chat.Page) ([]AuditRow, error) {
	var q statement
	q.add(selectAuditPage, accountID)
	wantEntries(&q, "", f)
	if page.From != nil {
		q.add(` AND (occurred_at, entry_id) < (?, ?)`, page.From.Time, page.From.ID)
	}
	q.add(` ORDER BY occurred_at DESC, entry_id DESC LIMIT ?`, page.Read())
	list, err := collect(ctx, s.db, scanAuditRow, q.sql.String(), q.args...)
	if err != nil {
		return nil, fmt.Errorf("read a page of the audit trail of account %d: %w", accountID, err)
	}
	return list, nil
}

func scanAuditRow(rows pgx.Rows) (r AuditRow, err error) {
	return r, rows.Scan(&r.AccountID, &r.ID, (*auditTime)(&r.OccurredAt), &r.Actor.Kind, &r.Actor.ID, &r.Action, &r.EntityType,
		&r.EntityID, &r.RequestID, &r.KeyID, &r.DetailsSealed)
}

// wantEntries adds what a filter asks of entries, whose table goes by a name such as "e.".
func wantEntries(q *statement, table string, f chat.AuditFilter) {
	for _, c := range []struct{ column, value string }{
		{"entity_type", f.EntityType}, {"entity_id", f.EntityID}, {"actor_kind", f.ActorKind}, {"actor_id", f.ActorID}, {"action", f.Action},
	} {
		if c.value != "" {
			q.add(` AND `+table+c.column+` = ?`, c.value)
		}
	}
	if f.From != nil {
		q.add(` AND `+table+`occurred_at >= ?`, *f.From)
	}
	if f.To != nil {
		q.add(` AND `+table+`occurred_at < ?`, *f.To)
	}
}

// ReportedLeaf is a leaf, with its entry where that is wanted and there.
type ReportedLeaf struct {
	Seq   int64
	Hash  []byte
	Entry *NumberlessEntry
}

// AuditStretch is a stretch of numbers; with Last below First it is none.
type AuditStretch struct{ First, Last int64 }

const selectReported = `SELECT l.seq, l.leaf_hash, e.entry_id IS NOT NULL, COALESCE(e.account_id, 0), COALESCE(e.entry_id, 0),
 COALESCE(e.occurred_at, 'epoch'), COALESCE(e.actor_kind, ''), COALESCE(e.actor_id, ''), COALESCE(e.action, ''), COALESCE(e.entity_type, ''),
 COALESCE(e.entity_id, ''), COALESCE(e.request_id, ''), COALESCE(e.key_id, 0), COALESCE(e.details_sealed, ''), COALESCE(e.xid, '0')
 FROM cloakroom.audit_leaves l LEFT JOIN cloakroom.audit_entries e ON e.account_id = l.account_id AND e.entry_id = l.entry_id AND (l.seq BETWEEN ? AND ? OR true`

// ListReported reads leaves after a number, in order, those that are not wanted too, with the entries that the filter
// wants or that lie within a stretch.
func (s *Store) ListReported(ctx context.Context, accountID, after int64, f chat.AuditFilter, whole AuditStretch, limit int) ([]ReportedLeaf, error) {
	var q statement
	q.add(selectReported, whole.First, whole.Last)
	wantEntries(&q, "e.", f)
	q.add(`) WHERE l.account_id = ? AND l.seq > ? ORDER BY l.seq LIMIT ?`, accountID, after, limit)
	list, err := collect(ctx, s.db, scanReported, q.sql.String(), q.args...)
	if err != nil {
		return nil, fmt.Errorf("read numbered audit entries of account %d for a report: %w", accountID, err)
	}
	return list, nil
}

func scanReported(rows pgx.Rows) (r ReportedLeaf, err error) {
	var found bool
	var e NumberlessEntry
	err = rows.Scan(&r.Seq, &r.Hash, &found, &e.AccountID, &e.ID, (*auditTime)(&e.OccurredAt), &e.Actor.Kind, &e.Actor.ID, &e.Action,
		&e.EntityType, &e.EntityID, &e.RequestID, &e.KeyID, &e.DetailsSealed, &e.Transaction)
	if found {
		r.Entry = &e
	}
	return r, err
}

const (
	selectUnnumbered = `SELECT ` + entryColumns + ` FROM cloakroom.audit_entries e WHERE e.account_id = ? AND (e.xid, e.entry_id) > (?, ?)
 AND NOT EXISTS (SELECT 1 FROM cloakroom.audit_leaves l WHERE l.account_id = e.account_id AND l.entry_id = e.entry_id)`
	orderUnnumbered = ` ORDER BY e.xid, e.entry_id LIMIT ?`
)

// ListReportedUnnumbered reads entries that a filter wants and that have no number, after the one of a transaction and id.
func (s *Store) ListReportedUnnumbered(ctx context.Context, accountID int64, transaction uint64, id int64, f chat.AuditFilter, limit int) ([]NumberlessEntry, error) {
	var q statement
	q.add(selectUnnumbered, accountID, transaction, id)
	wantEntries(&q, "e.", f)
	q.add(orderUnnumbered, limit)
	list, err := collect(ctx, s.db, scanNumberless, q.sql.String(), q.args...)
	if err != nil {
		return nil, fmt.Errorf("read audit entries of account %d without a number for a report: %w", accountID, err)
	}
	return list, nil
}

const selectStretch = `SELECT COALESCE(min(l.seq), 0), COALESCE(max(l.seq), -1) FROM cloakroom.audit_leaves l
 JOIN cloakroom.audit_entries e ON e.account_id = l.account_id AND e.entry_id = l.entry_id WHERE l.account_id = ? AND l.seq < ?`

// FindStretch gives the numbers below one within which all numbered entries lie that a filter wants.
func (s *Store) FindStretch(ctx context.Context, accountID, below int64, f chat.AuditFilter) (a AuditStretch, err error) {
	var q statement
	q.add(selectStretch, accountID, below)
	wantEntries(&q, "e.", f)
	if err := s.db.QueryRow(ctx, q.sql.String(), q.args...).Scan(&a.First, &a.Last); err != nil {
		return a, fmt.Errorf("look where audit entries of account %d lie: %w", accountID, err)
	}
	return a, nil
}

const listGoneAuditKeys = `SELECT generation FROM cloakroom.account_keysets WHERE account_id = $1 AND purpose = 'audit' AND state = 'destroyed'`

// ListGoneAuditKeys gives the generations of an account's audit keyset that were destroyed.
func (s *Store) ListGoneAuditKeys(ctx context.Context, accountID int64) ([]int64, error) {
	list, err := collect(ctx, s.db, scanID, listGoneAuditKeys, accountID)
	if err != nil {
		return nil, fmt.Errorf("list the audit keys of account %d that are gone: %w", accountID, err)
	}
	return list, nil
}
