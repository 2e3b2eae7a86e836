package telemetry

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
)

// collector keeps every byte that is sent to it: bodies, paths and headers.
type collector struct {
	sync.Mutex
	got bytes.Buffer
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		body = unzipped
	}
	c.Lock()
	defer c.Unlock()
	c.got.WriteString(r.Method + " " + r.URL.String() + "\n")
	_ = r.Header.Write(&c.got) // a buffer takes everything
	_, _ = c.got.ReadFrom(body)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func (c *collector) text() string {
	c.Lock()
	defer c.Unlock()
	return c.got.String()
}

// TestExport looks at the bytes themselves: whatever form a canary has in a span, none is in them. Strings stand in
// protobuf as they are.
func TestExport(t *testing.T) {
	t.Parallel()
	received := new(collector)
	server := httptest.NewServer(received)
	defer server.Close()
	provider, shutdown, err := NewTracerProvider(t.Context(), "1.2.3", otlptracehttp.WithEndpointURL(server.URL+"/v1/traces"))
	if err != nil {
		t.Fatal(err)
	}
	o := &Operation{RequestID: "2345672345ABCDEFGHIJKLMNOP", Document: sha256, Name: "InboxPage"}
	_, span := NewTracer(provider).StartRequest(WithOperation(t.Context(), o), request(t, "POST", "/graphql", map[string]string{
		"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "v=zebulon", "baggage": "c=zebulon",
		"User-Agent": "zebulon",
	}))
	EndRequest(span, o, http.StatusOK)
	spoil(provider.Tracer(scope), "POST /graphql")
	spoil(provider.Tracer(scope), canaryName)
	spoil(provider.Tracer(canaryName), "POST /graphql")
	if err := shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := received.text()
	for _, want := range []string{"POST /v1/traces", o.RequestID, sha256, "InboxPage", "POST /graphql", "cloakroom", "1.2.3", "exception.type"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q was not sent", want)
		}
	}
	for _, canary := range []string{"zebulon", "quark", "5551234567", "customer", "phone", "exception.message", "stacktrace"} {
		if strings.Contains(strings.ToLower(got), canary) {
			t.Errorf("%q was sent: %q", canary, got)
		}
	}
}

// A collector that does not answer holds nobody up for longer than the deadline.
func TestShutdownHasADeadline(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	provider, shutdown, err := NewTracerProvider(t.Context(), "1.2.3", otlptracehttp.WithEndpointURL(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	_, span := NewTracer(provider).StartRequest(t.Context(), request(t, "GET", "/healthz", nil))
	EndRequest(span, new(Operation), http.StatusOK)
	start := time.Now()
	if err := shutdown(t.Context()); err == nil {
		t.Error("spans that did not arrive are taken for sent")
	}
	if took := time.Since(start); took > 2*shutdownDeadline {
		t.Errorf("the end waited for %v", took)
	}
}
