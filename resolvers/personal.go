package resolvers

import (
	"maps"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// PersonalNames lists, sorted and as the schema spells them, the names under which the schema carries personal
// values: of fields behind @pii or @piiText, by themselves or by their scalar, and of arguments, input fields and enum
// values with @piiArg or of such a scalar. A log writes no value under any of them.
func PersonalNames(s *ast.Schema) []string {
	names := make(map[string]bool)
	behindGate := func(d ast.DirectiveList, t *ast.Type) bool {
		return d.ForName("pii") != nil || d.ForName("piiText") != nil || d.ForName("piiArg") != nil ||
			s.Types[t.Name()] != nil && s.Types[t.Name()].Directives.ForName("pii") != nil
	}
	for _, def := range s.Types {
		for _, f := range def.Fields { // of inputs as well
			if behindGate(f.Directives, f.Type) {
				names[f.Name] = true
			}
			for _, a := range f.Arguments {
				if behindGate(a.Directives, a.Type) {
					names[a.Name] = true
				}
			}
		}
		for _, v := range def.EnumValues {
			if v.Directives.ForName("piiArg") != nil {
				names[v.Name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
