package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/events"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/telemetry"
	"github.com/cloakroom/cloakroom/vault"
)

// App is the program put together, as far as a command needs it.
type App struct {
	Context context.Context
	Stdout  io.Writer
	Stderr  io.Writer
	EnvFile string
	Config  Config
	Log     *slog.Logger

	Store    *store.Store
	Redis    redis.UniversalClient
	Bus      *events.Bus
	Vault    *vault.Vault
	Auth     *auth.Authenticator
	Pepper   []byte
	Registry *prometheus.Registry
	Tracer   *telemetry.Tracer
}

var logLevels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}

// prepare reads the settings and opens what the command needs.
func (app *App) prepare(command string) error {
	if command == "version" {
		return nil
	}
	config, err := readConfig(app.EnvFile)
	if err != nil {
		return err
	}
	app.Config = config
	app.openLog()
	if command == "config" || strings.HasPrefix(command, "documents") {
		return nil
	}
	if command == "demo" {
		if err := app.demoDefaults(); err != nil {
			return err
		}
	}
	migrating := strings.HasPrefix(command, "migrate")
	if err := app.Config.need(migrating); err != nil {
		return err
	}
	if app.Store, err = store.Open(app.Context, app.Config.DatabaseURL); err != nil {
		return err
	}
	if migrating {
		return nil
	}
	demo := command == "demo" || command == "seed"
	if demo {
		err = app.createDemoTables()
	} else {
		err = app.checkSchema()
	}
	if err != nil {
		return err
	}
	return app.openVault(demo)
}

// openVault opens Redis, the master key and what stands on them.
func (app *App) openVault(createKey bool) error {
	var err error
	if app.Redis, err = openRedis(app.Config.RedisURL); err != nil {
		return err
	}
	master, err := keyring.OpenMasterKey(app.Context, app.Config.MasterKey, createKey)
	if err != nil {
		return err
	}
	keys, err := keyring.New(master, app.Store, keyring.WithFollower(keyring.OpenMasterKey))
	if err != nil {
		return err
	}
	installation, err := keys.Account(app.Context, 0)
	if err != nil {
		return fmt.Errorf("open the installation's keys: %w", err)
	}
	if app.Pepper, err = installation.Pepper(); err != nil {
		return err
	}
	app.Registry = prometheus.NewRegistry()
	app.Registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	app.Bus = events.New(app.Redis, app.Log)
	app.Vault = vault.New(app.Store, keys, app.Redis, app.Bus, app.Log, app.Registry)
	app.Auth = auth.New(app.Store, app.Pepper, auth.WithLogger(app.Log), auth.OnSignIn(app.recordSignIn))
	return nil
}

// recordSignIn puts sign-ins of super admins on record: they alone can unmask.
func (app *App) recordSignIn(ctx context.Context, v *chat.Viewer) {
	if !v.SuperAdmin {
		return
	}
	entry := chat.AuditEntry{Actor: chat.ActorOf(v), Action: chat.SignedIn, EntityType: "user", EntityID: chat.FormatID(v.UserID())}
	if err := app.Vault.Record(ctx, entry); err != nil {
		app.Log.ErrorContext(ctx, "a super admin's sign-in is not on record", "error", store.Redact(err))
	}
}

// Close lets what is under way finish and closes every connection.
func (app *App) Close() {
	if app.Vault != nil {
		app.Vault.Settle()
	}
	if app.Redis != nil {
		if err := app.Redis.Close(); err != nil {
			app.Log.Warn("closing Redis", "error", err.Error())
		}
	}
	if app.Store != nil {
		app.Store.Close()
	}
}
