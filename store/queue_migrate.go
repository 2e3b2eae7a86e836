package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// Two that migrate at once would both make River's tables; it has no lock of its own.
const (
	lockQueueMigrations   = `SELECT pg_advisory_lock(hashtext('cloakroom.river_migration'))`
	unlockQueueMigrations = `SELECT pg_advisory_unlock(hashtext('cloakroom.river_migration'))`
)

// queueMigrator gives River's migrations, in our schema. Without a pool it knows which there are.
func queueMigrator(pool *pgxpool.Pool) (*rivermigrate.Migrator[pgx.Tx], error) {
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: queueSchema, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("read the migrations of the job queue: %w", err)
	}
	return migrator, nil
}

// QueueVersions is how many migrations the job queue has.
var QueueVersions = sync.OnceValues(func() (int, error) {
	migrator, err := queueMigrator(nil)
	if err != nil {
		return 0, err
	}
	return len(migrator.AllVersions()), nil
})

// migrateQueue makes the tables of the job queue, or brings them up to date. Each step is a transaction of its own, as
// River wants it: one adds a word that the next uses.
func (s *Store) migrateQueue(ctx context.Context, report func(Migration)) (err error) {
	pool, err := s.ownPool(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("migrate the job queue: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, lockQueueMigrations); err != nil {
		return fmt.Errorf("wait for others that migrate the job queue: %w", err)
	}
	defer func() {
		_, failed := conn.Exec(context.WithoutCancel(ctx), unlockQueueMigrations)
		err = errors.Join(err, failed)
	}()
	migrator, err := queueMigrator(pool)
	if err != nil {
		return err
	}
	done, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		return fmt.Errorf("migrate the job queue%s: %w", forbidden(err), err)
	}
	for _, v := range done.Versions {
		report(Migration{Version: int64(v.Version), Name: v.Name, Queue: true, Applied: true})
	}
	return nil
}

// queueMigrations lists the steps of the job queue's tables and which of them have run.
func (s *Store) queueMigrations(ctx context.Context) ([]Migration, error) {
	migrator, err := queueMigrator(s.pool)
	if err != nil {
		return nil, err
	}
	existing, err := migrator.ExistingVersions(ctx)
	if err != nil {
		return nil, fmt.Errorf("read which migrations of the job queue have run: %w", err)
	}
	applied := make(map[int]bool, len(existing))
	for _, v := range existing {
		applied[v.Version] = true
	}
	var list []Migration
	for _, v := range migrator.AllVersions() {
		list = append(list, Migration{Version: int64(v.Version), Name: v.Name, Queue: true, Applied: applied[v.Version]})
	}
	return list, nil
}
