package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// Jobs that are paused are somebody's decision and take no place; one that failed is not begun again at once.
const listRotationsDue = `SELECT k.account_id FROM cloakroom.account_keysets k
 WHERE k.purpose = 'data' AND k.state = 'active' AND COALESCE(k.activated_at, k.created_at) < now() - $1::interval
 AND NOT EXISTS (SELECT 1 FROM cloakroom.jobs j WHERE j.kind = 'rotate_account' AND j.account_id = k.account_id
  AND (j.state IN ('queued', 'running', 'paused') OR j.state IN ('failed', 'cancelled') AND j.updated_at > now() - $2::interval))
 ORDER BY COALESCE(k.activated_at, k.created_at), k.account_id
 LIMIT GREATEST(0, $3 - (SELECT count(*) FROM cloakroom.jobs WHERE kind = 'rotate_account' AND state IN ('queued', 'running')))`

// ListRotationsDue reads the accounts whose data keys are older than age and that have no job about it, oldest first: as
// many as there may be under way besides those that are. One whose job failed or was cancelled is left alone for pause.
func (s *Store) ListRotationsDue(ctx context.Context, age, pause time.Duration, atOnce int) ([]int64, error) {
	ids, err := collect(ctx, s.db, scanID, listRotationsDue, age, pause, atOnce)
	if err != nil {
		return nil, fmt.Errorf("look for accounts whose keys are to be rotated: %w", err)
	}
	return ids, nil
}

const epochDue = `SELECT EXISTS (SELECT 1 FROM cloakroom.key_epochs WHERE state = 'active' AND COALESCE(activated_at, created_at) < now() - $1::interval)
 AND NOT EXISTS (SELECT 1 FROM cloakroom.jobs WHERE kind IN ('rotate_epoch', 'rotate_master')
  AND (state IN ('queued', 'running', 'paused') OR state IN ('failed', 'cancelled') AND updated_at > now() - $2::interval))`

// EpochDue says that the epoch in force is older than age, and no job is about to replace it.
func (s *Store) EpochDue(ctx context.Context, age, pause time.Duration) (due bool, err error) {
	if err := s.db.QueryRow(ctx, epochDue, age, pause).Scan(&due); err != nil {
		return false, fmt.Errorf("look how old the epoch is: %w", err)
	}
	return due, nil
}

const jobDue = `SELECT NOT EXISTS (SELECT 1 FROM cloakroom.jobs WHERE kind = $1
 AND (state IN ('queued', 'running', 'paused') OR created_at > now() - $2::interval))`

// JobDue says that no job of a kind is open, or was begun within so long.
func (s *Store) JobDue(ctx context.Context, kind chat.JobKind, every time.Duration) (due bool, err error) {
	if err := s.db.QueryRow(ctx, jobDue, kind, every).Scan(&due); err != nil {
		return false, fmt.Errorf("look when %s last ran: %w", kind, err)
	}
	return due, nil
}

const listVerificationsDue = `SELECT e.account_id, e.contact_id FROM cloakroom.erasures e WHERE e.verified_at IS NULL AND e.erased_at < now() - $1::interval
 AND NOT EXISTS (SELECT 1 FROM cloakroom.jobs j WHERE j.kind = 'verify_erasure' AND j.account_id = e.account_id
  AND j.arguments ->> 'contactId' = e.contact_id::text AND (j.state IN ('queued', 'running', 'paused') OR j.updated_at > now() - $1::interval))
 ORDER BY e.erased_at, e.erasure_id LIMIT 100`

// ListVerificationsDue reads the account and contact of erasures that are not proven, although nobody has tried for
// pause.
func (s *Store) ListVerificationsDue(ctx context.Context, pause time.Duration) ([][2]int64, error) {
	list, err := collect(ctx, s.db, func(rows pgx.Rows) (c [2]int64, err error) {
		return c, rows.Scan(&c[0], &c[1])
	}, listVerificationsDue, pause)
	if err != nil {
		return nil, fmt.Errorf("look for erasures that are not proven: %w", err)
	}
	return list, nil
}
