package directives

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
)

// Scope is @scope: FORBIDDEN to a service whose token has none of the scopes, which spaces part as in RFC 6749 3.3.
// Users are not concerned: what they may see is decided by membership, visibility and @pii.
func Scope(ctx context.Context, _ any, next graphql.Resolver, scopes string) (any, error) {
	if HoldsScope(auth.Viewer(ctx), scopes) {
		return next(ctx)
	}
	return nil, chat.Errorf(chat.Forbidden, "the service token lacks a scope: %s", strings.ReplaceAll(scopes, " ", " or "))
}

// HoldsScope says that @scope lets a viewer through: a user always, a service with any of the scopes.
func HoldsScope(v *chat.Viewer, scopes string) bool {
	if v.Service == nil {
		return true
	}
	for scope := range strings.FieldsSeq(scopes) {
		if v.Has(chat.Scope(scope)) {
			return true
		}
	}
	return false
}
