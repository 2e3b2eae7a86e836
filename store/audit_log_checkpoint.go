package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// AuditCheckpoint is a signed statement of how an account's tree stood.
type AuditCheckpoint struct {
	AccountID int64
	Number    int64 // from 1
	Size      int64
	Root      []byte
	Note      string
	SignedAt  time.Time
}

const listCheckpointsDue = `SELECT t.account_id FROM cloakroom.audit_trees t LEFT JOIN LATERAL (SELECT c.size, c.signed_at
 FROM cloakroom.audit_checkpoints c WHERE c.account_id = t.account_id ORDER BY c.number DESC LIMIT 1) c ON true
 WHERE t.size > 0 AND (c.size IS NULL OR c.size <> t.size AND c.signed_at <= now() - $1::interval OR c.signed_at <= now() - $2::interval)`

// ListCheckpointsDue gives the accounts whose newest checkpoint is older than moved while the tree has grown, or older
// than idle in any case.
func (s *Store) ListCheckpointsDue(ctx context.Context, moved, idle time.Duration) ([]int64, error) {
	list, err := collect(ctx, s.db, scanID, listCheckpointsDue, moved, idle)
	if err != nil {
		return nil, fmt.Errorf("look for audit trees to sign: %w", err)
	}
	return list, nil
}

const (
	checkpointColumns = `SELECT account_id, number, size, root_hash, note, signed_at FROM cloakroom.audit_checkpoints `
	findCheckpoint    = checkpointColumns + `WHERE account_id = $1 ORDER BY number DESC LIMIT 1`
	listCheckpoints   = checkpointColumns + `WHERE account_id = $1 AND number > $2 ORDER BY number LIMIT $3`
	createCheckpoint  = `INSERT INTO cloakroom.audit_checkpoints (account_id, number, size, root_hash, note, signed_at) VALUES ($1, $2, $3, $4, $5, $6)`
)

// FindNewestCheckpoint reads an account's newest checkpoint; of an account without any, its number is 0.
func (s *Store) FindNewestCheckpoint(ctx context.Context, accountID int64) (c AuditCheckpoint, err error) {
	err = s.db.QueryRow(ctx, findCheckpoint, accountID).Scan(&c.AccountID, &c.Number, &c.Size, &c.Root, &c.Note, (*auditTime)(&c.SignedAt))
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return c, fmt.Errorf("read the newest checkpoint of account %d: %w", accountID, err)
	}
	return c, nil
}

// ListCheckpoints reads an account's checkpoints after a number, in order.
func (s *Store) ListCheckpoints(ctx context.Context, accountID, after int64, limit int) ([]AuditCheckpoint, error) {
	list, err := collect(ctx, s.db, func(rows pgx.Rows) (c AuditCheckpoint, err error) {
		return c, rows.Scan(&c.AccountID, &c.Number, &c.Size, &c.Root, &c.Note, (*auditTime)(&c.SignedAt))
	}, listCheckpoints, accountID, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the checkpoints of account %d: %w", accountID, err)
	}
	return list, nil
}

// CreateCheckpoint keeps a checkpoint.
func (s *Store) CreateCheckpoint(ctx context.Context, c AuditCheckpoint) error {
	if _, err := s.db.Exec(ctx, createCheckpoint, c.AccountID, c.Number, c.Size, c.Root, c.Note, c.SignedAt); err != nil {
		return fmt.Errorf("keep checkpoint %d of account %d: %w", c.Number, c.AccountID, err)
	}
	return nil
}

// AuditDelivery is how far the checkpoints of an account have come to a destination.
type AuditDelivery struct {
	AccountID int64
	Number    int64 // of the newest that lies there; 0 is none
	Attempts  int   // that failed since
}

const newestCheckpoints = `SELECT t.account_id, c.number, c.signed_at FROM cloakroom.audit_trees t CROSS JOIN LATERAL
 (SELECT c.number, c.signed_at FROM cloakroom.audit_checkpoints c WHERE c.account_id = t.account_id ORDER BY c.number DESC LIMIT 1) c`

const listDeliveriesDue = `SELECT n.account_id, COALESCE(d.number, 0), COALESCE(d.attempts, 0) FROM (` + newestCheckpoints + `) n
 LEFT JOIN cloakroom.audit_deliveries d ON d.account_id = n.account_id AND d.destination = $1
 WHERE n.number > COALESCE(d.number, 0) AND COALESCE(d.next_try_at <= now(), true) ORDER BY n.account_id`

// ListDeliveriesDue gives the accounts of which a destination lacks checkpoints and is to be tried now.
func (s *Store) ListDeliveriesDue(ctx context.Context, destination string) ([]AuditDelivery, error) {
	list, err := collect(ctx, s.db, func(rows pgx.Rows) (d AuditDelivery, err error) {
		return d, rows.Scan(&d.AccountID, &d.Number, &d.Attempts)
	}, listDeliveriesDue, destination)
	if err != nil {
		return nil, fmt.Errorf("look for checkpoints to deliver: %w", err)
	}
	return list, nil
}

const claimDelivery = `INSERT INTO cloakroom.audit_deliveries AS d (account_id, destination, number, attempts, next_try_at, trouble)
 VALUES ($1, $2, 0, 0, now() + $4::interval, '') ON CONFLICT (account_id, destination) DO UPDATE SET next_try_at = now() + $4::interval
 WHERE d.number = $3 AND d.next_try_at <= now()`

// ClaimDelivery has the other replicas leave a delivery alone for a while; false says that one of them was first.
func (s *Store) ClaimDelivery(ctx context.Context, destination string, d AuditDelivery, lease time.Duration) (bool, error) {
	tag, err := s.db.Exec(ctx, claimDelivery, d.AccountID, destination, d.Number, lease)
	if err != nil {
		return false, fmt.Errorf("claim the checkpoints of account %d: %w", d.AccountID, err)
	}
	return tag.RowsAffected() == 1, nil
}

const (
	noteDelivered = `UPDATE cloakroom.audit_deliveries SET number = $3, attempts = 0, trouble = '', delivered_at = now()
 WHERE account_id = $1 AND destination = $2 AND number < $3`
	releaseDelivery = `UPDATE cloakroom.audit_deliveries SET next_try_at = now() WHERE account_id = $1 AND destination = $2 AND trouble = ''`
	noteUndelivered = `UPDATE cloakroom.audit_deliveries SET attempts = attempts + 1, trouble = $3, next_try_at = now() + $4::interval
 WHERE account_id = $1 AND destination = $2`
)

// NoteDelivered says that a checkpoint lies at a destination.
func (s *Store) NoteDelivered(ctx context.Context, destination string, accountID, number int64) error {
	if _, err := s.db.Exec(ctx, noteDelivered, accountID, destination, number); err != nil {
		return fmt.Errorf("note that checkpoint %d of account %d was delivered: %w", number, accountID, err)
	}
	return nil
}

// ReleaseDelivery lets whoever comes next deliver further checkpoints at once.
func (s *Store) ReleaseDelivery(ctx context.Context, destination string, accountID int64) error {
	if _, err := s.db.Exec(ctx, releaseDelivery, accountID, destination); err != nil {
		return fmt.Errorf("release the checkpoints of account %d: %w", accountID, err)
	}
	return nil
}

// NoteUndelivered says why a checkpoint does not lie at a destination, and when it is tried again.
func (s *Store) NoteUndelivered(ctx context.Context, destination string, accountID int64, trouble string, again time.Duration) error {
	if _, err := s.db.Exec(ctx, noteUndelivered, accountID, destination, trouble, again); err != nil {
		return fmt.Errorf("note that checkpoints of account %d were not delivered: %w", accountID, err)
	}
	return nil
}

const countBehind = `SELECT count(*) FROM (` + newestCheckpoints + `) n
 LEFT JOIN cloakroom.audit_deliveries d ON d.account_id = n.account_id AND d.destination = $1
 WHERE n.number > COALESCE(d.number, 0) AND n.signed_at < now() - $2::interval`

// CountBehind counts the accounts whose newest checkpoint does not lie at a destination after so long.
func (s *Store) CountBehind(ctx context.Context, destination string, after time.Duration) (n int64, err error) {
	if err := s.db.QueryRow(ctx, countBehind, destination, after).Scan(&n); err != nil {
		return 0, fmt.Errorf("count the checkpoints that were not delivered: %w", err)
	}
	return n, nil
}
