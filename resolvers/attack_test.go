package resolvers_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// attack is one request that is made to hurt, and what it may cost.
type attack struct {
	name      string
	viewer    string // "" for an exempted agent
	query     string
	variables string                // JSON, "" for none
	raw       string                // the body itself, in place of query and variables
	dress     func(r *http.Request) // changes the request, nil for nothing
	within    time.Duration         // of the server, 0 for 10 ms
	most      int                   // bytes of the answer, 0 for 500
	status    int                   // 0 for 200
	code      string                // of the first error, "" for none
	field     string                // of the first error
}

// patience is how long an answer in time is waited for, on a machine that has other work.
const patience = 10 * time.Second

// errorsMost is what ten errors may come to.
const errorsMost = 4000

func (a attack) request(t *testing.T, try int) *http.Request {
	t.Helper()
	body := a.raw
	if a.raw == "" {
		// Spaces make each try a document of its own: a validated one is kept, and would cost nothing again.
		body = `{"query": ` + quoted(t, a.query+strings.Repeat(" ", try))
		if a.variables != "" {
			body += `, "variables": ` + a.variables
		}
		body += "}"
	}
	viewer := a.viewer
	if viewer == "" {
		viewer = "exempt"
	}
	r := rawRequest(t, viewer, strings.NewReader(body))
	r.Host = "cloakroom.example"
	if a.dress != nil {
		a.dress(r)
	}
	return r
}

// launch asks until one answer came in time, because whatever else a machine does only adds to what is measured.
func (a attack) launch(t *testing.T, e *edge) reply {
	t.Helper()
	within := max(a.within, 10*time.Millisecond) * slowdown
	var answer reply
	fastest, deadline := time.Hour, time.Now().Add(patience)
	for try := 0; fastest > within && time.Now().Before(deadline); try++ {
		r := a.request(t, try)
		start := time.Now()
		answer = e.send(t.Context(), r)
		if fastest = min(fastest, time.Since(start)); fastest <= within {
			break
		}
	}
	t.Logf("%s, %d bytes: %.200s", fastest, len(answer.body), answer.body)
	if fastest > within {
		t.Errorf("it took %s, want at most %s", fastest, within)
	}
	if most := max(a.most, 500); len(answer.body) > most {
		t.Errorf("the answer has %d bytes, want at most %d: %.300s", len(answer.body), most, answer.body)
	}
	if status := max(a.status, http.StatusOK); answer.status != status {
		t.Errorf("status %d, want %d", answer.status, status)
	}
	wantFault(t, answer, a.code, a.field)
	mustNotEcho(t, e, answer)
	mustNotTell(t, answer)
	return answer
}

// mustNotTell fails where an answer says what only the source, a debugger or who may read the schema knows.
func mustNotTell(t *testing.T, answer reply) {
	t.Helper()
	for _, telling := range []string{"Did you mean", "goroutine ", ".go:", "runtime error", "panic", "SQLSTATE", "pgx", "tracing", "xception", "stacktrace"} {
		if strings.Contains(string(answer.body), telling) {
			t.Errorf("the answer tells %q: %.400s", telling, answer.body)
		}
	}
}

// launchAll measures time, so that its test must not run beside others.
func launchAll(t *testing.T, e *edge, attacks []attack) {
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) { a.launch(t, e) })
	}
}

// again repeats fields in one selection.
func again(n int, field string) string { return strings.Repeat(field+" ", n) }

// numbered repeats a pattern with a number in it.
func numbered(n int, pattern string) string {
	var b strings.Builder
	for i := range n {
		_, _ = fmt.Fprintf(&b, pattern, i)
	}
	return b.String()
}

// doubling writes fragments of which each spreads the next one twice: 2 to the power of n fields in few tokens.
func doubling(n int, pattern, last string) string {
	var b strings.Builder
	for i := range n {
		_, _ = fmt.Fprintf(&b, pattern, i, i+1)
	}
	return b.String() + fmt.Sprintf(last, n)
}

// long is a name, a text or a number of 10 KB: three of them fit into a document.
func long(s string) string { return strings.Repeat(s, 10_000/len(s)) }
