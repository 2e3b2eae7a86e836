package provider

import (
	"regexp"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/cloakroom/cloakroom/chat"
)

// configured is a provider as it is asked: what is known of it, and what the operator says.
type configured struct {
	policy    Policy
	tokenURL  string // {tenant} and {subject} are filled in
	revokeURL string // "" when tokens cannot be revoked there
	auth      oauth2.AuthStyle
	json      bool              // requests are JSON objects in place of forms
	headers   map[string]string // sent along
	commas    bool              // scopes are separated by commas
	codes     map[string]Reason // error codes of its own
	revokes   revocation        // how
	nested    string            // an object in which the grant can lie as well

	clientID   string
	secretFile string // "" for a client without a secret
}

const (
	tenantPart  = "{tenant}"
	subjectPart = "{subject}"
)

// shopForm is a shop's domain. A subject that is none names no host of ours to ask.
var shopForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,99}\.myshopify\.com$`)

// at fills a subject into a place; false when the place needs one and this is none.
func (c *configured) at(place, subject string) (string, bool) {
	if !strings.Contains(place, subjectPart) {
		return place, true
	}
	if !shopForm.MatchString(subject) {
		return "", false
	}
	return strings.ReplaceAll(place, subjectPart, subject), true
}

// secret reads the client's secret, at every use, so that a new one needs no restart.
func (c *configured) secret() (chat.Secret, error) {
	if c.secretFile == "" {
		return "", nil
	}
	return readSecret(c.secretFile)
}

// builtIn gives what is known of a provider by its name. Each says where its documentation says so.
func builtIn(name string) (configured, bool) {
	known := map[string]func() configured{
		"google": google, "microsoft": microsoft, "slack": slack, "linear": linear, "notion": notion, "shopify": shopify,
	}
	policy, ok := known[name]
	if !ok {
		return configured{}, false
	}
	return policy(), true
}

// google keeps the refresh token as it is. It ends after six months without use, and with the user's password when it is
// for Gmail (developers.google.com/identity/protocols/oauth2, "Refresh token expiration"). Revocation takes a token and
// nothing else (developers.google.com/identity/protocols/oauth2/web-server, "Revoking a token").
func google() configured {
	return configured{
		tokenURL: "https://oauth2.googleapis.com/token", revokeURL: "https://oauth2.googleapis.com/revoke", auth: oauth2.AuthStyleInParams,
		revokes: bareToken,
	}
}

// microsoft gives a new refresh token with each access token, and does not revoke the old one, which lives for 90 days
// (learn.microsoft.com/entra/identity-platform/refresh-tokens). When a person must sign in again it can say so with codes
// of its own (learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow). It revokes nothing.
func microsoft() configured {
	return configured{
		policy:   Policy{Rotates: true, Grace: 90 * 24 * time.Hour},
		tokenURL: "https://login.microsoftonline.com/" + tenantPart + "/oauth2/v2.0/token", auth: oauth2.AuthStyleInParams,
		codes: map[string]Reason{"interaction_required": InvalidGrant, "consent_required": InvalidGrant, "login_required": InvalidGrant},
	}
}

// slack rotates, and revokes the token that was used "after a short grace period", of which no length is said
// (docs.slack.dev/authentication/using-token-rotation). It fails with status 200, "ok": false and a code of its own
// (docs.slack.dev/reference/methods/oauth.v2.access), and puts a user's tokens into authed_user in some answers.
// auth.revoke takes one token, which is the request's own credential.
func slack() configured {
	return configured{
		policy:   Policy{Rotates: true},
		tokenURL: "https://slack.com/api/oauth.v2.access", revokeURL: "https://slack.com/api/auth.revoke", auth: oauth2.AuthStyleInHeader,
		commas: true, nested: "authed_user", revokes: eachAsBearer,
		codes: map[string]Reason{
			"invalid_refresh_token": InvalidGrant, "token_expired": InvalidGrant, "token_revoked": InvalidGrant, "invalid_auth": InvalidGrant,
			"account_inactive": InvalidGrant, "ratelimited": Limited, "internal_error": Broken, "fatal_error": Broken,
			"service_unavailable": Broken, "request_timeout": Broken,
		},
	}
}

// linear rotates; apps of before December 2023 get their scopes as a list (linear.app/developers/oauth-2-0-authentication).
// Revocation names the field after the token.
func linear() configured {
	return configured{
		policy:   Policy{Rotates: true},
		tokenURL: "https://api.linear.app/oauth/token", revokeURL: "https://api.linear.app/oauth/revoke", auth: oauth2.AuthStyleInParams,
		commas: true, revokes: namedField,
	}
}

// notion rotates, takes JSON, and names no expiry (developers.notion.com/reference/refresh-a-token). It revokes access
// tokens (developers.notion.com/reference/revoke-token).
func notion() configured {
	return configured{
		policy:   Policy{Rotates: true},
		tokenURL: "https://api.notion.com/v1/oauth/token", revokeURL: "https://api.notion.com/v1/oauth/revoke", auth: oauth2.AuthStyleInHeader,
		json: true, headers: map[string]string{"Notion-Version": "2025-09-03"}, revokes: accessToken,
	}
}

// shopify rotates the refresh tokens of expiring offline tokens, at the shop itself, and takes the one that was used until
// the new one is, for thirty days at most (shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens,
// shopify.dev/changelog/more-resilient-refreshes-for-expiring-offline-access-tokens). It revokes nothing short of the app.
func shopify() configured {
	return configured{
		policy:   Policy{Rotates: true, Grace: 30 * 24 * time.Hour},
		tokenURL: "https://" + subjectPart + "/admin/oauth/access_token", auth: oauth2.AuthStyleInParams, commas: true,
	}
}
