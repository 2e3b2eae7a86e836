package directives

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
)

// ServiceOnly is @serviceOnly: FORBIDDEN to every user, super admins included, and to a service whose token lacks the
// scope.
func ServiceOnly(ctx context.Context, _ any, next graphql.Resolver, scope string) (any, error) {
	v := auth.Viewer(ctx)
	switch {
	case v.Service == nil:
		return nil, chat.Errorf(chat.Forbidden, "this is for services")
	case !v.Has(chat.Scope(scope)):
		return nil, chat.Errorf(chat.Forbidden, "the service token lacks a scope: %s", scope)
	}
	return next(ctx)
}
