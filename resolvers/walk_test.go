package resolvers_test

import (
	"testing"

	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/leaktest"
)

// walk gives documents that between them ask for every output field on every path.
func walk(t testing.TB) []question {
	t.Helper()
	documents, err := leaktest.NewWalk(graph.NewExecutableSchema(graph.Config{}).Schema()).Everything()
	if err != nil {
		t.Error(err)
	}
	list := make([]question, len(documents))
	for i, d := range documents {
		list[i] = question{name: d.Name, query: d.Query}
	}
	return list
}
