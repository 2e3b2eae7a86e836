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
	"github.com/cloakroom/cloakroom/provider"
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

	stopAttending func()
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
	if command == "config" || command == "keys create-master" || strings.HasPrefix(command, "documents") || strings.HasPrefix(command, "audit key") || command == "audit verify-bundle" {
		return nil
	}
	if command == "demo" {
		if err := app.demoDefaults(); err != nil {
			return err
		}
	}
	migrating := strings.HasPrefix(command, "migrate")
	keyless := migrating || command == "audit verify"
	if err := app.Config.need(keyless); err != nil {
		return err
	}
	if app.Store, err = store.Open(app.Context, app.Config.DatabaseURL); err != nil {
		return err
	}
	if migrating {
		return nil
	}
	if keyless {
		return app.checkSchema()
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
	program, _, _ := strings.Cut(command, " ")
	return app.openVault(program, demo)
}

// openVault opens Redis, the master key and what stands on them.
func (app *App) openVault(program string, createKey bool) error {
	var err error
	if app.Redis, err = openRedis(app.Config.RedisURL); err != nil {
		return err
	}
	master, err := app.Config.keyServices().Open(app.Context, app.Config.MasterKey, createKey)
	if err != nil {
		return err
	}
	options := []keyring.Option{keyring.WithFollower(app.Config.keyServices().Open)}
	if app.Config.EpochLength == 0 {
		options = append(options, keyring.WithoutEpochs())
	}
	keys, err := keyring.New(master, app.Store, options...)
	if err != nil {
		return err
	}
	app.Registry = prometheus.NewRegistry()
	app.Registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	app.Bus = events.New(app.Redis, app.Log)
	app.Vault = vault.New(app.Store, keys, app.Redis, app.Bus, app.Log, app.Registry)
	app.Vault.Schedule = app.Config.schedule()
	if app.Vault.Providers, err = provider.Load(app.Config.Providers); err != nil {
		return fmt.Errorf("PROVIDERS: %w", err)
	}
	if app.Config.VaultSpool != "" {
		if err := app.Vault.OpenSpool(app.Config.VaultSpool); err != nil {
			return fmt.Errorf("VAULT_SPOOL: %w", err)
		}
	}
	if err := app.attend(program); err != nil {
		return err
	}
	installation, err := keys.Account(app.Context, 0)
	if err != nil {
		return fmt.Errorf("open the installation's keys: %s", strings.ReplaceAll(err.Error(), "\n", "; ")) // several fail at once
	}
	if app.Pepper, err = installation.Pepper(); err != nil {
		return err
	}
	app.Auth = auth.New(app.Store, app.Pepper, auth.WithLogger(app.Log), auth.OnSignIn(app.recordSignIn), auth.OnRefused(app.recordRefusedToken))
	return nil
}

// attend follows changes of keys from before the first key is read until Close: also while what is under way is let
// finish, because that may use keys.
func (app *App) attend(program string) error {
	if err := app.Vault.Register(app.Context, program); err != nil {
		return err
	}
	ctx, end := context.WithCancel(context.WithoutCancel(app.Context))
	attending := make(chan struct{})
	go func() {
		defer close(attending)
		app.Vault.Attend(ctx)
	}()
	app.stopAttending = func() { end(); <-attending }
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

// recordRefusedToken puts on record that somebody presented a service token that is void or was never given out.
func (app *App) recordRefusedToken(ctx context.Context, tokenID string) {
	if tokenID == "" {
		tokenID = "unknown"
	}
	entry := chat.AuditEntry{Actor: chat.Actor{Kind: "UNAUTHENTICATED", ID: "unknown"}, Action: chat.Refused, EntityType: "service_token", EntityID: tokenID}
	if err := app.Vault.RecordRefused(ctx, entry); err != nil {
		app.Log.ErrorContext(ctx, "a refused service token is not on record", "error", store.Redact(err))
	}
}

// leave has nobody wait for this process any more.
func (app *App) leave() {
	if app.stopAttending == nil {
		return
	}
	app.stopAttending()
	if err := app.Vault.Deregister(app.Context); err != nil {
		app.Log.Warn("other replicas wait half a minute for this one", "error", store.Redact(err))
	}
}

// Close lets what is under way finish and closes every connection.
func (app *App) Close() {
	if app.Vault != nil {
		app.Vault.StopRefreshing()
		app.Vault.Settle()
		app.leave()
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
