package leaktest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/lexer"

	"github.com/cloakroom/cloakroom/store/storetest"
)

func demoValues(t testing.TB) Values {
	t.Helper()
	demo, err := storetest.Demo()
	if err != nil {
		t.Fatal(err)
	}
	return DemoValues(demo)
}

// tokensOf counts as the parser's limit does.
func tokensOf(t testing.TB, query string) int {
	t.Helper()
	for l, n := lexer.New(&ast.Source{Input: query}), 0; ; n++ {
		token, err := l.ReadToken()
		if err != nil {
			t.Fatal(err)
		}
		if token.Kind == lexer.EOF {
			return n
		}
		if token.Kind == lexer.Comment {
			n--
		}
	}
}

func (w weight) within(tokens int) bool {
	return tokens <= maxTokens && w.depth <= maxDepth && w.aliases <= maxAliases && w.directives <= maxDirectives &&
		w.roots <= maxRootFields && w.page <= maxPage && w.cost <= maxCost
}

// census is what many documents come to.
type census struct {
	fields, features               map[string]int
	within, deep, personal, tokens int
}

func (c *census) count(t testing.TB, schema *ast.Schema, d Document) {
	t.Helper()
	doc := load(t, schema, d)
	w := weigh(doc, d.Variables)
	size := tokensOf(t, d.Query)
	c.tokens += size
	if w.within(size) {
		c.within++
	}
	if w.depth >= 6 {
		c.deep++
	}
	asked := false
	for coordinate := range w.fields {
		c.fields[coordinate]++
		owner, name, _ := strings.Cut(coordinate, ".")
		f := schema.Types[owner].Fields.ForName(name)
		asked = asked || f != nil && Personal(schema, f)
	}
	if asked {
		c.personal++
	}
	note(c.features, d, doc, w)
}

func TestRandomDocuments(t *testing.T) {
	t.Parallel()
	schema := testSchema()
	g := NewGenerator(schema, 1, demoValues(t))
	g.Mutations = 0.05
	const n = 5000
	c := census{fields: make(map[string]int), features: make(map[string]int)}
	for range n {
		c.count(t, schema, g.Document())
	}
	t.Logf("%d within limits, %d of six fields and deeper, %d ask for something personal, %d tokens each; %v", c.within, c.deep, c.personal, c.tokens/n, c.features)
	if c.within < n*95/100 || c.within > n*995/1000 || c.deep < n/2 || c.personal < n*3/4 {
		t.Error("that is not what was asked for")
	}
	for name, def := range schema.Types {
		if def.Kind != ast.Object || def.BuiltIn {
			continue
		}
		for _, f := range def.Fields {
			if !strings.HasPrefix(f.Name, "__") && c.fields[name+"."+f.Name] == 0 {
				t.Errorf("no document asks for %s.%s", name, f.Name)
			}
		}
	}
	for _, feature := range []string{"fragments", "spread again", "aliases", "conditions", "operations", "variables", "defaults",
		"null", "block strings", "escapes", "comments", "mutations", "union", "__typename", "nested variables"} {
		if c.features[feature] < n/200 {
			t.Errorf("%s: in %d of %d documents", feature, c.features[feature], n)
		}
	}
}

// note counts what a document has.
func note(features map[string]int, d Document, doc *ast.QueryDocument, w weight) {
	has := func(name string, yes bool) {
		if yes {
			features[name]++
		}
	}
	has("fragments", len(doc.Fragments) > 0)
	again := false
	for _, f := range doc.Fragments {
		again = again || strings.Count(d.Query, f.Name) > 2
	}
	has("spread again", again)
	has("aliases", w.aliases > 0)
	has("conditions", strings.Contains(d.Query, "@include") || strings.Contains(d.Query, "@skip"))
	has("operations", len(doc.Operations) > 1 && d.OperationName != "")
	has("variables", len(d.Variables) > 0)
	has("null", strings.Contains(d.Query, "null"))
	has("block strings", strings.Contains(d.Query, `"""`))
	has("escapes", strings.Contains(d.Query, `\u`))
	has("comments", strings.Contains(d.Query, "#"))
	has("mutations", doc.Operations[0].Operation == ast.Mutation)
	has("union", strings.Contains(d.Query, "AgentBot"))
	has("__typename", strings.Contains(d.Query, "__typename"))
	defaults, nested := false, false
	for _, v := range doc.Operations[0].VariableDefinitions {
		defaults = defaults || v.DefaultValue != nil
		value, isObject := d.Variables[v.Variable].(map[string]any)
		nested = nested || isObject && len(value) > 0
	}
	has("defaults", defaults)
	has("nested variables", nested)
}

func TestRandomDocumentsAreMadeAgain(t *testing.T) {
	t.Parallel()
	list := func(seed uint64) []Document {
		g := NewGenerator(testSchema(), seed, demoValues(t))
		g.Mutations = 0.1
		documents := make([]Document, 300)
		for i := range documents {
			documents[i] = g.Document()
		}
		return documents
	}
	if diff := cmp.Diff(list(7), list(7)); diff != "" {
		t.Errorf("a seed gives other documents the second time:\n%.2000s", diff)
	}
	if cmp.Equal(list(7), list(8)) {
		t.Error("two seeds give the same documents")
	}
}

func BenchmarkDocument(b *testing.B) {
	g := NewGenerator(testSchema(), 3, demoValues(b))
	for b.Loop() {
		g.Document()
	}
}
