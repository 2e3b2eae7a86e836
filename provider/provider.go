// Package provider is the room of the third parties whose tokens can be refreshed: where each is asked, how, and what its
// answers mean.
// Refresh tokens come in, with the name of a provider and the subject they are for; new grants go back to whoever asked.
// What never leaves is a text of a provider's, since it can quote the token it was asked with: errors are words of ours.
package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/cloakroom/cloakroom/chat"
)

// patience is how long a provider has for its answer. It is well below the lease under which a token is refreshed.
const patience = 15 * time.Second

// Providers are the third parties whose tokens can be refreshed. The zero value knows none.
type Providers struct {
	byName map[string]*configured
	client *http.Client
}

// Policy is what a provider promises of its refresh tokens.
type Policy struct {
	Rotates bool          // each refresh gives a new refresh token, and the one used is spent
	Grace   time.Duration // how long a spent one is taken all the same; 0 is not at all, or nobody says
}

// Grant is what a provider gives for a refresh token.
type Grant struct {
	Access    chat.Secret
	Refresh   chat.Secret   // "" when the one that was used is to be kept
	TokenType string        // such as "Bearer"; "" where the provider says nothing
	Scopes    []string      // nil when they are as before
	ExpiresIn time.Duration // from the answer on, a second at least; 0 when the token does not expire
}

// Policy gives a provider's policy; false when it is not configured, and then nothing of it can be refreshed.
func (p *Providers) Policy(name string) (Policy, bool) {
	c, ok := p.byName[name]
	if !ok {
		return Policy{}, false
	}
	return c.policy, true
}

// Refresh presents a refresh token to its provider, once: nothing here tries again, since a token that is presented twice
// can cost the whole grant. Errors are a *Failure.
func (p *Providers) Refresh(ctx context.Context, name, subject string, refresh chat.Secret) (*Grant, error) {
	c, endpoint, secret, failure := p.prepare(name, subject)
	if failure != nil {
		return nil, failure
	}
	config := oauth2.Config{ClientID: c.clientID, ClientSecret: secret.Reveal(), Endpoint: oauth2.Endpoint{
		TokenURL:  endpoint,
		AuthStyle: c.auth, // never x/oauth2's own guess, which presents a token twice
	}}
	x := &exchange{next: p.client.Transport, policy: c}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client := &http.Client{Transport: x, CheckRedirect: p.client.CheckRedirect}
	ctx = context.WithValue(x.watch(ctx), oauth2.HTTPClient, client)
	token, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh.Reveal()}).Token()
	if err != nil {
		return nil, x.failure()
	}
	return c.grant(token, refresh), nil
}

// grant reads what x/oauth2 has read. It brings the refresh token that was used back where the provider gave none.
func (c *configured) grant(token *oauth2.Token, used chat.Secret) *Grant {
	g := &Grant{Access: chat.Secret(token.AccessToken), Refresh: chat.Secret(token.RefreshToken), TokenType: token.TokenType}
	if g.Refresh == used {
		g.Refresh = ""
	}
	if scope, ok := token.Extra("scope").(string); ok {
		g.Scopes = strings.Fields(scope)
	}
	if token.ExpiresIn != 0 {
		g.ExpiresIn = max(time.Duration(token.ExpiresIn)*time.Second, time.Second)
	}
	return g
}

// prepare gives what a call needs: where a provider is asked, and the client's secret as its file has it now.
func (p *Providers) prepare(name, subject string) (*configured, string, chat.Secret, *Failure) {
	c, ok := p.byName[name]
	if !ok {
		return nil, "", "", &Failure{Reason: Refused, why: "it is not configured"}
	}
	endpoint, ok := c.at(c.tokenURL, subject)
	if !ok {
		return nil, "", "", &Failure{Reason: Refused, why: "the subject does not say where to ask: it must be the shop's domain"}
	}
	secret, err := c.secret()
	if err != nil {
		return nil, "", "", &Failure{Reason: Refused, why: "client_secret_file " + err.Error()}
	}
	return c, endpoint, secret, nil
}

// ErrNoRevocation says that a provider has no place where a token can be revoked.
var ErrNoRevocation = errors.New("the provider has no place where tokens are revoked")

// Revoke tells a provider that a credential is to be void (RFC 7009): its refresh token, which takes the access tokens of
// the same grant along, or the access token where there is none. Errors are ErrNoRevocation or a *Failure.
func (p *Providers) Revoke(ctx context.Context, name, subject string, credential chat.Credential) error {
	c, _, secret, failure := p.prepare(name, subject)
	if failure != nil {
		return failure
	}
	if c.revokeURL == "" {
		return ErrNoRevocation
	}
	x := &exchange{next: p.client.Transport, policy: c}
	ctx, cancel := context.WithTimeout(x.watch(ctx), patience)
	defer cancel()
	request, err := c.revocation(ctx, secret, credential)
	if err != nil {
		return &Failure{Reason: Refused, why: "revoke_url cannot be asked"}
	}
	client := &http.Client{Transport: x, CheckRedirect: p.client.CheckRedirect}
	response, err := client.Do(request)
	if err != nil {
		return x.failure()
	}
	defer response.Body.Close()
	if response.StatusCode < 300 && x.code == "" {
		return nil
	}
	if failure := x.failure(); failure.Reason != InvalidGrant {
		return failure
	}
	return nil // it was void there already
}

// revocation is the request of RFC 7009, 2.1, as a provider wants it.
func (c *configured) revocation(ctx context.Context, secret chat.Secret, credential chat.Credential) (*http.Request, error) {
	form := url.Values{"token": {credential.Refresh.Reveal()}, "token_type_hint": {"refresh_token"}}
	if credential.Refresh == "" || c.revokesAccess {
		form = url.Values{"token": {credential.Access.Reveal()}, "token_type_hint": {"access_token"}}
	}
	if c.auth == oauth2.AuthStyleInParams {
		form.Set("client_id", c.clientID)
		if secret != "" {
			form.Set("client_secret", secret.Reveal())
		}
	}
	if c.revokesBearer {
		form = url.Values{}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.revokeURL, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	switch {
	case c.revokesBearer:
		request.Header.Set("Authorization", "Bearer "+credential.Access.Reveal())
	case c.auth == oauth2.AuthStyleInHeader:
		request.SetBasicAuth(url.QueryEscape(c.clientID), url.QueryEscape(secret.Reveal()))
	}
	return request, nil
}

// asJSON writes a form as the JSON object that some providers want in its place.
func asJSON(form url.Values) ([]byte, error) {
	object := make(map[string]string, len(form))
	for name := range form {
		object[name] = form.Get(name)
	}
	return json.Marshal(object)
}
