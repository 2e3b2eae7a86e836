package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// KeyHealth is what there is to say about keys without looking at a row that they seal.
type KeyHealth struct {
	OldestData   time.Duration // age of the oldest data keyset in force
	DataOverdue  int64         // accounts whose data keyset is older than it may be
	Epoch        time.Duration // age of the epoch in force, 0 without one
	EpochOverdue int64         // 0 or 1
	Replicas     int64
	Troubled     int64
	Jobs         []JobCount
}

// JobCount is how many jobs of a kind are in a state.
type JobCount struct {
	Kind  chat.JobKind
	State chat.JobState
	Count int64
}

const readKeyHealth = `SELECT
 COALESCE((SELECT extract(epoch FROM now() - min(activated_at)) FROM cloakroom.account_keysets WHERE purpose = 'data' AND state = 'active'), 0)::float8,
 (SELECT count(*) FROM cloakroom.account_keysets WHERE purpose = 'data' AND state = 'active' AND activated_at < now() - $1::interval),
 COALESCE((SELECT extract(epoch FROM now() - activated_at) FROM cloakroom.key_epochs WHERE state = 'active'), 0)::float8,
 (SELECT count(*) FROM cloakroom.key_epochs WHERE state = 'active' AND activated_at < now() - $2::interval),
 (SELECT count(*) FROM cloakroom.replicas WHERE seen_at > now() - interval '30 seconds'),
 (SELECT count(*) FROM cloakroom.replicas WHERE seen_at > now() - interval '30 seconds' AND trouble <> '')`

const countJobs = `SELECT kind, state, count(*) FROM cloakroom.jobs
 WHERE state IN ('queued', 'running', 'paused') OR state = 'failed' AND updated_at > now() - interval '7 days' GROUP BY kind, state`

// ReadKeyHealth reads the age of keys, and how many are older than they may be.
func (s *Store) ReadKeyHealth(ctx context.Context, maxData, maxEpoch time.Duration) (KeyHealth, error) {
	var h KeyHealth
	var data, epoch float64
	err := s.db.QueryRow(ctx, readKeyHealth, maxData, maxEpoch).Scan(&data, &h.DataOverdue, &epoch, &h.EpochOverdue, &h.Replicas, &h.Troubled)
	if err != nil {
		return h, fmt.Errorf("read the age of keys: %w", err)
	}
	h.OldestData, h.Epoch = time.Duration(data*float64(time.Second)), time.Duration(epoch*float64(time.Second))
	h.Jobs, err = collect(ctx, s.db, func(rows pgx.Rows) (JobCount, error) {
		var j JobCount
		return j, rows.Scan(&j.Kind, &j.State, &j.Count)
	}, countJobs)
	if err != nil {
		return h, fmt.Errorf("count the jobs: %w", err)
	}
	return h, nil
}
