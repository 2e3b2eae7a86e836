package resolvers

import (
	"context"
	"reflect"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/cloakroom/cloakroom/directives"
	"github.com/cloakroom/cloakroom/graph"
)

func TestS8EveryDirectiveHasItsFunction(t *testing.T) {
	t.Parallel()
	whole := graph.DirectiveRoot{Pii: directives.PII, PiiText: directives.PIIText, HasRole: directives.HasRole, Scope: directives.Scope,
		ServiceOnly: directives.ServiceOnly,
		Planned:     func(ctx context.Context, _ any, next graphql.Resolver) (any, error) { return next(ctx) }}
	if err := complete(whole); err != nil {
		t.Error(err)
	}
	lists := map[string]string{"Pii": "@pii", "PiiText": "@piiText", "HasRole": "@hasRole", "Scope": "@scope", "ServiceOnly": "@serviceOnly", "Planned": "@planned"}
	if n := reflect.TypeOf(whole).NumField(); n != len(lists) {
		t.Errorf("%d directives, %d are known here", n, len(lists))
	}
	for field, name := range lists {
		lacking := whole
		reflect.ValueOf(&lacking).Elem().FieldByName(field).SetZero()
		if err := complete(lacking); err == nil || err.Error() != "directives without a function: "+name {
			t.Errorf("without %s: %v", name, err)
		}
	}
	if err := complete(graph.DirectiveRoot{Pii: directives.PII}); err == nil || err.Error() != "directives without a function: @hasRole, @piiText, @planned, @scope, @serviceOnly" {
		t.Errorf("with @pii alone: %v", err)
	}
}
