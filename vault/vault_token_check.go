package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"time"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/chat"
)

// What a token is for is neither secret nor personal: it stands in lists, in the audit trail's details and in the
// associated data.
var (
	providerForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,49}$`)
	subjectForm  = regexp.MustCompile(`^[a-z0-9][a-z0-9._:/-]{0,199}$`)
	scopeForm    = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]{1,200}$`) // RFC 6749, 3.3
)

// Bounds of what is stored. Those of credentials are in bytes: a signed token of Microsoft's has some 3,000.
const (
	maxCredential = 32 << 10
	maxTokenType  = 50
	maxScopes     = 100
)

// lastExpiry is the end of what GraphQL and PostgreSQL both write as a date.
var lastExpiry = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// checkSubject wants a provider and a subject; prefix is what the arguments' names follow.
func checkSubject(prefix, provider, subject string) error {
	switch {
	case !providerForm.MatchString(provider):
		return chat.InvalidField(prefix+"provider", "must be 1 to 50 of a-z, 0-9, _ and -, and begin with a letter or digit")
	case !subjectForm.MatchString(subject):
		return chat.InvalidField(prefix+"subject", "must be 1 to 200 of a-z, 0-9 and . _ : / -, and begin with a letter or digit")
	case chat.TextHoldsAddress(subject):
		return chat.InvalidField(prefix+"subject", "must not look like an e-mail address or phone number: refer to what it is for by an id")
	}
	return nil
}

// checkStored refuses what cannot be kept, and cuts times to what PostgreSQL keeps of them.
func checkStored(t *TokenStored) error {
	if err := checkSubject("input.", t.Provider, t.Subject); err != nil {
		return err
	}
	access, refresh := len(t.Credential.Access), len(t.Credential.Refresh)
	switch {
	case t.Kind != chat.OAuth2Token && t.Kind != chat.StaticToken:
		return chat.InvalidField("input.kind", "must be %s or %s", chat.OAuth2Token, chat.StaticToken)
	case access == 0 || access > maxCredential:
		return chat.InvalidField("input.accessToken", "must have 1 to %d bytes", maxCredential)
	case refresh > maxCredential:
		return chat.InvalidField("input.refreshToken", "must have at most %d bytes", maxCredential)
	case refresh > 0 && t.Kind == chat.StaticToken:
		return chat.InvalidField("input.refreshToken", "is for %s alone", chat.OAuth2Token)
	case !utf8.ValidString(t.Credential.Access.Reveal()) || !utf8.ValidString(t.Credential.Refresh.Reveal()):
		return chat.InvalidField("input.accessToken", "must be text in UTF-8: bytes are written in base64, say")
	case len(t.Credential.TokenType) > maxTokenType || !utf8.ValidString(t.Credential.TokenType):
		return chat.InvalidField("input.tokenType", "must be text of at most %d bytes", maxTokenType)
	case len(t.Scopes) > maxScopes:
		return chat.InvalidField("input.scopes", "must be at most %d", maxScopes)
	}
	for _, scope := range t.Scopes {
		if !scopeForm.MatchString(scope) || chat.TextHoldsAddress(scope) {
			return chat.InvalidField("input.scopes", "must each be 1 to 200 printable characters without a space, quote or backslash, and no address")
		}
	}
	if t.ExpiresAt == nil {
		return nil
	}
	if at := t.ExpiresAt.UTC(); at.Before(time.Unix(0, 0)) || at.After(lastExpiry) {
		return chat.InvalidField("input.expiresAt", "must lie between 1970 and 9999")
	}
	at := t.ExpiresAt.UTC().Truncate(time.Microsecond)
	t.ExpiresAt = &at
	return nil
}

// sealedCredential is a credential as it is sealed. Its fields are texts, because chat.Secret marshals as redacted.
type sealedCredential struct {
	Access    string `json:"access"`
	Refresh   string `json:"refresh,omitempty"`
	TokenType string `json:"token_type,omitempty"`
}

func encodeCredential(c *chat.Credential) ([]byte, error) {
	return json.Marshal(sealedCredential{c.Access.Reveal(), c.Refresh.Reveal(), c.TokenType})
}

// decodeCredential reads what encodeCredential wrote. Its error tells nothing of what it has read.
func decodeCredential(b []byte) (*chat.Credential, error) {
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.DisallowUnknownFields() // what a later release wrote must not be lost by storing it again
	var s sealedCredential
	if decoder.Decode(&s) != nil || decoder.More() {
		return nil, errors.New("it is no credential of this release")
	}
	return &chat.Credential{Access: chat.Secret(s.Access), Refresh: chat.Secret(s.Refresh), TokenType: s.TokenType}, nil
}
