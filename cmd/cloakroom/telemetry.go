package main

import (
	"context"
	"log"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel"

	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/resolvers"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/telemetry"
	"github.com/cloakroom/cloakroom/vault"
)

// openLog makes the log, and gives it to whatever would write past it: the log package and the libraries.
func (app *App) openLog() {
	names := resolvers.PersonalNames(graph.NewExecutableSchema(graph.Config{}).Schema())
	app.Log = slog.New(telemetry.NewHandler(app.Stderr, logLevels[app.Config.LogLevel], names))
	slog.SetDefault(app.Log)
	redis.SetLogger(telemetry.NewLibrary(app.Log, "go-redis"))
	otel.SetLogger(logr.FromSlogHandler(app.Log.Handler()))
	otel.SetErrorHandler(telemetry.NewLibrary(app.Log, "opentelemetry"))
}

// serverLog is where net/http writes what it has to say, panics included.
func (app *App) serverLog() *log.Logger {
	return log.New(telemetry.NewLibrary(app.Log, "net/http"), "", 0)
}

// openTracer starts the export of spans where the settings ask for it; without it there are none. stop sends what is
// left.
func (app *App) openTracer() (stop func(), err error) {
	if !app.Config.tracing() {
		return func() {}, nil
	}
	provider, shutdown, err := telemetry.NewTracerProvider(app.Context, version)
	if err != nil {
		return nil, err
	}
	app.Tracer = telemetry.NewTracer(provider)
	return func() {
		if err := shutdown(context.Background()); err != nil { // the app's own context has ended by now
			app.Log.Warn("the last spans were not sent", "error", err)
		}
	}, nil
}

// begin opens a request's operation and span, and counts for the span what the request takes; end closes it.
func (app *App) begin(ctx context.Context, r *http.Request, id string) (_ context.Context, end func(status int)) {
	operation := &telemetry.Operation{RequestID: id}
	ctx, span := app.Tracer.StartRequest(telemetry.WithOperation(vault.WithRequestID(ctx, id), operation), r)
	if !span.IsRecording() {
		return ctx, func(int) {}
	}
	ctx, database := store.WithCount(ctx)
	ctx, records := vault.WithTrips(ctx)
	ctx, budgets := vault.WithBudgetTrips(ctx)
	return ctx, func(status int) {
		f := &operation.Facts
		f.Statements, f.RoundTrips = int(database.Statements.Load()), int(database.RoundTrips.Load())
		f.RedisTrips = int(records.Load() + budgets.Load())
		telemetry.EndRequest(span, operation, status)
	}
}

// methods are those that a request is logged with: any other is text of the client's.
var methods = map[string]bool{http.MethodGet: true, http.MethodHead: true, http.MethodPost: true, http.MethodPut: true,
	http.MethodPatch: true, http.MethodDelete: true, http.MethodOptions: true}

// logRequest writes a request's line. A path that is not served is text of the client's, and is not written.
func (app *App) logRequest(r *http.Request, status int, took time.Duration) {
	if !app.Log.Enabled(r.Context(), slog.LevelDebug) {
		return
	}
	method, path := r.Method, r.URL.Path
	if !methods[method] {
		method = "other"
	}
	if r.Pattern == "" {
		path = "other"
	}
	app.Log.DebugContext(r.Context(), "request", "method", method, "path", path, "status", status, "took", took)
}

// answered notes an answer's status on its way out; 0 is none yet.
type answered struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status; those below 200 come before the one that stays.
func (a *answered) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Write answers 200 where no status was written before, as net/http does.
func (a *answered) Write(p []byte) (int, error) {
	a.orElse(http.StatusOK)
	return a.ResponseWriter.Write(p)
}

// orElse is the status where none was written.
func (a *answered) orElse(status int) {
	if a.status < http.StatusOK {
		a.status = status
	}
}

// Flush is for answers that are sent bit by bit.
func (a *answered) Flush() { _ = http.NewResponseController(a.ResponseWriter).Flush() } // a writer that cannot sends at the end

// Unwrap lets http.ResponseController find what is below.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }
