package resolvers_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/vault"
)

// workload is one of the four questions that a dashboard asks all day, with what it may cost.
type workload struct {
	name, query                  string
	statements, trips, redisMost int64
}

var workloads = []workload{
	{"W1 inbox page", `query ($a: ID!, $d: ID!, $e: String!, $n: Int!) { account(id: $a) { conversations(first: $n, filter: {status: [OPEN]}) {
 nodes { id displayId status labels unreadCount lastActivityAt contact { id name email phoneNumber } assignee { id name }
 lastMessage { id content messageType createdAt } } pageInfo { hasNextPage endCursor } }
 conversation(displayId: $d) @skip(if: true) { id } lookupContact(input: {email: $e}) @skip(if: true) { id } } }`, 2, 2, 1},
	{"W2 thread", `query ($a: ID!, $d: ID!, $e: String!, $n: Int!) { account(id: $a) { conversation(displayId: $d) { id displayId status
 contact { id name email phoneNumber } messages(last: $n) { nodes { id content messageType status createdAt
 sender { __typename ... on User { id name } ... on Contact { id name } ... on AgentBot { id name } } } pageInfo { hasPreviousPage } } }
 lookupContact(input: {email: $e}) @skip(if: true) { id } } }`, 2, 1, 1},
	{"W3 contacts page", `query ($a: ID!, $d: ID!, $e: String!, $n: Int!) { account(id: $a) { contacts(first: $n) { nodes {
 id name email phoneNumber lastActivityAt customAttributes { key value }
 conversations(first: 1) { nodes { id displayId status lastActivityAt } } } }
 conversation(displayId: $d) @skip(if: true) { id } lookupContact(input: {email: $e}) @skip(if: true) { id } } }`, 2, 2, 1},
	{"W4 look-up", `query ($a: ID!, $d: ID!, $e: String!, $n: Int!) { account(id: $a) { lookupContact(input: {email: $e}) { id name email phoneNumber }
 conversations(first: $n) @skip(if: true) { nodes { id } } conversation(displayId: $d) @skip(if: true) { id } } }`, 1, 1, 0},
}

// asker is a viewer with what they ask for.
type asker struct {
	viewer, account, display, email string
}

var askers = []asker{
	{"masked", "1", "1", "ines.moura.001@example.com"},
	{"exempt", "1", "1", "ines.moura.001@example.com"},
	{"exempt", "1", "358", "nobody@example.com"}, // of a deleted contact; and of nobody
	{"everything", "1", "2", "ines.moura.001@example.com"},
	{"stranger", "2", "1", "kwame.lindstroem.301@example.com"}, // nothing is sealed there
}

func (a asker) variables(n int) map[string]any {
	return map[string]any{"a": a.account, "d": a.display, "e": a.email, "n": n}
}

func TestCost(t *testing.T) {
	t.Parallel()
	e := newReplica(t, sealedDemo.Clone(t), leaseRedis(t), frozen()) // on a busy machine a viewer would be read again
	openKeysOf(t, e)
	openTrail(t, e)
	for _, w := range workloads {
		for _, a := range askers {
			for _, n := range []int{1, 25, 100} {
				what := fmt.Sprintf("%s of %d by %s in account %s", w.name, n, a.viewer, a.account)
				if err := e.redis.FlushDB(t.Context()).Err(); err != nil {
					t.Fatal(err)
				}
				w.ask(t, e, a, n, what+", cold")
				e.vault.Settle()
				w.ask(t, e, a, n, what+", warm")
			}
		}
	}
}

// openKeysOf has the keys of both accounts read, and made for the account that has sealed nothing yet: that is once
// per process and account, and no part of what a request costs.
func openKeysOf(t *testing.T, e *edge) {
	t.Helper()
	for _, id := range []string{"1", "2"} {
		e.ask(t, "root", `query ($a: ID!) { account(id: $a) { contacts(first: 1) { nodes { alias } } } }`, map[string]any{"a": id}).data(t, new(any))
	}
}

// openTrail has the ids of the next hundred entries reserved: that is no part of what one costs.
func openTrail(t *testing.T, e *edge) {
	t.Helper()
	if err := e.vault.Record(t.Context(), chat.AuditEntry{Actor: chat.Operator, Action: chat.Refused, EntityType: "nothing"}); err != nil {
		t.Fatal(err)
	}
}

// ask asks once and holds the cost against what is allowed.
func (w workload) ask(t *testing.T, e *edge, a asker, n int, what string) {
	t.Helper()
	c := new(cost)
	ctx, spent := vault.WithBudgetTrips(context.WithValue(t.Context(), costKey{}, c))
	e.send(ctx, newRequest(t, a.viewer, w.query, a.variables(n))).data(t, new(any))
	statements, trips, budget := w.statements, w.trips, int64(0)
	if w.unseenBy(a) {
		statements, trips, budget = statements+perEntry, trips+perEntry, 1
	}
	if a.viewer == "everything" {
		statements, trips = statements+perEntry, trips+perEntry
		if strings.HasPrefix(w.name, "W4") {
			statements, trips = statements+perEntry, trips+perEntry
		}
	}
	if got := c.Statements.Load(); got > statements || got == 0 {
		t.Errorf("%s: %d statements, want 1 to %d", what, got, statements)
	}
	if got := c.RoundTrips.Load(); got > trips {
		t.Errorf("%s: %d round trips to PostgreSQL, want at most %d", what, got, trips)
	}
	if got := c.redis.Load(); got > w.redisMost {
		t.Errorf("%s: %d round trips to Redis for records, want at most %d", what, got, w.redisMost)
	}
	if got := spent.Load(); got != budget {
		t.Errorf("%s: %d round trips to Redis for budgets, want %d", what, got, budget)
	}
}

// perEntry is what it takes to put one look-up on record, or what a service is shown by one answer.
const perEntry = 1

// unseenBy says that the workload is a look-up by somebody from whom the value is hidden.
func (w workload) unseenBy(a asker) bool {
	return a.viewer == "masked" && strings.HasPrefix(w.name, "W4")
}

// TestCostUnderLoad asks eight times at once: a loader that waited for company would batch across nothing.
func TestCostUnderLoad(t *testing.T) {
	t.Parallel()
	e := newReplica(t, sealedDemo.Clone(t), leaseRedis(t), frozen()) // on a busy machine a viewer would be read again
	openKeysOf(t, e)
	openTrail(t, e)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j, w := range workloads {
				a := askers[(i+j)%len(askers)]
				w.ask(t, e, a, 25, fmt.Sprintf("%s by %s among eight", w.name, a.viewer))
			}
		})
	}
	all.Wait()
}

// TestAnswersWithoutRedis holds the answers of a replica whose Redis is gone, and those after the cache was emptied,
// against those of a warm one. What takes a budget that lies in Redis is refused without it.
func TestAnswersWithoutRedis(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	alone := newReplica(t, e.store, nowhere())
	for _, w := range workloads {
		for _, a := range askers {
			want := string(normal(t, e.ask(t, a.viewer, w.query, a.variables(25)).body))
			e.vault.Settle()
			if got := string(normal(t, e.ask(t, a.viewer, w.query, a.variables(25)).body)); got != want {
				t.Errorf("%s by %s: the warm answer is another", w.name, a.viewer)
			}
			answer := alone.ask(t, a.viewer, w.query, a.variables(25))
			if w.unseenBy(a) {
				if code, _ := fault(t, answer); code != string(chat.Limited) {
					t.Errorf("%s by %s without Redis: code %q", w.name, a.viewer, code)
				}
			} else if got := string(normal(t, answer.body)); got != want {
				t.Errorf("%s by %s: the answer without Redis is another", w.name, a.viewer)
			}
			if err := e.redis.FlushDB(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			if got := string(normal(t, e.ask(t, a.viewer, w.query, a.variables(25)).body)); got != want {
				t.Errorf("%s by %s: the answer after the cache was emptied is another", w.name, a.viewer)
			}
		}
	}
}
