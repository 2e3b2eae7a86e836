package chatwoot_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot"
)

var errSealed = errors.New("sealed")

// unseal stands for the keys of Rails: what begins with sealed: lies behind it, and what begins with lost: does not open.
func unseal(text chat.Secret) (chat.Secret, error) {
	if strings.HasPrefix(text.Reveal(), "lost:") {
		return "", errSealed
	}
	return chat.Secret(strings.TrimPrefix(text.Reveal(), "sealed:")), nil
}

// told writes a credential in clear, for tests to compare.
func told(c chatwoot.FoundCredential) string {
	text := fmt.Sprintf("%s = %s %s", strings.Split(c.Place, "/")[2], c.Provider, c.Subject)
	if c.Err != nil {
		if c.Access != "" || c.Refresh != "" {
			text += " WITH A SECRET"
		}
		return text + " lost"
	}
	text += " " + c.Access.Reveal()
	if c.OAuth2 {
		text += fmt.Sprintf(" oauth(%s %s %v", c.Refresh.Reveal(), c.TokenType, c.Scopes)
		if c.ExpiresAt != nil {
			text += c.ExpiresAt.Format(" 2006-01-02T15:04:05.999999Z07:00")
		}
		text += ")"
	}
	return text
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		table   string
		columns map[string]chat.Secret
		want    []string
	}{
		"nothing in it":         {"integrations_hooks", nil, nil},
		"a table without any":   {"access_tokens", map[string]chat.Secret{"token": "t"}, nil},
		"blank":                 {"channel_email", map[string]chat.Secret{"imap_password": "", "smtp_password": "sealed:"}, nil},
		"a shop":                {"integrations_hooks", map[string]chat.Secret{"app_id": "Shopify", "reference_id": "Acme.myshopify.com", "access_token": "sealed:t"}, []string{"access_token = shopify acme.myshopify.com t oauth(  [])"}},
		"a shop like a number":  {"integrations_hooks", map[string]chat.Secret{"app_id": "shopify", "reference_id": "5550199.myshopify.com", "access_token": "t"}, []string{"access_token = shopify hook/7 t oauth(  [])"}},
		"a shop that is a path": {"integrations_hooks", map[string]chat.Secret{"app_id": "shopify", "reference_id": "x/../y.com", "access_token": "t"}, []string{"access_token = shopify hook/7 t oauth(  [])"}},
		"all that is known of a grant": {"integrations_hooks", map[string]chat.Secret{"app_id": "linear", "access_token": "t", "settings": `{"refresh_token": "sealed:r", "token_type": "Bearer", "scope": "a,b c", "expires_on": "2026-03-01 12:00:00 +0100", "expires_in": 5}`},
			[]string{"access_token = linear hook/7 t oauth(r Bearer [a b c] 2026-03-01T11:00:00Z)"}},
		"a refresh token that is lost": {"integrations_hooks", map[string]chat.Secret{"app_id": "linear", "access_token": "t", "settings": `{"refresh_token": "lost:r"}`}, []string{"access_token = linear hook/7 lost"}},
		"an access token that is lost": {"integrations_hooks", map[string]chat.Secret{"app_id": "slack", "access_token": "lost:t", "settings": `{"refresh_token": "r"}`}, []string{"access_token = slack hook/7 lost"}},
		"settings that are lost":       {"integrations_hooks", map[string]chat.Secret{"app_id": "openai", "access_token": "rails", "settings": "lost:"}, []string{"settings = openai hook/7 lost"}},
		"settings that are no object":  {"integrations_hooks", map[string]chat.Secret{"app_id": "openai", "settings": `["api_key"]`}, nil},
		"settings written twice over":  {"integrations_hooks", map[string]chat.Secret{"app_id": "openai", "settings": `"sealed:{\"api_key\": \"k\"}"`}, []string{"settings.api_key = openai hook/7/api_key k"}},
		"keys that are secrets and not": {"integrations_hooks", map[string]chat.Secret{"app_id": "own", "settings": `{"Api_Key": "k", "secret": "s", "api_key_sid": "x", "keyword": "x", "password": 7, "client_secret": null, "token": "", "endpoint_url": "x"}`},
			[]string{"settings.Api_Key = own hook/7/api_key k", "settings.secret = own hook/7/secret s"}},
		"a mailbox of Microsoft's": {"channel_email", map[string]chat.Secret{"provider": "microsoft", "provider_config": `{"access_token": "t", "refresh_token": "r", "expires_on": "2026-03-01 12:00:00 UTC"}`},
			[]string{"provider_config.access_token = microsoft channel/email/7 t oauth(r  [] 2026-03-01T12:00:00Z)"}},
		"a mailbox whose settings are lost": {"channel_email", map[string]chat.Secret{"provider": "google", "provider_config": "lost:"}, []string{"provider_config = google channel/email/7 lost"}},
		"a time that is none":               {"channel_instagram", map[string]chat.Secret{"access_token": "t", "expires_at": "infinity"}, []string{"access_token = instagram channel/instagram/7 t oauth(  [])"}},
		"a time with its fraction":          {"channel_tiktok", map[string]chat.Secret{"access_token": "t", "refresh_token": "r", "expires_at": "2026-03-01T12:00:00.000001Z"}, []string{"access_token = tiktok channel/tiktok/7 t oauth(r  [] 2026-03-01T12:00:00.000001Z)"}},
		"a refresh token that is lost, 2":   {"channel_tiktok", map[string]chat.Secret{"access_token": "t", "refresh_token": "lost:r", "expires_at": "2026-03-01T12:00:00Z"}, []string{"access_token = tiktok channel/tiktok/7 lost"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, found := range chatwoot.Credentials(chatwoot.CredentialRow{Table: c.table, ID: 7, Columns: c.columns}, unseal) {
				got = append(got, told(found))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
