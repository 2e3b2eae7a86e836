package directives

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
)

// rank orders users; a service has none.
var rank = map[chat.ViewerKind]int{chat.KindAgent: 1, chat.KindAdministrator: 2, chat.KindSuperAdmin: 3}

// HasRole is @hasRole: FORBIDDEN to users below a kind and to services.
func HasRole(ctx context.Context, _ any, next graphql.Resolver, role chat.ViewerKind) (any, error) {
	if rank[auth.Viewer(ctx).Kind()] < rank[role] {
		return nil, chat.Errorf(chat.Forbidden, "this takes a %s", role)
	}
	return next(ctx)
}
