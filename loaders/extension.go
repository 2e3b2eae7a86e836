package loaders

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// Extension gives every answer a fresh set: an answer of a subscription too, which would otherwise hold rows
// and masking from when it began.
type Extension struct {
	Store *store.Store
	Vault *vault.Vault
}

// ExtensionName is for gqlgen.
func (Extension) ExtensionName() string { return "Loaders" }

// Validate is for gqlgen; there is nothing to check.
func (Extension) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptResponse is for gqlgen.
func (e Extension) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	return next(With(ctx, func() *Set { return New(e.Store, e.Vault) }))
}
