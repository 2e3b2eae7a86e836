package resolvers

import (
	"context"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/vault"
)

// setContactOrdering has the database keep contacts in an order, or not. It answers when no replica goes by the settings
// of before.
func (r *Resolver) setContactOrdering(ctx context.Context, input graph.SetContactOrderingInput) (*chat.Account, error) {
	account, err := r.Vault.SetContactOrdering(ctx, vault.OrderingChange{AccountID: int64(input.AccountID), Field: input.Field, Labels: input.Labels, Reason: input.Reason})
	r.Auth.ForgetAll()
	if err != nil {
		return nil, err
	}
	return account, r.Auth.AwaitForgotten(ctx)
}
