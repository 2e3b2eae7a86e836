package leaktest

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/cloakroom/cloakroom/resolvers"
)

// verdict is what one of the two says about a document. rules are those that refuse it, in order; Syntax for one that
// does not parse.
type verdict struct {
	Valid   bool
	Rules   []string
	Message string
}

// refusedOnlyBy says that some of these rules refuse the document, and no other does.
func (v verdict) refusedOnlyBy(rules ...string) bool {
	return len(v.Rules) > 0 && !slices.ContainsFunc(v.Rules, func(rule string) bool { return !slices.Contains(rules, rule) })
}

// ours is the verdict of gqlgen's executor as the server sets it up: parsed, then held to the default rules.
func ours(schema *ast.Schema, query string) verdict {
	doc, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		return verdict{Rules: []string{"Syntax"}, Message: err.Error()}
	}
	if len(doc.Operations) == 0 {
		return verdict{Rules: []string{"NoOperation"}, Message: "no operation provided"}
	}
	errs := validator.ValidateWithRules(schema, doc, serverRules())
	if len(errs) == 0 {
		return verdict{Valid: true}
	}
	v := verdict{Message: errs[0].Message}
	for _, err := range errs {
		v.Rules = append(v.Rules, err.Rule)
	}
	slices.Sort(v.Rules)
	v.Rules = slices.Compact(v.Rules)
	return v
}

// serverRules are the executor's once suggestions are off.
func serverRules() *rules.Rules {
	list := resolvers.Rules()
	list.RemoveRule("FieldsOnCorrectType")
	list.AddRule("FieldsOnCorrectType", rules.FieldsOnCorrectTypeRuleWithoutSuggestions.RuleFunc)
	list.RemoveRule("ScalarLeafs")
	list.AddRule("ScalarLeafs", rules.ScalarLeafsRuleWithoutSuggestions.RuleFunc)
	return list
}

// oracle is graphql-js, as a process that answers a line for a line.
type oracle struct {
	in  io.Writer
	out *bufio.Reader
}

func newOracle(t testing.TB) *oracle {
	t.Helper()
	folder := filepath.Join("..", "tools", "node")
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "graphql", "package.json")); err != nil {
		t.Fatal("graphql-js is not installed; type: make nodetools")
	}
	validate := exec.CommandContext(t.Context(), "node", "validate.mjs", sdl(t))
	validate.Dir = folder
	validate.Stderr = os.Stderr
	in, err := validate.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := validate.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Start(); err != nil {
		t.Fatalf("start graphql-js: %v", err)
	}
	t.Cleanup(func() {
		_ = in.Close()      // it ends with its input
		_ = validate.Wait() // and if it did not end well, an answer was missing
	})
	return &oracle{in, bufio.NewReader(out)}
}

// sdl writes the schema to one file, and gives its path.
func sdl(t testing.TB) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "graph", "*.graphqls"))
	if err != nil || len(files) == 0 {
		t.Fatalf("find the schema: %v", err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	path := filepath.Join(t.TempDir(), "schema.graphql")
	if err := os.WriteFile(path, []byte(all.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// judge asks about documents, all at once.
func (o *oracle) judge(t testing.TB, queries []string) []verdict {
	t.Helper()
	failed := make(chan error, 1)
	go func() {
		to := json.NewEncoder(o.in)
		for id, query := range queries {
			if err := to.Encode(map[string]any{"id": id, "query": query}); err != nil {
				failed <- err
				return
			}
		}
		failed <- nil
	}()
	verdicts := make([]verdict, len(queries))
	for id := range queries {
		line, err := o.out.ReadBytes('\n')
		if err != nil {
			t.Fatalf("graphql-js does not answer: %v", err)
		}
		answer := struct {
			ID int
			verdict
		}{}
		if err := json.Unmarshal(line, &answer); err != nil || answer.ID != id {
			t.Fatalf("graphql-js answers %s: %v", line, err)
		}
		verdicts[id] = answer.verdict
	}
	if err := <-failed; err != nil {
		t.Fatalf("ask graphql-js: %v", err)
	}
	return verdicts
}
