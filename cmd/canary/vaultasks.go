package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/cloakroom/cloakroom/chat"
)

const tokenFields = `{ id provider subject kind state version scopes expiresAt rotatedAt createdAt reauthReason refreshAfter lastError nextTryAt }`

// accessTokenPath is the one place in all answers where a secret may stand.
const accessTokenPath = "data.account.token.accessToken"

// given says that a hit is what a service that may read credentials has asked for.
func given(v viewer, path, carrier string) bool {
	return slices.Contains(v.scopes, chat.ScopeTokenRead) && path == accessTokenPath && (carrier == accessToken || carrier == storedInAsked)
}

// vaultQuestions ask every operation on credentials, as it is meant and as it is not, with secrets in what is asked. New ones
// are planted before anything is asked.
func (h *harness) vaultQuestions() (list []request, err error) {
	add := func(name, text string, variables map[string]any) {
		r, failed := posted("vault: "+name, map[string]any{"query": text, "variables": variables}, len(list))
		list, err = append(list, r), failed
	}
	add("all of them", `{ account(id: "1") { vaultTokens `+tokenFields+` } }`, nil)
	for _, v := range vaultSubjects {
		where := map[string]any{"p": v.provider, "s": v.subject}
		add("a token", `query ($p: String!, $s: String!) { account(id: "1") { token(provider: $p, subject: $s) { accessToken tokenType token `+tokenFields+` } } }`, where)
		add("about a token", `query ($p: String!, $s: String!) { account(id: "1") { token(provider: $p, subject: $s) { tokenType token `+tokenFields+` } } }`, where)
		add("refreshing", `mutation ($p: String!, $s: String!) { refreshToken(input: {accountId: "1", provider: $p, subject: $s}) { token `+tokenFields+` } }`, where)
	}
	for n := range 4 {
		secret, fresh := h.secrets.make(storedInAsked), h.secrets.make(refreshToken)
		subject := fmt.Sprintf("hook/%d", 30+n)
		input := map[string]any{"accountId": "1", "provider": "acme", "subject": subject, "kind": "OAUTH2", "accessToken": secret, "refreshToken": fresh}
		const store = `mutation ($in: StoreTokenInput!) { storeToken(input: $in) { token ` + tokenFields + ` } }`
		add("storing", store, map[string]any{"in": input})
		add("a stored one", `{ account(id: "1") { token(provider: "acme", subject: "`+subject+`") { accessToken } } }`, nil)
		add("revoking", `mutation { revokeToken(input: {accountId: "1", provider: "acme", subject: "`+subject+`", reason: "the hook was taken away"}) { token `+tokenFields+` } }`, nil)
		for name, wrong := range wrongGrants(secret) {
			changed := map[string]any{"accountId": "1", "provider": "acme", "subject": subject, "kind": "OAUTH2", "accessToken": secret, "refreshToken": fresh}
			for member, value := range wrong {
				changed[member] = value
			}
			add(name, store, map[string]any{"in": changed})
		}
		add("a secret in a document", `mutation { storeToken(input: {accountId: "1", provider: "acme", subject: "hook/7", kind: STATIC, accessToken: "`+secret+`"}) { token { id } } }`, nil)
		add("a secret that is no variable", store, map[string]any{"in": secret, "more": secret})
		add("a document that is none", `mutation ($in: StoreTokenInput!) { storeToken(input: $in) { token { `+"no_such_field"+` } } }`, map[string]any{"in": input})
		headers := request{name: "vault: a secret in headers", method: "POST", path: "/graphql", body: []byte(sound), headers: map[string]string{"Cloakroom-Purpose": secret, "X-Secret": secret, "Traceparent": secret, "User-Agent": secret}, odd: true}
		cut := request{name: "vault: a body that is cut short", method: "POST", path: "/graphql", body: []byte(`{"query": "mutation { x }", "variables": {"accessToken": "` + secret), odd: true}
		list = append(list, headers, cut)
	}
	for i := range list {
		list[i].odd = list[i].odd || strings.Contains(list[i].name, "storing:")
	}
	return list, err
}

// wrongGrants are members of an input that are not as they must be, with a secret in each.
func wrongGrants(secret string) map[string]map[string]any {
	return map[string]map[string]any{
		"storing: a list":      {"accessToken": []string{secret}},
		"storing: an object":   {"accessToken": map[string]string{"a": secret}},
		"storing: too long":    {"accessToken": strings.Repeat(secret+" ", 1500)},
		"storing: a bad kind":  {"kind": secret},
		"storing: a bad time":  {"expiresAt": secret},
		"storing: a member":    {"no_such_member": secret},
		"storing: nothing":     {"accessToken": nil},
		"storing: a nul":       {"accessToken": secret + "\x00"},
		"storing: a bad type":  {"tokenType": strings.Repeat(secret, 100)},
		"storing: bad scopes":  {"scopes": []string{strings.Repeat(secret, 200)}},
		"storing: no account":  {"accountId": secret},
		"storing: a bad place": {"provider": secret + "!", "subject": "?" + secret},
	}
}

// guardSecrets asks every operation on credentials as everybody. First it proves that the search can find: a service that
// may read credentials is given every one of them, in the one place for it.
func (h *harness) guardSecrets(ctx context.Context) error {
	everybody := slices.Concat(h.masked, h.shown)
	var mu sync.Mutex
	seen := make(map[string]bool)
	look := func(a asked, r *reply) {
		h.ledger.answer(a, r)
		for _, hit := range h.ledger.secrets.FindInAnswer(r.body) {
			if given(a.viewer, hit.Path, hit.Carrier) {
				mu.Lock()
				seen[hit.Text] = true
				mu.Unlock()
			}
		}
	}
	for range 2 { // what one has stored or refreshed is there for the next
		if err := h.ask(ctx, each(&round{name: "secrets"}, h.open, everybody, h.questions.vault), look); err != nil {
			return err
		}
	}
	h.secrets.mu.Lock()
	defer h.secrets.mu.Unlock()
	for _, v := range vaultSubjects {
		if !slices.ContainsFunc(h.secrets.access[v.subject], func(text string) bool { return seen[text] }) {
			return fmt.Errorf("nobody is given the credential of %s %s: the search could not find one either", v.provider, v.subject)
		}
	}
	if len(h.secrets.access["hook/10"]) < 2 {
		return fmt.Errorf("no token was refreshed: what a refresh leaves behind was not searched")
	}
	return nil
}
