package resolvers_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/leaktest"
	"github.com/cloakroom/cloakroom/store/storetest"
	"github.com/cloakroom/cloakroom/vault"
)

const (
	askToken  = `query($p: String!, $s: String!) { account(id: "1") { token(provider: $p, subject: $s) { accessToken tokenType token { id version } } } }`
	listVault = `{ account(id: "1") { vaultTokens { id provider subject kind state version scopes expiresAt rotatedAt createdAt } } }`
	keepToken = `mutation($a: ID!, $t: Secret!, $r: Secret, $x: DateTime) { storeToken(input: {accountId: $a, provider: "shopify", subject: "hook/1", kind: OAUTH2,
 accessToken: $t, refreshToken: $r, tokenType: "Bearer", scopes: ["read_orders"], expiresAt: $x}) { token { provider subject state version scopes } } }`
	dropToken = `mutation { revokeToken(input: {accountId: "1", provider: "shopify", subject: "hook/1", reason: "a test"}) { token { state } atProvider } }`
)

var hook = map[string]any{"p": "shopify", "s": "hook/1"}

// plantToken keeps a credential that nobody may find, and gives the needles to look for it.
func plantToken(t *testing.T, e *edge) *leaktest.Needles {
	t.Helper()
	needles := leaktest.NewNeedles()
	for name, value := range map[string]string{"an access token": "shpat_b7e1canary40c9", "a refresh token": "shprt_77d0canary21aa"} {
		needles.Plant(name, value)
	}
	variables := map[string]any{"a": "1", "t": "shpat_b7e1canary40c9", "r": "shprt_77d0canary21aa"}
	if code, field := fault(t, e.ask(t, "everything", keepToken, variables)); code != "" {
		t.Fatalf("store: %s %s", code, field)
	}
	return needles
}

// serviceWith makes a service with some scopes, and gives what asks on its behalf.
func serviceWith(t *testing.T, e *edge, scopes ...chat.Scope) func(query string, variables map[string]any) reply {
	t.Helper()
	token := newToken(t, e, scopes...)
	return func(query string, variables map[string]any) reply {
		t.Helper()
		r := newRequest(t, "", query, variables)
		r.Header.Set("Authorization", "Bearer "+token)
		return e.send(t.Context(), r)
	}
}

func TestServicesKeepTokens(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	both := serviceWith(t, e, chat.ScopeTokenRead, chat.ScopeTokenWrite)
	in := map[string]any{"a": "1", "t": "secret-1", "r": "refresh-1", "x": "2126-01-01T00:00:00Z"}
	for _, want := range []string{`"version":1`, `"version":2`} {
		if answer := both(keepToken, in); !bytes.Contains(answer.body, []byte(want)) {
			t.Fatalf("store: %s", answer.body)
		}
	}
	if answer := both(askToken, hook); !bytes.Contains(answer.body, []byte(`"accessToken":"secret-1","tokenType":"Bearer"`)) || bytes.Contains(answer.body, []byte("refresh")) {
		t.Errorf("retrieve: %s", answer.body)
	}
	if answer := both(listVault, nil); !bytes.Contains(answer.body, []byte(`"subject":"hook/1"`)) || bytes.Contains(answer.body, []byte("secret")) {
		t.Errorf("list: %s", answer.body)
	}
	if code, _ := fault(t, both(dropToken, nil)); code != "" {
		t.Errorf("revoke: %s", code)
	}
	if code, _ := fault(t, both(askToken, hook)); code != "REVOKED" {
		t.Errorf("after it was revoked: %s", code)
	}
	in["x"] = "2026-01-01T00:00:00Z"
	both(keepToken, in)
	if code, _ := fault(t, both(askToken, hook)); code != "EXPIRED" {
		t.Errorf("after its time: %s", code)
	}
	for field, variables := range map[string]map[string]any{"input.accountId": {"a": "2", "t": "x"}, "input.accessToken": {"a": "1", "t": ""}} {
		if _, got := fault(t, both(keepToken, variables)); got != field {
			t.Errorf("%v: %s is at fault", variables, got)
		}
	}
	if code, field := fault(t, both(askToken, map[string]any{"p": "shopify", "s": "ann@example.com"})); code != "INVALID" || field != "subject" {
		t.Errorf("an address: %s %s", code, field)
	}
	if code, _ := fault(t, both(askToken, map[string]any{"p": "shopify", "s": "hook/2"})); code != "NOT_FOUND" {
		t.Errorf("what was never stored: %s", code)
	}
}

// TestNobodyButServicesIsGivenAToken asks as everybody for everything that has to do with tokens; the credential lies
// there, and is found in no answer, log, table or audit entry but in the one field.
func TestNobodyButServicesIsGivenAToken(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	needles := plantToken(t, e)
	services := map[string]func(string, map[string]any) reply{
		"reads":        serviceWith(t, e, chat.ScopeTokenRead),
		"writes":       serviceWith(t, e, chat.ScopeTokenWrite),
		"the others":   serviceWith(t, e, allBut(chat.ScopeTokenRead, chat.ScopeTokenWrite)...),
		"of no tokens": serviceWith(t, e, chat.ScopePIIEmail),
	}
	for viewer, want := range map[string]struct{ read, write, list string }{
		"masked": {"FORBIDDEN", "FORBIDDEN", "FORBIDDEN"}, "exempt": {"FORBIDDEN", "FORBIDDEN", "FORBIDDEN"}, "admin": {"FORBIDDEN", "FORBIDDEN", ""},
		"root": {"FORBIDDEN", "FORBIDDEN", ""}, "stranger": {"NOT_FOUND", "FORBIDDEN", "NOT_FOUND"}, "pii-service": {"FORBIDDEN", "FORBIDDEN", "FORBIDDEN"},
		"reads": {"", "FORBIDDEN", ""}, "writes": {"FORBIDDEN", "", ""}, "the others": {"FORBIDDEN", "FORBIDDEN", "FORBIDDEN"},
		"of no tokens": {"FORBIDDEN", "FORBIDDEN", "FORBIDDEN"},
	} {
		ask := services[viewer]
		if ask == nil {
			ask = func(query string, variables map[string]any) reply { return e.ask(t, viewer, query, variables) }
		}
		read, list := ask(askToken, hook), ask(listVault, nil)
		write := ask(keepToken, map[string]any{"a": "1", "t": "shpat_b7e1canary40c9", "r": "shprt_77d0canary21aa"})
		for what, c := range map[string]struct {
			answer reply
			want   string
		}{"read": {read, want.read}, "write": {write, want.write}, "list": {list, want.list}} {
			if code, _ := fault(t, c.answer); code != c.want {
				t.Errorf("%s, %s: %q, want %q", viewer, what, code, c.want)
			}
			found := needles.FindInAnswer(c.answer.body)
			if what == "read" && c.want == "" {
				if len(found) != 1 || found[0].Carrier != "an access token" || found[0].Path != "data.account.token.accessToken" {
					t.Errorf("the one who may is given %v", found)
				}
			} else if len(found) > 0 {
				t.Errorf("%s, %s: %v", viewer, what, found)
			}
		}
	}
	entries, err := e.vault.Entries(t.Context(), schema.Acme, time.Now().Add(-time.Hour), 100)
	if err != nil || len(entries) < 3 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	for _, entry := range entries {
		for key, value := range entry.Details {
			if text, ok := value.(string); ok && len(needles.Find([]byte(text))) > 0 {
				t.Errorf("%s has it in %s", entry.Action, key)
			}
		}
	}
	mustBeClean(t, needles, "the log", e.log.bytes())
	for _, table := range tablesOf(t, e, "cloakroom") {
		for column, text := range columnsOf(t, e, "cloakroom", table, "true") {
			mustBeClean(t, needles, "cloakroom."+table+"."+column, text)
		}
	}
}

func allBut(without ...chat.Scope) (scopes []chat.Scope) {
	for _, s := range chat.Scopes {
		if s != without[0] && s != without[1] {
			scopes = append(scopes, s)
		}
	}
	return scopes
}

// TestSecretsAreVariables: a document that holds one is refused before anything runs, and nothing of it is said.
func TestSecretsAreVariables(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	needles := leaktest.NewNeedles()
	needles.Plant("a secret", "shpat_1234canary5678")
	const input = `accountId: "1", provider: "shopify", subject: "hook/1", kind: STATIC, accessToken: `
	for _, document := range []string{
		`mutation { storeToken(input: {` + input + `"shpat_1234canary5678"}) { token { id } } }`,
		`mutation { storeToken(input: {` + input + `"""shpat_1234canary5678"""}) { token { id } } }`,
		`mutation($t: Secret! = "shpat_1234canary5678") { storeToken(input: {` + input + `$t}) { token { id } } }`,
		`mutation($t: Secret! = "shpat_1234canary5678") { storeToken(input: {` + input + `"x", refreshToken: $t}) { token { id } } }`,
	} {
		answer := e.ask(t, "everything", document, nil)
		if code, _ := fault(t, answer); code != "INVALID" {
			t.Errorf("%s: %s", document, answer.body)
		}
		mustBeClean(t, needles, "the answer", answer.body)
	}
	for _, variables := range []map[string]any{{"a": "1", "t": 7}, {"a": "1", "t": nil}, {"a": "1", "t": []string{"shpat_1234canary5678"}}, {"a": "1", "t": "x", "r": map[string]any{"shpat_1234canary5678": 1}}} {
		answer := e.ask(t, "everything", keepToken, variables)
		if code, _ := fault(t, answer); code != "INVALID" {
			t.Errorf("%v: %s", variables, answer.body)
		}
		mustBeClean(t, needles, "the answer", answer.body)
	}
	mustBeClean(t, needles, "the log", e.log.bytes())
	if list, err := e.vault.ListTokens(t.Context(), schema.Acme); err != nil || len(list) != 0 {
		t.Errorf("%d tokens were stored, %v", len(list), err)
	}
}

// TestWithoutAnEntryNoToken: what cannot be put on record is neither kept, nor given, nor revoked.
func TestWithoutAnEntryNoToken(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	needles := plantToken(t, e)
	storetest.Exec(t, e.store, `ALTER TABLE cloakroom.audit_entries ADD CONSTRAINT full_disk CHECK (false) NOT VALID`)
	before := everyTable(t, e)
	for what, answer := range map[string]reply{
		"keep": e.ask(t, "everything", keepToken, map[string]any{"a": "1", "t": "another"}), "give": e.ask(t, "everything", askToken, hook),
		"revoke": e.ask(t, "everything", dropToken, nil),
	} {
		if code, _ := fault(t, answer); code != string(chat.Internal) {
			t.Errorf("%s: code %q", what, code)
		}
		mustBeClean(t, needles, what, answer.body)
	}
	if diff := cmp.Diff(before["cloakroom.vault_tokens"], everyTable(t, e)["cloakroom.vault_tokens"]); diff != "" {
		t.Errorf("what is not on record was done:\n%s", diff)
	}
	storetest.Exec(t, e.store, `ALTER TABLE cloakroom.audit_entries DROP CONSTRAINT full_disk`)
	if code, _ := fault(t, e.ask(t, "everything", askToken, hook)); code != "" {
		t.Errorf("with an entry: %s", code)
	}
	if n := len(recorded(t, e, "1", chat.VaultTokenRetrieved)); n != 1 {
		t.Errorf("%d are on record as given, want 1", n)
	}
}

// TestTokensHaveAPrice: one document does not read a whole vault.
func TestTokensHaveAPrice(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	stored := vault.TokenStored{AccountID: schema.Acme, Provider: "shopify", Subject: "hook/1", Kind: chat.StaticToken, Credential: chat.Credential{Access: "x"}}
	if _, err := e.vault.StoreToken(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	document := func(accounts, aliases int) string {
		var b strings.Builder
		b.WriteString("{")
		for i := range accounts {
			b.WriteString(" a" + chat.FormatID(int64(i)) + `: account(id: "1") { ...f }`)
		}
		b.WriteString(" } fragment f on Account {")
		for i := range aliases {
			b.WriteString(" t" + chat.FormatID(int64(i)) + `: token(provider: "shopify", subject: "hook/1") { accessToken }`)
		}
		return b.String() + " }"
	}
	if code, _ := fault(t, e.ask(t, "everything", document(1, 10), nil)); code != "" {
		t.Errorf("ten: %s", code)
	}
	if code, _ := fault(t, e.ask(t, "everything", document(5, 10), nil)); code != "LIMITED" {
		t.Errorf("fifty: %s", code)
	}
}
