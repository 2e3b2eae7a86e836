package keyring

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/tink-crypto/tink-go-hcvault/v2/integration/hcvault"

	"github.com/cloakroom/cloakroom/keyring/transittest"
)

// fakeVault is a transit that holds the key "cloakroom".
func fakeVault(t *testing.T) (*transittest.Transit, *httptest.Server, KeyServices) {
	t.Helper()
	v := transittest.New("hvs.secret")
	v.Keys["cloakroom"] = transittest.NewKey("aes256-gcm96", false)
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	return v, server, KeyServices{VaultToken: v.Token}
}

func vaultURI(server *httptest.Server, name string) string {
	return vaultHTTP + strings.TrimPrefix(server.URL, "http://") + "/transit/keys/" + name
}

// TestVaultIsTinks holds our client against Tink's, on a Vault of ours and, with -vault, on a real one: each opens what
// the other wrapped. Tink's is the one that sends the associated data, NewAEAD.
func TestVaultIsTinks(t *testing.T) {
	t.Parallel()
	_, server, settings := fakeVault(t)
	try := func(t *testing.T, address, name, token string) {
		ours, err := KeyServices{VaultToken: token}.Open(t.Context(), vaultHTTP+strings.TrimPrefix(address, "http://")+"/transit/keys/"+name, true)
		if err != nil {
			t.Fatal(err)
		}
		client, err := api.NewClient(&api.Config{Address: address})
		if err != nil {
			t.Fatal(err)
		}
		client.SetToken(token)
		theirs, err := hcvault.NewAEAD("/transit/keys/"+name, client.Logical())
		if err != nil {
			t.Fatal(err)
		}
		for _, associatedData := range []string{"", "purpose | account | generation"} {
			wrapped, err := ours.EncryptWithContext(t.Context(), []byte("keyset"), []byte(associatedData))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := theirs.Decrypt(wrapped, []byte(associatedData)); err != nil || string(got) != "keyset" {
				t.Errorf("Tink's client opens ours as %q, error %v", got, err)
			}
			if _, err := theirs.Decrypt(wrapped, []byte("elsewhere")); err == nil {
				t.Error("Tink's client opens ours for another place")
			}
			if wrapped, err = theirs.Encrypt([]byte("keyset"), []byte(associatedData)); err != nil {
				t.Fatal(err)
			}
			if got, err := ours.DecryptWithContext(t.Context(), wrapped, []byte(associatedData)); err != nil || string(got) != "keyset" {
				t.Errorf("our client opens Tink's as %q, error %v", got, err)
			}
		}
	}
	try(t, server.URL, "cloakroom", settings.VaultToken)
	if real := realVault(t); real != nil {
		try(t, real.Address, "tinks", real.Token)
	}
}

// TestVaultFaults reads what an operator reads. The answers of the fake quote request and token; the errors must not.
func TestVaultFaults(t *testing.T) {
	t.Parallel()
	for name, try := range map[string]struct {
		change func(v *transittest.Transit, s *KeyServices)
		key    string
		want   string
	}{
		"sealed":            {func(v *transittest.Transit, _ *KeyServices) { v.State = 503 }, "cloakroom", "unseal it"},
		"broken":            {func(v *transittest.Transit, _ *KeyServices) { v.State = 500 }, "cloakroom", "Vault's own log"},
		"limited":           {func(v *transittest.Transit, _ *KeyServices) { v.State = 429 }, "cloakroom", "quotas"},
		"sent in circles":   {func(v *transittest.Transit, _ *KeyServices) { v.State = 307 }, "cloakroom", "write the address"},
		"another token":     {func(_ *transittest.Transit, s *KeyServices) { s.VaultToken = "hvs.secret-old" }, "cloakroom", "policy"},
		"no such key":       {func(*transittest.Transit, *KeyServices) {}, "typo", "right key"},
		"a derived key":     {func(v *transittest.Transit, _ *KeyServices) { v.Keys["cloakroom"].Derived = true }, "cloakroom", "not derived"},
		"a key to sign":     {func(v *transittest.Transit, _ *KeyServices) { v.Keys["cloakroom"].Type = "ed25519" }, "cloakroom", "aes256-gcm96"},
		"no token":          {func(_ *transittest.Transit, s *KeyServices) { s.VaultToken = "" }, "cloakroom", "set VAULT_TOKEN_FILE"},
		"two tokens":        {func(_ *transittest.Transit, s *KeyServices) { s.VaultTokenFile = "x" }, "cloakroom", "either"},
		"no token file":     {func(_ *transittest.Transit, s *KeyServices) { s.VaultToken, s.VaultTokenFile = "", "/not/there" }, "cloakroom", "VAULT_TOKEN_FILE"},
		"no authority file": {func(_ *transittest.Transit, s *KeyServices) { s.VaultCACert = "/not/there" }, "cloakroom", "VAULT_CACERT"},
		"two lines":         {func(_ *transittest.Transit, s *KeyServices) { s.VaultToken = "hvs.secret\nhvs.secret" }, "cloakroom", "one line"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, server, settings := fakeVault(t)
			try.change(v, &settings)
			master, err := settings.Open(t.Context(), vaultURI(server, try.key), false)
			if err == nil || master != nil || !strings.Contains(err.Error(), try.want) {
				t.Fatalf("error %v, want one with %q", err, try.want)
			}
			if strings.Contains(err.Error(), "hvs.secret") || strings.Contains(err.Error(), "you asked") {
				t.Errorf("the error quotes what it should not: %v", err)
			}
		})
	}
}

// TestSettingsAreNotPrinted keeps a token out of a log that prints what it stands in.
func TestSettingsAreNotPrinted(t *testing.T) {
	t.Parallel()
	settings := KeyServices{VaultToken: "hvs.secret"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if text := fmt.Sprintf(verb+verb, settings, &settings); strings.Contains(text, "hvs") || strings.Contains(text, "687673") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}

// TestVaultSettings covers what goes along with a request: token file, namespace, authority, path below a mount.
func TestVaultSettings(t *testing.T) {
	t.Parallel()
	v := transittest.New("hvs.second")
	v.Keys["cloakroom"] = transittest.NewKey("aes256-gcm96", false)
	server := httptest.NewTLSServer(v)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are broken off
	t.Cleanup(server.Close)
	dir := t.TempDir()
	settings := KeyServices{VaultTokenFile: filepath.Join(dir, "token"), VaultNamespace: "support", VaultCACert: filepath.Join(dir, "ca.pem")}
	write := func(path, content string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(settings.VaultCACert, pemOf(server))
	write(settings.VaultTokenFile, "hvs.first")
	uri := vaultHTTPS + strings.TrimPrefix(server.URL, "https://") + "/transit/keys/cloakroom"
	if _, err := settings.Open(t.Context(), uri, false); err == nil || !strings.Contains(err.Error(), "403") {
		t.Fatalf("with the first token the error is %v, want 403", err)
	}
	write(settings.VaultTokenFile, "hvs.second\n") // as an agent does, some time later
	master, err := settings.Open(t.Context(), uri, false)
	if err != nil {
		t.Fatal(err)
	}
	write(settings.VaultTokenFile, "hvs.third\n")
	v.Do(func() {
		v.Token = "hvs.third"
		for _, r := range v.Asked {
			if r.Header.Get("X-Vault-Namespace") != "support" {
				t.Error("a request went to another namespace")
			}
		}
	})
	if _, err := master.EncryptWithContext(t.Context(), []byte("x"), nil); err != nil {
		t.Errorf("after the token was renewed: %v", err)
	}
	if master.URI() != uri {
		t.Errorf("the key calls itself %s, not %s", master.URI(), uri)
	}
	settings.VaultCACert = ""
	if _, err := settings.Open(t.Context(), uri, false); err == nil || !strings.Contains(err.Error(), "VAULT_CACERT") {
		t.Errorf("an unknown authority gave error %v, want one that names VAULT_CACERT", err)
	}
}

// TestVaultGoneStaysGone proves the type that does not exist: with a token that may create, Transit makes a new key
// under the old name for whoever wraps with it.
func TestVaultGoneStaysGone(t *testing.T) {
	t.Parallel()
	try := func(t *testing.T, address, token string) {
		uri := vaultHTTP + strings.TrimPrefix(address, "http://") + "/transit/keys/gone"
		master, err := KeyServices{VaultToken: token}.Open(t.Context(), uri, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := master.Destroy(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := master.EncryptWithContext(t.Context(), []byte("x"), nil); !errors.Is(err, ErrNoKey) {
			t.Errorf("wrapping with a key that is gone gave error %v, want ErrNoKey", err)
		}
		if _, err := (KeyServices{VaultToken: token}).Open(t.Context(), uri, false); !errors.Is(err, ErrNoKey) {
			t.Errorf("after that, opening it gave error %v, want ErrNoKey", err)
		}
	}
	_, server, settings := fakeVault(t)
	try(t, server.URL, settings.VaultToken)
	if real := realVault(t); real != nil {
		try(t, real.Address, real.Token)
	}
}

// TestVaultNeverLeavesTLS sends a token to no address without TLS, whoever says so.
func TestVaultNeverLeavesTLS(t *testing.T) {
	t.Parallel()
	v, plain, settings := fakeVault(t)
	standby := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusTemporaryRedirect))
	t.Cleanup(standby.Close)
	settings.VaultCACert = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(settings.VaultCACert, []byte(pemOf(standby)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := settings.Open(t.Context(), vaultHTTPS+strings.TrimPrefix(standby.URL, "https://")+"/transit/keys/cloakroom", false)
	if err == nil || !strings.Contains(err.Error(), "out of TLS") || len(v.Asked) > 0 {
		t.Errorf("error %v, and %d requests in clear", err, len(v.Asked))
	}
}

// pemOf gives the authority of a test server.
func pemOf(server *httptest.Server) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}
