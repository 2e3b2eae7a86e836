package leaktest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Document is a request: what a client posts to /graphql.
type Document struct {
	Name          string // for messages of tests; no part of the request
	Query         string
	Variables     map[string]any
	OperationName string
}

// Walk makes documents from a schema, path by path from Query.
type Walk struct {
	Schema *ast.Schema
	// Depth is how many fields deep a document may be, its leaves included.
	Depth int
	// Pages are the sizes of pages, by how many connections a path has gone through before; the last one serves from
	// there on.
	Pages []int
	// Arguments are those without which a field cannot be asked, by Type.field, such as `id: "1"`.
	Arguments map[string]string
}

// NewWalk gives a walk of the demo's account 1 that is deep enough for every output field of the schema: account,
// conversations, nodes, messages, nodes, sender, and what hangs off what hangs off the sender.
func NewWalk(schema *ast.Schema) Walk {
	return Walk{
		Schema: schema, Depth: 8, Pages: []int{25, 4, 2, 2},
		Arguments: map[string]string{
			"Query.account":               `id: "1"`,
			"Account.contact":             `id: "1"`,
			"Account.lookupContact":       `input: {email: "ines.moura.001@example.com"}`,
			"Account.conversation":        `displayId: "1"`,
			"Account.duplicateCandidates": `contactId: "1"`,
			"Account.searchContacts":      `query: "a"`,
			"Account.searchMessages":      `query: "order"`,
			"Conversation.searchMessages": `query: "the"`,
			"Account.token":               `provider: "shopify", subject: "hook/1"`,
			"User.role":                   `accountId: "1"`,
			"Viewer.masked":               `accountId: "1"`,
		},
	}
}

// Everything gives a document for each path to an object, which asks for all of the object's leaves. It fails where
// they leave out an output field that a query can reach. Paths through edges go no further than the node: what lies
// below it lies below nodes as well.
func (w Walk) Everything() ([]Document, error) {
	var documents []Document
	reached := make(map[string]bool)
	w.walk(func(path []step, leaves []leaf) {
		if below(path[:max(len(path)-1, 0)], "edges") {
			return
		}
		texts := make([]string, len(leaves))
		for i, l := range leaves {
			texts[i] = l.text
			reached[l.coordinate] = true
		}
		for _, s := range path {
			reached[s.coordinate] = true
		}
		documents = append(documents, document(path, "", strings.Join(texts, " ")))
	})
	return documents, w.missing(reached)
}

// Paths gives a document for each path from Query to a personal field: one behind @pii or @piiText, or of a personal
// scalar. Each asks for that field alone.
func (w Walk) Paths() []Document {
	var documents []Document
	w.walk(func(path []step, leaves []leaf) {
		for _, l := range leaves {
			if l.personal {
				documents = append(documents, document(path, l.name, l.text))
			}
		}
	})
	return documents
}

// missing names the output fields that were not reached. Those of a mutation's answer cannot be.
func (w Walk) missing(reached map[string]bool) error {
	var missing []error
	for name, def := range w.Schema.Types {
		if def.Kind != ast.Object || def.BuiltIn || def == w.Schema.Mutation || strings.HasSuffix(name, "Payload") || name == "ContactErasure" {
			continue
		}
		for _, f := range def.Fields {
			if coordinate := name + "." + f.Name; !strings.HasPrefix(f.Name, "__") && !reached[coordinate] {
				missing = append(missing, fmt.Errorf("the walk does not reach %s", coordinate))
			}
		}
	}
	return errors.Join(missing...)
}

// step is a selection on the way to an object: a field, or a member of a union.
type step struct{ coordinate, name, text string }

// leaf is a field without fields of its own.
type leaf struct {
	coordinate, name, text string
	personal               bool
}

// walk hands every object with leaves to each, with the path to it. The slices are each's to read, not to keep.
func (w Walk) walk(each func(path []step, leaves []leaf)) {
	w.object(w.Schema.Query, nil, 0, 0, each)
}

// object looks at the object at the end of a path, which is so many fields deep, and goes on to what hangs off it.
func (w Walk) object(def *ast.Definition, path []step, depth, connections int, each func([]step, []leaf)) {
	var leaves []leaf
	var onwards []*ast.FieldDefinition
	for _, f := range def.Fields {
		if strings.HasPrefix(f.Name, "__") {
			continue
		}
		if w.Schema.Types[f.Type.Name()].IsLeafType() {
			leaves = append(leaves, leaf{def.Name + "." + f.Name, f.Name, w.selection(def, f, connections), Personal(w.Schema, f)})
			continue
		}
		onwards = append(onwards, f)
	}
	if len(leaves) > 0 && depth < w.Depth {
		each(path, leaves)
	}
	for _, f := range onwards {
		if depth+1 < w.Depth {
			w.follow(def, f, path, depth+1, connections, each)
		}
	}
}

func (w Walk) follow(def *ast.Definition, f *ast.FieldDefinition, path []step, depth, connections int, each func([]step, []leaf)) {
	here := append(slices.Clone(path), step{def.Name + "." + f.Name, f.Name, w.selection(def, f, connections)})
	if f.Arguments.ForName("first") != nil {
		connections++
	}
	target := w.Schema.Types[f.Type.Name()]
	if target.Kind != ast.Union {
		w.object(target, here, depth, connections, each)
		return
	}
	for _, member := range target.Types {
		w.object(w.Schema.Types[member], append(slices.Clone(here), step{"", member, "... on " + member}), depth, connections, each)
	}
}

// selection is a field with the arguments it needs.
func (w Walk) selection(def *ast.Definition, f *ast.FieldDefinition, connections int) string {
	arguments := w.Arguments[def.Name+"."+f.Name]
	if f.Arguments.ForName("first") != nil {
		page := fmt.Sprintf("first: %d", w.Pages[min(connections, len(w.Pages)-1)])
		arguments = strings.TrimPrefix(arguments+", "+page, ", ")
	}
	if arguments == "" {
		return f.Name
	}
	return f.Name + "(" + arguments + ")"
}

// below says that a path has gone through a field and further.
func below(path []step, field string) bool {
	i := slices.IndexFunc(path, func(s step) bool { return s.name == field })
	return i >= 0 && i < len(path)-1
}

func document(path []step, name, leaves string) Document {
	names, texts := make([]string, len(path)), make([]string, len(path))
	for i, s := range path {
		names[i], texts[i] = s.name, s.text
	}
	if name != "" {
		names = append(names, name)
	}
	open := "{ " + strings.Join(append(texts, ""), " { ")
	return Document{
		Name:  "walk of " + strings.Join(names, "."),
		Query: open + leaves + strings.Repeat(" }", len(path)+1),
	}
}

// Personal says that a field's value is behind a gate: it bears @pii or @piiText, or is of a scalar that bears @pii.
func Personal(schema *ast.Schema, f *ast.FieldDefinition) bool {
	return f.Directives.ForName("pii") != nil || f.Directives.ForName("piiText") != nil ||
		schema.Types[f.Type.Name()].Directives.ForName("pii") != nil
}
