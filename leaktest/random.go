package leaktest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// The limits of a document, as the server has them: random documents keep them but for Excess. Each counts for one
// operation with its fragments spread; a generator keeps them for a document as a whole.
const (
	maxTokens     = 1000
	maxDepth      = 10
	maxAliases    = 15
	maxDirectives = 20
	maxRootFields = 5
	maxPage       = 100
	maxCost       = 10_000
)

// Generator makes random valid documents of a schema, the same ones for the same seed. It is not safe for use by
// several goroutines.
type Generator struct {
	// Mutations is the share of documents that are mutations, 0 to 1. Whoever is masked must find them FORBIDDEN;
	// whoever operates an installation would change it.
	Mutations float64
	// Excess is the share of documents that pass a limit on purpose.
	Excess float64

	schema *ast.Schema
	values Values
	rng    *rand.Rand
	seed   uint64
	made   int
	reach  map[string]int // by type: how many fields there are before a personal one can be asked for
	unions []*ast.Definition
	words  []string // for aliases
}

// NewGenerator gives a generator of queries, of which two in a hundred pass a limit.
func NewGenerator(schema *ast.Schema, seed uint64, values Values) *Generator {
	g := &Generator{Excess: 0.02, schema: schema, values: values, seed: seed, rng: rand.New(rand.NewPCG(seed, 0))}
	g.reach = reachOf(schema)
	for _, name := range slices.Sorted(maps.Keys(schema.Types)) {
		if def := schema.Types[name]; def.Kind == ast.Union {
			g.unions = append(g.unions, def)
		}
	}
	g.words = []string{"a", "b", "_", "x_1", "A9", "data", "errors", "on", "query", "fragment", "type", "null", "constructor", "toString"}
	for _, name := range []string{"Contact", "Message", "EmailHeaders", "User"} {
		if def := schema.Types[name]; def != nil {
			for _, f := range def.Fields {
				g.words = append(g.words, f.Name)
			}
		}
	}
	return g
}

// reachOf gives the distance of every composite type from a personal field.
func reachOf(schema *ast.Schema) map[string]int {
	reach := make(map[string]int)
	for changed := true; changed; {
		changed = false
		for name, def := range schema.Types {
			if best, ok := nearest(schema, def, reach); ok {
				if old, known := reach[name]; !known || best < old {
					reach[name], changed = best, true
				}
			}
		}
	}
	return reach
}

func nearest(schema *ast.Schema, def *ast.Definition, reach map[string]int) (best int, found bool) {
	better := func(n int) {
		if !found || n < best {
			best, found = n, true
		}
	}
	for _, f := range def.Fields {
		if def.Kind == ast.Object && Personal(schema, f) {
			better(0)
		}
		if n, ok := reach[f.Type.Name()]; ok && def.Kind == ast.Object {
			better(n + 1)
		}
	}
	for _, member := range def.Types {
		if n, ok := reach[member]; ok {
			better(n)
		}
	}
	return best, found
}

// Document gives the next document. Its name says how to make it again: the seed, and how many came before.
func (g *Generator) Document() Document {
	name := fmt.Sprintf("random document %d of seed %d", g.made, g.seed)
	g.made++
	var d Document
	if g.chance(g.Excess) {
		d = g.excess()
	} else {
		d = g.draft().document()
	}
	d.Name = name
	return d
}

func (g *Generator) chance(share float64) bool { return g.rng.Float64() < share }

func pick[T any](g *Generator, list []T) T { return list[g.rng.IntN(len(list))] }

// draft is a document being made. What is left of the limits goes down as selections are made.
type draft struct {
	*Generator
	depth, tokens, aliases, directives, cost int // what is left; depth is the deepest that fields may be
	fragments                                []*fragment
	variables                                []*variable
	operations                               []*operation
}

// operation is one operation of a draft.
type operation struct {
	kind, name string
	set        []*selection
}

func (g *Generator) draft() *draft {
	d := &draft{
		Generator: g, depth: 4 + g.rng.IntN(maxDepth-3), tokens: 40 + g.rng.IntN(300), aliases: maxAliases, directives: maxDirectives,
		cost: maxCost - maxCost/10,
	}
	if g.chance(0.15) {
		d.tokens = maxTokens * 7 / 10
	}
	operations := 1
	if g.chance(0.08) {
		operations += 1 + g.rng.IntN(2)
	}
	for i := range operations {
		d.operations = append(d.operations, d.operation(i, maxRootFields/operations))
	}
	return d
}

func (d *draft) operation(i, roots int) *operation {
	op := &operation{kind: "query"}
	root := d.schema.Query
	if d.schema.Mutation != nil && d.chance(d.Mutations) {
		op.kind, root = "mutation", d.schema.Mutation
	}
	if d.chance(0.6) {
		op.name = pick(d.Generator, []string{"Q", "contacts", "Inbox_page", "thread", "_x", "query", "A"}) + string(rune('a'+i))
	}
	scope := newScope()
	for n := 1 + d.rng.IntN(min(roots, 2)*2); n > 0 && roots > 0; n-- {
		s := d.field(root, pick(d.Generator, d.visible(root)), scope, place{depth: 1, times: 1})
		if s == nil {
			continue
		}
		if d.chance(0.06) {
			s = &selection{on: pick(d.Generator, []string{"", root.Name}), inline: true, set: []*selection{s}, directives: d.conditions()}
		}
		op.set = append(op.set, s)
		roots--
	}
	if len(op.set) == 0 || roots > 0 && d.chance(0.1) {
		op.set = append(op.set, &selection{name: "__typename"})
	}
	return op
}

// document writes a draft down, with values for the variables of the operation that is asked for.
func (d *draft) document() Document {
	chosen := pick(d.Generator, d.operations)
	if len(d.operations) > 1 {
		for i, op := range d.operations {
			if op.name == "" {
				op.name = "Op" + string(rune('A'+i))
			}
		}
	}
	doc := Document{Query: d.write(), Variables: make(map[string]any)}
	if len(d.operations) > 1 || chosen.name != "" && d.chance(0.5) {
		doc.OperationName = chosen.name
	}
	for _, v := range d.used(chosen.set) {
		if v.given {
			doc.Variables[v.name] = plain(v.value)
		}
	}
	if len(doc.Variables) == 0 {
		doc.Variables = nil
	}
	return doc
}
