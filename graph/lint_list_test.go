package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
)

func TestS11ConnectionsAreRelays(t *testing.T) {
	t.Parallel()
	const (
		page  = `type ContactConnection { edges: [ContactEdge!]! nodes: [Contact!]! pageInfo: PageInfo! } `
		edge  = `type ContactEdge { cursor: String! node: Contact! } `
		field = `extend type Query { "Contacts: at most 100." contacts(first: Int, after: String): ContactConnection! } `
	)
	hold(t, oddConnections,
		mistake{edge + field + `type ContactConnection { edges: [ContactEdge!]! nodes: [Contact!]! }`, []string{"ContactConnection.pageInfo"}},
		mistake{edge + field + `type ContactConnection { edges: [ContactEdge] nodes: [Contact!]! pageInfo: PageInfo! }`, []string{"ContactConnection.edges"}},
		mistake{edge + field + `type ContactConnection { edges: [ContactEdge!]! pageInfo: PageInfo! }`, []string{"ContactConnection.nodes"}},
		mistake{page + field + `type ContactEdge { node: Contact! }`, []string{"ContactEdge.cursor"}},
		mistake{page + field + `type ContactEdge { cursor: EmailAddress node: Contact! }`, []string{"ContactEdge.cursor"}},
		mistake{page + field + `type ContactEdge { cursor: String! node: ID! }`, []string{"ContactEdge.node"}},
		mistake{page + edge + `extend type Query { "At most 100." contacts(after: String): ContactConnection! }`, []string{"Query.contacts"}},
		mistake{page + edge + `extend type Query { "At most 100." contacts(first: Int): ContactConnection! }`, []string{"Query.contacts"}},
		mistake{page + edge + `extend type Query { "At most 100." contacts(first: String, after: String): ContactConnection! }`, []string{"Query.contacts"}},
		mistake{page + edge + `extend type Query { "Contacts." contacts(first: Int, after: String): ContactConnection! }`, []string{"Query.contacts"}},
		mistake{page + edge + field, nil},
	)
}

// oddConnections finds connections that Relay would not take, and fields that do not say how long a page may be:
// at most 100, which the resolvers' tests of paging hold them to.
func oddConnections(s *ast.Schema) (findings []string) {
	must := func(typ, field, want string) {
		def := s.Types[typ]
		if def == nil || def.Fields.ForName(field) == nil || def.Fields.ForName(field).Type.String() != want {
			findings = append(findings, fmt.Sprintf("%s.%s: is not %s", typ, field, want))
		}
	}
	for _, def := range ours(s) {
		item, ok := strings.CutSuffix(def.Name, "Connection")
		if !ok {
			continue
		}
		must(def.Name, "edges", "["+item+"Edge!]!")
		must(def.Name, "nodes", "["+item+"!]!")
		must(def.Name, "pageInfo", "PageInfo!")
		must(item+"Edge", "cursor", "String!")
		must(item+"Edge", "node", item+"!")
	}
	outputs(s, func(def *ast.Definition, f *ast.FieldDefinition) {
		first, after := f.Arguments.ForName("first"), f.Arguments.ForName("after")
		if strings.HasSuffix(f.Type.Name(), "Connection") && (first == nil || first.Type.Name() != "Int" || after == nil || after.Type.Name() != "String" ||
			!strings.Contains(strings.ToLower(f.Description), "at most 100")) {
			findings = append(findings, fmt.Sprintf("%s.%s: lacks first, after or a word on how long a page may be (at most 100)", def.Name, f.Name))
		}
	})
	return findings
}

func TestEverythingIsDescribed(t *testing.T) {
	t.Parallel()
	for _, finding := range undescribed(schema()) {
		t.Error(finding)
	}
	const contact = `"A customer." type Query { "Its number." id("Nothing." of: By): ID }`
	for sdl, want := range map[string][]string{
		`type Query { "Its number." id: ID }`:                               {"Query"},
		`"What can be asked." type Query { id: ID }`:                        {"Query.id"},
		contact + ` "An order." enum By { ID }`:                             {"By.ID"},
		contact + ` "An order." enum By { "By number." ID }`:                nil,
		contact + ` "An order." input By { id: ID }`:                        {"By.id"},
		contact + ` "An order." scalar By directive @x on FIELD`:            {"@x"},
		contact + ` "An order." scalar By "Nothing." directive @x on FIELD`: nil,
	} {
		s := alone(t, sdl)
		var got []string
		for _, finding := range undescribed(s) {
			where, _, _ := strings.Cut(finding, ": ")
			got = append(got, where)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: found %q, want %q", sdl, got, want)
		}
	}
}

func undescribed(s *ast.Schema) (findings []string) {
	need := func(description, where string) {
		if description == "" {
			findings = append(findings, where+": has no description")
		}
	}
	for _, def := range ours(s) {
		need(def.Description, def.Name)
		for _, f := range def.Fields {
			if !strings.HasPrefix(f.Name, "__") {
				need(f.Description, def.Name+"."+f.Name)
			}
		}
		for _, v := range def.EnumValues {
			need(v.Description, def.Name+"."+v.Name)
		}
	}
	for _, d := range directives(s) {
		need(d.Description, "@"+d.Name)
	}
	return findings
}

// directives are the directives of a schema that are not GraphQL's own, by name.
func directives(s *ast.Schema) []*ast.DirectiveDefinition {
	var list []*ast.DirectiveDefinition
	for _, d := range s.Directives {
		if !d.Position.Src.BuiltIn {
			list = append(list, d)
		}
	}
	slices.SortFunc(list, func(a, b *ast.DirectiveDefinition) int { return strings.Compare(a.Name, b.Name) })
	return list
}
