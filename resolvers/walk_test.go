package resolvers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cloakroom/cloakroom/graph"
)

// walkDepth is how many fields deep the generated documents go: account, conversations, nodes, messages, nodes,
// sender, and what hangs off the sender.
const walkDepth = 7

// walkArguments are the arguments without which a field cannot be asked; first is added to connections.
var walkArguments = map[string]string{
	"Query.account":         `id: "1"`,
	"Account.contact":       `id: "1"`,
	"Account.lookupContact": `input: {email: "ines.moura.001@example.com"}`,
	"Account.conversation":  `displayId: "1"`,
	"User.role":             `accountId: "1"`,
	"Viewer.masked":         `accountId: "1"`,
}

// walkPages are the sizes of pages, by how many connections a path has gone through.
var walkPages = []int{25, 4, 2, 2}

// walker makes documents that between them ask for every output field on every path.
type walker struct {
	schema    *ast.Schema
	documents []question
	reached   map[string]bool // Type.field
}

// step is a selection on the way to an object.
type step struct{ name, text string }

// walk gives the documents; it fails for an output field that none of them asks for.
func walk(t testing.TB) []question {
	t.Helper()
	w := &walker{schema: graph.NewExecutableSchema(graph.Config{}).Schema(), reached: make(map[string]bool)}
	w.object(w.schema.Query, nil, 0)
	for name, def := range w.schema.Types {
		if def.Kind != ast.Object || def.BuiltIn || def == w.schema.Mutation || strings.HasSuffix(name, "Payload") {
			continue
		}
		for _, f := range def.Fields {
			if !strings.HasPrefix(f.Name, "__") && !w.reached[name+"."+f.Name] {
				t.Errorf("the walk does not reach %s.%s", name, f.Name)
			}
		}
	}
	return w.documents
}

// object asks for the leaves of the object at the end of a path, and goes on to what hangs off it.
func (w *walker) object(def *ast.Definition, path []step, connections int) {
	var leaves []string
	for _, f := range def.Fields {
		if strings.HasPrefix(f.Name, "__") {
			continue
		}
		w.reached[def.Name+"."+f.Name] = true
		target := w.schema.Types[f.Type.Name()]
		switch {
		case target.IsLeafType():
			leaves = append(leaves, selection(def, f, connections))
		case len(path) < walkDepth && !below(path, "edges"):
			w.follow(def, f, target, path, connections)
		}
	}
	if len(leaves) > 0 {
		w.documents = append(w.documents, document(path, leaves))
	}
}

// below says that a path has gone through a field and further: what lies below edges lies below nodes as well.
func below(path []step, field string) bool {
	i := slices.IndexFunc(path, func(s step) bool { return s.name == field })
	return i >= 0 && i < len(path)-1
}

func (w *walker) follow(def *ast.Definition, f *ast.FieldDefinition, target *ast.Definition, path []step, connections int) {
	here := append(slices.Clone(path), step{f.Name, selection(def, f, connections)})
	if f.Arguments.ForName("first") != nil {
		connections++
	}
	if target.Kind != ast.Union {
		w.object(target, here, connections)
		return
	}
	for _, member := range target.Types {
		w.object(w.schema.Types[member], append(slices.Clone(here), step{member, "... on " + member}), connections)
	}
}

func document(path []step, leaves []string) question {
	names, texts := make([]string, len(path)), make([]string, len(path))
	for i, s := range path {
		names[i], texts[i] = s.name, s.text
	}
	open := "{ " + strings.Join(append(texts, ""), " { ")
	query := open + strings.Join(leaves, " ") + strings.Repeat(" }", len(path)+1)
	return question{name: "walk of " + strings.Join(names, "."), query: query}
}

// selection is a field with the arguments it needs.
func selection(def *ast.Definition, f *ast.FieldDefinition, connections int) string {
	arguments := walkArguments[def.Name+"."+f.Name]
	if f.Arguments.ForName("first") != nil {
		arguments = fmt.Sprintf("first: %d", walkPages[connections])
	}
	if arguments == "" {
		return f.Name
	}
	return f.Name + "(" + arguments + ")"
}
