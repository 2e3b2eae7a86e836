package resolvers

import (
	"context"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/loaders"
	"github.com/cloakroom/cloakroom/masking"
)

// Availability is the resolver for the availability field.
func (r *userResolver) Availability(ctx context.Context, obj *chat.User) (*chat.Availability, error) {
	standing, err := loaders.For(ctx).Standing(ctx, obj.ID)
	if err != nil {
		return nil, err
	}
	return standing.AvailabilityIn(obj.AccountID), nil
}

// Role is the resolver for the role field.
func (r *userResolver) Role(ctx context.Context, obj *chat.User, accountID chat.ID) (*chat.Role, error) {
	if _, ok := auth.Viewer(ctx).Account(int64(accountID)); !ok {
		return nil, named("accountId", chat.ErrNotFound)
	}
	standing, err := loaders.For(ctx).Standing(ctx, obj.ID)
	if err != nil {
		return nil, err
	}
	return standing.RoleIn(int64(accountID)), nil
}

// PIIMasked is the resolver for the piiMasked field.
func (r *userResolver) PIIMasked(ctx context.Context, obj *chat.User) (bool, error) {
	standing, err := loaders.For(ctx).Standing(ctx, obj.ID)
	if err != nil {
		return true, err
	}
	return masking.Masked(standing.Masking, standing.RoleOf(obj)), nil
}

// MaskingVersion is the resolver for the maskingVersion field.
func (r *userResolver) MaskingVersion(ctx context.Context, obj *chat.User) (int, error) {
	standing, err := loaders.For(ctx).Standing(ctx, obj.ID)
	if err != nil {
		return 0, err
	}
	return standing.Masking.Version, nil
}

// User returns graph.UserResolver implementation.
func (r *Resolver) User() graph.UserResolver { return &userResolver{r} }

type userResolver struct{ *Resolver }
