package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/cloakroom/cloakroom/chat"
)

// Migration is one step of Cloakroom's own schema.
type Migration struct {
	Version int64
	Name    string
	Queue   bool // of the job queue's tables, which count for themselves
	Applied bool
}

// Migrate brings schema `cloakroom` up to date from files, and in it the tables of the job queue; replicas that start
// together take turns.
func (s *Store) Migrate(ctx context.Context, files fs.FS, report func(Migration)) error {
	err := s.withGoose(ctx, files, func(p *goose.Provider) error {
		results, err := p.Up(ctx)
		for _, r := range results {
			report(Migration{Version: r.Source.Version, Name: r.Source.Path, Applied: r.Error == nil})
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.migrateQueue(ctx, report)
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
	if err != nil {
		return nil, err
	}
	queue, err := s.queueMigrations(ctx)
	return append(list, queue...), err
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
		return fmt.Errorf("migrate schema cloakroom%s: %w", forbidden(err), err)
	}
	return nil
}

// insufficientPrivilege is PostgreSQL's code for a right that the role does not have.
const insufficientPrivilege = "42501"

// forbidden adds to an error what whoever runs migrations may lack.
func forbidden(err error) string {
	var said *pgconn.PgError
	if errors.As(err, &said) && said.Code == insufficientPrivilege {
		return " (does the role own the schema? `cloakroom migrate` is for its owner)"
	}
	return ""
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
