package leaktest

import (
	"fmt"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/cloakroom/cloakroom/resolvers"
)

// testSchema gives the schema of the program.
func testSchema() *ast.Schema { return resolvers.Schema() }

// load parses and validates a document.
func load(t testing.TB, schema *ast.Schema, d Document) *ast.QueryDocument {
	t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(schema, d.Query, rules.NewDefaultRules())
	if errs != nil {
		t.Fatalf("%s: %v\n%s", d.Name, errs, d.Query)
	}
	return doc
}

// weight is what a document comes to, counted naively: fragments spread, every operation for itself, the most of each.
type weight struct {
	depth, aliases, directives, roots, page, cost int
	variables                                     map[string]any
	fields                                        map[string]bool // Type.field, of the whole document
}

func weigh(doc *ast.QueryDocument, variables map[string]any) weight {
	most := weight{fields: make(map[string]bool)}
	for _, op := range doc.Operations {
		w := weight{fields: most.fields, variables: variables, roots: rootFields(op.SelectionSet)}
		w.cost = w.selections(op.SelectionSet, 1, 0)
		most.depth, most.aliases, most.directives = max(most.depth, w.depth), max(most.aliases, w.aliases), max(most.directives, w.directives)
		most.roots, most.page, most.cost = max(most.roots, w.roots), max(most.page, w.page), max(most.cost, w.cost)
	}
	return most
}

func rootFields(set ast.SelectionSet) int {
	n := 0
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			n++
		case *ast.InlineFragment:
			n += rootFields(s.SelectionSet)
		case *ast.FragmentSpread:
			n += rootFields(s.Definition.SelectionSet)
		}
	}
	return n
}

func (w *weight) selections(set ast.SelectionSet, depth, items int) int {
	cost := 0
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			cost += w.field(s, depth, items)
		case *ast.InlineFragment:
			w.directives += len(s.Directives)
			cost += w.selections(s.SelectionSet, depth, items)
		case *ast.FragmentSpread:
			w.directives += len(s.Directives)
			cost += w.selections(s.Definition.SelectionSet, depth, items)
		}
	}
	return cost
}

func (w *weight) field(f *ast.Field, depth, items int) int {
	w.depth = max(w.depth, depth)
	w.directives += len(f.Directives)
	if f.Alias != f.Name {
		w.aliases++
	}
	w.fields[f.ObjectDefinition.Name+"."+f.Name] = true
	if f.SelectionSet == nil {
		return pointsOf(f)
	}
	times := 1
	if f.Definition.Type.Elem != nil {
		times = max(items, 2)
	}
	page := 0
	if f.Definition.Arguments.ForName("first") != nil {
		page = 25
		for _, name := range []string{"first", "last"} {
			if n, err := fmt.Sscan(fmt.Sprint(f.ArgumentMap(w.variables)[name]), &page); err == nil && n == 1 {
				break
			}
		}
		w.page = max(w.page, page)
	}
	return times * (1 + w.selections(f.SelectionSet, depth+1, page))
}

func pointsOf(f *ast.Field) int {
	switch {
	case f.Definition.Directives.ForName("piiText") != nil:
		return 2
	case Personal(testSchema(), f.Definition):
		return 5
	default:
		return 0
	}
}
