package graph_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
)

var update = flag.Bool("update", false, "write schema.graphql again")

const (
	committedSchema = "../schema.graphql"
	unprotectedList = "testdata/unprotected.txt"
	updateWords     = "go test ./graph -run TestSchemaIsCommitted -update"
)

// TestSchemaIsCommitted holds the schema of the code against the one in schema.graphql, which reviewers and clients read
// (S13). With -update it writes that file again, but never over a protection that is lost: that takes a reviewed line
// in testdata/unprotected.txt.
func TestSchemaIsCommitted(t *testing.T) {
	t.Parallel()
	was, err := os.ReadFile(committedSchema)
	if err != nil {
		t.Fatalf("%v: it is what the schema is held against, so take it back from the last commit", err)
	}
	old, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: string(was)})
	if err != nil {
		t.Fatalf("schema.graphql cannot be read, so take it back from the last commit: %v", err)
	}
	list, err := os.ReadFile(unprotectedList)
	if err != nil {
		t.Fatal(err)
	}
	reasons, err := readReasons(string(list))
	if err != nil {
		t.Fatal(err)
	}
	now := printed(schema())
	for _, fault := range verdict(old, schema(), reasons, *update) {
		t.Error(fault)
	}
	switch {
	case t.Failed() || now == string(was):
	case *update:
		if err := os.WriteFile(committedSchema, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("schema.graphql is not the schema of the code any more; type: %s", updateWords)
	}
}

// printed is a schema as it is committed: in the order of names, descriptions kept.
func printed(s *ast.Schema) string {
	var b strings.Builder
	b.WriteString("# Written by " + updateWords + " from graph/*.graphqls.\n\n")
	formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatSchema(s)
	return b.String()
}

// verdict says what stands against taking the schema now in place of the old one.
func verdict(old, now *ast.Schema, reasons map[string]string, updating bool) (faults []string) {
	for _, c := range differences(old, now) {
		switch {
		case c.class == lostProtection && reasons[c.where+" "+c.what] == "":
			faults = append(faults, fmt.Sprintf("%s. Put it back. Should it truly go, graph/%s takes a line: %s %s because …", c, unprotectedList, c.where, c.what))
		case c.class == breaking && !updating:
			faults = append(faults, fmt.Sprintf("%s. Documents that clients hold may fail; if that is meant, type: %s", c, updateWords))
		}
	}
	for _, guard := range slices.Sorted(maps.Keys(reasons)) {
		where, gate, _ := strings.Cut(guard, " ")
		if slices.Contains(guards(now)[where], gate) {
			faults = append(faults, fmt.Sprintf("graph/%s: %s is there; a line for it would let it go unseen", unprotectedList, guard))
		}
	}
	return faults
}

// guards are everything in a schema that guards something, by where it is.
func guards(s *ast.Schema) map[string][]string {
	all := make(map[string][]string)
	outputs(s, func(def *ast.Definition, f *ast.FieldDefinition) { all[def.Name+"."+f.Name] = gates(s, f) })
	for _, in := range inputs(s) {
		all[in.where] = append(policies(in.directives), scalarGates(s.Types[in.typ.Name()])...)
	}
	for _, def := range ours(s) {
		if def.Kind == ast.Scalar {
			all[def.Name] = scalarGates(def)
		}
		for _, v := range def.EnumValues {
			all[def.Name+"."+v.Name] = policies(v.Directives)
		}
	}
	return all
}

// readReasons reads lines such as "Contact.city @piiText because the city is the account's own", and comments.
func readReasons(list string) (map[string]string, error) {
	reasons := make(map[string]string)
	for n, line := range strings.Split(list, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		guard, reason, _ := strings.Cut(line, " because ")
		if strings.TrimSpace(reason) == "" || !strings.Contains(guard, " ") {
			return nil, fmt.Errorf("%s:%d is not where, the guard, because, and a reason", unprotectedList, n+1)
		}
		reasons[guard] = reason
	}
	return reasons, nil
}

func TestS13LostProtectionTakesAReason(t *testing.T) {
	t.Parallel()
	const personal, plain = `extend type Contact { city: String @piiText }`, `extend type Contact { city: String }`
	reason := map[string]string{"Contact.city @piiText": "the account's own"}
	other := map[string]string{"Contact.place @piiText": "the account's own"}
	for _, c := range []struct {
		name, old, now string
		reasons        map[string]string
		updating       bool
		want           string // in the one fault
	}{
		{"lost", personal, plain, nil, false, "LOST PROTECTION: Contact.city: @piiText"},
		{"lost, and -update", personal, plain, nil, true, "LOST PROTECTION: Contact.city: @piiText"},
		{"lost, with a reason for something else", personal, plain, other, true, "LOST PROTECTION: Contact.city: @piiText"},
		{"lost, with a reason", personal, plain, reason, true, ""},
		{"a reason for what is there", personal, personal, reason, true, "Contact.city @piiText is there"},
		{"broken", plain, "", nil, false, "BREAKING: Contact.city: is gone"},
		{"broken, and -update", plain, "", nil, true, ""},
		{"added", "", plain, nil, false, ""},
	} {
		faults := verdict(alone(t, words+c.old), alone(t, words+c.now), c.reasons, c.updating)
		if c.want == "" && len(faults) > 0 || c.want != "" && (len(faults) != 1 || !strings.Contains(faults[0], c.want)) {
			t.Errorf("%s: %q, want %q", c.name, faults, c.want)
		}
	}
	for list, want := range map[string]int{
		"": 0, "# words\n\n": 0, "Contact.city @piiText because it is.\n# and\nA.b(c) @piiArg(policy: WRITE, kind: NAME) because it is.\n@pii on SCALAR because.\n": -1,
		"A.b(c) @piiArg(policy: WRITE, kind: NAME) because it is.\n@planned on FIELD_DEFINITION because it is.": 2,
		"Contact.city": -1, "Contact.city @piiText": -1, "Contact.city @piiText because ": -1, "Contact.city because it is": -1,
	} {
		if reasons, err := readReasons(list); (err != nil) != (want < 0) || err == nil && len(reasons) != want {
			t.Errorf("%q: %v, %v", list, reasons, err)
		}
	}
}

// TestPrintedSchemaSaysAll reads what is printed back: nothing that guards, and no word, is lost on paper.
func TestPrintedSchemaSaysAll(t *testing.T) {
	t.Parallel()
	back := alone(t, printed(schema()))
	for _, pair := range [][2]*ast.Schema{{schema(), back}, {back, schema()}} {
		if changes := differences(pair[0], pair[1]); len(changes) > 0 {
			t.Error(changes)
		}
	}
	for _, finding := range undescribed(back) {
		t.Error(finding)
	}
	if printed(back) != printed(schema()) {
		t.Error("what is printed and read is printed differently")
	}
}
