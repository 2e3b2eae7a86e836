// The tests of this room are the rules of the schema: S1-S15, by number in lint_*_test.go, and the comparison with the
// schema that was last committed, in diff_test.go. Schemas and sources come in; what leaves is a list of findings.
// A rule that cannot fail proves nothing, so each is also held against a schema with exactly one mistake.
package graph_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cloakroom/cloakroom/graph"
)

func schema() *ast.Schema { return graph.NewExecutableSchema(graph.Config{}).Schema() }

// words are the directives, scalars and enums of our schema, in short, and a query that shows them.
const words = `
directive @pii(kind: PiiKind!) on FIELD_DEFINITION | SCALAR
directive @piiText on FIELD_DEFINITION
directive @piiArg(policy: PiiArgPolicy!, kind: PiiKind!) on ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | ENUM_VALUE
directive @hasRole(role: ViewerKind!) on FIELD_DEFINITION
directive @scope(any: String!) on FIELD_DEFINITION
directive @serviceOnly(scope: String!) on FIELD_DEFINITION
scalar EmailAddress @pii(kind: EMAIL)
scalar PhoneNumber @pii(kind: PHONE)
scalar ChannelAddress @pii(kind: CHANNEL_ADDRESS)
scalar DateTime
enum PiiKind { EMAIL PHONE IDENTIFIER CHANNEL_ADDRESS ATTRIBUTE NAME }
enum PiiArgPolicy { EXACT_LOOKUP PRIVILEGED WRITE }
enum ViewerKind { AGENT ADMINISTRATOR SUPER_ADMIN SERVICE }
type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
type Query { contact(id: ID!): Contact }
type Contact { id: ID! }
`

// alone is the schema of a document.
func alone(t testing.TB, sdl string) *ast.Schema {
	t.Helper()
	s, err := gqlparser.LoadSchema(&ast.Source{Name: "alone", Input: sdl})
	if err != nil {
		t.Fatalf("%v: %s", err, sdl)
	}
	return s
}

// mistake is an addition to the words, and where a rule must find something in it; nowhere when it is right.
type mistake struct {
	sdl  string
	want []string
}

// hold holds a rule against our schema, where it finds nothing, and against schemas with a mistake, where it finds that
// one and no other. A finding is where it is, a colon, and what is wrong.
func hold(t *testing.T, rule func(*ast.Schema) []string, mistakes ...mistake) {
	t.Helper()
	for _, finding := range rule(schema()) {
		t.Error(finding)
	}
	for _, m := range append(mistakes, mistake{}) {
		var got []string
		for _, finding := range rule(alone(t, words+m.sdl)) {
			where, _, _ := strings.Cut(finding, ": ")
			got = append(got, where)
		}
		if diff := cmp.Diff(m.want, slices.Compact(got)); diff != "" {
			t.Errorf("%s: mistakes that are there (-) and that are found (+):\n%s", m.sdl, diff)
		}
	}
}

// ours are the types of a schema that are not GraphQL's own, by name.
func ours(s *ast.Schema) []*ast.Definition {
	var list []*ast.Definition
	for name, def := range s.Types {
		if !def.BuiltIn && !strings.HasPrefix(name, "__") {
			list = append(list, def)
		}
	}
	slices.SortFunc(list, func(a, b *ast.Definition) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// outputs calls look with every field that can be in an answer.
func outputs(s *ast.Schema, look func(def *ast.Definition, f *ast.FieldDefinition)) {
	for _, def := range ours(s) {
		if def.Kind != ast.Object && def.Kind != ast.Interface {
			continue
		}
		for _, f := range def.Fields {
			if !strings.HasPrefix(f.Name, "__") {
				look(def, f)
			}
		}
	}
}

// input is an argument, or a field of an input object.
type input struct {
	where, name string
	typ         *ast.Type
	directives  ast.DirectiveList
	reads       bool // it can be given to something that is no mutation
}

// inputs are all arguments and fields of input objects.
func inputs(s *ast.Schema) []input {
	var list []input
	reading := make(map[string]bool)
	outputs(s, func(def *ast.Definition, f *ast.FieldDefinition) {
		for _, a := range f.Arguments {
			list = append(list, input{def.Name + "." + f.Name + "(" + a.Name + ")", a.Name, a.Type, a.Directives, def != s.Mutation})
			if def != s.Mutation {
				within(s, a.Type.Name(), reading)
			}
		}
	})
	for _, def := range ours(s) {
		for _, f := range def.Fields {
			if def.Kind == ast.InputObject {
				list = append(list, input{def.Name + "." + f.Name, f.Name, f.Type, f.Directives, reading[def.Name]})
			}
		}
	}
	return list
}

// within notes the types that a type is made of, itself included.
func within(s *ast.Schema, name string, seen map[string]bool) {
	if seen[name] || s.Types[name] == nil {
		return
	}
	seen[name] = true
	for _, f := range s.Types[name].Fields {
		within(s, f.Type.Name(), seen)
	}
	for _, member := range s.Types[name].Types {
		within(s, member, seen)
	}
	for _, implementer := range s.PossibleTypes[name] {
		within(s, implementer.Name, seen)
	}
}

// kinds are the kinds a field is guarded by: its own first, then its scalar's. Values in a list are guarded like one.
func kinds(s *ast.Schema, f *ast.FieldDefinition) []string {
	var list []string
	for _, directives := range []ast.DirectiveList{f.Directives, s.Types[f.Type.Name()].Directives} {
		if d := directives.ForName("pii"); d != nil {
			list = append(list, argument(d, "kind"))
		}
	}
	return list
}

// personal says that a field goes through a gate: by itself or by its scalar.
func personal(s *ast.Schema, f *ast.FieldDefinition) bool {
	return len(kinds(s, f)) > 0 || f.Directives.ForName("piiText") != nil
}

// argument is what a directive was given, as it is written in a schema; nothing where it was not given.
func argument(d *ast.Directive, name string) string {
	if a := d.Arguments.ForName(name); a != nil {
		return a.Value.Raw
	}
	return ""
}
