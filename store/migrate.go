package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/cloakroom/cloakroom/chat"
)

// Migration is one step of Cloakroom's own schema.
type Migration struct {
	Version int64
	Name    string
	Applied bool
}

// Migrate brings schema `cloakroom` up to date from files; replicas that start together take turns.
func (s *Store) Migrate(ctx context.Context, files fs.FS, report func(Migration)) error {
	return s.withGoose(ctx, files, func(p *goose.Provider) error {
		results, err := p.Up(ctx)
		for _, r := range results {
			report(Migration{Version: r.Source.Version, Name: r.Source.Path, Applied: r.Error == nil})
		}
		return err
	})
}

// MigrateDown takes away everything of ours, the schema included; Chatwoot's tables stay as they are.
func (s *Store) MigrateDown(ctx context.Context, files fs.FS) error {
	err := s.withGoose(ctx, files, func(p *goose.Provider) error {
		_, err := p.DownTo(ctx, 0)
		return err
	})
	if err != nil {
		return err
	}
	_, err = s.db.Exec(ctx, `DROP SCHEMA cloakroom CASCADE`)
	return err
}

// Migrations lists the steps and which of them have run.
func (s *Store) Migrations(ctx context.Context, files fs.FS) ([]Migration, error) {
	var list []Migration
	err := s.withGoose(ctx, files, func(p *goose.Provider) error {
		states, err := p.Status(ctx)
		for _, st := range states {
			list = append(list, Migration{Version: st.Source.Version, Name: st.Source.Path, Applied: st.State == goose.StateApplied})
		}
		return err
	})
	return list, err
}

func (s *Store) withGoose(ctx context.Context, files fs.FS, run func(*goose.Provider) error) error {
	if err := s.ensureSchema(ctx); err != nil {
		return err
	}
	db := stdlib.OpenDBFromPool(s.pool)
	defer func(db *sql.DB) { _ = db.Close() }(db) // closes no connection of the pool
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("prepare the migration lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithTableName("cloakroom.migrations"), goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("read the embedded migrations: %w", err)
	}
	if err := run(provider); err != nil {
		return fmt.Errorf("migrate schema cloakroom: %w", err)
	}
	return nil
}

// ensureSchema looks first: PostgreSQL wants CREATE on the database even for a schema that is there already, which a
// role that was given the schema ready-made does not have.
func (s *Store) ensureSchema(ctx context.Context) error {
	var exists bool
	if err := s.db.QueryRow(ctx, `SELECT to_regnamespace('cloakroom') IS NOT NULL`).Scan(&exists); err != nil {
		return fmt.Errorf("look for schema cloakroom: %w", err)
	}
	if exists {
		return nil
	}
	// Two that start at once can both find no schema; the second of them is told so by the catalogue's own key.
	if _, err := s.db.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS cloakroom`); err != nil && !errors.Is(err, chat.ErrDuplicate) {
		return fmt.Errorf("create schema cloakroom (does the role have CREATE on the database?): %w", err)
	}
	return nil
}
