package resolvers

import (
	"context"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/masking"
)

// Masked is the resolver for the masked field.
func (r *viewerResolver) Masked(ctx context.Context, obj *chat.Viewer, accountID chat.ID) (bool, error) {
	if _, ok := auth.Viewer(ctx).Account(int64(accountID)); !ok {
		return true, named("accountId", chat.ErrNotFound)
	}
	return masking.MaskedIn(obj, int64(accountID)), nil
}

// PolicyVersion is the resolver for the policyVersion field.
func (r *viewerResolver) PolicyVersion(ctx context.Context, obj *chat.Viewer) (string, error) {
	return masking.PolicyVersion(obj), nil
}

// Viewer returns graph.ViewerResolver implementation.
func (r *Resolver) Viewer() graph.ViewerResolver { return &viewerResolver{r} }

type viewerResolver struct{ *Resolver }
