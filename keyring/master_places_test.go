package keyring

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/keyring/transittest"
)

// place is a key service with one master key in it, as a test finds it.
type place struct {
	settings    KeyServices
	uri, absent string // a key that is there, and one that is not and cannot be made by Open without create
	limit       int    // bytes that one request may wrap; 0 is no limit below 64 KiB
	slow        *gate  // nil where nothing is asked over a network
	stop        func()
}

// gate holds requests up.
type gate struct{ delay atomic.Int64 }

func (g *gate) wait(ctx context.Context) {
	select {
	case <-time.After(time.Duration(g.delay.Load())):
	case <-ctx.Done():
	}
}

func (g *gate) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body) // or the server does not see that the client has gone
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		g.wait(r.Context())
		next.ServeHTTP(w, r)
	})
}

// places are the kinds of key services; each call makes one that nobody else uses. They hold the same tests. What Vault,
// AWS and Google are here checks our requests and our errors, not the providers' signatures; a real Vault is among them
// with -vault.
func places(t *testing.T) map[string]func(*testing.T) place {
	t.Helper()
	kinds := map[string]func(*testing.T) place{"file": filePlace, "vault": vaultPlace, "aws": awsPlace, "gcp": gcpPlace}
	if real := realVault(t); real != nil {
		kinds["real vault"] = real.place
	}
	return kinds
}

func filePlace(t *testing.T) place {
	path := filepath.Join(t.TempDir(), "master.json")
	if err := writeMaster(path); err != nil {
		t.Fatal(err)
	}
	return place{uri: localFile + path, absent: localFile + path + "x"}
}

func vaultPlace(t *testing.T) place {
	v := transittest.New("hvs.secret")
	v.Keys["cloakroom"] = transittest.NewKey("aes256-gcm96", false)
	g := &gate{}
	server := httptest.NewServer(g.before(v))
	t.Cleanup(server.Close)
	return place{KeyServices{VaultToken: v.Token}, vaultURI(server, "cloakroom"), vaultURI(server, "absent"), 0, g, closing(server)}
}

func awsPlace(t *testing.T) place {
	g := &gate{}
	server, settings := fakeAWS(t, g.before(newTrent()))
	return place{settings, awsKMS + awsWhere + "key/k-0", awsKMS + awsWhere + "alias/absent", awsLimit, g, closing(server)}
}

func gcpPlace(t *testing.T) place {
	g := &gate{}
	server, settings := fakeGCP(t, newCloudRing(), g)
	key := gcpKMS + gcpRing + "/cryptoKeys/"
	return place{settings, key + "master", key + "absent", 0, g, server.Stop}
}

func closing(server *httptest.Server) func() {
	return func() {
		server.CloseClientConnections()
		server.Close()
	}
}

var vaultProgram = flag.String("vault", "", "program that serves a real Vault, for `make test-vault`")

// vaultProcess is a real Vault and its root token.
type vaultProcess struct {
	Address, Token string
	stdin          io.Closer // the server ends when this does, at the latest with our process
}

var startVault = sync.OnceValues(func() (*vaultProcess, error) {
	served := exec.Command(*vaultProgram)
	stdin, err := served.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := served.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := served.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	v := vaultProcess{stdin: stdin}
	return &v, json.Unmarshal(line, &v)
})

// realVault gives the server of -vault, nil without.
func realVault(t *testing.T) *vaultProcess {
	t.Helper()
	if *vaultProgram == "" {
		return nil
	}
	v, err := startVault()
	if err != nil {
		t.Fatal("start the real Vault: ", err)
	}
	return v
}

// leastPolicy is the policy of docs/adr/0022, for a master key MASTER.
const leastPolicy = `
path "transit/keys/MASTER"     { capabilities = ["read"] }
path "transit/keys/MASTER-*"   { capabilities = ["create", "read", "update", "delete"] }
path "transit/encrypt/MASTER*" { capabilities = ["update"] }
path "transit/decrypt/MASTER*" { capabilities = ["update"] }`

// limited makes a token of that policy.
func (v *vaultProcess) limited(t *testing.T, master string) string {
	t.Helper()
	ask := func(method, path string, request map[string]any) (answer struct {
		Auth struct {
			Token string `json:"client_token"`
		}
	}) {
		content, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), method, v.Address+"/v1/"+path, bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Vault-Token", v.Token)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		return answer
	}
	ask(http.MethodPut, "sys/policies/acl/"+master, map[string]any{"policy": strings.ReplaceAll(leastPolicy, "MASTER", master)})
	return ask(http.MethodPost, "auth/token/create", map[string]any{"policies": []string{master}, "no_default_policy": true}).Auth.Token
}

// place is a key of its own on the real Vault, behind a proxy that can be slow and go away.
func (v *vaultProcess) place(t *testing.T) place {
	address, err := url.Parse(v.Address)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{}
	proxy := httputil.NewSingleHostReverseProxy(address)
	proxy.ErrorLog = log.New(io.Discard, "", 0) // of clients that leave
	server := httptest.NewServer(g.before(proxy))
	t.Cleanup(server.Close)
	name := "master-" + strings.ToLower(rand.Text())
	if _, err := (KeyServices{VaultToken: v.Token}).Open(t.Context(), vaultURI(server, name), true); err != nil {
		t.Fatal(err)
	}
	return place{KeyServices{VaultToken: v.limited(t, name)}, vaultURI(server, name), vaultURI(server, name+"-absent"), 0, g, closing(server)}
}
