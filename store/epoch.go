package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

const listEpochs = `SELECT epoch, name, master_key, keyset_sealed, state, created_at, activated_at, retired_at, destroyed_at
 FROM cloakroom.key_epochs ORDER BY epoch`

// ListEpochs reads every epoch, those out of use included.
func (s *Store) ListEpochs(ctx context.Context) ([]chat.Epoch, error) {
	list, err := collect(ctx, s.forKeys().db, func(rows pgx.Rows) (e chat.Epoch, err error) {
		return e, rows.Scan(&e.Number, &e.Name, &e.MasterKey, &e.Wrapped, &e.State, &e.CreatedAt, moment(&e.ActivatedAt),
			moment(&e.RetiredAt), moment(&e.DestroyedAt))
	}, listEpochs)
	if err != nil {
		return nil, fmt.Errorf("read the epochs: %w", err)
	}
	return list, nil
}

const createEpoch = `INSERT INTO cloakroom.key_epochs (epoch, name, master_key, keyset_sealed, state, activated_at)
 VALUES ($1, $2, $3, $4, $5, CASE WHEN $5::text <> 'pending' THEN now() END) ON CONFLICT DO NOTHING`

// CreateEpoch inserts an epoch and leaves one of the same number alone.
func (s *Store) CreateEpoch(ctx context.Context, e chat.Epoch) error {
	if _, err := s.forKeys().db.Exec(ctx, createEpoch, e.Number, e.Name, e.MasterKey, e.Wrapped, e.State); err != nil {
		return fmt.Errorf("store epoch %d: %w", e.Number, err)
	}
	return nil
}

const setEpochState = `UPDATE cloakroom.key_epochs SET state = $3,
 activated_at = CASE WHEN $3::text = 'active' THEN now() ELSE activated_at END,
 retired_at = CASE WHEN $3::text = 'retired' THEN now() ELSE retired_at END,
 destroyed_at = CASE WHEN $3::text = 'destroyed' THEN now() ELSE destroyed_at END,
 keyset_sealed = CASE WHEN $3::text = 'destroyed' THEN ''::bytea ELSE keyset_sealed END
 WHERE epoch = $1 AND state = $2`

// SetEpochState moves an epoch from one state down to another, as SetKeysetState does. Only one epoch can be active:
// the one before is retired first, in the same transaction.
func (s *Store) SetEpochState(ctx context.Context, number int, from, to string) error {
	if keysetOrder[from] == 0 || keysetOrder[to] <= keysetOrder[from] || to == chat.KeysetRefused {
		return fmt.Errorf("set epoch %d from %s to %s: states only move down", number, from, to)
	}
	tag, err := s.db.Exec(ctx, setEpochState, number, from, to)
	if err != nil {
		return fmt.Errorf("set epoch %d to %s: %w", number, to, err)
	}
	if tag.RowsAffected() == 0 {
		return chat.Errorf(chat.Conflict, "epoch %d is not %s (any more), so it was not made %s: look at its state and begin again", number, from, to)
	}
	return nil
}

const listSuccessions = `SELECT master_key, successor, succession_sealed FROM cloakroom.master_keys ORDER BY created_at, master_key`

// ListSuccessions reads who follows whom among the master keys.
func (s *Store) ListSuccessions(ctx context.Context) ([]chat.Succession, error) {
	list, err := collect(ctx, s.forKeys().db, func(rows pgx.Rows) (r chat.Succession, err error) {
		return r, rows.Scan(&r.MasterKey, &r.Successor, &r.Sealed)
	}, listSuccessions)
	if err != nil {
		return nil, fmt.Errorf("read the successions of master keys: %w", err)
	}
	return list, nil
}

const createSuccession = `INSERT INTO cloakroom.master_keys (master_key, successor, succession_sealed) VALUES ($1, $2, $3)
 ON CONFLICT (master_key) DO NOTHING`

// CreateSuccession writes who follows a master key; a CONFLICT when it has a successor already.
func (s *Store) CreateSuccession(ctx context.Context, r chat.Succession) error {
	tag, err := s.db.Exec(ctx, createSuccession, r.MasterKey, r.Successor, r.Sealed)
	if err != nil {
		return fmt.Errorf("store the successor of a master key: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return chat.Errorf(chat.Conflict, "master key %s has a successor already", r.MasterKey)
	}
	return nil
}
