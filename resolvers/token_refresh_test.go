package resolvers_test

import (
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/provider/providertest"
	"github.com/cloakroom/cloakroom/vault"
)

// plantGrant keeps a grant of a strict provider's, which the edge knows from then on.
func plantGrant(t *testing.T, e *edge) *providertest.Server {
	t.Helper()
	server := providertest.New(t)
	e.vault.Providers = server.Providers()
	expires := time.Now().Add(time.Hour)
	stored := vault.TokenStored{AccountID: schema.Acme, Provider: providertest.Name, Subject: "hook/1", Kind: chat.OAuth2Token, Credential: server.Grant(), ExpiresAt: &expires}
	if _, err := e.vault.StoreToken(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	return server
}
