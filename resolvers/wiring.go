package resolvers

import (
	"fmt"
	"maps"
	"reflect"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cloakroom/cloakroom/graph"
)

// offered is the schema without @defer, which gqlparser puts into every one. An answer is one piece here: nobody would
// fetch what is deferred, its fields would be null as if there were nothing, and its goroutines would wait for ever.
func offered() *ast.Schema {
	own := *graph.NewExecutableSchema(graph.Config{}).Schema()
	own.Directives = maps.Clone(own.Directives)
	delete(own.Directives, "defer")
	return &own
}

// complete says that every directive of the schema has its function, and names those that have none. The generated
// code hides a field whose gate is missing, so nothing would leak (S8): but a server that cannot answer must not start.
func complete(d graph.DirectiveRoot) error {
	var missing []string
	root := reflect.ValueOf(d)
	for i := range root.NumField() {
		if root.Field(i).IsNil() {
			name := root.Type().Field(i).Name
			missing = append(missing, "@"+strings.ToLower(name[:1])+name[1:])
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("directives without a function: %s", strings.Join(missing, ", "))
	}
	return nil
}
