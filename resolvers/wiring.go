package resolvers

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/cloakroom/cloakroom/graph"
)

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
