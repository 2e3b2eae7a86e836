package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cloakroom/cloakroom/chat"
)

// plans keeps compiled plans by the field of the document they were compiled for; documents are parsed once and
// kept as well. nil is a selection that no plan can answer.
var plans = newPlanCache()

func newPlanCache() *lru.Cache[*ast.Field, *plan] {
	cache, err := lru.New[*ast.Field, *plan](2 * keptDocuments)
	if err != nil {
		panic(err) // only of a size below one
	}
	return cache
}

// planFor gives the plan for the field that is being resolved, nil where there is none. It is kept where it depends
// on nothing but the document: not on variables, nor on what a service's token may read.
func planFor(ctx context.Context, viewer *chat.Viewer) *plan {
	field := graphql.GetFieldContext(ctx).Field
	kept := viewer.Service == nil && sameSelections(field.Selections, field.SelectionSet)
	if kept {
		if p, ok := plans.Get(field.Field); ok {
			return p
		}
	}
	p := &planner{op: graphql.GetOperationContext(ctx), viewer: viewer, plans: make(map[planKey]*plan)}
	compiled := p.compile(field.Definition.Type.Name(), field.Selections)
	if kept && fixed(field.SelectionSet) {
		plans.Add(field.Field, compiled)
	}
	return compiled
}

// sameSelections says that nothing was merged into a field from elsewhere in the document.
func sameSelections(collected, own ast.SelectionSet) bool {
	return len(collected) == len(own) && len(own) > 0 && collected[0] == own[0] && collected[len(own)-1] == own[len(own)-1]
}

// fixed says that what is asked is the same every time: no directive and no variable is below.
func fixed(selections ast.SelectionSet) bool {
	for _, s := range selections {
		switch s := s.(type) {
		case *ast.Field:
			if len(s.Directives) > 0 || !fixed(s.SelectionSet) {
				return false
			}
			for _, a := range s.Arguments {
				if a.Value.Kind == ast.Variable || len(a.Value.Children) > 0 {
					return false
				}
			}
		case *ast.InlineFragment:
			if len(s.Directives) > 0 || !fixed(s.SelectionSet) {
				return false
			}
		case *ast.FragmentSpread:
			if len(s.Directives) > 0 || s.Definition == nil || !fixed(s.Definition.SelectionSet) {
				return false
			}
		}
	}
	return true
}
