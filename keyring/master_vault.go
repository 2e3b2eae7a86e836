package keyring

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
)

const (
	vaultHTTPS = "hcvault://"      // over TLS, port 443 unless it is written
	vaultHTTP  = "hcvault+http://" // in clear, token included: for a server on the same machine, and for tests
)

// vaultKey is a key of Transit, the engine of Vault and OpenBao that wraps without giving its keys away. What it wraps
// is what tink-go-hcvault's NewAEAD wraps; that has no context, and its NewClient sends the associated data as
// `context`, which Transit ignores for ordinary keys.
type vaultKey struct {
	*vaultServer
	mount, name string
}

// vaultServer is where a key is, and as whom it is asked.
type vaultServer struct {
	scheme, address string // "hcvault://", "https://vault:8200"
	settings        KeyServices
	client          *http.Client
}

var (
	vaultHost = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]{1,5})?$|^\[[0-9a-fA-F:.]+\](:[0-9]{1,5})?$`)
	vaultPath = regexp.MustCompile(`^((?:[\w-][\w.-]*/)+)keys/(\w(?:[\w.-]*\w)?)$`)
)

func parseVault(_ context.Context, s KeyServices, rest string) (service, error) {
	return newVaultKey(s, vaultHTTPS, "https://", rest)
}

func parseVaultHTTP(_ context.Context, s KeyServices, rest string) (service, error) {
	return newVaultKey(s, vaultHTTP, "http://", rest)
}

func newVaultKey(s KeyServices, scheme, web, rest string) (service, error) {
	host, path, _ := strings.Cut(rest, "/")
	parts := vaultPath.FindStringSubmatch(path)
	if !vaultHost.MatchString(host) || parts == nil {
		return nil, fmt.Errorf("write %sHOST[:PORT]/MOUNT/keys/NAME, such as %svault.example:8200/transit/keys/cloakroom", scheme, scheme)
	}
	switch {
	case s.VaultToken == "" && s.VaultTokenFile == "":
		return nil, errors.New("no token for Vault: set VAULT_TOKEN_FILE, or VAULT_TOKEN")
	case s.VaultToken != "" && s.VaultTokenFile != "":
		return nil, errors.New("two tokens for Vault: set either VAULT_TOKEN_FILE or VAULT_TOKEN")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone() // with the machine's proxy
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if s.VaultCACert != "" {
		pem, err := os.ReadFile(s.VaultCACert)
		if err != nil {
			return nil, fmt.Errorf("read VAULT_CACERT: %w", err)
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("VAULT_CACERT, %s, holds no certificate in PEM", s.VaultCACert)
		}
	}
	server := &vaultServer{scheme, web + host, s, &http.Client{Transport: transport, CheckRedirect: followVault}}
	return &vaultKey{server, strings.TrimSuffix(parts[1], "/"), parts[2]}, nil
}

// followVault follows a standby to its leader, but never out of TLS: the token goes along.
func followVault(to *http.Request, via []*http.Request) error {
	if len(via) > 2 || via[0].URL.Scheme != to.URL.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}

// URI names the key.
func (k *vaultKey) URI() string {
	_, host, _ := strings.Cut(k.address, "://")
	return k.scheme + host + "/" + k.path("keys")
}

func (k *vaultKey) path(verb string) string { return k.mount + "/" + verb + "/" + k.name }

func (k *vaultKey) child(name string) service {
	return &vaultKey{k.vaultServer, k.mount, k.name + "-" + name}
}

// open wants an ordinary key: a derived one asks for a `context` with every request and has no other place for it.
func (k *vaultKey) open(ctx context.Context) error {
	var key struct {
		Type    string `json:"type"`
		Derived bool   `json:"derived"`
	}
	if err := k.ask(ctx, http.MethodGet, k.path("keys"), nil, &key); err != nil {
		return err
	}
	if key.Type != "aes256-gcm96" || key.Derived {
		return fmt.Errorf("%s is of type %q, derived %t: make a key of type aes256-gcm96 that is not derived", k.path("keys"), key.Type, key.Derived)
	}
	return nil
}

func (k *vaultKey) create(ctx context.Context) error {
	return k.ask(ctx, http.MethodPost, k.path("keys"), map[string]any{"type": "aes256-gcm96"}, nil)
}

// EncryptWithContext names a type that does not exist: with it, a key that is gone stays gone. Transit would make a
// new one of that name unasked, when the token's policy lets it create on encrypt/.
func (k *vaultKey) EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	var answer struct {
		Ciphertext string `json:"ciphertext"`
	}
	request := map[string]any{
		"plaintext": base64.StdEncoding.EncodeToString(plaintext), "associated_data": base64.StdEncoding.EncodeToString(associatedData), "type": "none",
	}
	if err := k.ask(ctx, http.MethodPost, k.path("encrypt"), request, &answer); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(answer.Ciphertext, "vault:v") {
		return nil, fmt.Errorf("what answered at %s is not Transit", k.address)
	}
	return []byte(answer.Ciphertext), nil
}

func (k *vaultKey) DecryptWithContext(ctx context.Context, wrapped, associatedData []byte) ([]byte, error) {
	if !canonical(wrapped) {
		return nil, fmt.Errorf("%w: it was not wrapped by Transit", ErrRefused)
	}
	var answer struct {
		Plaintext []byte `json:"plaintext"` // in base64, as JSON has it
	}
	request := map[string]any{"ciphertext": string(wrapped), "associated_data": base64.StdEncoding.EncodeToString(associatedData)}
	err := k.ask(ctx, http.MethodPost, k.path("decrypt"), request, &answer)
	var status *vaultStatus
	if errors.As(err, &status) && status.code == http.StatusBadRequest && !errors.Is(err, ErrNoKey) {
		return nil, ErrRefused
	}
	return answer.Plaintext, err
}

var vaultWrapped = regexp.MustCompile(`^vault:v[1-9][0-9]*:([A-Za-z0-9+/]+=*)$`)

// canonical holds a ciphertext to the one form in which Transit writes it. Transit itself reads v0 for v1, line breaks,
// and bits behind the last byte, so what it wrapped could be changed without being refused.
func canonical(wrapped []byte) bool {
	parts := vaultWrapped.FindSubmatch(wrapped)
	if parts == nil {
		return false
	}
	_, err := base64.StdEncoding.Strict().DecodeString(string(parts[1]))
	return err == nil
}

// destroy allows what Transit forbids at first, then deletes. That another process was faster shows when the key is
// looked for again.
func (k *vaultKey) destroy(ctx context.Context) error {
	err := k.ask(ctx, http.MethodGet, k.path("keys"), nil, nil)
	if err == nil {
		err = k.ask(ctx, http.MethodPost, k.path("keys")+"/config", map[string]any{"deletion_allowed": true}, nil)
		if err == nil {
			err = k.ask(ctx, http.MethodDelete, k.path("keys"), nil, nil)
		}
		if err != nil && errors.Is(k.ask(ctx, http.MethodGet, k.path("keys"), nil, nil), ErrNoKey) {
			return nil
		}
	}
	if errors.Is(err, ErrNoKey) {
		return nil
	}
	return err
}
