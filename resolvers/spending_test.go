package resolvers_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/resolvers"
	"github.com/cloakroom/cloakroom/vault"
)

// TestBudgetByCost spends a budget to its end: what it costs is paid by each viewer on their own.
func TestBudgetByCost(t *testing.T) {
	t.Parallel()
	e := newEdge(t).with(t, resolvers.Settings{Open: true, Limit: vault.Limit{Burst: 1000, Restore: 1}})
	query := inAccount(`contacts(first: 50) { nodes { email } }`) // 302 points
	for i := range 3 {
		answer := e.ask(t, "exempt", query, nil)
		answer.data(t, new(any))
		c := costOf(t, answer)
		if c.RequestedQueryCost != 302 || c.ThrottleStatus == nil || c.ThrottleStatus.MaximumAvailable != 1000 || c.ThrottleStatus.RestoreRate != 1 {
			t.Fatalf("%+v", c)
		}
		if left := c.ThrottleStatus.CurrentlyAvailable; left < 1000-302*(i+1) || left > 1000-302*(i+1)+30 {
			t.Errorf("after %d requests %d points are said to be left", i+1, left)
		}
	}
	answer := e.ask(t, "exempt", query, nil)
	wantFault(t, answer, "LIMITED", "")
	if answer.status != http.StatusTooManyRequests || answer.header.Get("Retry-After") == "" || strings.Contains(string(answer.body), `"data"`) {
		t.Errorf("status %d, Retry-After %q: %s", answer.status, answer.header.Get("Retry-After"), answer.body)
	}
	e.ask(t, "exempt", `{ viewer { kind } }`, nil).data(t, new(any)) // what can be paid is answered
	e.ask(t, "admin", query, nil).data(t, new(any))
	e.ask(t, "everything", query, nil).data(t, new(any))
}

// TestBudgetUnknown has no Redis (L34's fault): personal values are closed, everything else goes on.
func TestBudgetUnknown(t *testing.T) {
	t.Parallel()
	e := newReplica(t, sealedDemo.Clone(t), nowhere()).with(t, resolvers.Settings{Open: true, Limit: vault.Limit{Burst: 1000, Restore: 1}})
	const query = `{ account(id: "1") { contacts(first: 5) { nodes { id name email emailState } } conversations(first: 3) { nodes { displayId status } } } }`
	for _, viewer := range []string{"masked", "exempt", "admin", "root"} {
		answer := e.ask(t, viewer, query, nil)
		answer.data(t, new(any))
		mustBeClean(t, hiddenValues(t), viewer, answer.body)
		if !strings.Contains(string(answer.body), `"HIDDEN"`) || strings.Contains(string(answer.body), `"VISIBLE"`) {
			t.Errorf("%s: %s", viewer, answer.body)
		}
	}
	for _, viewer := range []string{"everything", "pii-service", "reader-service"} {
		answer := e.ask(t, viewer, query, nil)
		if code, _ := fault(t, answer); code != "LIMITED" || answer.status != http.StatusServiceUnavailable {
			t.Errorf("%s: code %q, status %d", viewer, code, answer.status)
		}
	}
	// A name that is an address has no field to refuse: without the scopes it is the alias.
	answer := e.ask(t, "everything", inAccount(`contacts(first: 100) { nodes { id name alias } } conversations(first: 3) { nodes { displayId status } }`), nil)
	answer.data(t, new(any))
	mustBeClean(t, hiddenValues(t), "a service without its scopes", answer.body)
}

// TestNoBudget says what a request costs and nothing of what is left.
func TestNoBudget(t *testing.T) {
	t.Parallel()
	answer := shared().ask(t, "masked", `{ viewer { kind } }`, nil)
	answer.data(t, new(any))
	if c := costOf(t, answer); c.RequestedQueryCost != 1 || c.ThrottleStatus != nil {
		t.Errorf("%+v", c)
	}
}
