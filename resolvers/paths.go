package resolvers

import (
	"cmp"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// ordered puts errors in the order of their places: items of a list are resolved side by side, so that without it the
// ten that are shown would be others each time.
func ordered(errs gqlerror.List) gqlerror.List {
	slices.SortStableFunc(errs, func(a, b *gqlerror.Error) int { return slices.CompareFunc(a.Path, b.Path, compareElements) })
	return errs
}

func compareElements(a, b ast.PathElement) int {
	i, aIndex := a.(ast.PathIndex)
	j, bIndex := b.(ast.PathIndex)
	if aIndex && bIndex {
		return cmp.Compare(i, j)
	}
	name, _ := a.(ast.PathName)
	other, _ := b.(ast.PathName)
	return cmp.Compare(name, other)
}
