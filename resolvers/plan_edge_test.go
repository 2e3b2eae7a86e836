package resolvers_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/resolvers"
)

// TestPlansAnswerAsTheExecutorDoes asks everything there is to be asked both ways.
func TestPlansAnswerAsTheExecutorDoes(t *testing.T) {
	t.Parallel()
	planned := shared()
	slow := planned.with(t, resolvers.Settings{Open: true, FieldByField: true})
	for nth, viewer := range []string{"masked", "exempt", "pii-service", "reader-service", "everything", "stranger"} {
		for i, q := range append(questions(t), walk(t)...) {
			if q.changes() || (nth+i)%thinned != 0 {
				continue
			}
			got := normal(t, planned.ask(t, viewer, q.query, q.variables).body)
			want := normal(t, slow.ask(t, viewer, q.query, q.variables).body)
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s as %s (-executor +plan):\n%s", q.name, viewer, diff)
			}
		}
	}
}

// TestWorkloadsArePlanned holds that the four workloads are answered from plans: a field that a plan does not know
// would send them back to the executor without a word.
func TestWorkloadsArePlanned(t *testing.T) {
	planned := newEdge(t)
	slow := planned.with(t, resolvers.Settings{Open: true, FieldByField: true})
	openKeysOf(t, planned)
	for _, w := range workloads[:3] {
		count := func(e *edge) float64 {
			return testing.AllocsPerRun(5, func() { e.ask(t, "exempt", w.query, askers[1].variables(25)) })
		}
		if fast, all := count(planned), count(slow); fast > all*0.6 {
			t.Errorf("%s: %.0f allocations from a plan, %.0f field by field: it was not planned", w.name, fast, all)
		}
	}
}
