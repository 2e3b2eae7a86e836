package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/keyring/transittest"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// keyService is a Vault that can be away, or slow.
type keyService struct {
	*transittest.Transit
	*httptest.Server
	down  atomic.Bool
	slow  atomic.Int64 // nanoseconds before every answer
	calls atomic.Int64
}

func startKeyService(t *testing.T) *keyService {
	t.Helper()
	k := &keyService{Transit: transittest.New("hvs.of-the-test")}
	for _, name := range []string{"cloakroom", "other"} {
		k.Keys[name] = transittest.NewKey("aes256-gcm96", false)
	}
	k.Server = httptest.NewServer(http.HandlerFunc(k.serve))
	t.Cleanup(k.Close)
	return k
}

func (k *keyService) serve(w http.ResponseWriter, r *http.Request) {
	k.calls.Add(1)
	if k.down.Load() {
		panic(http.ErrAbortHandler) // the connection breaks off, and nothing is said
	}
	timer := time.NewTimer(time.Duration(k.slow.Load()))
	defer timer.Stop()
	select {
	case <-timer.C:
		k.ServeHTTP(w, r)
	case <-r.Context().Done():
	}
}

func (k *keyService) uri(name string) string {
	return "hcvault+http://" + strings.TrimPrefix(k.URL, "http://") + "/transit/keys/" + name
}

// TestKeyServiceAway is what docs/keys.md says of a key service that is away, slow, or not the one.
func TestKeyServiceAway(t *testing.T) {
	t.Parallel()
	k := startKeyService(t)
	seeded := &production{database: storetest.NewURL(t)}
	settings := []string{"LISTEN=127.0.0.1:0", "REDIS_URL=" + leaseRedis(t), "DATABASE_URL=" + seeded.database, "DOCUMENTS=any",
		"RATE_LIMIT=0", "MASTER_KEY=" + k.uri("cloakroom"), "VAULT_TOKEN=hvs.of-the-test"}
	seeded.seed(t, program(t), settings)

	k.down.Store(true)
	refuses(t, settings, k.uri("cloakroom"), "cannot be reached: see whether it is up")
	k.down.Store(false)
	refuses(t, append(settings, "MASTER_KEY="+k.uri("other")), k.uri("cloakroom"), k.uri("other"), "set MASTER_KEY to the key that wrapped it")
	refuses(t, append(settings, "MASTER_KEY="+k.uri("missing")), k.uri("missing"), "no such key", "see whether MASTER_KEY names the right key")

	k.slow.Store(int64(5 * time.Second))
	p := &production{tokens: seeded.tokens, server: &server{done: make(chan error, 1)}}
	start := time.Now()
	p.serve(t, program(t), settings)
	t.Logf("with a key service that takes 5 s for every answer the server was ready after %s", time.Since(start).Round(time.Second))
	c := newClient(t, p)
	slowThenFast(t, k, c)

	k.slow.Store(0)
	k.down.Store(true)
	answers(t, c, schema.Acme, "ines.moura") // from the keys in memory
	o, err := c.ask(t.Context(), schema.Root, `{ account(id: "2") { contacts(first: 1) { nodes { alias } } } }`)
	if err != nil || !strings.Contains(string(o.body), `"code":"INTERNAL"`) {
		t.Errorf("an account whose keys are not in memory, without the key service: %v, %.300s", err, o.body)
	}
	p.end(t) // its log is whole only then
	if log := p.log.String(); strings.Contains(log, "hvs.") {
		t.Errorf("the token is in the log: %s", log)
	}
}

// refuses starts the server, which must end at once with one line that says all of it, and no token.
func refuses(t *testing.T, settings []string, says ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t), "serve")
	cmd.Env = settings
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); err == nil || code != 1 {
		t.Fatalf("serve ended with %d: %s", code, out)
	}
	line := strings.TrimSpace(string(out))
	t.Log(line)
	if strings.Contains(line, "\n") || strings.Contains(line, "hvs.") {
		t.Errorf("that is more than one line, or holds the token")
	}
	for _, part := range says {
		if !strings.Contains(line, part) {
			t.Errorf("it does not say %q", part)
		}
	}
}

// slowThenFast asks for one account after another while the key service is slow: the first request of an account waits,
// and everybody else goes on.
func slowThenFast(t *testing.T, k *keyService, c client) {
	t.Helper()
	waiting := make(chan time.Duration)
	before := k.calls.Load()
	go func() {
		start := time.Now()
		o, err := c.ask(t.Context(), schema.Root, fmt.Sprintf(`{ account(id: "%d") { contacts(first: 1) { nodes { alias } } } }`, schema.Acme))
		if err != nil || o.status != http.StatusOK || strings.Contains(string(o.body), "errors") {
			t.Errorf("the first request of an account: %v, %d, %.300s", err, o.status, o.body)
		}
		waiting <- time.Since(start)
	}()
	for k.calls.Load() == before {
		select {
		case took := <-waiting:
			t.Fatalf("the first request of an account was answered after %s and asked no key service", took)
		case <-time.After(time.Millisecond):
		}
	}
	start := time.Now()
	response, err := http.Get(strings.TrimSuffix(c.url, "/graphql") + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if took := time.Since(start); err != nil || response.StatusCode != http.StatusOK || took > 2*time.Second {
		t.Errorf("meanwhile the installation's keys: %v, %d after %s, %s", err, response.StatusCode, took, body)
	}
	t.Logf("the first request of an account took %s", (<-waiting).Round(100*time.Millisecond))
	start = time.Now()
	answers(t, c, schema.Acme, "ines.moura")
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("the second took %s", took)
	}
}

// answers wants an account's first contact with its address.
func answers(t *testing.T, c client, account int64, address string) {
	t.Helper()
	o, err := c.ask(t.Context(), schema.Eve, fmt.Sprintf(`{ account(id: "%d") { contact(id: "1") { email } } }`, account))
	if err != nil || !strings.Contains(string(o.body), address) {
		t.Errorf("account %d: %v, %d, %.300s", account, err, o.status, o.body)
	}
}
