package leaktest

import "github.com/vektah/gqlparser/v2/ast"

// scope is a place in an answer, by response names: fields that have one name there must be able to merge. All
// members of a union share theirs, which is stricter than the rule.
type scope struct{ entries map[string]*entry }

// entry is what a response name stands for: which field, with which arguments, and what may stand below it.
type entry struct {
	field     *ast.FieldDefinition
	arguments []argument
	text      string // the arguments as they are compared
	page      int
	below     *scope
}

func newScope() *scope { return &scope{make(map[string]*entry)} }

// takes says that another field can have a name that an entry has.
func (e *entry) takes(f *ast.FieldDefinition) bool {
	return e.field == f || alike(e.field, f) && len(f.Arguments)+len(e.arguments) == 0
}

// fits says that everything in another scope can be merged into this one.
func (s *scope) fits(other *scope) bool {
	for key, theirs := range other.entries {
		ours := s.entries[key]
		if ours == nil {
			continue
		}
		if !alike(ours.field, theirs.field) || ours.text != theirs.text || !ours.below.fits(theirs.below) {
			return false
		}
	}
	return true
}

func alike(a, b *ast.FieldDefinition) bool {
	return a.Name == b.Name && a.Type.String() == b.Type.String()
}

// merge takes in another scope that fits. Nothing of the other's is shared: a fragment's scope stays its own.
func (s *scope) merge(other *scope) {
	for key, theirs := range other.entries {
		ours := s.entries[key]
		if ours == nil {
			copied := *theirs
			copied.below = newScope()
			ours = &copied
			s.entries[key] = ours
		}
		ours.below.merge(theirs.below)
	}
}
