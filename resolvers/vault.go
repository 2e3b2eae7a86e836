package resolvers

import (
	"context"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/vault"
)

// vaultTokens lists what the vault keeps of an account: for services, whose scope the directive has looked at, and for
// whoever may erase its contacts.
func (r *Resolver) vaultTokens(ctx context.Context, account *chat.Account) ([]*chat.VaultToken, error) {
	if auth.Viewer(ctx).Service == nil {
		if err := mayErase(ctx, account.ID); err != nil {
			return nil, err
		}
	}
	return r.Vault.ListTokens(ctx, account.ID)
}

// retrieveToken gives a credential to a service.
func (r *Resolver) retrieveToken(ctx context.Context, account *chat.Account, provider, subject string) (*graph.StoredToken, error) {
	token, credential, err := r.Vault.RetrieveToken(ctx, account.ID, provider, subject)
	if err != nil {
		return nil, err
	}
	stored := &graph.StoredToken{Token: token, AccessToken: credential.Access}
	if credential.TokenType != "" {
		stored.TokenType = &credential.TokenType
	}
	return stored, nil
}

// storeToken keeps a credential that a service brings.
func (r *Resolver) storeToken(ctx context.Context, account *chat.Account, input graph.StoreTokenInput) (*chat.VaultToken, error) {
	stored := vault.TokenStored{AccountID: account.ID, Provider: input.Provider, Subject: input.Subject, Kind: input.Kind,
		Credential: chat.Credential{Access: input.AccessToken}, Scopes: input.Scopes, ExpiresAt: input.ExpiresAt}
	if input.RefreshToken != nil {
		stored.Credential.Refresh = *input.RefreshToken
	}
	if input.TokenType != nil {
		stored.Credential.TokenType = *input.TokenType
	}
	return r.Vault.StoreToken(ctx, stored)
}
