package main

import (
	"fmt"

	"github.com/cloakroom/cloakroom/migrations"
	"github.com/cloakroom/cloakroom/store"
)

// MigrateCmd is `cloakroom migrate`.
type MigrateCmd struct {
	Up     MigrateUpCmd     `cmd:"" help:"Bring schema cloakroom up to date; Chatwoot's tables stay as they are."`
	Down   MigrateDownCmd   `cmd:"" help:"Take schema cloakroom away with everything in it."`
	Status MigrateStatusCmd `cmd:"" help:"List the migrations and which have run."`
}

// MigrateUpCmd is `cloakroom migrate up`.
type MigrateUpCmd struct{}

// Run migrates.
func (MigrateUpCmd) Run(app *App) error { return app.migrate() }

func (app *App) migrate() error {
	applied := 0
	err := app.Store.Migrate(app.Context, migrations.Files, func(m store.Migration) {
		applied++
		_, _ = fmt.Fprintf(app.Stderr, "migrated %sto %05d\n", line(m), m.Version)
	})
	if err == nil && applied == 0 {
		_, _ = fmt.Fprintln(app.Stderr, "schema cloakroom is up to date")
	}
	return err
}

// MigrateDownCmd is `cloakroom migrate down`.
type MigrateDownCmd struct {
	Yes bool `help:"Say that every sealed value and the audit trail may go."`
}

// Run takes the schema away.
func (c MigrateDownCmd) Run(app *App) error {
	if !c.Yes {
		return fmt.Errorf("migrate down destroys every sealed value, token and audit entry: say --yes if that is meant")
	}
	return app.Store.MigrateDown(app.Context, migrations.Files)
}

// MigrateStatusCmd is `cloakroom migrate status`.
type MigrateStatusCmd struct{}

// Run lists the migrations.
func (MigrateStatusCmd) Run(app *App) error {
	list, err := app.Store.Migrations(app.Context, migrations.Files)
	for _, m := range list {
		state := "pending"
		if m.Applied {
			state = "applied"
		}
		_, _ = fmt.Fprintf(app.Stdout, "%s%05d  %s\n", line(m), m.Version, state)
	}
	return err
}

// line names the tables that a migration belongs to where they are not simply ours.
func line(m store.Migration) string {
	if m.Queue {
		return "queue "
	}
	return ""
}
