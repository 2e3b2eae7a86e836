package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// TestPeerOf: nobody but a trusted proxy says where a request came from, and of what it says only what it has seen itself.
func TestPeerOf(t *testing.T) {
	t.Parallel()
	const mine = "10.0.0.7, 192.168.4.0/24,2001:db8::/32"
	for name, c := range map[string]struct {
		trusted, peer string
		said          []string
		want          string
	}{
		"nobody between":            {mine, "203.0.113.9:4711", nil, "203.0.113.9"},
		"nobody is trusted":         {"", "10.0.0.7:4711", []string{"198.51.100.1"}, "10.0.0.7"},
		"a stranger says something": {mine, "203.0.113.9:4711", []string{"198.51.100.1"}, "203.0.113.9"},
		"a proxy":                   {mine, "10.0.0.7:4711", []string{"198.51.100.1"}, "198.51.100.1"},
		"a proxy that says nothing": {mine, "10.0.0.7:4711", nil, "10.0.0.7"},
		"a proxy behind another":    {mine, "10.0.0.7:4711", []string{"198.51.100.1, 192.168.4.20"}, "198.51.100.1"},
		"a client that lies":        {mine, "10.0.0.7:4711", []string{"127.0.0.1, 10.0.0.7, 198.51.100.1"}, "198.51.100.1"},
		"a lie in a line before":    {mine, "10.0.0.7:4711", []string{"192.0.2.1", "198.51.100.1"}, "198.51.100.1"},
		"no address":                {mine, "10.0.0.7:4711", []string{"ann@example.com"}, "10.0.0.7"},
		"no address further on":     {mine, "10.0.0.7:4711", []string{"ann@example.com, 192.168.4.20"}, "192.168.4.20"},
		"proxies only":              {mine, "10.0.0.7:4711", []string{"192.168.4.21, 192.168.4.20"}, "192.168.4.21"},
		"with a port":               {mine, "10.0.0.7:4711", []string{"198.51.100.1:999"}, "198.51.100.1"},
		"version 6":                 {mine, "[2001:db8::1]:4711", []string{"[2001:db9::5]:999"}, "2001:db9::5"},
		"version 4 as 6":            {mine, "[::ffff:10.0.0.7]:4711", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		"a zone, any text at all":   {mine, "10.0.0.7:4711", []string{"fe80::1%ann"}, "fe80::1"},
	} {
		trusted, err := parseProxies(c.trusted)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		for _, said := range c.said {
			r.Header.Add("X-Forwarded-For", said)
		}
		if got := trusted.peerOf(r); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	for _, text := range []string{"proxy.example", "10.0.0.7:80", "10.0.0.0/33", "10.0.0.1-10.0.0.9"} {
		if _, err := parseProxies(text); err == nil || strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// trailOf opens the audit trail of a server under test beside it.
func trailOf(t testing.TB, database, masterKey string) *vault.Vault {
	t.Helper()
	s, err := store.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	master, err := keyring.OpenMasterKey(t.Context(), masterKey, false)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keyring.New(master, s)
	if err != nil {
		t.Fatal(err)
	}
	return vault.New(s, keys, nil, nil, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
}

// TestWhereRequestsComeFromIsOnRecord asks a server over HTTP as a proxy in front of it does: entries hold the peer's address,
// or where the peer is a trusted proxy the one that it names. A service token that is void is on record by its id, one that
// was never given out as unknown, and neither holds the token.
func TestWhereRequestsComeFromIsOnRecord(t *testing.T) {
	t.Parallel()
	masterKey := "local-file://" + filepath.Join(t.TempDir(), "master.key")
	p := startProduction(t, "cloakroom", "JOBS=off", "MASTER_KEY="+masterKey)
	token := strings.Fields(p.command(t, "token", "create", "--name", "leaked", "--account", "1", "--scope", "contact:read"))[0]
	id := strings.Split(token, "_")[3]
	p.command(t, "token", "revoke", id)
	unknown, _, err := auth.NewServiceToken([]byte("another installation's"), auth.EnvLive, "never kept", []chat.Scope{chat.ScopeAuditRead}, []int64{1}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	program, environment := p.cmd.Path, p.cmd.Env
	for _, c := range []struct{ trusted, from string }{{"", "127.0.0.1"}, {"127.0.0.0/8", "198.51.100.1"}} {
		if p.cmd == nil {
			p.serve(t, program, append(environment, "TRUSTED_PROXIES="+c.trusted))
		}
		began := time.Now()
		p.forwarded(t, "/auth/sign_in", "", map[string]any{"email": "root@cloakroom.example", "password": schema.DemoPassword})
		for range 3 {
			p.forwarded(t, "/graphql", token, map[string]any{"query": "{ viewer { kind } }"})
		}
		p.forwarded(t, "/graphql", unknown, map[string]any{"query": "{ viewer { kind } }"})
		p.end(t)
		got := p.onRecord(t, masterKey, c.from, began)
		want := []string{"refused service_token " + id, "refused service_token " + id + " counted 2", "refused service_token unknown", "signed_in user 1"}
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("trusted %q (-want +got):\n%s", c.trusted, diff)
		}
		if log := p.log.String(); strings.Contains(log, token) || strings.Contains(log, unknown) || strings.Contains(log, "198.51.100.1") {
			t.Error("the log holds a token, or an address")
		}
	}
}

// command runs the program beside the server, and gives what it prints.
func (p *production) command(t testing.TB, arguments ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), p.cmd.Path, arguments...)
	cmd.Env = p.cmd.Env
	var failure bytes.Buffer
	cmd.Stderr = &failure
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cloakroom %s: %v\n%s", arguments[0], err, failure.String())
	}
	return string(out)
}

// forwarded asks as a proxy does, on behalf of 198.51.100.1, which says that it is somebody else.
func (p *production) forwarded(t testing.TB, path, token string, in map[string]any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.address+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Forwarded-For", "192.0.2.66, 198.51.100.1")
	r.Header.Set("Forwarded", "for=192.0.2.66")
	r.Header.Set("X-Real-Ip", "192.0.2.66")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	if want := map[bool]int{true: http.StatusOK, false: http.StatusUnauthorized}[token == ""]; response.StatusCode != want {
		t.Fatalf("%s: status %d, want %d", path, response.StatusCode, want)
	}
}

// onRecord lists what was put on record since, and holds each entry to the address it must have.
func (p *production) onRecord(t testing.TB, masterKey, from string, since time.Time) (list []string) {
	t.Helper()
	entries, err := trailOf(t, p.database, masterKey).Entries(t.Context(), 0, since, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Action != chat.Refused && e.Action != chat.SignedIn {
			continue
		}
		if e.Details["from"] != from {
			t.Errorf("%s of %s came from %v, want %s", e.Action, e.EntityID, e.Details["from"], from)
		}
		line := strings.Join([]string{string(e.Action), e.EntityType, e.EntityID}, " ")
		if n, counted := e.Details["count"].(float64); counted && n > 1 {
			line += " counted " + chat.FormatID(int64(n))
		}
		list = append(list, line)
	}
	slices.Sort(list)
	return list
}
