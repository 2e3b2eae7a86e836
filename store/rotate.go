package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// WrappedKey is an active subject key that a rotation is to wrap again.
type WrappedKey struct {
	AccountID int64
	ID        int64
	ContactID int64
	Wrapped   []byte
}

// A rotation never waits for a row that a request holds: it leaves it out and finds it the next time round. So it is
// never part of a deadlock, and what waits for it waits for one batch.
const lockAndSkip = ` FOR NO KEY UPDATE OF s SKIP LOCKED`

const wrappedKeys = `SELECT s.account_id, s.subject_key_id, s.contact_id, s.key_sealed FROM cloakroom.subject_keys s WHERE s.state = 'active'`

const (
	keysNotUnderGeneration = wrappedKeys + ` AND s.account_id = $1 AND s.subject_key_id > $2 AND s.key_id <> $3
 ORDER BY s.subject_key_id LIMIT $4` + lockAndSkip
	keysNotUnderEpoch = wrappedKeys + ` AND (s.account_id, s.subject_key_id) > ($1, $2) AND s.epoch <> $3
 ORDER BY s.account_id, s.subject_key_id LIMIT $4` + lockAndSkip
)

func scanWrappedKey(rows pgx.Rows) (k WrappedKey, err error) {
	return k, rows.Scan(&k.AccountID, &k.ID, &k.ContactID, &k.Wrapped)
}

// LockKeysNotUnderGeneration locks active subject keys of an account that are wrapped under another generation, after
// an id; those that somebody holds are left out.
func (s *Store) LockKeysNotUnderGeneration(ctx context.Context, accountID, after int64, generation, limit int) ([]WrappedKey, error) {
	keys, err := collect(ctx, s.db, scanWrappedKey, keysNotUnderGeneration, accountID, after, generation, limit)
	if err != nil {
		return nil, fmt.Errorf("read subject keys of account %d: %w", accountID, err)
	}
	return keys, nil
}

// LockKeysNotUnderEpoch locks active subject keys of all accounts that are wrapped under another epoch, after an
// account and id; those that somebody holds are left out.
func (s *Store) LockKeysNotUnderEpoch(ctx context.Context, afterAccount, afterID int64, epoch, limit int) ([]WrappedKey, error) {
	keys, err := collect(ctx, s.db, scanWrappedKey, keysNotUnderEpoch, afterAccount, afterID, epoch, limit)
	if err != nil {
		return nil, fmt.Errorf("read subject keys under other epochs than %d: %w", epoch, err)
	}
	return keys, nil
}

const rewrapKeys = `UPDATE cloakroom.subject_keys s SET key_id = $2, epoch = $3, key_sealed = w.after
 FROM unnest($4::int8[], $5::bytea[], $6::bytea[]) w(id, before, after)
 WHERE s.account_id = $1 AND s.subject_key_id = w.id AND s.key_sealed = w.before AND s.state = 'active'`

// RewrapKeys writes subject keys of one account that were wrapped again, in place of exactly those that were read; one
// that was destroyed meanwhile stays so. wrapped are the new ones, in the order of keys.
func (s *Store) RewrapKeys(ctx context.Context, accountID int64, keys []WrappedKey, wrapped [][]byte, generation, epoch int) (int64, error) {
	ids, before := make([]int64, len(keys)), make([][]byte, len(keys))
	for i, k := range keys {
		ids[i], before[i] = k.ID, k.Wrapped
	}
	tag, err := s.db.Exec(ctx, rewrapKeys, accountID, generation, epoch, ids, before, wrapped)
	if err != nil {
		return 0, fmt.Errorf("rewrap subject keys of account %d: %w", accountID, err)
	}
	return tag.RowsAffected(), nil
}

const countKeysNotUnder = `SELECT count(*) FILTER (WHERE account_id = $1 AND key_id <> $2), count(*) FILTER (WHERE epoch <> $3)
 FROM cloakroom.subject_keys WHERE state = 'active' AND ($4 OR account_id = $1)`

// CountKeysNotUnderGeneration counts the active subject keys of an account that are wrapped under another generation.
func (s *Store) CountKeysNotUnderGeneration(ctx context.Context, accountID int64, generation int) (n int64, err error) {
	var epochs int64
	if err := s.db.QueryRow(ctx, countKeysNotUnder, accountID, generation, 0, false).Scan(&n, &epochs); err != nil {
		return 0, fmt.Errorf("count the subject keys of account %d: %w", accountID, err)
	}
	return n, nil
}

// CountKeysNotUnderEpoch counts the active subject keys that are wrapped under another epoch.
func (s *Store) CountKeysNotUnderEpoch(ctx context.Context, epoch int) (n int64, err error) {
	var generations int64
	if err := s.db.QueryRow(ctx, countKeysNotUnder, 0, 0, epoch, true).Scan(&generations, &n); err != nil {
		return 0, fmt.Errorf("count the subject keys under other epochs than %d: %w", epoch, err)
	}
	return n, nil
}

// Since says how long ago a time of the database was, by the database's own clock.
func (s *Store) Since(ctx context.Context, t time.Time) (d time.Duration, err error) {
	if err := s.db.QueryRow(ctx, `SELECT clock_timestamp() - $1::timestamptz`, t).Scan(&d); err != nil {
		return 0, fmt.Errorf("ask the database for its time: %w", err)
	}
	return d, nil
}

const moveAllCacheEpochs = `UPDATE cloakroom.accounts SET cache_epoch = cache_epoch + 1 RETURNING account_id`

// MoveAllCacheEpochs makes every cached record unreachable and gives the accounts that have settings.
func (s *Store) MoveAllCacheEpochs(ctx context.Context) ([]int64, error) {
	ids, err := collect(ctx, s.db, scanID, moveAllCacheEpochs)
	if err != nil {
		return nil, fmt.Errorf("move the cache epochs: %w", err)
	}
	return ids, nil
}

func scanID(rows pgx.Rows) (id int64, err error) { return id, rows.Scan(&id) }
