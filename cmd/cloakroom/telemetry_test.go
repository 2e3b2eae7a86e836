package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/leaktest"
)

// spanCollector is where the program sends its spans: it keeps the bytes as they came, and what they say.
type spanCollector struct {
	sync.Mutex
	raw   []byte
	spans []*tracepb.Span
}

func (c *spanCollector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	var err error
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, err = gzip.NewReader(r.Body)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	text, err := io.ReadAll(body)
	var export coltracepb.ExportTraceServiceRequest
	if err != nil || proto.Unmarshal(text, &export) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.Lock()
	defer c.Unlock()
	c.raw = append(c.raw, text...)
	for _, resource := range export.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// TestSpansAndLogsOfTheProgram asks a server for everything personal it has, by every kind of client's text, with its
// log at the finest. Spans arrive, and neither in them nor in the log is a value of the demo's or a word of a client's.
func TestSpansAndLogsOfTheProgram(t *testing.T) {
	t.Parallel()
	collector := new(spanCollector)
	receiver := httptest.NewServer(collector)
	t.Cleanup(receiver.Close)
	program, err := exec.LookPath("cloakroom") // testscript puts this very test binary there
	if err != nil {
		t.Fatal(err)
	}
	p := startProduction(t, program, "DOCUMENTS=any", "LOG_LEVEL=debug", "OTEL_EXPORTER_OTLP_ENDPOINT="+receiver.URL,
		"OTEL_RESOURCE_ATTRIBUTES=service.namespace=support,process.owner=zebulon,host.name=zebulon-laptop", "OTEL_SERVICE_NAME=cloakroom-eu")
	found := p.askForEverything(t)
	p.end(t)

	demo, err := schema.Demo(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	needles := leaktest.Hidden(demo, schema.Acme)
	for _, address := range found {
		needles.Plant("asked for", address)
	}
	for name, text := range map[string][]byte{"the spans": collector.raw, "the log": p.log.Bytes()} {
		if hits := needles.Find(text); len(hits) > 0 {
			t.Errorf("%s hold personal values: %v", name, hits)
		}
		if i := bytes.Index(bytes.ToLower(text), []byte("zebulon")); i >= 0 {
			t.Errorf("%s hold a client's words: …%q", name, text[max(0, i-80):min(len(text), i+80)])
		}
	}
	checkSpans(t, collector)
	checkLog(t, p.log.String())
}

// askForEverything gives the addresses it was shown.
func (p *production) askForEverything(t *testing.T) (addresses []string) {
	t.Helper()
	page := `{ account(id: "1") { contacts(first: 25) { nodes { name email phoneNumber identifier contactInboxes { sourceId } } } } }`
	var answer struct {
		Data struct {
			Account struct {
				Contacts struct {
					Nodes []struct{ Email, PhoneNumber string }
				}
			}
		}
	}
	if err := json.Unmarshal(p.post(t, schema.Root, "/graphql", map[string]any{"query": page}), &answer); err != nil {
		t.Fatal(err)
	}
	for _, c := range answer.Data.Account.Contacts.Nodes {
		if address := cmp.Or(c.Email, c.PhoneNumber); address != "" {
			addresses = append(addresses, address)
		}
	}
	if len(addresses) < 5 {
		t.Fatalf("the page shows %d addresses", len(addresses))
	}
	one := addresses[0]
	for user := range p.tokens {
		for _, body := range []map[string]any{
			{"query": page},
			{"query": fmt.Sprintf(`query Zebulon { Zebulon: account(id: "1") { lookupContact(input: {email: %q}) { id email } } }`, one)},
			{"query": `query Zebulon($v: String) { account(id: "1") { lookupContact(input: {email: $v}) { id } } }`, "variables": map[string]any{"v": one}, "operationName": "Zebulon"},
			{"query": `query($v: Int!) { account(id: $v) { contacts(first: $v) { nodes { id } } } }`, "variables": map[string]any{"v": one}},
			{"query": "{ zebulon " + one + " }", "operationName": one},
			{"query": "{ viewer { kind } }", "variables": one},
		} {
			p.post(t, user, "/graphql", body)
		}
	}
	p.post(t, schema.Root, "/zebulon/"+one+"?q="+one, map[string]any{"email": one})
	p.post(t, schema.Root, "/auth/sign_in", map[string]any{"email": one, "password": "zebulon"})
	return addresses
}

// post asks as a user, with a client's text in every header that telemetry could read.
func (p *production) post(t *testing.T, user int64, path string, body map[string]any) []byte {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.address+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Content-Type": "application/json", "Api-Access-Token": p.tokens[user], "User-Agent": "zebulon", "Referer": "http://zebulon.example/",
		"Traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "Tracestate": "v=zebulon", "Baggage": "c=zebulon", "X-Request-Id": "zebulon"} {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func checkSpans(t *testing.T, collector *spanCollector) {
	t.Helper()
	names := make(map[string]int)
	for _, span := range collector.spans {
		names[span.Name]++
		said := make(map[string]string)
		for _, a := range span.Attributes {
			said[a.Key] = a.Value.String()
		}
		if said["request_id"] == "" || said["http.response.status_code"] == "" || len(span.Events) > 0 {
			t.Errorf("a span of %s says %v", span.Name, span)
		}
		if len(span.TraceId) != 16 || span.TraceState != "" {
			t.Errorf("a span of %s is of trace %x, state %q", span.Name, span.TraceId, span.TraceState)
		}
	}
	if names["POST /graphql"] < 10 || names["POST /auth/sign_in"] == 0 || names["HTTP request"] == 0 || names["GET /readyz"] == 0 {
		t.Errorf("spans by name: %v", names)
	}
	for _, want := range []string{"cloakroom-eu", "support", "graphql.document.hash", "cloakroom.viewer.kind", "cloakroom.cost", "cloakroom.statements", "cloakroom.round_trips", "cloakroom.redis_trips", "error.type"} {
		if !bytes.Contains(collector.raw, []byte(want)) {
			t.Errorf("no span says %s", want)
		}
	}
}

func checkLog(t *testing.T, log string) {
	t.Helper()
	requests := 0
	for line := range strings.Lines(log) {
		var said struct {
			Msg, Method, Path string
			RequestID         string `json:"request_id"`
			Status            int
		}
		if err := json.Unmarshal([]byte(line), &said); err != nil {
			t.Errorf("a line is no JSON: %s", line)
		}
		if said.Msg != "request" {
			continue
		}
		requests++
		if said.RequestID == "" || said.Status == 0 || said.Path == "" || said.Method == "" || strings.Contains(line, "[redacted]") {
			t.Errorf("a request's line: %s", line)
		}
	}
	if requests < 10 {
		t.Errorf("%d requests were logged", requests)
	}
}

// OpenTelemetry's libraries read the environment alone, so what the file of settings says of them is put there; the
// environment wins, and OTEL_SDK_DISABLED wins over both.
func TestTracingIsAsked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "env")
	text := "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318\nOTEL_EXPORTER_OTLP_HEADERS=a=b\nOTEL_SERVICE_NAME=of-the-file\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"} {
		t.Setenv(name, "") // so that the test's end takes away what the file brings
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("OTEL_SERVICE_NAME", "of-the-environment")
	c, err := readConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := os.Getenv("OTEL_EXPORTER_OTLP_HEADERS"); got != "a=b" || os.Getenv("OTEL_SERVICE_NAME") != "of-the-environment" {
		t.Errorf("headers %q, service %q", got, os.Getenv("OTEL_SERVICE_NAME"))
	}
	for disabled, want := range map[string]bool{"": true, "false": true, "true": false, "TRUE": false} {
		if c.OTELDisabled = disabled; c.tracing() != want {
			t.Errorf("OTEL_SDK_DISABLED=%s: tracing is %v", disabled, !want)
		}
	}
	c.OTELDisabled, c.OTLPEndpoint = "", "collector:4318"
	if err := c.check(); err == nil || !strings.Contains(err.Error(), "OTEL_EXPORTER_OTLP_ENDPOINT must be a URL") {
		t.Errorf("an endpoint that is no URL: %v", err)
	}
	if c.OTLPEndpoint = ""; c.tracing() {
		t.Error("spans are sent although nobody said where to")
	}
}
