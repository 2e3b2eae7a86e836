package provider

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"github.com/cloakroom/cloakroom/chat"
)

// ErrNoRevocation says that a provider has no place where a token can be revoked.
var ErrNoRevocation = errors.New("the provider has no place where tokens are revoked")

// revocation is how a provider is told that a token is to be void.
type revocation int

const (
	byRFC7009    revocation = iota // token and token_type_hint; a refresh token takes the access tokens of its grant along
	bareToken                      // token, and no client
	accessToken                    // the access token alone
	namedField                     // refresh_token or access_token
	eachAsBearer                   // each token in a request of its own, as its credential
)

// Revoke tells a provider that a credential is to be void. What was void there already is no failure. Errors are
// ErrNoRevocation or a *Failure.
func (p *Providers) Revoke(ctx context.Context, name, subject string, credential chat.Credential) error {
	c, secret, failure := p.prepare(name)
	if failure != nil {
		return failure
	}
	endpoint, ok := c.at(c.revokeURL, subject)
	if !ok || endpoint == "" {
		return ErrNoRevocation
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tokens := []chat.Secret{credential.Access}
	if credential.Refresh != "" && c.revokes != accessToken {
		tokens[0] = credential.Refresh
	}
	if c.revokes == eachAsBearer && credential.Refresh != "" {
		tokens = append(tokens, credential.Access)
	}
	for _, token := range tokens {
		request, err := c.revocation(ctx, endpoint, secret, token, token == credential.Refresh)
		if err != nil {
			return &Failure{Reason: Refused, why: "revoke_url cannot be asked"}
		}
		if failure := p.revoke(request, c); failure != nil {
			return failure
		}
	}
	return nil
}

func (p *Providers) revoke(request *http.Request, c *configured) *Failure {
	x := &exchange{next: p.client.Transport, policy: c}
	client := &http.Client{Transport: x, CheckRedirect: p.client.CheckRedirect}
	response, err := client.Do(request.WithContext(x.watch(request.Context())))
	if err != nil {
		return x.failure()
	}
	_ = response.Body.Close()
	if response.StatusCode >= 200 && response.StatusCode < 300 && x.code == "" {
		return nil
	}
	if failure := x.failure(); failure.Reason != InvalidGrant && x.code != "invalid_token" {
		return failure
	}
	return nil
}

// revocation is the request that revokes one token.
func (c *configured) revocation(ctx context.Context, endpoint string, secret, token chat.Secret, refresh bool) (*http.Request, error) {
	kind := map[bool]string{true: "refresh_token", false: "access_token"}[refresh]
	form := url.Values{"token": {token.Reveal()}}
	switch c.revokes {
	case byRFC7009:
		form.Set("token_type_hint", kind)
	case namedField:
		form = url.Values{kind: {token.Reveal()}}
	case eachAsBearer:
		form = url.Values{}
	}
	signs := c.revokes == byRFC7009 || c.revokes == accessToken
	if signs && c.auth == oauth2.AuthStyleInParams {
		form.Set("client_id", c.clientID)
		if secret != "" {
			form.Set("client_secret", secret.Reveal())
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	switch {
	case c.revokes == eachAsBearer:
		request.Header.Set("Authorization", "Bearer "+token.Reveal())
	case signs && c.auth == oauth2.AuthStyleInHeader:
		request.SetBasicAuth(url.QueryEscape(c.clientID), url.QueryEscape(secret.Reveal()))
	}
	return request, nil
}
