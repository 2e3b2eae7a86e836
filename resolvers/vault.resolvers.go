package resolvers

import (
	"context"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/graph"
)

// VaultTokens is the resolver for the vaultTokens field.
func (r *accountResolver) VaultTokens(ctx context.Context, obj *chat.Account) ([]*chat.VaultToken, error) {
	return r.vaultTokens(ctx, obj)
}

// Token is the resolver for the token field.
func (r *accountResolver) Token(ctx context.Context, obj *chat.Account, provider string, subject string) (*graph.StoredToken, error) {
	return r.retrieveToken(ctx, obj, provider, subject)
}

// StoreToken is the resolver for the storeToken field.
func (r *mutationResolver) StoreToken(ctx context.Context, input graph.StoreTokenInput) (*graph.StoreTokenPayload, error) {
	account, err := accountOf(ctx, input.AccountID)
	if err != nil {
		return nil, err
	}
	token, err := r.storeToken(ctx, account, input)
	if err != nil {
		return nil, err
	}
	return &graph.StoreTokenPayload{Token: token}, nil
}

// RevokeToken is the resolver for the revokeToken field.
func (r *mutationResolver) RevokeToken(ctx context.Context, input graph.RevokeTokenInput) (*graph.RevokeTokenPayload, error) {
	account, err := accountOf(ctx, input.AccountID)
	if err != nil {
		return nil, err
	}
	token, there, err := r.Vault.RevokeToken(ctx, account.ID, input.Provider, input.Subject, input.Reason)
	if err != nil {
		return nil, named("input.subject", err)
	}
	return &graph.RevokeTokenPayload{Token: token, AtProvider: there}, nil
}

// RefreshToken is the resolver for the refreshToken field.
func (r *mutationResolver) RefreshToken(ctx context.Context, input graph.RefreshTokenInput) (*graph.RefreshTokenPayload, error) {
	account, err := accountOf(ctx, input.AccountID)
	if err != nil {
		return nil, err
	}
	token, err := r.Vault.RefreshToken(ctx, account.ID, input.Provider, input.Subject)
	if err != nil {
		return nil, named("input.subject", err)
	}
	return &graph.RefreshTokenPayload{Token: token}, nil
}
