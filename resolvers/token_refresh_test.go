package resolvers_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/provider/providertest"
	"github.com/cloakroom/cloakroom/store/storetest"
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

const (
	refreshIt = `mutation { refreshToken(input: {accountId: "1", provider: "acme", subject: "hook/1"}) { token { state version reauthReason lastError refreshAfter nextTryAt } } }`
	standing  = `{ account(id: "1") { vaultTokens { state version reauthReason lastError } } }`
)

// TestRefreshIsForServices: services that may write tokens have one refreshed, and nobody else; nobody is given a token by
// it.
func TestRefreshIsForServices(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	server := plantGrant(t, e)
	for viewer, want := range map[string]string{"masked": "FORBIDDEN", "exempt": "FORBIDDEN", "admin": "FORBIDDEN", "root": "FORBIDDEN", "stranger": "FORBIDDEN", "pii-service": "FORBIDDEN"} {
		if code, _ := fault(t, e.ask(t, viewer, refreshIt, nil)); code != want {
			t.Errorf("%s: %q", viewer, code)
		}
	}
	if code, _ := fault(t, serviceWith(t, e, chat.ScopeTokenRead)(refreshIt, nil)); code != "FORBIDDEN" {
		t.Errorf("a service that may read: %q", code)
	}
	if n := len(server.Calls()); n != 0 {
		t.Errorf("the provider was asked %d times", n)
	}
	writes := serviceWith(t, e, chat.ScopeTokenWrite)
	if answer := writes(refreshIt, nil); !bytes.Contains(answer.body, []byte(`"state":"ACTIVE","version":2,"reauthReason":null,"lastError":null`)) || bytes.Contains(answer.body, []byte("canary")) {
		t.Errorf("a service that may write: %s", answer.body)
	}
	for input, want := range map[string][2]string{
		`accountId: "2", provider: "acme", subject: "hook/1"`:              {"NOT_FOUND", "input.accountId"},
		`accountId: "1", provider: "acme", subject: "hook/2"`:              {"NOT_FOUND", "input.subject"},
		`accountId: "1", provider: "ACME", subject: "hook/1"`:              {"INVALID", "input.provider"},
		`accountId: "1", provider: "acme", subject: "ann@example.com"`:     {"INVALID", "input.subject"},
		`accountId: "1", provider: "acme", subject: "hook/+4915112345678"`: {"INVALID", "input.subject"},
	} {
		code, field := fault(t, writes(`mutation { refreshToken(input: {`+input+`}) { token { id } } }`, nil))
		if code != want[0] || field != want[1] {
			t.Errorf("%s: %s %s", input, code, field)
		}
	}
}

// TestAdministratorsSeeWhatFails: what a provider fails with, and that somebody has to grant access anew, is seen by whoever
// may do something about it.
func TestAdministratorsSeeWhatFails(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	server := plantGrant(t, e)
	writes := serviceWith(t, e, chat.ScopeTokenWrite)
	server.Script(providertest.Refuse("invalid_client"))
	if code, _ := fault(t, writes(refreshIt, nil)); code != "CONFLICT" {
		t.Errorf("what the provider refuses: %q", code)
	}
	see := func(want string) {
		t.Helper()
		for _, viewer := range []string{"admin", "root"} {
			if answer := e.ask(t, viewer, standing, nil); !bytes.Contains(answer.body, []byte(want)) {
				t.Errorf("%s sees %s, want %s", viewer, answer.body, want)
			}
		}
	}
	see(`[{"state":"ACTIVE","version":1,"reauthReason":null,"lastError":"REFUSED"}]`)
	storetest.Exec(t, e.store, `UPDATE cloakroom.vault_tokens SET next_try_at = now()`)
	server.Void(server.Calls()[0].Refresh)
	if code, _ := fault(t, writes(refreshIt, nil)); code != "CONFLICT" {
		t.Errorf("what the provider does not take: %q", code)
	}
	see(`[{"state":"REAUTH_REQUIRED","version":1,"reauthReason":"REVOKED_OR_REUSED","lastError":"INVALID_GRANT"}]`)
	if n := len(recorded(t, e, "1", chat.VaultTokenReauth)); n != 1 {
		t.Errorf("%d are on record", n)
	}
	for _, secret := range []string{"canary", providertest.Description} {
		if bytes.Contains(e.log.bytes(), []byte(secret)) {
			t.Errorf("the log has %s", secret)
		}
	}
}
