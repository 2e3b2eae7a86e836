package leaktest

import (
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
)

// minimal takes away from a document what can go while the two still disagree over it in the same way: groups in
// brackets with what stands before them, then single tokens.
func minimal(t testing.TB, o *oracle, schema *ast.Schema, query, class string) string {
	t.Helper()
	for range 60 {
		tokens := tokenText.FindAllString(query, -1)
		if len(tokens) > maxTokens {
			break
		}
		shorter := shorterBy(schema, tokens, ours(schema, query))
		found := false
		for i, theirs := range o.judge(t, shorter) {
			if classOf(disagreement{schema, shorter[i], ours(schema, shorter[i]), theirs}) == class {
				query, found = shorter[i], true
				break
			}
		}
		if !found {
			break
		}
	}
	return query
}

// shorterBy gives documents with something less over which our verdict is the same, the shortest first.
func shorterBy(schema *ast.Schema, tokens []string, mine verdict) []string {
	var list []string
	try := func(from, to int) {
		if from < 0 || to > len(tokens) {
			return
		}
		candidate := strings.Join(slices.Delete(slices.Clone(tokens), from, to), " ")
		if v := ours(schema, candidate); v.Valid == mine.Valid && slices.Equal(v.Rules, mine.Rules) {
			list = append(list, candidate)
		}
	}
	var open []int
	for i, token := range tokens {
		try(i, i+1)
		try(i, i+2)
		switch token {
		case "{", "(", "[":
			open = append(open, i)
		case "}", ")", "]":
			if len(open) == 0 {
				continue
			}
			from := open[len(open)-1]
			open = open[:len(open)-1]
			for before := range 5 {
				try(from-before, i+1)
			}
			try(from, from+1) // leaves the bracket's end, which another candidate may take
		}
	}
	slices.SortStableFunc(list, func(a, b string) int { return len(a) - len(b) })
	return slices.Compact(list)
}
