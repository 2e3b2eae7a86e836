// Package provider is the room of the third parties whose tokens can be refreshed: where each is asked, how, and what its
// answers mean.
// Refresh tokens come in, with the name of a provider and the subject they are for; new grants go back to whoever asked.
// What never leaves is a text of a provider's, since it can quote the token it was asked with: errors are words of ours.
package provider

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/cloakroom/cloakroom/chat"
)

// patience is how long a provider has for its answer. It is well below the lease under which a token is refreshed.
const patience = 15 * time.Second

// Providers are the third parties whose tokens can be refreshed. The zero value knows none, and so does nil.
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
	c, ok := p.known(name)
	if !ok {
		return Policy{}, false
	}
	return c.policy, true
}

func (p *Providers) known(name string) (*configured, bool) {
	if p == nil {
		return nil, false
	}
	c, ok := p.byName[name]
	return c, ok
}

// Refresh presents a refresh token to its provider, once: nothing here tries again, since a token that is presented twice
// can cost the whole grant. Errors are a *Failure.
func (p *Providers) Refresh(ctx context.Context, name, subject string, refresh chat.Secret) (*Grant, error) {
	c, secret, failure := p.prepare(name)
	if failure != nil {
		return nil, failure
	}
	endpoint, ok := c.at(c.tokenURL, subject)
	if !ok {
		return nil, &Failure{Reason: Refused, why: "the subject does not say where to ask: it must be the shop's domain"}
	}
	config := oauth2.Config{ClientID: c.clientID, ClientSecret: secret.Reveal(), Endpoint: oauth2.Endpoint{
		TokenURL:  endpoint,
		AuthStyle: c.auth, // never x/oauth2's own guess, which presents a token twice
	}}
	x := &exchange{next: p.client.Transport, policy: c}
	ctx, cancel := context.WithTimeout(x.watch(ctx), patience)
	defer cancel()
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: x, CheckRedirect: p.client.CheckRedirect})
	token, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh.Reveal()}).Token()
	if err != nil {
		return nil, x.failure()
	}
	return c.grant(token, refresh), nil
}

// grant reads what x/oauth2 has read. It brings the refresh token that was used back where the provider gave none.
func (c *configured) grant(token *oauth2.Token, used chat.Secret) *Grant {
	g := &Grant{Access: chat.Secret(token.AccessToken), Refresh: chat.Secret(token.RefreshToken)}
	if g.Refresh == used {
		g.Refresh = ""
	}
	if typeForm.MatchString(token.TokenType) {
		g.TokenType = token.TokenType
	}
	if scope, ok := token.Extra("scope").(string); ok {
		g.Scopes = keepScopes(strings.Fields(scope))
	}
	if token.ExpiresIn != 0 {
		g.ExpiresIn = max(time.Duration(token.ExpiresIn)*time.Second, time.Second)
	}
	return g
}

// What the vault takes besides the tokens. A grant is not lost over what it says beside them.
var (
	typeForm  = regexp.MustCompile(`^[\x21-\x7e]{1,50}$`)
	scopeForm = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]{1,200}$`) // RFC 6749, 3.3
)

const maxScopes = 100

// keepScopes drops what is no scope. Scopes lie in clear, so what looks like an address is none.
func keepScopes(list []string) []string {
	list = slices.DeleteFunc(list, func(scope string) bool { return !scopeForm.MatchString(scope) || chat.TextHoldsAddress(scope) })
	if len(list) == 0 {
		return nil
	}
	return list[:min(len(list), maxScopes)]
}

// prepare gives what a call needs: the provider, and the client's secret as its file has it now.
func (p *Providers) prepare(name string) (*configured, chat.Secret, *Failure) {
	c, ok := p.known(name)
	if !ok {
		return nil, "", &Failure{Reason: Refused, why: "it is not configured"}
	}
	secret, err := c.secret()
	if err != nil {
		return nil, "", &Failure{Reason: Refused, why: "client_secret_file " + err.Error()}
	}
	return c, secret, nil
}
