package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/events"
	"github.com/cloakroom/cloakroom/migrations"
	"github.com/cloakroom/cloakroom/resolvers"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// ServeCmd is `cloakroom serve`.
type ServeCmd struct{}

// Run serves until a signal.
func (ServeCmd) Run(app *App) error {
	if err := app.checkDatabase(); err != nil {
		return err
	}
	return app.serve(func(string) {})
}

// checkSchema says whether Cloakroom's own tables are there. It only reads: who serves need not own the schema.
func (app *App) checkSchema() error {
	if err := app.Store.CheckMigrated(app.Context, migrations.Files); err != nil {
		return fmt.Errorf("schema cloakroom is not up to date: run `cloakroom migrate up` (%w)", err)
	}
	return nil
}

// checkDatabase says before the first request what would fail in every one.
func (app *App) checkDatabase() error {
	missing, err := app.Store.CheckColumns(app.Context)
	if err != nil {
		return err
	}
	for _, optional := range missing {
		app.Log.Warn("this Chatwoot lacks something optional", "missing", optional.Name, "without_it", optional.Without)
	}
	return nil
}

const (
	requestDeadline = 10 * time.Second
	drainDeadline   = 15 * time.Second
)

// serve listens and calls ready with the URL, then drains when the context ends.
func (app *App) serve(ready func(url string)) error {
	tuneMemory()
	handler, err := app.handler()
	if err != nil {
		return err
	}
	stopTracer, err := app.openTracer()
	if err != nil {
		return err
	}
	defer stopTracer()
	listener, err := net.Listen("tcp", app.Config.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s (is something else there? set LISTEN): %w", app.Config.Listen, err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: requestDeadline,
		WriteTimeout: 2 * requestDeadline, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: app.serverLog()}
	go app.Bus.Listen(app.Context, nil, app.react)
	stopJobs, err := app.openJobs()
	if err != nil {
		return err
	}
	defer stopJobs()
	stopAuditLog, err := app.keepAuditLog()
	if err != nil {
		return err
	}
	defer stopAuditLog()
	defer app.keepSpool()()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	ready("http://" + listener.Addr().String())
	app.Log.Info("serving", "url", "http://"+listener.Addr().String(), "version", version)
	select {
	case err := <-failed:
		return err
	case <-app.Context.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainDeadline)
	defer cancel()
	go stopJobs() // while requests are let finish; what was deferred waits for it
	return server.Shutdown(ctx)
}

// react forgets what other replicas have changed.
func (app *App) react(e events.Event) {
	switch e.Kind {
	case events.KeysChanged:
		app.Vault.KeysChanged()
	case events.AccountChanged:
		app.Auth.ForgetAll()
	default:
		app.Auth.Forget(e.ID)
	}
}

// tuneMemory trades memory for time where the operator has not said otherwise: answers are short-lived garbage.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(512 << 20)
	}
}

// burst is how many seconds' points a viewer may spend at once: a person opens many screens in a row and then reads.
const burst = 50

func (app *App) handler() (http.Handler, error) {
	manifest, err := app.documents()
	if err != nil {
		return nil, err
	}
	graphql, err := resolvers.NewHandler(&resolvers.Resolver{Store: app.Store, Vault: app.Vault, Auth: app.Auth}, resolvers.Settings{
		Documents: manifest, Open: app.Config.Documents == "any", Log: app.Log,
		Limit: vault.Limit{Burst: burst * app.Config.RateLimit, Restore: app.Config.RateLimit},
	})
	if err != nil {
		return nil, err
	}
	trusted, err := parseProxies(app.Config.Proxies)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/graphql", app.authenticated(graphql))
	mux.Handle("POST /auth/sign_in", resolvers.SameOrigin(http.HandlerFunc(app.Auth.SignIn)))
	mux.Handle("DELETE /auth/sign_out", resolvers.SameOrigin(http.HandlerFunc(app.Auth.SignOut)))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", app.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(app.Registry, promhttp.HandlerOpts{}))
	return app.guarded(mux, trusted), nil
}

// authenticated lets a request in with its viewer, or not at all.
func (app *App) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		viewer, err := app.Auth.Authenticate(r.Context(), r)
		switch {
		case errors.Is(err, chat.ErrUnauthenticated):
			resolvers.Refuse(w, http.StatusUnauthorized, chat.ErrUnauthenticated)
			return
		case err != nil:
			app.Log.ErrorContext(r.Context(), "a viewer could not be read", "request_id", vault.RequestID(r.Context()), "error", store.Redact(err))
			resolvers.Refuse(w, http.StatusInternalServerError, chat.Errorf(chat.Internal, "the credentials could not be checked; try again"))
			return
		}
		ctx := vault.WithActor(auth.WithViewer(r.Context(), viewer), chat.ActorOf(viewer))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// headers let a browser do nothing with an answer but show it to whoever asked.
var headers = map[string][]string{
	"Cache-Control":                {"no-store"},
	"Content-Security-Policy":      {"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
	"Cross-Origin-Opener-Policy":   {"same-origin"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Permissions-Policy":           {"camera=(), geolocation=(), microphone=()"},
	"Referrer-Policy":              {"no-referrer"},
	"X-Content-Type-Options":       {"nosniff"},
	"X-Frame-Options":              {"DENY"},
}

// guarded gives every request an id and a deadline and its answer headers, and logs it by path alone. A change of keys
// waits for it.
func (app *App) guarded(next http.Handler, trusted proxies) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer app.Vault.Enter()()
		id := rand.Text()
		ctx, cancel := context.WithTimeout(r.Context(), requestDeadline)
		defer cancel()
		peer := trusted.peerOf(r)
		ctx, end := app.begin(vault.WithFrom(ctx, peer), r, id)
		h := w.Header()
		maps.Copy(h, headers)
		h.Set("X-Request-Id", id)
		answer, start := &answered{ResponseWriter: w}, time.Now()
		r = r.WithContext(ctx)
		r.RemoteAddr = net.JoinHostPort(peer, "0") // of the copy: what is limited by address is limited by this one
		defer func() {
			answer.orElse(http.StatusInternalServerError) // the handler panicked
			end(answer.status)
			app.logRequest(r, answer.status, time.Since(start))
		}()
		next.ServeHTTP(answer, r)
		answer.orElse(http.StatusOK)
	})
}

// ready says part by part whether requests can be served.
func (app *App) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	parts := map[string]error{
		"postgres":   app.Store.Ping(ctx),
		"redis":      app.Redis.Ping(ctx).Err(),
		"kms":        app.Vault.CheckKeys(ctx),
		"migrations": app.Store.CheckMigrated(ctx, migrations.Files),
	}
	status, lines := http.StatusOK, make(map[string]string, len(parts))
	for part, err := range parts {
		lines[part] = "ok"
		if err != nil {
			lines[part] = "failing"
			app.Log.WarnContext(ctx, "not ready", "part", part, "error", store.Redact(err))
			if part != "redis" { // without Redis answers are slower, not wrong
				status = http.StatusServiceUnavailable
			}
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(lines) // a client that went away is nobody's error
}
