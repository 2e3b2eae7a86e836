package vault

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// hookToken is a credential as a service brings it.
func hookToken() TokenStored {
	expires := time.Date(2126, 3, 1, 12, 0, 0, 123_456_789, time.UTC)
	return TokenStored{AccountID: schema.Acme, Provider: "shopify", Subject: "hook/5", Kind: chat.OAuth2Token, Scopes: []string{"read_orders", "read_products"},
		Credential: chat.Credential{Access: "shpat_canary-access-1", Refresh: "shprt_canary-refresh-1", TokenType: "Bearer"}, ExpiresAt: &expires}
}

func (r *replica) stores(s TokenStored) *chat.VaultToken {
	r.t.Helper()
	token, err := r.StoreToken(r.t.Context(), s)
	if err != nil {
		r.t.Fatal(err)
	}
	return token
}

// retrieves gives the secret that is kept for a token, or the code of the error.
func (r *replica) retrieves(s TokenStored) string {
	r.t.Helper()
	token, c, err := r.RetrieveToken(r.t.Context(), s.AccountID, s.Provider, s.Subject)
	if err != nil {
		if token != nil || c != nil {
			r.t.Errorf("%v came with a token", err)
		}
		return string(chat.CodeOf(err))
	}
	if c.Refresh != "" {
		r.t.Error("a refresh token left the vault")
	}
	return c.Access.Reveal()
}

func TestTokensAreKeptAndGiven(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.WithDemo(t), nil)
	s := hookToken()
	if got := r.retrieves(s); got != "NOT_FOUND" {
		t.Errorf("before it is stored: %s", got)
	}
	token := r.stores(s)
	expires := s.ExpiresAt.Truncate(time.Microsecond)
	want := &chat.VaultToken{AccountID: schema.Acme, ID: token.ID, Provider: "shopify", Subject: "hook/5", Kind: chat.OAuth2Token, State: chat.TokenActive,
		Version: 1, Scopes: s.Scopes, ExpiresAt: &expires}
	times := cmpopts.IgnoreFields(chat.VaultToken{}, "RotatedAt", "CreatedAt", "UpdatedAt", "RefreshAfter")
	if diff := cmp.Diff(want, token, times, cmpopts.EquateApproxTime(0)); diff != "" || token.ID < 1 || token.RotatedAt.IsZero() {
		t.Error(diff)
	}
	again, c, err := r.RetrieveToken(t.Context(), s.AccountID, s.Provider, s.Subject)
	if err != nil || c.Access.Reveal() != "shpat_canary-access-1" || c.TokenType != "Bearer" || c.Refresh != "" {
		t.Fatalf("%v, %v", c, err)
	}
	if diff := cmp.Diff(token, again, cmpopts.EquateApproxTime(0)); diff != "" {
		t.Error(diff)
	}
	static := TokenStored{AccountID: schema.Acme, Provider: "openai", Subject: "hook/6", Kind: chat.StaticToken, Credential: chat.Credential{Access: "sk-canary \x00\n☃"}}
	r.stores(static)
	if got := r.retrieves(static); got != "sk-canary \x00\n☃" {
		t.Errorf("a static credential came back as %q", got)
	}
	s.Credential = chat.Credential{Access: "shpat_canary-access-2"}
	if token = r.stores(s); token.Version != 2 || token.ID != want.ID || r.retrieves(s) != "shpat_canary-access-2" {
		t.Errorf("after it was replaced: %+v", token)
	}
	list, err := r.ListTokens(t.Context(), schema.Acme)
	if err != nil || len(list) != 2 || list[0].Provider != "openai" || list[1].Subject != "hook/5" {
		t.Errorf("%+v, %v", list, err)
	}
	if other, err := r.ListTokens(t.Context(), schema.Borealis); err != nil || len(other) != 0 {
		t.Errorf("another account lists %d, %v", len(other), err)
	}
	s.AccountID = schema.Borealis
	if got := r.retrieves(s); got != "NOT_FOUND" {
		t.Errorf("another account is given %s", got)
	}
}

func TestRevokedTokensAreGone(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.WithDemo(t), nil)
	s := hookToken()
	if _, _, err := r.RevokeToken(t.Context(), s.AccountID, s.Provider, s.Subject, "never stored"); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("what was never stored: %v", err)
	}
	r.stores(s)
	for range 2 {
		left, _, err := r.RevokeToken(t.Context(), s.AccountID, s.Provider, s.Subject, "the shop has closed")
		if err != nil || left.State != chat.TokenGone || left.Version != 1 {
			t.Fatalf("%+v, %v", left, err)
		}
		if got := r.retrieves(s); got != "REVOKED" {
			t.Errorf("after it was revoked: %s", got)
		}
	}
	if kept := storetest.Value[string](t, r.store, `SELECT key_id || ' ' || octet_length(token_sealed) FROM cloakroom.vault_tokens`); kept != "0 0" {
		t.Errorf("key and length of what was revoked are %s", kept)
	}
	if _, _, err := r.RevokeToken(t.Context(), s.AccountID, s.Provider, s.Subject, " "); chat.CodeOf(err) != chat.Invalid {
		t.Errorf("without a reason: %v", err)
	}
	if token := r.stores(s); token.State != chat.TokenActive || token.Version != 2 || r.retrieves(s) != "shpat_canary-access-1" {
		t.Errorf("stored anew: %+v", token)
	}
	if n := r.audited(chat.VaultTokenRevoked); n != 2 {
		t.Errorf("%d revocations are on record, want 2", n)
	}
}

// TestExpiredTokensAreNotGiven moves the row's time under a credential of its own: what decides is the database's clock.
func TestExpiredTokensAreNotGiven(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.WithDemo(t), nil)
	s := hookToken()
	past := time.Now().Add(-time.Hour)
	s.ExpiresAt = &past
	r.stores(s)
	_, _, err := r.RetrieveToken(t.Context(), s.AccountID, s.Provider, s.Subject)
	if chat.CodeOf(err) != chat.Expired || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "expired") {
		t.Errorf("%v", err)
	}
	if n := r.audited(chat.VaultTokenRetrieved); n != 0 {
		t.Errorf("%d retrievals are on record of what was not given", n)
	}
	storetest.Exec(t, r.store, `UPDATE cloakroom.vault_tokens SET expires_at = now() + interval '1 year'`)
	if got := r.retrieves(s); got != "SEALED_UNREADABLE" {
		t.Errorf("with an expiry that was moved in the table: %s", got)
	}
}

// TestTokenColumnsAreBound changes each column of a row that says what the credential is, and copies rows over others.
func TestTokenColumnsAreBound(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.WithDemo(t), nil)
	s, other := hookToken(), hookToken()
	other.Subject, other.Credential.Access = "hook/6", "shpat_canary-other"
	r.stores(s)
	r.stores(other)
	asked, unread := s, 0
	for column, change := range map[string]struct{ set, provider, subject string }{
		"provider":      {"provider = 'slack'", "slack", "hook/5"},
		"subject":       {"subject = 'hook/7'", "shopify", "hook/7"},
		"kind":          {"kind = 'STATIC'", "shopify", "hook/5"},
		"version":       {"version = version + 1", "shopify", "hook/5"},
		"expires_at":    {"expires_at = expires_at + interval '1 microsecond'", "shopify", "hook/5"},
		"no expiry":     {"expires_at = NULL", "shopify", "hook/5"},
		"rotated_at":    {"rotated_at = rotated_at + interval '1 microsecond'", "shopify", "hook/5"},
		"account":       {"account_id = 2", "shopify", "hook/5"},
		"id":            {"vault_token_id = 4711", "shopify", "hook/5"},
		"another row's": {"token_sealed = (SELECT token_sealed FROM cloakroom.vault_tokens WHERE subject = 'hook/6')", "shopify", "hook/5"},
		"one bit":       {"token_sealed = set_byte(token_sealed, 20, get_byte(token_sealed, 20) # 1)", "shopify", "hook/5"},
		"cut":           {"token_sealed = substring(token_sealed FOR 20)", "shopify", "hook/5"},
	} {
		storetest.Exec(t, r.store, `CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM cloakroom.vault_tokens`)
		storetest.Exec(t, r.store, `UPDATE cloakroom.vault_tokens SET `+change.set+` WHERE subject = 'hook/5'`)
		asked.Provider, asked.Subject, asked.AccountID = change.provider, change.subject, schema.Acme
		if column == "account" {
			asked.AccountID = schema.Borealis
		}
		if got := r.retrieves(asked); got != "SEALED_UNREADABLE" {
			t.Errorf("%s: %s", column, got)
		}
		unread++
		storetest.Exec(t, r.store, `DELETE FROM cloakroom.vault_tokens`)
		storetest.Exec(t, r.store, `INSERT INTO cloakroom.vault_tokens OVERRIDING SYSTEM VALUE SELECT * FROM kept`)
		if got := r.retrieves(s); got != "shpat_canary-access-1" {
			t.Fatalf("%s, put back: %s", column, got)
		}
	}
	if n := r.counted(unreadableCounter, "vault_token"); n != float64(unread) {
		t.Errorf("%v values that did not open were counted, want %d", n, unread)
	}
	if n := r.audited(chat.SealedUnreadableHit); n < 1 || n > 3 { // one a row and ten minutes; rows had three ids and accounts
		t.Errorf("%d values that did not open are on record", n)
	}
}

func TestTokensOnRecordHoldNoSecret(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.WithDemo(t), nil)
	ctx := WithActor(WithRequestID(t.Context(), "req-9"), chat.Actor{Kind: "SERVICE", ID: "abcd1234"})
	s := hookToken()
	token, err := r.StoreToken(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.RetrieveToken(ctx, s.AccountID, s.Provider, s.Subject); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.RevokeToken(ctx, s.AccountID, s.Provider, s.Subject, "the shop has closed"); err != nil {
		t.Fatal(err)
	}
	entries, err := r.Entries(t.Context(), schema.Acme, time.Now().Add(-time.Hour), 10)
	if err != nil || len(entries) != 3 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	for i, action := range []chat.Action{chat.VaultTokenRevoked, chat.VaultTokenRetrieved, chat.VaultTokenStored} {
		e := entries[i]
		if e.Action != action || e.EntityType != "vault_token" || e.EntityID != chat.FormatID(token.ID) || e.Actor.ID != "abcd1234" || e.RequestID != "req-9" ||
			e.Details["provider"] != "shopify" || e.Details["subject"] != "hook/5" || e.Details["version"] != 1.0 {
			t.Errorf("%+v", e)
		}
	}
	if entries[0].Details["reason"] != "the shop has closed" || entries[2].Details["refreshable"] != true {
		t.Errorf("%v, %v", entries[0].Details, entries[2].Details)
	}
	if said := fmt.Sprintf("%+v %#v", entries, s); strings.Contains(said, "canary") || r.journal.has("canary") {
		t.Errorf("a secret is in what is printed, or on record: %s", said)
	}
}

// TestStoringTogether has many store one token: each is a version of its own, and what is left opens.
func TestStoringTogether(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.WithDemo(t), nil)
	const writers, each = 8, 5
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for range each {
				if _, err := r.StoreToken(t.Context(), hookToken()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	list, err := r.ListTokens(t.Context(), schema.Acme)
	if err != nil || len(list) != 1 || list[0].Version != writers*each || r.audited(chat.VaultTokenStored) != writers*each {
		t.Fatalf("%+v, %v", list, err)
	}
	if got := r.retrieves(hookToken()); got != "shpat_canary-access-1" {
		t.Errorf("what is left: %s", got)
	}
}
