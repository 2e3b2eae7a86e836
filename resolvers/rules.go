package resolvers

import (
	"maps"
	"strconv"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/cloakroom/cloakroom/graph"
)

// Schema is what documents are held against: the schema without @defer, which gqlparser puts into every one. An answer
// is one piece here: nobody would fetch what is deferred, its fields would be null as if there were nothing, and its
// goroutines would wait for ever.
var Schema = sync.OnceValue(func() *ast.Schema {
	own := *graph.NewExecutableSchema(graph.Config{}).Schema()
	own.Directives = maps.Clone(own.Directives)
	delete(own.Directives, "defer")
	return &own
})

// Rules are those of validation: gqlparser's, and what it lacks of GraphQL's ValuesOfCorrectType: a literal of a built-in
// scalar or an enum is no object, and an Int has 32 bits. Without it @include(if: {}) panics in the executor. A Secret has
// no literal at all: documents are kept in memory, and their authors keep them in files.
func Rules() *rules.Rules {
	list := rules.NewDefaultRules()
	list.AddRule("LiteralsOfScalars", func(observers *core.Events, report core.AddErrFunc) {
		observers.OnValue(func(_ *core.Walker, v *ast.Value) {
			if v.Definition != nil && v.ExpectedType != nil && !fits(v) {
				report(core.Message("a value in the document does not fit its type"), core.At(v.Position))
			}
		})
	})
	list.AddRule("LiteralsOfSecrets", func(observers *core.Events, report core.AddErrFunc) {
		observers.OnValue(func(_ *core.Walker, v *ast.Value) {
			if v.Definition != nil && v.Definition.Name == "Secret" && v.Kind != ast.Variable && v.Kind != ast.NullValue {
				report(core.Message("a secret is given in a variable, never in the document"), core.At(v.Position))
			}
		})
	})
	return list
}

func fits(v *ast.Value) bool {
	switch {
	case v.Kind == ast.ObjectValue:
		return v.Definition.Kind != ast.Enum && !v.Definition.OneOf("Int", "Float", "String", "Boolean", "ID")
	case v.Kind == ast.IntValue && v.Definition.Name == "Int":
		_, err := strconv.ParseInt(v.Raw, 10, 32)
		return err == nil
	}
	return true
}
