package telemetry

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// scope is the name under which our spans are made; spans of any other are not ours to hand on.
const scope = "github.com/cloakroom/cloakroom/telemetry"

// other is the name of a request's span where method and path are not of the list: a path is text of the client's.
const other = "HTTP request"

// routes are the names a span can have, and the route of each. Whoever adds a path to the server adds it here.
var routes = map[string]string{
	"POST /graphql":         "/graphql",
	"POST /auth/sign_in":    "/auth/sign_in",
	"DELETE /auth/sign_out": "/auth/sign_out",
	"GET /console":          "/console",
	"GET /healthz":          "/healthz",
	"GET /readyz":           "/readyz",
	"GET /metrics":          "/metrics",
	other:                   "",
}

// Tracer makes the spans of requests. It takes no free attributes.
type Tracer struct{ tracer trace.Tracer }

// NewTracer makes spans with a provider of NewTracerProvider.
func NewTracer(provider trace.TracerProvider) *Tracer { return &Tracer{tracer: provider.Tracer(scope)} }

// StartRequest starts the span of a request, named after method and path, within the trace that its traceparent
// header names; a nil Tracer makes none. Its tracestate and baggage are text of the client's and are not read.
func (t *Tracer) StartRequest(ctx context.Context, r *http.Request) (context.Context, trace.Span) {
	if t == nil {
		return ctx, noop.Span{}
	}
	name := r.Method + " " + r.URL.Path
	if _, listed := routes[name]; !listed {
		name = other
	}
	parent := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(r.Header)))
	if parent.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, parent.WithTraceState(trace.TraceState{}))
	}
	return t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String(keyRequestID, OperationFrom(ctx).RequestID), attribute.String(keyRoute, routes[name])))
}

// EndRequest ends a request's span with what is known of its operation by now, and the answer's HTTP status.
func EndRequest(span trace.Span, o *Operation, status int) {
	defer span.End()
	if !span.IsRecording() {
		return
	}
	list := append(make([]attribute.KeyValue, 0, 12), attribute.Int(keyStatus, status))
	for _, text := range [...]struct{ key, value string }{
		{keyDocument, o.Document}, {keyOperation, o.Name}, {keyType, o.Facts.Type},
		{keyViewer, string(o.Facts.ViewerKind)}, {keyCode, string(o.Facts.Code)},
	} {
		if text.value != "" {
			list = append(list, attribute.String(text.key, text.value))
		}
	}
	for _, count := range [...]struct {
		key   string
		value int64
	}{
		{keyCost, int64(o.Facts.Cost)}, {keyStatements, int64(o.Facts.Statements)},
		{keyRoundTrips, int64(o.Facts.RoundTrips)}, {keyRedisTrips, int64(o.Facts.RedisTrips)},
	} {
		if count.value != 0 {
			list = append(list, attribute.Int64(count.key, count.value))
		}
	}
	span.SetAttributes(list...)
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
}
