package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/provider/providertest"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// refreshing is servers that keep a grant of a strict provider's, whose access token has expired, and a service that asks
// them for it.
type refreshing struct {
	*testing.T
	environment []string
	provider    *providertest.Server
	servers     []*production
	conn        *pgx.Conn
	client      *http.Client
	service     string
}

func startRefreshing(t *testing.T, servers int) *refreshing {
	t.Helper()
	r := &refreshing{T: t, provider: providertest.New(t), client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}}
	t.Cleanup(r.client.CloseIdleConnections)
	seeded := &production{database: storetest.NewURL(t)}
	r.environment = []string{"LISTEN=127.0.0.1:0", "REDIS_URL=" + leaseRedis(t), "DOCUMENTS=any", "RATE_LIMIT=0", "PROVIDERS=" + r.provider.Config(),
		"VAULT_SPOOL=" + filepath.Join(t.TempDir(), "spool"), "DATABASE_URL=" + withParameter(t, seeded.database, "pool_max_conns", "8"),
		"MASTER_KEY=local-file://" + filepath.Join(t.TempDir(), "master.key")}
	seeded.seed(t, program(t), r.environment)
	r.conn = connect(t, seeded.database)
	r.service, _, _ = strings.Cut(r.run("token", "create", "--name", "integration", "--account", "1", "--scope", "token:read"), "\n")
	grant, file := r.provider.Grant(), filepath.Join(t.TempDir(), "grant.json")
	text := fmt.Sprintf(`{"access_token": %q, "refresh_token": %q, "expires_at": "2026-01-01T00:00:00Z"}`, grant.Access.Reveal(), grant.Refresh.Reveal())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r.run("vault", "store", "--account", "1", "--provider", providertest.Name, "--subject", "hook/5", "--kind", "oauth2", "--from", file)
	r.exec(`UPDATE cloakroom.vault_tokens SET refresh_after = now() + interval '1 day'`) // so that no schedule is faster than the callers
	for range servers {
		p := &production{database: seeded.database, tokens: seeded.tokens, server: &server{done: make(chan error, 1)}}
		p.serve(t, program(t), r.environment)
		r.servers = append(r.servers, p)
	}
	return r
}

// run runs a command and gives what it printed; it holds no secret of the provider's.
func (r *refreshing) run(arguments ...string) string {
	r.Helper()
	cmd := exec.CommandContext(r.Context(), program(r), arguments...)
	cmd.Env = r.environment
	var printed, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &said
	if err := cmd.Run(); err != nil {
		r.Fatalf("cloakroom %s: %v\n%s", strings.Join(arguments, " "), err, said.String())
	}
	if strings.Contains(printed.String()+said.String(), "canary") {
		r.Errorf("cloakroom %s prints a secret", strings.Join(arguments, " "))
	}
	return printed.String()
}

func (r *refreshing) exec(sql string) {
	r.Helper()
	if _, err := r.conn.Exec(r.Context(), sql); err != nil {
		r.Fatal(err)
	}
}

// ask has the service ask a server for the token and gives the answer.
func (r *refreshing) ask(p *production) string {
	const document = `{"query": "{ account(id: \"1\") { token(provider: \"acme\", subject: \"hook/5\") { accessToken } } }"}`
	request, err := http.NewRequestWithContext(r.Context(), http.MethodPost, "http://"+p.address+"/graphql", strings.NewReader(document))
	if err != nil {
		return err.Error()
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+r.service)
	response, err := r.client.Do(request)
	if err != nil {
		return "no answer"
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "no answer"
	}
	return string(body)
}

// TestThreeServersRefreshOnce has three servers be asked by a hundred callers each for a token that has expired: the
// provider is asked once, and everybody is given what it gave.
func TestThreeServersRefreshOnce(t *testing.T) {
	t.Parallel()
	holdMachine(t)
	r := startRefreshing(t, 3)
	var group sync.WaitGroup
	given := make(chan string, 300)
	for _, p := range r.servers {
		for range 100 {
			group.Go(func() { given <- r.ask(p) })
		}
	}
	group.Wait()
	close(given)
	answers := make(map[string]int)
	for answer := range given {
		answers[answer]++
	}
	if len(answers) != 1 || answers[`{"data":{"account":{"token":{"accessToken":"acme-access-canary-2"}}},"extensions":{"cost":{"requestedQueryCost":202}}}`] != 300 {
		t.Errorf("answers: %v", answers)
	}
	if calls, reused := len(r.provider.Calls()), r.provider.Reused(); calls != 1 || reused != 0 {
		t.Errorf("the provider was asked %d times, %d of them with a spent token", calls, reused)
	}
	for _, p := range r.servers {
		p.end(t)
		if strings.Contains(p.log.String(), "canary") {
			t.Error("a secret is in the log")
		}
	}
}

// TestKilledBetweenAnswerAndCommit kills a server with SIGKILL when the provider has rotated and before its answer is read:
// the grant is lost, and that is what everybody is told, no more and no less.
func TestKilledBetweenAnswerAndCommit(t *testing.T) {
	t.Parallel()
	holdMachine(t)
	r := startRefreshing(t, 2)
	killed, gone := r.servers[0], make(chan struct{})
	r.provider.AfterRotation(func(chat.Secret) {
		_ = killed.cmd.Process.Kill()
		if err := <-killed.done; err == nil {
			t.Error("a server that is killed ends as if it had been asked to")
		}
		close(gone)
	})
	if got := r.ask(killed); got != "no answer" {
		t.Errorf("the server that was killed answers %s", got)
	}
	<-gone
	killed.cmd = nil // it has ended as it should
	r.provider.AfterRotation(nil)
	r.exec(`UPDATE cloakroom.vault_tokens SET lease_until = now() - interval '1 second'`)
	for range 2 {
		if got := r.ask(r.servers[1]); !strings.Contains(got, "RESPONSE_LOST") || !strings.Contains(got, `"code":"EXPIRED"`) {
			t.Errorf("the other server answers %s", got)
		}
	}
	if calls := len(r.provider.Calls()); calls != 2 {
		t.Errorf("the provider was asked %d times", calls)
	}
	if list := r.run("vault", "list", "--account", "1"); !strings.Contains(list, "REAUTH_REQUIRED") || !strings.Contains(list, "RESPONSE_LOST") {
		t.Errorf("the list says\n%s", list)
	}
	var outcomes string
	if err := r.conn.QueryRow(t.Context(), `SELECT string_agg('"' || outcome || '"', ' ' ORDER BY refresh_id) FROM cloakroom.vault_token_refreshes`).Scan(&outcomes); err != nil || outcomes != `"" "INVALID_GRANT"` {
		t.Errorf("refreshes: %s, %v", outcomes, err)
	}
}
