package main

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/leaktest"
)

// TestSecretsAreFoundWhereTheyMayNotBe: an access token may stand in one place of an answer to a service that may read it, and
// nothing else anywhere; nobody is shown a refresh token.
func TestSecretsAreFoundWhereTheyMayNotBe(t *testing.T) {
	t.Parallel()
	s := newSecrets("")
	access, fresh := s.make(accessToken), s.make(refreshToken)
	reader := viewer{name: "a service", scopes: []chat.Scope{chat.ScopeTokenRead}, shown: true}
	inPlace := func(text string) string { return `{"data":{"account":{"token":{"accessToken":"` + text + `"}}}}` }
	for name, c := range map[string]struct {
		viewer  viewer
		body    string
		header  string
		surface string // "" where nothing is found
	}{
		"its place":               {reader, inPlace(access), "", ""},
		"a refresh token there":   {reader, inPlace(fresh), "", "answers"},
		"another place":           {reader, `{"data":{"account":{"token":{"tokenType":"` + access + `"}}}}`, "", "answers"},
		"in a list of them":       {reader, `{"data":{"account":{"vaultTokens":[{"subject":"` + access + `"}]}}}`, "", "answers"},
		"a part of its place":     {reader, inPlace("Bearer " + fresh), "", "answers"},
		"to a service without":    {viewer{name: "another service", scopes: []chat.Scope{chat.ScopeTokenWrite}}, inPlace(access), "", "answers"},
		"to a user":               {viewer{name: "a user", user: 1, shown: true}, inPlace(access), "", "answers"},
		"in an error":             {reader, `{"errors":[{"message":"` + access + ` is not good"}]}`, "", "errors"},
		"in a header":             {reader, `{}`, "X-Told: " + access, "headers"},
		"in base64":               {reader, `{"data":{"cursor":"` + base64.StdEncoding.EncodeToString([]byte("x:"+fresh)) + `"}}`, "", "answers"},
		"in hexadecimal":          {reader, `{"data":{"cursor":"` + hex.EncodeToString([]byte(fresh)) + `"}}`, "", "answers"},
		"percent-encoded, folded": {reader, `{"data":{"link":"` + strings.ToUpper(url.QueryEscape(access)) + `"}}`, "", "answers"},
	} {
		l := testLedger(t)
		l.sealed, l.secrets = leaktest.NewNeedles(), leaktest.NewNeedles()
		s.plantInto(l)
		a := testAsked(&round{name: "secrets"})
		a.viewer = c.viewer
		l.answer(a, &reply{status: 200, header: []byte(c.header), body: []byte(c.body)})
		surfaces := make(map[string]bool)
		for _, f := range l.findings() {
			surfaces[f.Surface] = true
		}
		if c.surface == "" && len(surfaces) > 0 || c.surface != "" && !surfaces[c.surface] {
			t.Errorf("%s: found in %v, want %q", name, surfaces, c.surface)
		}
		l.traceSecrets("rows", "a table", []byte(`(1,{"kept": "`+fresh+`"})`))
		l.trace("log", "a server", []byte(`{"error":"the provider says `+fresh+`"}`))
		if l.seen("rows").findings != 1 || l.seen("log").findings != 1 {
			t.Errorf("%s: rows %+v, log %+v", name, l.seen("rows"), l.seen("log"))
		}
	}
}

// TestThirdPartyTellsSecretsBack: what the search is to find nothing of must have been there to be written down.
func TestThirdPartyTellsSecretsBack(t *testing.T) {
	t.Parallel()
	s := newSecrets("")
	s.spare = []struct{ access, fresh string }{{s.make(accessToken), s.make(refreshToken)}}
	p, err := newThirdParty(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.close() }) // a listener of a test
	client := newClient(1)
	for does, status := range map[string]int{"rotates": 200, "echoes in an error": 400, "breaks": 500, "answers no JSON": 200, "redirects": 302, "limits": 429} {
		s.grant("hook/1", "oauth2", does)
		var fresh string
		for text, met := range s.does {
			if met == does {
				fresh = text
			}
		}
		response, err := client.PostForm(p.url+"/token", url.Values{"refresh_token": {fresh}})
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != status || !strings.Contains(response.Header.Get("X-Told"), fresh) {
			t.Errorf("%s: status %d, want %d, told %q", does, response.StatusCode, status, response.Header.Get("X-Told"))
		}
	}
	if len(s.spare) != 0 || len(s.access["hook/1"]) < 2 {
		t.Error("no grant was given")
	}
	if response, err := client.Get(p.url); err != nil || response.StatusCode != http.StatusBadRequest {
		t.Errorf("%v, %v", response, err)
	} else {
		_ = response.Body.Close()
	}
}
