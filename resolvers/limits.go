package resolvers

import (
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
	maxSelections = 1000 // fields and fragments of an operation
	// maxRepeats bounds, summed over the paths of an operation, the square of how often each is asked for: that fields
	// of one name can be merged is checked pair by pair, and 998 times the same one would cost a fifth of a second.
	maxRepeats = 10_000
	// maxIntrospection is maxDepth for a document that reads the schema: a list of a non-null type is three levels.
	maxIntrospection = 20
	// maxErrors is how many errors an answer holds.
	maxErrors = 10
)

// measure holds what an operation comes to, its fragments spread. Counting stops where a limit is passed.
type measure struct {
	fragments                                     ast.FragmentDefinitionList
	spreading                                     []string // fragments being spread: one in itself is refused by validation
	depth, aliases, directives, roots, selections int
	introspects                                   bool
	introspectionDepth                            int
	repeats                                       int
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
	for _, op := range doc.Operations {
		m := &measure{fragments: doc.Fragments, directives: len(op.Directives)}
		for _, v := range op.VariableDefinitions {
			m.directives += len(v.Directives)
		}
		m.walk(op.SelectionSet, 1, false, new(path))
		introspects = introspects || m.introspects
		if err = m.fault(); err != nil {
			break
		}
	}
	return introspects, err
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
			m.spread(s.Name, depth, introspecting, at)
		}
	}
}

func (m *measure) field(f *ast.Field, depth int, introspecting bool, at *path) {
	m.directives += len(f.Directives)
	if f.Alias != "" && f.Alias != f.Name {
		m.aliases++
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

func (m *measure) spread(name string, depth int, introspecting bool, at *path) {
	for _, open := range m.spreading {
		if open == name {
			return
		}
	}
	f := m.fragments.ForName(name)
	if f == nil {
		return
	}
	m.directives += len(f.Directives)
	m.spreading = append(m.spreading, name)
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
	case m.directives > maxDirectives:
		return chat.Errorf(chat.Limited, "the document has more than %d directives", maxDirectives)
	case m.roots > maxRootFields:
		return chat.Errorf(chat.Limited, "an operation has more than %d fields at its root", maxRootFields)
	case m.selections > maxSelections:
		return chat.Errorf(chat.Limited, "an operation has more than %d fields and fragments", maxSelections)
	case m.repeats > maxRepeats:
		return chat.Errorf(chat.Limited, "the document asks for the same fields too often")
	}
	return nil
}
