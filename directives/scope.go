package directives

import (
	"context"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
)

// Scope is @scope: FORBIDDEN to a service whose token has none of the scopes. Users are not concerned: what they
// may see is decided by membership, visibility and @pii.
func Scope(ctx context.Context, _ any, next graphql.Resolver, scopes []string) (any, error) {
	v := auth.Viewer(ctx)
	if v.Service != nil && !slices.ContainsFunc(scopes, func(s string) bool { return v.Has(chat.Scope(s)) }) {
		return nil, chat.Errorf(chat.Forbidden, "the service token lacks a scope: %s", strings.Join(scopes, " or "))
	}
	return next(ctx)
}
