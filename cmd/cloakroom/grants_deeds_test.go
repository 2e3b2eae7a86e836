package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/provider/providertest"
)

func (g *granted) answers() {
	g.Helper()
	for _, viewer := range []int64{schema.Root, schema.Eve, schema.Max} {
		for _, document := range shapes {
			g.ask(viewer, document)
		}
		for _, document := range steady {
			g.ask(viewer, document)
		}
	}
}

func (g *granted) masks() {
	g.Helper()
	g.ask(schema.Root, fmt.Sprintf(`mutation { setPiiMasking(input: {agentId: "%d", masked: true, reason: "a test", expectedVersion: 0}) { __typename } }`, schema.Bob))
	g.ask(schema.Root, `mutation { setFeatureFlag(input: {accountId: "2", name: "contact_pii_masking", enabled: true, reason: "a test"}) { __typename } }`)
}

// proves that what the server puts on record is numbered, signed and delivered, and holds the trail against it.
func (g *granted) proves() {
	g.Helper()
	g.await(`SELECT EXISTS (SELECT 1 FROM cloakroom.audit_deliveries WHERE account_id = 0 AND number > 0)`)
	g.run("audit", "verify", "--account", "0")
	g.run("audit", "report", "--account", "0", "--purpose", "a test", "--out", filepath.Join(g.directory, "report.csv"), "--bundle", filepath.Join(g.directory, "report.bundle"))
}

// searches with tokens and without; the tokens go and come by jobs, from the server and from the command line.
func (g *granted) searches() {
	g.Helper()
	const search = `{ account(id: "1") { searchMessages(query: "order", first: 5) { nodes { id } } searchContacts(query: "an", first: 5) { nodes { id } } } }`
	const idle = `SELECT NOT EXISTS (SELECT 1 FROM cloakroom.jobs WHERE kind = 'index_search' AND state IN ('queued', 'running'))`
	for _, mode := range []string{"SCAN", "TOKENS"} {
		g.ask(schema.Root, fmt.Sprintf(`mutation { setSearchMode(input: {accountId: "1", mode: %s, reason: "a test"}) { account { search { mode messagesIndexed } } } }`, mode))
		g.ask(schema.Max, search)
		g.await(idle)
		g.ask(schema.Eve, search)
	}
	g.run("search", "status")
	g.run("search", "index", "--account", "1", "--wait")
}

// rotates turns every key from the command line, and one account's by the server.
func (g *granted) rotates() {
	g.Helper()
	g.run("rotate", "account", "--account", "1", "--wait", "--retention", "0s")
	g.run("rotate", "index", "--account", "1", "--wait", "--retention", "0s")
	g.run("rotate", "master", "--to", g.masterKey("next", 0), "--wait")
	g.run("rotate", "epoch", "--wait", "--retention", "0s")
	g.run("rotate", "retire", "--wait")
	g.run("keys", "status")
	var job int64 // that no queue knows yet, so that it is not done before it can be paused
	if err := g.conn.QueryRow(g.Context(), `INSERT INTO cloakroom.jobs (kind, account_id, state, actor_kind, actor_id)
		VALUES ('rotate_index', 2, 'queued', 'OPERATOR', 'cli') RETURNING job_id`).Scan(&job); err != nil {
		g.Fatal(err)
	}
	id := strconv.FormatInt(job, 10)
	for _, line := range [][]string{{"pause", id}, {"list", "--all"}, {"show", id}, {"rate", id, "0"}, {"cancel", id}} {
		g.run(append([]string{"jobs"}, line...)...)
	}
	if _, err := g.conn.Exec(g.Context(), `UPDATE cloakroom.jobs SET state = 'failed' WHERE job_id = $1`, job); err != nil {
		g.Fatal(err)
	}
	g.run("jobs", "resume", id) // a server may have done it before the next command
	g.run("rotate", "index", "--account", "2", "--retention", "0s")
	g.await(`SELECT state = 'done' FROM cloakroom.jobs WHERE job_id = (SELECT max(job_id) FROM cloakroom.jobs WHERE account_id = 2)`)
}

// keepsTokens has the command line keep a third party's credential, which is there to be rotated then.
func (g *granted) keepsTokens() {
	g.Helper()
	key := filepath.Join(g.directory, "key.txt")
	if err := os.WriteFile(key, []byte("a key"), 0o600); err != nil {
		g.Fatal(err)
	}
	of := []string{"--account", "1", "--provider", "openai", "--subject", "hook/5"}
	for _, line := range [][]string{{"store", "--from", key}, {"store", "--from", key}, {"retrieve"}, {"revoke", "--reason", "a test"}, {"store", "--from", key}} {
		g.run(append(append([]string{"vault", line[0]}, of...), line[1:]...)...)
	}
	g.refreshesTokens()
	g.run("vault", "list", "--account", "1")
}

// refreshesTokens keeps a grant of a provider's and has it refreshed.
func (g *granted) refreshesTokens() {
	g.Helper()
	server := providertest.New(g)
	g.environment = append(g.environment, "PROVIDERS="+server.Config())
	grant, file := server.Grant(), filepath.Join(g.directory, "grant.json")
	text := fmt.Sprintf(`{"access_token": %q, "refresh_token": %q, "expires_in": 3600}`, grant.Access.Reveal(), grant.Refresh.Reveal())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		g.Fatal(err)
	}
	of := []string{"--account", "1", "--provider", providertest.Name, "--subject", "hook/6"}
	g.run(append([]string{"vault", "store", "--kind", "oauth2", "--from", file}, of...)...)
	for range 2 {
		g.run(append([]string{"vault", "refresh"}, of...)...)
	}
}

// importsTokens brings over what Chatwoot's tables hold, all of them, and holds one against the other.
func (g *granted) importsTokens() {
	g.Helper()
	g.run("vault", "import", "--all")
	g.run("vault", "verify", "--all")
}

// signsIn and out again, as a person does.
func (g *granted) signsIn() {
	g.Helper()
	var email string
	if err := g.conn.QueryRow(g.Context(), `SELECT email FROM users WHERE id = $1`, schema.Eve).Scan(&email); err != nil {
		g.Fatal(err)
	}
	body, _ := json.Marshal(map[string]string{"email": email, "password": schema.DemoPassword}) // strings always fit
	session := g.auth(http.MethodPost, "/auth/sign_in", string(body), nil)
	g.auth(http.MethodDelete, "/auth/sign_out", "", session)
}

func (g *granted) auth(method, path, body string, headers http.Header) http.Header {
	g.Helper()
	request, err := http.NewRequestWithContext(g.Context(), method, "http://"+g.server.address+path, strings.NewReader(body))
	if err != nil {
		g.Fatal(err)
	}
	for _, name := range []string{"access-token", "client", "uid"} {
		request.Header.Set(name, headers.Get(name))
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		g.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		g.Errorf("%s is answered %d", path, response.StatusCode)
	}
	return response.Header
}

func (g *granted) writes() {
	g.Helper()
	g.ask(schema.Eve, granteeMade)
	g.ask(schema.Eve, `mutation { updateContact(input: {accountId: "1", contactId: "13", name: "Granted", email: "thirteen@grants.example"}) { contact { email } } }`)
	g.ask(schema.Eve, `mutation { mergeContacts(input: {accountId: "1", baseContactId: "1", mergeeContactId: "4"}) { contact { email } } }`)
}

// erases one contact by the mutation, one by the command, and one of an account of which nothing is sealed.
func (g *granted) erases() {
	g.Helper()
	g.run("export", "contact", "--account", "1", "--contact", "1", "--out", filepath.Join(g.directory, "contact.json"))
	g.ask(schema.Root, granteeErased)
	g.run("erase", "contact", "--account", "1", "--contact", "1", "--verify")
	g.run("erase", "contact", "--account", "2", "--contact", strconv.FormatInt(schema.ContactOfBorealis, 10), "--verify")
	certificate, ledger := filepath.Join(g.directory, "certificate.json"), filepath.Join(g.directory, "ledger.jsonl")
	for file, line := range map[string][]string{certificate: {"certificate", "--account", "1", "--contact", "1"}, ledger: {"ledger"}} {
		if err := os.WriteFile(file, []byte(g.run(append([]string{"erase"}, line...)...)), 0o600); err != nil {
			g.Fatal(err)
		}
	}
	g.run("erase", "check", certificate)
	g.run("erase", "replay", ledger)
}

func (g *granted) givesTokens() {
	g.Helper()
	token, _, _ := strings.Cut(g.run("token", "create", "--name", "grants", "--account", "1", "--scope", "contact:read", "--expires", "90d"), "\n")
	request, err := http.NewRequestWithContext(g.Context(), http.MethodPost, "http://"+g.server.address+"/graphql", strings.NewReader(`{"query": "{ viewer { kind } }"}`))
	if err != nil {
		g.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		g.Fatal(err)
	}
	_ = response.Body.Close()
	g.await(`SELECT last_used_at IS NOT NULL FROM cloakroom.service_tokens WHERE name = 'grants'`)
	id := strings.TrimPrefix(token, "cloak_live_svc_")[:8]
	g.run("token", "list")
	g.run("token", "rotate", id, "--overlap", "24h")
	g.run("token", "revoke", id)
}
