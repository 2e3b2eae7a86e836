package resolvers

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cloakroom/cloakroom/graph"
)

// A plan takes a scalar's kind from its own table; the schema is the truth.
func TestScalarKindsAreTheSchemas(t *testing.T) {
	t.Parallel()
	schema := graph.NewExecutableSchema(graph.Config{}).Schema()
	kinds := make(map[string]string)
	for name, def := range schema.Types {
		if d := def.Directives.ForName("pii"); d != nil && def.Kind == ast.Scalar {
			kinds[name] = d.Arguments.ForName("kind").Value.Raw
		}
	}
	for name, kind := range kinds {
		if string(scalarKinds[name]) != kind {
			t.Errorf("scalar %s has kind %q in a plan and %q in the schema", name, scalarKinds[name], kind)
		}
	}
	if len(kinds) != len(scalarKinds) {
		t.Errorf("a plan knows %d scalars with a kind, the schema %d", len(scalarKinds), len(kinds))
	}
}

// Every field a plan can write exists in the schema, and none carries a directive a plan does not know.
func TestPlanFieldsAreTheSchemas(t *testing.T) {
	t.Parallel()
	schema := graph.NewExecutableSchema(graph.Config{}).Schema()
	for typeName, fields := range planFields {
		def := schema.Types[typeName]
		if def == nil {
			t.Errorf("type %s is not in the schema", typeName)
			continue
		}
		for name := range fields {
			f := def.Fields.ForName(name)
			if f == nil {
				t.Errorf("%s.%s is not in the schema", typeName, name)
				continue
			}
			for _, d := range f.Directives {
				switch d.Name {
				case "pii", "piiText", "scope", "planned":
				default:
					t.Errorf("%s.%s carries @%s, which a plan does not know", typeName, name, d.Name)
				}
			}
		}
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "quo\"te", "back\\slash", "line\nfeed\ttab\rreturn", "\x00\x1f\x7f", "é漢字🙂", "\xff\xfe", "\u2028<&>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		if err := json.Unmarshal(appendString(nil, s), &back); err != nil {
			t.Fatalf("not JSON: %v", err)
		}
		var reference bytes.Buffer
		if err := json.NewEncoder(&reference).Encode(s); err != nil {
			t.Fatal(err)
		}
		var want string
		if err := json.Unmarshal(reference.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		if back != want {
			t.Errorf("appendString differs from encoding/json")
		}
	})
}
