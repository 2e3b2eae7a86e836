// Package resolvers is the room of the GraphQL edge: one thin function a field that is not plain data, and the
// handler that runs documents.
// Documents and viewers come in; rows come from loaders and vault.
// What never leaves is a value the gate hid, a driver's error text, or an argument's value in an error.
package resolvers

import (
	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// Resolver is what the resolvers of every type stand on.
type Resolver struct {
	Store *store.Store
	Vault *vault.Vault
	Auth  *auth.Authenticator // told of changes, so that they are in force on the next request here
}
