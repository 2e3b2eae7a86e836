package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/migrations"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// SeedCmd is `cloakroom seed`.
type SeedCmd struct{}

// Run loads the demo data.
func (SeedCmd) Run(app *App) error {
	seeded, err := app.seed()
	if err == nil && !seeded {
		return errors.New("the database is not empty and does not hold the demo: nothing was loaded")
	}
	return err
}

// createDemoTables makes Chatwoot's tables in an empty database, and ours.
func (app *App) createDemoTables() error {
	has, err := app.Store.HasTable(app.Context, "accounts")
	if err != nil {
		return fmt.Errorf("look for Chatwoot's tables: %w", err)
	}
	if !has {
		app.say("creating Chatwoot's tables")
		if err := app.Store.RunScript(app.Context, schema.Baseline); err != nil {
			return err
		}
	}
	return app.Store.Migrate(app.Context, migrations.Files, func(store.Migration) { app.say("creating schema cloakroom") })
}

func (app *App) say(format string, args ...any) {
	_, _ = fmt.Fprintf(app.Stderr, "cloakroom: "+format+"\n", args...)
}

// seed loads the demo into an empty database and seals its first account. It can be stopped and run again. The
// answer is whether the database holds the demo.
func (app *App) seed() (bool, error) {
	empty, err := app.Store.IsEmpty(app.Context)
	if err != nil {
		return false, fmt.Errorf("look for accounts: %w", err)
	}
	data, err := schema.Demo(time.Now())
	if err != nil {
		return false, err
	}
	if empty {
		if err := app.loadDemo(data); err != nil {
			return false, err
		}
	}
	demo, err := app.Store.IsDemo(app.Context)
	if err != nil || !demo {
		return false, err
	}
	return true, app.finishDemo(data)
}

func (app *App) loadDemo(data schema.Data) error {
	app.say("loading the demo data")
	return app.Store.InTx(app.Context, func(tx *store.Store) error {
		for _, t := range data.Tables {
			if err := tx.CopyTable(app.Context, t.Name, t.Columns, t.Rows); err != nil {
				return err
			}
		}
		if err := tx.RunScript(app.Context, data.Sequences()); err != nil {
			return err
		}
		return tx.MarkDemo(app.Context)
	})
}

// finishDemo seals account 1, empties its plain columns and sets who is masked; what is done already stays.
func (app *App) finishDemo(data schema.Data) error {
	policy, err := app.Store.ReadPolicy(app.Context, 0, []int64{schema.Acme})
	if err != nil {
		return err
	}
	if policy.Settings[schema.Acme].Phases[chat.Attributes] != chat.SealedOnly {
		err := app.Vault.SealAccount(app.Context, schema.Acme, func(s vault.Sealing) { app.say("sealed %d rows of kind %s", s.Rows, s.Kind) })
		if err != nil {
			return err
		}
		if err := app.Store.BlankDemo(app.Context, schema.Acme); err != nil {
			return err
		}
		for _, d := range chat.Datasets { // attributes is the last, and marks the end
			if err := app.Vault.SetPhase(app.Context, schema.Acme, d, chat.SealedOnly); err != nil {
				return err
			}
		}
	}
	return app.setDemoMasking(data)
}

const demoReason = "set up with the demo data"

func (app *App) setDemoMasking(data schema.Data) error {
	var root *chat.Viewer
	for _, u := range data.Users {
		if u.Type == "SuperAdmin" {
			root = &chat.Viewer{User: &chat.User{ID: u.ID}, SuperAdmin: true}
		}
	}
	policy, err := app.Store.ReadPolicy(app.Context, 0, []int64{schema.Acme})
	if err != nil {
		return err
	}
	if policy.Settings[schema.Acme].ContactPIIMasking {
		return nil // somebody may have changed settings since; they stay
	}
	for _, u := range data.Users {
		if u.Setting == "" {
			continue
		}
		change := vault.MaskingChange{AgentID: u.ID, Masked: u.Setting == "masked", Reason: demoReason}
		if err := app.Vault.SetMasking(app.Context, root, change); err != nil && chat.CodeOf(err) != chat.Conflict {
			return err
		}
	}
	_, err = app.Vault.SetFlag(app.Context, root, schema.Acme, chat.FlagContactPIIMasking, true, demoReason)
	return err
}
