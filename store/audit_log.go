package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// AuditTree is where the tree of an account stands; of one that has no leaves, all but the account is zero.
type AuditTree struct {
	AccountID int64
	Size      int64
	Hashes    [][]byte // the roots of its complete subtrees, largest first

	// In the order of transaction and id, entries up to here have their numbers.
	SeenTransaction uint64
	SeenEntry       int64
}

// NumberlessEntry is an entry that has no number yet. No transaction that could still write an entry before it is open.
type NumberlessEntry struct {
	AuditRow
	Transaction uint64
}

// AuditLeaf is an entry's place in the tree of its account.
type AuditLeaf struct {
	Seq     int64 // from 0
	EntryID int64
	Hash    []byte
	Marks   []byte
}

// The accounts of a trail, each found by one look into its index.
const auditAccounts = `WITH RECURSIVE a AS (SELECT min(account_id) AS id FROM cloakroom.audit_entries
 UNION ALL SELECT (SELECT min(e.account_id) FROM cloakroom.audit_entries e WHERE e.account_id > a.id) FROM a WHERE a.id IS NOT NULL)`

// A database that was restored into another server counts transactions from another number there: then the mark is ahead
// of all that happens, and everything is looked through once.
const listAccountsToNumber = auditAccounts + ` SELECT a.id FROM a LEFT JOIN cloakroom.audit_trees t ON t.account_id = a.id
 WHERE a.id IS NOT NULL AND (t.seen_xid > pg_snapshot_xmin(pg_current_snapshot()) OR EXISTS (SELECT 1 FROM cloakroom.audit_entries e
  WHERE e.account_id = a.id AND e.xid < pg_snapshot_xmin(pg_current_snapshot())
  AND (e.xid, e.entry_id) > (COALESCE(t.seen_xid, '0'), COALESCE(t.seen_entry, 0))))`

// ListAccountsToNumber gives the accounts with entries that can be numbered now; 0 is the installation.
func (s *Store) ListAccountsToNumber(ctx context.Context) ([]int64, error) {
	list, err := collect(ctx, s.db, scanID, listAccountsToNumber)
	if err != nil {
		return nil, fmt.Errorf("look for audit entries to number: %w", err)
	}
	return list, nil
}

const lockAuditTree = `SELECT pg_try_advisory_xact_lock(hashtextextended('cloakroom audit ' || $1::int8, 0))`

// LockAuditTree has nobody else go on with an account's tree until the transaction ends; false says that somebody does.
func (s *Store) LockAuditTree(ctx context.Context, accountID int64) (bool, error) {
	var locked bool
	if err := s.db.QueryRow(ctx, lockAuditTree, accountID).Scan(&locked); err != nil {
		return false, fmt.Errorf("lock the audit tree of account %d: %w", accountID, err)
	}
	return locked, nil
}

const readAuditTree = `SELECT size, hashes, seen_xid, seen_entry FROM cloakroom.audit_trees WHERE account_id = $1`

// ReadAuditTree reads where the tree of an account stands.
func (s *Store) ReadAuditTree(ctx context.Context, accountID int64) (*AuditTree, error) {
	t := &AuditTree{AccountID: accountID}
	err := s.db.QueryRow(ctx, readAuditTree, accountID).Scan(&t.Size, &t.Hashes, &t.SeenTransaction, &t.SeenEntry)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("read the audit tree of account %d: %w", accountID, err)
	}
	return t, nil
}

const readHorizon = `SELECT pg_snapshot_xmin(pg_current_snapshot())`

const entryColumns = `e.account_id, e.entry_id, e.occurred_at, e.actor_kind, e.actor_id, e.action, e.entity_type, e.entity_id,
 e.request_id, e.key_id, e.details_sealed, e.xid`

// Each leaf is looked for by itself. As a join, a plan that was made while the tables were empty would read all leaves of
// the account for every entry.
const noLeaf = ` AND (SELECT l.seq FROM cloakroom.audit_leaves l WHERE l.account_id = e.account_id AND l.entry_id = e.entry_id) IS NULL`

const listNumberless = `SELECT ` + entryColumns + ` FROM cloakroom.audit_entries e
 WHERE e.account_id = $1 AND (e.xid, e.entry_id) > ($2::xid8, $3::int8) AND e.xid < $4::xid8` + noLeaf + `
 ORDER BY e.xid, e.entry_id LIMIT $5`

// A transaction beyond all that this server has begun was one of another server's, and is over.
const listNumberlessRestored = `SELECT ` + entryColumns + ` FROM cloakroom.audit_entries e
 WHERE e.account_id = $1 AND (e.xid < $2::xid8 OR e.xid >= pg_snapshot_xmax(pg_current_snapshot()))` + noLeaf + `
 ORDER BY e.xid, e.entry_id LIMIT $3`

// ListNumberless reads the next entries that a tree is to have, and moves its mark past them; the caller holds the tree's
// lock. Numbers go by transaction and id, so that nothing can come to light later that belongs before.
func (s *Store) ListNumberless(ctx context.Context, t *AuditTree, limit int) ([]NumberlessEntry, error) {
	var horizon uint64
	if err := s.db.QueryRow(ctx, readHorizon).Scan(&horizon); err != nil {
		return nil, fmt.Errorf("read which transactions are over: %w", err)
	}
	sql, args := listNumberless, []any{t.AccountID, t.SeenTransaction, t.SeenEntry, horizon, limit}
	restored := t.SeenTransaction > horizon
	if restored {
		sql, args = listNumberlessRestored, []any{t.AccountID, horizon, limit}
	}
	list, err := collect(ctx, s.db, scanNumberless, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read the audit entries of account %d to number: %w", t.AccountID, err)
	}
	switch {
	case len(list) < limit:
		t.SeenTransaction, t.SeenEntry = horizon, 0
	case !restored:
		t.SeenTransaction, t.SeenEntry = list[limit-1].Transaction, list[limit-1].ID
	}
	return list, nil
}

func scanNumberless(rows pgx.Rows) (r NumberlessEntry, err error) {
	return r, rows.Scan(&r.AccountID, &r.ID, (*auditTime)(&r.OccurredAt), &r.Actor.Kind, &r.Actor.ID, &r.Action, &r.EntityType,
		&r.EntityID, &r.RequestID, &r.KeyID, &r.DetailsSealed, &r.Transaction)
}

const (
	createAuditLeaves = `INSERT INTO cloakroom.audit_leaves (account_id, seq, entry_id, leaf_hash, marks)
 SELECT $1, * FROM unnest($2::int8[], $3::int8[], $4::bytea[], $5::bytea[])`
	moveAuditTree = `INSERT INTO cloakroom.audit_trees AS t (account_id, size, hashes, seen_xid, seen_entry) VALUES ($1, $2, $3, $4, $5)
 ON CONFLICT (account_id) DO UPDATE SET size = $2, hashes = $3, seen_xid = $4, seen_entry = $5, updated_at = now() WHERE t.size = $6`
)

// GrowAuditTree appends leaves to a tree, which then is t.
func (s *Store) GrowAuditTree(ctx context.Context, t *AuditTree, leaves []AuditLeaf) error {
	seqs, entries := make([]int64, len(leaves)), make([]int64, len(leaves))
	hashes, marks := make([][]byte, len(leaves)), make([][]byte, len(leaves))
	for i, l := range leaves {
		seqs[i], entries[i], hashes[i], marks[i] = l.Seq, l.EntryID, l.Hash, l.Marks
	}
	if _, err := s.db.Exec(ctx, createAuditLeaves, t.AccountID, seqs, entries, hashes, marks); err != nil {
		return fmt.Errorf("write %d audit leaves of account %d: %w", len(leaves), t.AccountID, err)
	}
	if t.Hashes == nil {
		t.Hashes = [][]byte{}
	}
	before := t.Size - int64(len(leaves))
	tag, err := s.db.Exec(ctx, moveAuditTree, t.AccountID, t.Size, t.Hashes, t.SeenTransaction, t.SeenEntry, before)
	if err != nil {
		return fmt.Errorf("move the audit tree of account %d: %w", t.AccountID, err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("move the audit tree of account %d: it does not stand at %d leaves any more", t.AccountID, before)
	}
	return nil
}

const readTime = `SELECT now()`

// Time is the database's, which all replicas share.
func (s *Store) Time(ctx context.Context) (time.Time, error) {
	var now time.Time
	if err := s.db.QueryRow(ctx, readTime).Scan(&now); err != nil {
		return now, fmt.Errorf("read the database's clock: %w", err)
	}
	return now, nil
}
