package graph_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cloakroom/cloakroom/graph"
)

func schema() *ast.Schema { return graph.NewExecutableSchema(graph.Config{}).Schema() }

// ours are the types of the schema that are not GraphQL's own.
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

// personal says that a field goes through a gate: by itself or by its scalar.
func personal(s *ast.Schema, f *ast.FieldDefinition) bool {
	return f.Directives.ForName("pii") != nil || f.Directives.ForName("piiText") != nil || s.Types[f.Type.Name()].Directives.ForName("pii") != nil
}

func TestPersonalFieldsCanBeNull(t *testing.T) {
	t.Parallel()
	s, n := schema(), 0
	outputs(s, func(def *ast.Definition, f *ast.FieldDefinition) {
		if !personal(s, f) {
			return
		}
		n++
		if f.Type.NonNull {
			t.Errorf("%s.%s is never null: hiding it would take its parent away", def.Name, f.Name)
		}
	})
	if n < 20 {
		t.Errorf("%d personal fields: the test looks in the wrong place", n)
	}
}

func TestThePIIDirective(t *testing.T) {
	t.Parallel()
	s := schema()
	d := s.Directives["pii"]
	if want := []ast.DirectiveLocation{ast.LocationFieldDefinition, ast.LocationScalar}; !slices.Equal(d.Locations, want) {
		t.Errorf("@pii is declared on %v: without both the generator calls it for none", d.Locations)
	}
	if d.IsRepeatable {
		t.Error("@pii can be repeated: which kind would count?")
	}
	if !d.Arguments.ForName("kind").Type.NonNull {
		t.Error("@pii may lack a kind")
	}
	for _, def := range ours(s) {
		if def.Kind == ast.Interface {
			t.Errorf("%s is an interface: a gate on its fields protects nothing", def.Name)
		}
	}
}

// plainScalars are the scalars that hold no personal value.
var plainScalars = []string{"ID", "String", "Int", "Boolean", "DateTime"}

func TestScalars(t *testing.T) {
	t.Parallel()
	for name, def := range schema().Types {
		if def.Kind != ast.Scalar || name == "Float" || slices.Contains(plainScalars, name) {
			continue
		}
		if def.Directives.ForName("pii") == nil {
			t.Errorf("scalar %s has no kind: free JSON, HTML and the like have no place in the schema", name)
		}
	}
}

// addressLike are names of fields that hold addresses in one system or another.
var addressLike = regexp.MustCompile(`(?i)e?mail|phone|mobile|msisdn|whatsapp|source_?id|identifier|address|reply_?to|recipient|^b?cc$|sender$`)

// reviewed are fields with such a name that hold no contact's address, each with the reason.
var reviewed = map[string]string{
	"User.email": "a colleague's address, which colleagues may see (P32 of the list of leaks)",
}

func TestFieldsNamedLikeAddressesHaveAPersonalScalar(t *testing.T) {
	t.Parallel()
	s := schema()
	seen := make(map[string]bool)
	outputs(s, func(def *ast.Definition, f *ast.FieldDefinition) {
		name := def.Name + "." + f.Name
		if !addressLike.MatchString(f.Name) || !slices.Contains([]string{"String", "ID", "Int"}, f.Type.Name()) {
			return
		}
		seen[name] = true
		if reviewed[name] == "" {
			t.Errorf("%s is a plain %s: give it a personal scalar, or a reason here", name, f.Type.Name())
		}
	})
	for name := range reviewed {
		if !seen[name] {
			t.Errorf("%s is reviewed and is not there", name)
		}
	}
}

// plainTexts are the texts of types that hang off a contact which go through no gate, each with the reason.
var plainTexts = map[string]string{
	"Contact.alias":          "made from the id",
	"Contact.name":           "the resolver gives the alias where the name is an address",
	"Contact.labels":         "names that the account has given",
	"Conversation.labels":    "names that the account has given",
	"Attribute.key":          "the resolver leaves out keys that look like an address",
	"Attachment.extension":   "a few letters that Chatwoot takes from the file's name",
	"Attachment.contentType": "a media type",
}

func TestTextsAroundTheHistoryGoThroughAGate(t *testing.T) {
	t.Parallel()
	s := schema()
	of := []string{"Contact", "ContactInbox", "ContactProfile", "Attribute", "Note", "Conversation", "Message", "EmailHeaders", "Attachment"}
	outputs(s, func(def *ast.Definition, f *ast.FieldDefinition) {
		name := def.Name + "." + f.Name
		if slices.Contains(of, def.Name) && f.Type.Name() == "String" && !personal(s, f) && plainTexts[name] == "" {
			t.Errorf("%s is a text that goes through no gate: give it @piiText, or a reason here", name)
		}
	})
}

func TestInputsAskForNoPersonalValue(t *testing.T) {
	t.Parallel()
	s := schema()
	for _, def := range ours(s) {
		for _, f := range def.Fields {
			if def.Kind == ast.InputObject && s.Types[f.Type.Name()].Directives.ForName("pii") != nil {
				t.Errorf("%s.%s takes a personal scalar", def.Name, f.Name)
			}
			if def.Kind == ast.InputObject && strings.HasSuffix(def.Name, "Filter") && addressLike.MatchString(f.Name) {
				t.Errorf("%s.%s narrows a list by a personal value: an oracle", def.Name, f.Name)
			}
			for _, a := range f.Arguments {
				if s.Types[a.Type.Name()].Directives.ForName("pii") != nil {
					t.Errorf("%s.%s(%s:) takes a personal scalar", def.Name, f.Name, a.Name)
				}
			}
		}
		for _, v := range def.EnumValues {
			if strings.HasSuffix(def.Name, "OrderField") && addressLike.MatchString(v.Name) {
				t.Errorf("%s.%s orders a list by a personal value: neighbours tell it", def.Name, v.Name)
			}
		}
	}
}

func TestEverythingIsDescribed(t *testing.T) {
	t.Parallel()
	s := schema()
	for _, def := range ours(s) {
		if def.Description == "" {
			t.Errorf("%s has no description", def.Name)
		}
		for _, f := range def.Fields {
			if f.Description == "" && !strings.HasPrefix(f.Name, "__") {
				t.Errorf("%s.%s has no description", def.Name, f.Name)
			}
		}
		for _, v := range def.EnumValues {
			if v.Description == "" {
				t.Errorf("%s.%s has no description", def.Name, v.Name)
			}
		}
	}
	for name, d := range s.Directives {
		if d.Description == "" && !slices.Contains([]string{"include", "skip", "deprecated", "specifiedBy", "defer", "oneOf"}, name) {
			t.Errorf("@%s has no description", name)
		}
	}
}

func TestMutationsSayWhoMay(t *testing.T) {
	t.Parallel()
	s := schema()
	for _, f := range s.Mutation.Fields {
		if !strings.HasPrefix(f.Name, "__") && f.Directives.ForName("hasRole") == nil && f.Directives.ForName("scope") == nil {
			t.Errorf("mutation %s is open to everybody", f.Name)
		}
		input := f.Arguments.ForName("input")
		if title := strings.ToUpper(f.Name[:1]) + f.Name[1:]; input == nil || input.Type.String() != title+"Input!" || f.Type.String() != title+"Payload!" {
			t.Errorf("mutation %s is not %s(input: %sInput!): %sPayload!", f.Name, f.Name, title, title)
		}
	}
}

func TestConnectionsAreRelays(t *testing.T) {
	t.Parallel()
	s := schema()
	for _, def := range ours(s) {
		item, ok := strings.CutSuffix(def.Name, "Connection")
		if !ok {
			continue
		}
		want := map[string]string{"nodes": "[" + item + "!]!", "edges": "[" + item + "Edge!]!", "pageInfo": "PageInfo!"}
		for name, typ := range want {
			if f := def.Fields.ForName(name); f == nil || f.Type.String() != typ {
				t.Errorf("%s.%s is not %s", def.Name, name, typ)
			}
		}
		edge := s.Types[item+"Edge"]
		if edge.Fields.ForName("cursor").Type.String() != "String!" || edge.Fields.ForName("node").Type.String() != item+"!" {
			t.Errorf("%s is no edge", edge.Name)
		}
	}
	outputs(s, func(def *ast.Definition, f *ast.FieldDefinition) {
		if !strings.HasSuffix(f.Type.Name(), "Connection") {
			return
		}
		if f.Arguments.ForName("first") == nil || f.Arguments.ForName("after") == nil || !strings.Contains(f.Description, "at most 100") {
			t.Errorf("%s.%s lacks first, after or a word on how long a page may be", def.Name, f.Name)
		}
	})
}
