package resolvers

import (
	"context"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/graph"
)

// setSearchMode chooses how an account is searched. It answers when no replica goes by the settings of before.
func (r *Resolver) setSearchMode(ctx context.Context, input graph.SetSearchModeInput) (*chat.Account, error) {
	account, err := r.Vault.SetSearchMode(ctx, chat.ActorOf(auth.Viewer(ctx)), int64(input.AccountID), input.Mode, input.Reason)
	r.Auth.ForgetAll()
	if err != nil {
		return nil, named("input.accountId", err)
	}
	return account, r.Auth.AwaitForgotten(ctx)
}
