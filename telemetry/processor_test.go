package telemetry

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/cloakroom/cloakroom/chat"
)

// record gives a provider whose spans go through Redacting into memory.
func record(t *testing.T, options ...sdktrace.TracerProviderOption) (*sdktrace.TracerProvider, *tracetest.InMemoryExporter) {
	t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	options = append(options, sdktrace.WithSpanProcessor(Redacting(sdktrace.NewSimpleSpanProcessor(exporter))))
	return sdktrace.NewTracerProvider(options...), exporter
}

func request(t *testing.T, method, path string, header map[string]string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return r
}

func TestSpanOfARequest(t *testing.T) {
	t.Parallel()
	provider, exporter := record(t)
	o := &Operation{RequestID: "2345672345ABCDEFGHIJKLMNOP"}
	r := request(t, http.MethodPost, "/graphql?email="+canaryEmail, map[string]string{
		"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"tracestate":  "vendor=zebulon", "baggage": "customer=zebulon",
	})
	ctx, span := NewTracer(provider).StartRequest(WithOperation(t.Context(), o), r)
	if got := trace.SpanFromContext(ctx); got != span {
		t.Error("the context does not carry the span")
	}
	o.Document, o.Name = sha256, "InboxPage"
	o.Facts = Facts{Type: "query", ViewerKind: chat.KindAgent, Code: chat.Limited, Statements: 3, RoundTrips: 4, RedisTrips: 2, Cost: 120}
	EndRequest(span, o, http.StatusServiceUnavailable)
	spans := exporter.GetSpans()
	if len(spans) != 1 {
		t.Fatalf("%d spans", len(spans))
	}
	got := spans[0]
	if got.Name != "POST /graphql" || got.SpanKind != trace.SpanKindServer || got.Status.Code != codes.Error || got.Status.Description != "" {
		t.Errorf("%+v", got)
	}
	if id := got.SpanContext.TraceID().String(); id != "4bf92f3577b34da6a3ce929d0e0e4736" || got.Parent.SpanID().String() != "00f067aa0ba902b7" {
		t.Errorf("trace %s, parent %s: the client's trace is not continued", id, got.Parent.SpanID())
	}
	if got.Parent.TraceState().Len()+got.SpanContext.TraceState().Len() > 0 {
		t.Error("the client's trace state was taken over")
	}
	want := map[attribute.Key]any{
		"request_id": o.RequestID, "http.route": "/graphql", "http.response.status_code": int64(503), "graphql.document.hash": sha256,
		"graphql.operation.name": "InboxPage", "graphql.operation.type": "query", "cloakroom.viewer.kind": "AGENT",
		"error.type": string(chat.Limited), "cloakroom.statements": int64(3), "cloakroom.round_trips": int64(4), "cloakroom.redis_trips": int64(2),
		"cloakroom.cost": int64(120),
	}
	if diff := cmp.Diff(want, values(got.Attributes)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}

func values(list []attribute.KeyValue) map[attribute.Key]any {
	m := make(map[attribute.Key]any)
	for _, a := range list {
		m[a.Key] = a.Value.AsInterface()
	}
	return m
}

func TestNamesOfRequests(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, path, name, route string }{
		{"GET", "/healthz", "GET /healthz", "/healthz"},
		{"POST", "/auth/sign_in", "POST /auth/sign_in", "/auth/sign_in"},
		{"GET", "/graphql", other, ""},
		{"POST", "/graphql/zebulon", other, ""},
		{"ZEBULON", "/graphql", other, ""},
		{"GET", "/" + canaryEmail, other, ""},
	} {
		provider, exporter := record(t)
		_, span := NewTracer(provider).StartRequest(t.Context(), request(t, c.method, c.path, nil))
		EndRequest(span, new(Operation), http.StatusOK)
		spans := exporter.GetSpans()
		if len(spans) != 1 || spans[0].Name != c.name || spans[0].Status.Code != codes.Unset {
			t.Errorf("%s %s: %+v", c.method, c.path, spans)
			continue
		}
		if route, _ := values(spans[0].Attributes)["http.route"].(string); route != c.route {
			t.Errorf("%s %s has the route %q", c.method, c.path, route)
		}
	}
}

// Without a tracer there are no spans, and nobody has to ask.
func TestNoTracer(t *testing.T) {
	t.Parallel()
	var nobody *Tracer
	ctx, span := nobody.StartRequest(t.Context(), request(t, "POST", "/graphql", nil))
	EndRequest(span, OperationFrom(ctx), http.StatusOK)
	if span.IsRecording() {
		t.Error("a span is recorded for nobody")
	}
}

// spoil makes a span as a careless caller would, with a canary wherever text goes.
func spoil(tracer trace.Tracer, name string) {
	remote := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, Remote: true, TraceState: state(), TraceFlags: trace.FlagsSampled})
	_, span := tracer.Start(trace.ContextWithSpanContext(context.Background(), remote), name,
		trace.WithLinks(trace.Link{SpanContext: remote, Attributes: []attribute.KeyValue{attribute.String("customer", canaryName)}}),
		trace.WithAttributes(
			attribute.String("customer", canaryName), attribute.String(canaryEmail, "x"), attribute.StringSlice("list", []string{canaryName}),
			attribute.String(keyRequestID, canaryEmail), attribute.String(keyDocument, canaryName), attribute.String(keyOperation, "p5551234567"),
			attribute.String(keyType, canaryName), attribute.String(keyStatus, canaryName), attribute.String(keyRoute, "/zebulon"),
			attribute.String(keyCode, canaryName), attribute.String(keyViewer, canaryName), attribute.Int64(keyCost, 15551234567),
			attribute.String("graphql.document", `{ lookup(email: "`+canaryEmail+`") }`), attribute.Int64("phone", 15551234567),
		))
	span.AddEvent(canaryName, trace.WithAttributes(attribute.String("email", canaryEmail)))
	span.AddEvent("log", trace.WithAttributes(attribute.String("exception.type", canaryName)))
	span.RecordError(errors.New("no contact "+canaryEmail+" of "+canaryName), trace.WithStackTrace(true), trace.WithAttributes(attribute.String("customer", canaryName)))
	span.SetStatus(codes.Error, "no contact "+canaryEmail+" of "+canaryName)
	span.End()
}

func state() trace.TraceState {
	s, err := trace.ParseTraceState("vendor=zebulon")
	if err != nil {
		panic(err)
	}
	return s
}

// spoiltResource has what detectors find on a machine, and what an operator adds.
func spoiltResource() *resource.Resource {
	return resource.NewWithAttributes("https://zebulon.example/schema", attribute.String("service.name", "cloakroom"), attribute.String("service.version", canaryPhone),
		attribute.String("process.command", "cloakroom --for Zebulon"), attribute.String("process.owner", "zebulon"), attribute.String("host.name", "zebulon-laptop"),
		attribute.String("service.instance.id", canaryEmail), attribute.String("deployment.environment.name", "production"))
}

func TestRedactingSpans(t *testing.T) {
	t.Parallel()
	provider, exporter := record(t, sdktrace.WithResource(spoiltResource()))
	ours := provider.Tracer(scope, trace.WithInstrumentationVersion("zebulon"), trace.WithInstrumentationAttributes(attribute.String("zebulon", "x")))
	spoil(ours, "POST /graphql")
	spoil(ours, "lookup of "+canaryName)
	spoil(provider.Tracer("a library for "+canaryName), "POST /graphql")
	spans := exporter.GetSpans()
	if len(spans) != 1 {
		t.Fatalf("%d spans were handed on, want the one that is ours and has a name of the list", len(spans))
	}
	got := spans[0]
	if len(got.Attributes) != 0 {
		t.Errorf("attributes: %v", got.Attributes)
	}
	if len(got.Events) != 1 || got.Events[0].Name != "exception" || got.Events[0].Time.IsZero() {
		t.Fatalf("events: %v", got.Events)
	}
	if diff := cmp.Diff(map[attribute.Key]any{"exception.type": "*errors.errorString"}, values(got.Events[0].Attributes)); diff != "" {
		t.Errorf("the exception (-want +got):\n%s", diff)
	}
	if len(got.Links) != 1 || !got.Links[0].SpanContext.IsValid() || len(got.Links[0].Attributes) != 0 || got.Links[0].SpanContext.TraceState().Len() != 0 {
		t.Errorf("links: %+v", got.Links)
	}
	if got.Status != (sdktrace.Status{Code: codes.Error}) {
		t.Errorf("status: %+v", got.Status)
	}
	if s := got.InstrumentationScope; s.Name != scope || s.Version != "" || s.Attributes.Len() != 0 || s.SchemaURL != "" {
		t.Errorf("scope: %+v", s)
	}
	kept := values(got.Resource.Attributes())
	if kept["service.name"] != "cloakroom" || kept["deployment.environment.name"] != "production" || got.Resource.SchemaURL() != "" {
		t.Errorf("resource: %v", got.Resource)
	}
	for key := range kept {
		if slices.Contains([]attribute.Key{"service.version", "service.instance.id", "process.command", "process.owner", "host.name"}, key) {
			t.Errorf("the resource says %s", key)
		}
	}
	if got.SpanContext.TraceState().Len()+got.Parent.TraceState().Len() != 0 {
		t.Error("a trace state was handed on")
	}
	if got.StartTime.IsZero() || got.EndTime.Before(got.StartTime) || time.Since(got.EndTime) > time.Hour {
		t.Errorf("from %v to %v", got.StartTime, got.EndTime)
	}
}

// The next processor is asked to flush and to shut down, and sees no span before it is clean.
func TestRedactingPassesOn(t *testing.T) {
	t.Parallel()
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(Redacting(recorder)))
	spoil(provider.Tracer(scope), "POST /graphql")
	if err := errors.Join(provider.ForceFlush(t.Context()), provider.Shutdown(t.Context())); err != nil {
		t.Error(err)
	}
	if started, ended := recorder.Started(), recorder.Ended(); len(started) != 0 || len(ended) != 1 {
		t.Errorf("%d open spans and %d ended ones were handed on", len(started), len(ended))
	}
}

// TestEveryMethodOfASpanIsDecided fails when OpenTelemetry adds something to spans: cleanSpan would pass it on.
func TestEveryMethodOfASpanIsDecided(t *testing.T) {
	t.Parallel()
	passedOn := []string{"ChildSpanCount", "DroppedAttributes", "DroppedEvents", "DroppedLinks", "EndTime", "Name", "SpanKind", "StartTime", "private"}
	replaced := []string{"Attributes", "Events", "InstrumentationLibrary", "InstrumentationScope", "Links", "Parent", "Resource", "SpanContext", "Status"}
	var methods []string
	for i, span := 0, reflect.TypeFor[sdktrace.ReadOnlySpan](); i < span.NumMethod(); i++ {
		methods = append(methods, span.Method(i).Name)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(slices.Concat(passedOn, replaced))), slices.Sorted(slices.Values(methods))); diff != "" {
		t.Errorf("methods of a span (-decided +there):\n%s", diff)
	}
}
