package resolvers

import (
	"fmt"
	"reflect"

	"github.com/cloakroom/cloakroom/graph"
)

// complete says which directive of the schema has no implementation. gqlgen would start all the same and fail in every
// field that bears it; who runs the program should hear of it first (S8).
func complete(d graph.DirectiveRoot) error {
	v := reflect.ValueOf(d)
	for i := range v.NumField() {
		if v.Field(i).IsNil() {
			return fmt.Errorf("the directive @%s has no implementation", v.Type().Field(i).Name)
		}
	}
	return nil
}
