package vault

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store/storetest"
)

func TestTokensThatAreRefused(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.WithDemo(t), nil)
	long := chat.Secret(strings.Repeat("x", maxCredential+1))
	for what, c := range map[string]struct {
		field  string
		change func(s *TokenStored)
	}{
		"no provider":             {"input.provider", func(s *TokenStored) { s.Provider = "" }},
		"a provider in capitals":  {"input.provider", func(s *TokenStored) { s.Provider = "Google" }},
		"a long provider":         {"input.provider", func(s *TokenStored) { s.Provider = strings.Repeat("a", 51) }},
		"no subject":              {"input.subject", func(s *TokenStored) { s.Subject = "" }},
		"a subject of two lines":  {"input.subject", func(s *TokenStored) { s.Subject = "hook/5\n" }},
		"a long subject":          {"input.subject", func(s *TokenStored) { s.Subject = strings.Repeat("a", 201) }},
		"an address":              {"input.subject", func(s *TokenStored) { s.Subject = "canary@example.com" }},
		"a phone number":          {"input.subject", func(s *TokenStored) { s.Subject = "1-555-201-0001" }},
		"another kind":            {"input.kind", func(s *TokenStored) { s.Kind = "PASSWORD" }},
		"no credential":           {"input.accessToken", func(s *TokenStored) { s.Credential.Access = "" }},
		"a long credential":       {"input.accessToken", func(s *TokenStored) { s.Credential.Access = long }},
		"a long refresh token":    {"input.refreshToken", func(s *TokenStored) { s.Credential.Refresh = long }},
		"a static one to refresh": {"input.refreshToken", func(s *TokenStored) { s.Kind = chat.StaticToken }},
		"a long type":             {"input.tokenType", func(s *TokenStored) { s.Credential.TokenType = strings.Repeat("x", 51) }},
		"bytes":                   {"input.accessToken", func(s *TokenStored) { s.Credential.Access = "\xff" }},
		"bytes to refresh":        {"input.accessToken", func(s *TokenStored) { s.Credential.Refresh = "\xff" }},
		"many scopes":             {"input.scopes", func(s *TokenStored) { s.Scopes = make([]string, 101) }},
		"an empty scope":          {"input.scopes", func(s *TokenStored) { s.Scopes = []string{""} }},
		"two scopes in one":       {"input.scopes", func(s *TokenStored) { s.Scopes = []string{"a b"} }},
		"an address as a scope":   {"input.scopes", func(s *TokenStored) { s.Scopes = []string{"canary@example.com"} }},
		"a time before times":     {"input.expiresAt", func(s *TokenStored) { at := time.Unix(-1, 0); s.ExpiresAt = &at }},
		"a time after times":      {"input.expiresAt", func(s *TokenStored) { at := lastExpiry.Add(1); s.ExpiresAt = &at }},
	} {
		s := hookToken()
		c.change(&s)
		_, err := r.StoreToken(t.Context(), s)
		var fault *chat.Error
		if !errors.As(err, &fault) || fault.Code != chat.Invalid || fault.Field != c.field || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", what, err)
		}
	}
	s := hookToken()
	s.AccountID = 4711
	if _, err := r.StoreToken(t.Context(), s); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("an account that is not there: %v", err)
	}
	if _, _, err := r.RetrieveToken(t.Context(), 1, "shopify", "\x00"); chat.CodeOf(err) != chat.Invalid {
		t.Errorf("a subject that cannot be: %v", err)
	}
	if n := storetest.Value[int64](t, r.store, `SELECT count(*) FROM cloakroom.vault_tokens`); n != 0 {
		t.Errorf("%d rows are left of what was refused", n)
	}
}

func TestCredentialCodec(t *testing.T) {
	t.Parallel()
	for _, c := range []chat.Credential{{Access: "a"}, {Access: "\x00<&>\u2028☃", Refresh: "r", TokenType: "Bearer"}, {}} {
		b, err := encodeCredential(&c)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeCredential(b)
		if err != nil || !cmp.Equal(*got, c) {
			t.Errorf("%s came back changed, %v", b, err)
		}
	}
	if b, _ := encodeCredential(&chat.Credential{Access: "a", Refresh: "b", TokenType: "c"}); string(b) != `{"access":"a","refresh":"b","token_type":"c"}` {
		t.Errorf("it is sealed as %s", b)
	}
	for _, bad := range []string{``, `[]`, `{"access":1}`, `{"access":"canary","next":1}`, `{"access":"canary"} {}`, `{"access":"canary"`} {
		if _, err := decodeCredential([]byte(bad)); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
