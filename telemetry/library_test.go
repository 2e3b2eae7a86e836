package telemetry

import (
	"bytes"
	"errors"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLibrary(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := NewLibrary(slog.New(NewHandler(&out, slog.LevelInfo, nil)), "go-redis")
	ctx := WithOperation(t.Context(), &Operation{RequestID: "R"})
	l.Printf(ctx, "dial %s for %s\n", "127.0.0.1:6379", canaryEmail)
	if n, err := l.Write([]byte("two\nlines\n")); n != len("two\nlines\n") || err != nil {
		t.Errorf("Write gives %d, %v", n, err)
	}
	l.Handle(errors.New("traces export: call " + canaryPhone))
	l.Handle(nil)
	want := []map[string]any{
		{"request_id": "R", "library": "go-redis", "line": "dial 127.0.0.1:6379 for [redacted]"},
		{"library": "go-redis", "line": "two\nlines"},
		{"library": "go-redis", "error": "traces export: call +[redacted]"},
	}
	if got := lines(&out); len(got) != len(want) {
		t.Fatalf("%d lines: %s", len(got), out.String())
	}
	for i, line := range lines(&out) {
		if !strings.Contains(line, `"level":"WARN"`) {
			t.Errorf("no warning: %s", line)
		}
		if diff := cmp.Diff(want[i], written(t, line)); diff != "" {
			t.Errorf("line %d (-want +got):\n%s", i, diff)
		}
	}
}

// net/http prints the value of a panic before the stack.
func TestServerPanicIsLoggedWithoutItsValue(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logged := make(chan struct{}, 1)
	library := NewLibrary(slog.New(NewHandler(io.MultiWriter(&out, signal(logged)), slog.LevelInfo, nil)), "net/http")
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(canaryName + ": x\n\ngoroutine 1 [running]:\n" + canaryName)
	}))
	server.Config.ErrorLog = log.New(library, "", 0)
	server.Start()
	defer server.Close()
	if _, err := server.Client().Get(server.URL); err == nil {
		t.Error("a panic was answered")
	}
	<-logged
	text := written(t, out.String())["line"].(string)
	if strings.Contains(text, "Zebulon") || !strings.HasPrefix(text, "http: panic serving 127.0.0.1:") || !strings.Contains(text, "library_test.go:") {
		t.Errorf("logged: %s", text)
	}
}

// signal says that something was written.
type signal chan struct{}

func (s signal) Write(p []byte) (int, error) {
	select {
	case s <- struct{}{}:
	default:
	}
	return len(p), nil
}

func TestLinesOfPanics(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ line, want string }{
		{"", ""},
		{"http: TLS handshake error", "http: TLS handshake error"},
		{"http: panic serving 1.2.3.4:5: Zebulon", "http: panic serving 1.2.3.4:5"},
		{"http: panic serving", "http: panic serving"},
		{"http: panic serving 1.2.3.4:5: Z\ngoroutine 1\na: b", "http: panic serving 1.2.3.4:5\ngoroutine 1\na: b"},
		{"2026 http: panic serving [::1]:5: Z: Y\ngoroutine Q\ngoroutine 1\n", "2026 http: panic serving [::1]:5\ngoroutine 1\n"},
	} {
		if got := withoutPanic(c.line); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.line, got, c.want)
		}
	}
}
