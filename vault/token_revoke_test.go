package vault

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/provider/providertest"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// newProvided gives a replica whose provider acme is a strict server, with a credential of its.
func newProvided(t *testing.T) (*replica, *providertest.Server, TokenStored) {
	t.Helper()
	r, server := newReplica(t, storetest.WithDemo(t), nil), providertest.New(t)
	r.Providers = server.Providers()
	s := TokenStored{AccountID: schema.Acme, Provider: providertest.Name, Subject: "hook/5", Kind: chat.OAuth2Token, Credential: server.Grant()}
	r.stores(s)
	return r, server, s
}

// revokes gives what became of a credential at its provider.
func (r *replica) revokes(s TokenStored) chat.AtProvider {
	r.t.Helper()
	left, there, err := r.RevokeToken(r.t.Context(), s.AccountID, s.Provider, s.Subject, "a test")
	if err != nil || left.State != chat.TokenGone {
		r.t.Fatalf("%+v, %v", left, err)
	}
	if got := r.retrieves(s); got != "REVOKED" {
		r.t.Errorf("after it was revoked: %s", got)
	}
	return there
}

func TestProvidersAreToldOfRevocations(t *testing.T) {
	t.Parallel()
	r, server, s := newProvided(t)
	if there := r.revokes(s); there != chat.RevokedThere {
		t.Errorf("it is %s there", there)
	}
	if !cmp.Equal(server.Revoked(), []chat.Secret{s.Credential.Refresh}) || server.Good(s.Credential.Access) {
		t.Error("the provider has not revoked the grant")
	}
	if got := r.newest(chat.VaultTokenElsewhere).Details; got["outcome"] != "REVOKED" || got["provider"] != providertest.Name || got["subject"] != "hook/5" {
		t.Errorf("on record is %v", got)
	}
	if there := r.revokes(s); there != chat.NotTold || len(server.Revoked()) != 1 {
		t.Errorf("what was revoked already is %s there", there)
	}
}

// TestRevokedHereWhateverTheProviderSays: nothing that becomes of it there undoes or stops what is done here.
func TestRevokedHereWhateverTheProviderSays(t *testing.T) {
	t.Parallel()
	r, server, s := newProvided(t)
	for fault, want := range map[*providertest.Fault]string{
		new(providertest.Answer(503, "canary")): "BROKEN", new(providertest.Limited("3600")): "LIMITED", new(providertest.Refuse("invalid_client")): "REFUSED",
	} {
		s.Credential = server.Grant()
		r.stores(s)
		server.Script(*fault)
		if there := r.revokes(s); there != chat.NotRevokedThere {
			t.Errorf("%s: it is %s there", want, there)
		}
		if got := r.newest(chat.VaultTokenElsewhere).Details; got["outcome"] != "NOT_REVOKED" || got["error"] != want {
			t.Errorf("%s: on record is %v", want, got)
		}
	}
	r.stores(s)
	storetest.Exec(t, r.store, `UPDATE cloakroom.vault_tokens SET token_sealed = overlay(token_sealed placing 'x' from 20)`)
	if there := r.revokes(s); there != chat.NotRevokedThere {
		t.Errorf("what does not open is %s there", there)
	}
	if got := r.newest(chat.VaultTokenElsewhere).Details; got["error"] != "UNREADABLE" || len(server.Revoked()) != 0 {
		t.Errorf("what does not open: on record is %v", got)
	}
}

func TestWhatProvidersAreNotToldOf(t *testing.T) {
	t.Parallel()
	r, server, s := newProvided(t)
	static, other := s, hookToken()
	static.Subject, static.Kind, static.Credential = "hook/6", chat.StaticToken, chat.Credential{Access: "sk-canary"}
	for _, s := range []TokenStored{static, other} {
		r.stores(s)
		if there := r.revokes(s); there != chat.NotTold {
			t.Errorf("%s: it is %s there", s.Provider, there)
		}
	}
	if len(server.Revoked()) != 0 || r.audited(chat.VaultTokenElsewhere) != 0 {
		t.Error("a provider was told of what is not its own")
	}
}

// TestProvidersAreToldWhenNobodyWaits: a client that hangs up after the credential is deleted here has no say in it.
func TestProvidersAreToldWhenNobodyWaits(t *testing.T) {
	t.Parallel()
	r, server, s := newProvided(t)
	release := make(chan struct{})
	server.Script(providertest.Hang(release))
	ctx, hangUp := context.WithCancel(t.Context())
	done := make(chan chat.AtProvider, 1)
	go func() {
		_, there, err := r.RevokeToken(ctx, s.AccountID, s.Provider, s.Subject, "a test")
		if err != nil {
			t.Errorf("revoke: %v", err)
		}
		done <- there
	}()
	await(t, "it is revoked here", func() bool { return r.retrieves(s) == "REVOKED" })
	hangUp()
	close(release)
	if there := <-done; there != chat.RevokedThere || server.Good(s.Credential.Access) {
		t.Errorf("it is %s there", there)
	}
}
