package resolvers_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/cloakroom/cloakroom/resolvers"
	"github.com/cloakroom/cloakroom/vault"
)

// TestGivenUpBeforeItBegan has a request whose time is up, or whose client is gone, before anything of it ran: gqlgen has
// no answer then.
func TestGivenUpBeforeItBegan(t *testing.T) {
	t.Parallel()
	e := shared()
	e.ask(t, "exempt", `{ viewer { kind } }`, nil).data(t, new(any)) // who asks is known, so that the request gets as far as that
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	answer := e.send(ctx, newRequest(t, "exempt", `{ viewer { kind } }`, nil))
	wantFault(t, answer, "LIMITED", "")
}

// TestPanics has a fault of ours, in a resolver and around it: one fixed sentence and a request id go out, the stack goes
// into the log, and no value into either.
func TestPanics(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	for name, settings := range map[string]resolvers.Settings{"in a resolver": {Open: true}, "around them": {Open: true, Limit: vault.Limit{Burst: 1, Restore: 1}}} {
		broken := *e
		broken.vault = nil
		answer := broken.with(t, settings).ask(t, "exempt", inAccount(`contact(id: "1") { email } lookupContact(input: {email: "`+badMail+`"}) { id }`), nil)
		var body struct {
			Errors []struct {
				Message    string
				Extensions struct{ Code, RequestID string }
			}
		}
		decode(t, answer.body, &body)
		if len(body.Errors) == 0 || body.Errors[0].Extensions.Code != "INTERNAL" || body.Errors[0].Extensions.RequestID == "" {
			t.Errorf("%s: status %d, %s", name, answer.status, answer.body)
		}
		mustNotEcho(t, e, answer)
		if bytes.Contains(answer.body, []byte("goroutine")) || bytes.Contains(answer.body, []byte("nil pointer")) {
			t.Errorf("%s: %s", name, answer.body)
		}
	}
	if !bytes.Contains(e.log.bytes(), []byte("panicked")) {
		t.Error("the log does not say what happened")
	}
}
