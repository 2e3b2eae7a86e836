package resolvers

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cloakroom/cloakroom/chat"
)

// The limits of a document. They hold for everybody: a document beyond them asks for nothing that a dashboard needs.
const (
	maxTokens     = 1000 // read before anything is parsed
	maxDepth      = 10   // fields in one another
	maxAliases    = 15   // fragments spread twice count twice, here and below
	maxDirectives = 20
	maxRootFields = 5
	maxSelections = 1000 // fields and fragments of all operations
	// maxDocument bounds a text, in bytes: those that were sent lately are kept.
	maxDocument = 32 << 10
	// maxName bounds an alias, in bytes: it stands in the answer for every row, and in the path of every error.
	maxName = 100
	// maxRepeats bounds, summed over the paths of all operations, the square of how often each is asked for: that fields
	// of one name can be merged is checked pair by pair, and 998 times the same one would cost a fifth of a second.
	maxRepeats = 10_000
	// maxIntrospection is maxDepth for a document that reads the schema: a list of a non-null type is three levels.
	maxIntrospection = 20
	// maxList is how many items a list that is given holds.
	maxList = 100
	// maxErrors is how many errors an answer holds.
	maxErrors = 10
)

// measure holds what an operation comes to, its fragments spread. Counting stops where a limit is passed.
type measure struct {
	fragments                                     ast.FragmentDefinitionList
	spread                                        map[*ast.FragmentDefinition]bool // by any operation
	spreading                                     []string                         // fragments being spread: one in itself is refused by validation
	depth, aliases, directives, roots, selections int
	introspects                                   bool
	introspectionDepth                            int
	repeats                                       int
	longestAlias                                  int
}

// path is a place in an answer: every field that is asked for there has to agree with every other.
type path struct {
	below map[string]*path
	asked int
}

func (p *path) ask(name string) *path {
	if p.below == nil {
		p.below = make(map[string]*path)
	}
	next := p.below[name]
	if next == nil {
		next = new(path)
		p.below[name] = next
	}
	next.asked++
	return next
}

// checkLimits says which limit a document passes, nil for none. It needs no schema, so that it runs before
// validation, whose cost grows with the square of some of these.
func checkLimits(doc *ast.QueryDocument) (introspects bool, err *chat.Error) {
	spread := make(map[*ast.FragmentDefinition]bool)
	m := new(measure)
	for _, op := range doc.Operations {
		// Every operation is validated with all that it spreads, so these two add up.
		m = &measure{fragments: doc.Fragments, spread: spread, directives: len(op.Directives), selections: m.selections, repeats: m.repeats}
		for _, v := range op.VariableDefinitions {
			m.directives += len(v.Directives)
		}
		m.walk(op.SelectionSet, 1, false, new(path))
		introspects = introspects || m.introspects
		if err = m.fault(); err != nil {
			return introspects, err
		}
	}
	for _, f := range doc.Fragments { // one that no operation spreads is refused by validation, but only once it is validated
		m = &measure{fragments: doc.Fragments, spread: spread, selections: m.selections, repeats: m.repeats}
		if !spread[f] {
			m.fragment(f, 2, false, new(path))
		}
		if err = m.fault(); err != nil {
			return introspects, err
		}
	}
	return introspects, nil
}

func (m *measure) walk(selections ast.SelectionSet, depth int, introspecting bool, at *path) {
	for _, s := range selections {
		if m.selections++; m.fault() != nil {
			return
		}
		switch s := s.(type) {
		case *ast.Field:
			m.field(s, depth, introspecting, at)
		case *ast.InlineFragment:
			m.directives += len(s.Directives)
			m.walk(s.SelectionSet, depth, introspecting, at)
		case *ast.FragmentSpread:
			m.directives += len(s.Directives)
			m.fragment(m.fragments.ForName(s.Name), depth, introspecting, at)
		}
	}
}

func (m *measure) field(f *ast.Field, depth int, introspecting bool, at *path) {
	m.directives += len(f.Directives)
	if f.Alias != "" && f.Alias != f.Name {
		m.aliases++
		m.longestAlias = max(m.longestAlias, len(f.Alias))
	}
	if depth == 1 {
		m.roots++
		introspecting = f.Name == "__schema" || f.Name == "__type"
		m.introspects = m.introspects || introspecting
	}
	if introspecting {
		m.introspectionDepth = max(m.introspectionDepth, depth)
	} else {
		m.depth = max(m.depth, depth)
	}
	here := at.ask(f.Alias)
	m.repeats += 2*here.asked - 1 // n² less (n-1)²
	m.walk(f.SelectionSet, depth+1, introspecting, here)
}

func (m *measure) fragment(f *ast.FragmentDefinition, depth int, introspecting bool, at *path) {
	if f == nil || slices.Contains(m.spreading, f.Name) {
		return
	}
	m.spread[f] = true
	m.directives += len(f.Directives)
	m.spreading = append(m.spreading, f.Name)
	m.walk(f.SelectionSet, depth, introspecting, at)
	m.spreading = m.spreading[:len(m.spreading)-1]
}

func (m *measure) fault() *chat.Error {
	switch {
	case m.depth > maxDepth:
		return chat.Errorf(chat.Limited, "the document is more than %d fields deep", maxDepth)
	case m.introspectionDepth > maxIntrospection:
		return chat.Errorf(chat.Limited, "the document is more than %d fields deep", maxIntrospection)
	case m.aliases > maxAliases:
		return chat.Errorf(chat.Limited, "the document has more than %d aliases", maxAliases)
	case m.longestAlias > maxName:
		return chat.Errorf(chat.Limited, "an alias is longer than %d bytes", maxName)
	case m.directives > maxDirectives:
		return chat.Errorf(chat.Limited, "the document has more than %d directives", maxDirectives)
	case m.roots > maxRootFields:
		return chat.Errorf(chat.Limited, "an operation has more than %d fields at its root", maxRootFields)
	case m.selections > maxSelections:
		return chat.Errorf(chat.Limited, "the document has more than %d fields and fragments", maxSelections)
	case m.repeats > maxRepeats:
		return chat.Errorf(chat.Limited, "the document asks for the same fields too often")
	}
	return nil
}
