package leaktest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
)

var (
	differentialDocuments = flag.Int("differential.documents", 2000, "how many documents are held against graphql-js")
	differentialSeed      = flag.Uint64("differential.seed", 1, "which ones")
)

// question is a document with how it was made.
type question struct{ made, query string }

// questions gives the next n documents: one as the generator makes it, then four of it spoiled.
func questions(g *Generator, m *mutants, n int) []question {
	var list []question
	for len(list) < n {
		d := g.Document()
		list = append(list, question{d.Name, d.Query})
		for range min(4, n-len(list)) {
			how, mutant := m.of(d.Query)
			list = append(list, question{d.Name + ", " + how, mutant})
		}
	}
	return list
}

// TestDifferential holds what the server takes for a valid document against graphql-js. Where they differ, a
// deviation says why; `make differential` asks more documents.
func TestDifferential(t *testing.T) {
	t.Parallel()
	schema, o := testSchema(), newOracle(t)
	g := NewGenerator(schema, *differentialSeed, demoValues(t))
	g.Mutations, g.Excess = 0.05, 0.002 // a thousand equal fields take both a second
	m := &mutants{rand.New(rand.NewPCG(*differentialSeed, 1))}
	valid, met, unexplained := 0, make(map[string]int), make(map[string][]question)
	for asked := 0; asked < *differentialDocuments; {
		batch := questions(g, m, min(2000, *differentialDocuments-asked))
		asked += len(batch)
		var mine []verdict
		var judged sync.WaitGroup
		judged.Go(func() { mine = oursOf(schema, batch) })
		theirs := o.judge(t, texts(batch))
		judged.Wait()
		for i, q := range batch {
			d := disagreement{schema, q.query, mine[i], theirs[i]}
			if d.ours.Valid && d.theirs.Valid {
				valid++
			}
			name, explained := explain(d)
			met[name]++
			if !explained {
				unexplained[classOf(d)] = append(unexplained[classOf(d)], q)
			}
		}
	}
	for class, list := range unexplained {
		q := slices.MinFunc(list, func(a, b question) int { return len(a.query) - len(b.query) })
		t.Errorf("%s\n%d documents, such as %s\nat least: %.600s\nwhole: %.1000q", class, len(list), q.made, minimal(t, o, schema, q.query, class), q.query)
	}
	t.Logf("%d documents of seed %d: %d valid for both; deviations: %v", *differentialDocuments, *differentialSeed, valid, met)
	if share := valid * 100 / *differentialDocuments; share < 20 || share > 80 {
		t.Errorf("%d%% of the documents are valid: that tells little", share)
	}
}

func oursOf(schema *ast.Schema, list []question) []verdict {
	verdicts := make([]verdict, len(list))
	for i, q := range list {
		verdicts[i] = ours(schema, q.query)
	}
	return verdicts
}

func texts(list []question) []string {
	all := make([]string, len(list))
	for i, q := range list {
		all[i] = q.query
	}
	return all
}

// explain says whether two verdicts agree, or else names the deviation that says why not.
func explain(d disagreement) (name string, explained bool) {
	if d.ours.Valid == d.theirs.Valid {
		return "none", true
	}
	for _, known := range deviations {
		if known.laxer == d.ours.Valid && known.is(d) {
			return known.name, true
		}
	}
	return "unexplained", false
}

// classOf names a disagreement that has no explanation by what refuses, without the values in it; "" for none.
func classOf(d disagreement) string {
	if _, explained := explain(d); explained {
		return ""
	}
	if d.ours.Valid {
		return "graphql-js refuses by " + strings.Join(d.theirs.Rules, ", ") + ": " + particulars.ReplaceAllString(d.theirs.Message, "…")
	}
	return "ours refuses by " + strings.Join(d.ours.Rules, ", ") + ": " + particulars.ReplaceAllString(d.ours.Message, "…")
}

var particulars = regexp.MustCompile(`(?s)"([^"\\]|\\.)*"|[0-9]+|[{\[].*`)

// TestDeviationsStillDeviate holds each explanation to its example, so that none outlives its reason.
func TestDeviationsStillDeviate(t *testing.T) {
	t.Parallel()
	schema, o := testSchema(), newOracle(t)
	published, err := os.ReadFile(filepath.Join("..", "docs", "validation.md"))
	if err != nil {
		t.Fatal(err)
	}
	if rows := strings.Count(string(published), "\n| ") - 1; rows != len(deviations) {
		t.Errorf("docs/validation.md has %d deviations, and there are %d", rows, len(deviations))
	}
	for _, d := range deviations {
		stricter := map[bool]string{true: "graphql-js", false: "ours"}[d.laxer]
		if row := regexp.MustCompile(`(?m)^\| ` + inMarkdown(d.name) + ` \|.* \| ` + stricter + ` \|`); !row.Match(published) {
			t.Errorf("docs/validation.md does not say that over %s %s is stricter", d.name, stricter)
		}
		for i, theirs := range o.judge(t, d.examples) {
			mine := ours(schema, d.examples[i])
			if name, _ := explain(disagreement{schema, d.examples[i], mine, theirs}); name != d.name {
				t.Errorf("%s: its example %q is %q\nours: %+v\ngraphql-js: %+v", d.name, d.examples[i], name, mine, theirs)
			}
		}
	}
}

// inMarkdown is a name as the table of a Markdown document has it, to be looked for.
func inMarkdown(name string) string { return regexp.QuoteMeta(strings.ReplaceAll(name, "_", `\_`)) }

func (v verdict) String() string {
	return fmt.Sprintf("valid: %t, %v, %s", v.Valid, v.Rules, v.Message)
}
