package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// InSnapshot runs fn on the database as it is now, whatever is written meanwhile. It only reads.
func (s *Store) InSnapshot(ctx context.Context, fn func(snapshot *Store) error) error {
	return s.InTx(ctx, func(tx *Store) error {
		if _, err := tx.db.Exec(ctx, `SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY`); err != nil {
			return fmt.Errorf("take a snapshot: %w", err)
		}
		return fn(tx)
	})
}

const listAuditAccounts = auditAccounts + ` SELECT a.id FROM a WHERE a.id IS NOT NULL
 UNION SELECT account_id FROM cloakroom.audit_trees UNION SELECT DISTINCT account_id FROM cloakroom.audit_leaves
 UNION SELECT DISTINCT account_id FROM cloakroom.audit_checkpoints ORDER BY 1`

// ListAuditAccounts gives the accounts of which the audit trail has anything; 0 is the installation.
func (s *Store) ListAuditAccounts(ctx context.Context) ([]int64, error) {
	list, err := collect(ctx, s.db, scanID, listAuditAccounts)
	if err != nil {
		return nil, fmt.Errorf("list the accounts of the audit trail: %w", err)
	}
	return list, nil
}

// NumberedEntry is a leaf and the entry that it is of; Entry is nil when that is not there.
type NumberedEntry struct {
	AuditLeaf
	Entry *NumberlessEntry
}

const listNumbered = `SELECT l.seq, l.entry_id, l.leaf_hash, l.marks, e.entry_id IS NOT NULL, COALESCE(e.account_id, 0), COALESCE(e.entry_id, 0),
 COALESCE(e.occurred_at, 'epoch'), COALESCE(e.actor_kind, ''), COALESCE(e.actor_id, ''), COALESCE(e.action, ''), COALESCE(e.entity_type, ''),
 COALESCE(e.entity_id, ''), COALESCE(e.request_id, ''), COALESCE(e.key_id, 0), COALESCE(e.details_sealed, ''), COALESCE(e.xid, '0')
 FROM cloakroom.audit_leaves l LEFT JOIN cloakroom.audit_entries e ON e.account_id = l.account_id AND e.entry_id = l.entry_id
 WHERE l.account_id = $1 AND l.seq > $2 ORDER BY l.seq LIMIT $3`

// ListNumbered reads leaves after a number, in order, with their entries.
func (s *Store) ListNumbered(ctx context.Context, accountID, after int64, limit int) ([]NumberedEntry, error) {
	list, err := collect(ctx, s.db, scanNumbered, listNumbered, accountID, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the numbered audit entries of account %d: %w", accountID, err)
	}
	return list, nil
}

func scanNumbered(rows pgx.Rows) (n NumberedEntry, err error) {
	var found bool
	var e NumberlessEntry
	err = rows.Scan(&n.Seq, &n.EntryID, &n.Hash, &n.Marks, &found, &e.AccountID, &e.ID, (*auditTime)(&e.OccurredAt), &e.Actor.Kind, &e.Actor.ID, &e.Action,
		&e.EntityType, &e.EntityID, &e.RequestID, &e.KeyID, &e.DetailsSealed, &e.Transaction)
	if found {
		n.Entry = &e
	}
	return n, err
}

// NumberlessEntries says what entries of an account have no number.
type NumberlessEntries struct {
	Waiting int64   // for transactions that began before, or for the next round
	Missed  []int64 // ids of entries that ought to have one long since, at most 100
	Ahead   []int64 // ids of entries of transactions that the database has not begun, at most 100
}

const listUnnumbered = `SELECT count(*) FILTER (WHERE u.state = 'waiting'),
 COALESCE((array_agg(u.entry_id ORDER BY u.entry_id) FILTER (WHERE u.state = 'missed'))[1:100], '{}'),
 COALESCE((array_agg(u.entry_id ORDER BY u.entry_id) FILTER (WHERE u.state = 'ahead'))[1:100], '{}')
 FROM (SELECT e.entry_id, CASE WHEN e.xid >= pg_snapshot_xmax(pg_current_snapshot()) THEN 'ahead'
  WHEN (e.xid, e.entry_id) <= (t.seen_xid, t.seen_entry) THEN 'missed' ELSE 'waiting' END AS state
  FROM cloakroom.audit_entries e LEFT JOIN cloakroom.audit_trees t ON t.account_id = e.account_id
  WHERE e.account_id = $1 AND NOT EXISTS (SELECT 1 FROM cloakroom.audit_leaves l WHERE l.account_id = $1 AND l.entry_id = e.entry_id)) u`

// FindNumberless says what entries of an account have no number.
func (s *Store) FindNumberless(ctx context.Context, accountID int64) (n NumberlessEntries, err error) {
	if err := s.db.QueryRow(ctx, listUnnumbered, accountID).Scan(&n.Waiting, &n.Missed, &n.Ahead); err != nil {
		return n, fmt.Errorf("look for audit entries of account %d without a number: %w", accountID, err)
	}
	return n, nil
}

const countLeaves = `SELECT count(*) FROM cloakroom.audit_leaves WHERE $1 < 0 OR account_id = $1`

// CountLeaves counts the leaves of an account, or with -1 of all.
func (s *Store) CountLeaves(ctx context.Context, accountID int64) (n int64, err error) {
	if err := s.db.QueryRow(ctx, countLeaves, accountID).Scan(&n); err != nil {
		return 0, fmt.Errorf("count audit leaves: %w", err)
	}
	return n, nil
}
