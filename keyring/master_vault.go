package keyring

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"
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
	if !bytes.HasPrefix(wrapped, []byte("vault:v")) {
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

// ask asks up to three times: every request of ours can be repeated, and a leader may have just changed.
func (v *vaultServer) ask(ctx context.Context, method, path string, request, answer any) error {
	var content []byte
	if request != nil {
		var err error
		if content, err = json.Marshal(request); err != nil {
			return fmt.Errorf("put the request to Vault into words: %w", err)
		}
	}
	for wait := 100 * time.Millisecond; ; wait *= 3 {
		again, err := v.askOnce(ctx, method, path, content, answer)
		if err == nil || !again || wait > 300*time.Millisecond {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// askOnce says of an error whether another time may be better.
func (v *vaultServer) askOnce(ctx context.Context, method, path string, content []byte, answer any) (again bool, err error) {
	r, err := http.NewRequestWithContext(ctx, method, v.address+"/v1/"+path, bytes.NewReader(content))
	if err != nil {
		return false, err
	}
	if err := v.sign(r); err != nil {
		return false, err
	}
	response, err := v.client.Do(r)
	if err != nil {
		return true, unreachable(v.address, err)
	}
	defer func() { _ = response.Body.Close() }() // read as far as it is wanted
	body, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	if err != nil {
		return true, unreachable(v.address, err)
	}
	if response.StatusCode >= 300 {
		return response.StatusCode >= 500, &vaultStatus{response.StatusCode, path, missing.Match(body)}
	}
	if answer == nil {
		return false, nil
	}
	data := struct {
		Data any `json:"data"`
	}{answer}
	if json.Unmarshal(body, &data) != nil { // whose error may quote the answer
		return false, fmt.Errorf("what answered at %s is not Vault", v.address)
	}
	return false, nil
}

// sign puts the token on a request.
func (v *vaultServer) sign(r *http.Request) error {
	token := v.settings.VaultToken
	if v.settings.VaultTokenFile != "" {
		content, err := os.ReadFile(v.settings.VaultTokenFile)
		if err != nil {
			return fmt.Errorf("read VAULT_TOKEN_FILE: %w", err)
		}
		token = string(content)
	}
	if token = strings.TrimSpace(token); token == "" || strings.ContainsAny(token, "\r\n") {
		return errors.New("VAULT_TOKEN_FILE, or VAULT_TOKEN, holds no token: it is one line")
	}
	r.Header.Set("X-Vault-Token", token)
	r.Header.Set("X-Vault-Request", "true")
	if v.settings.VaultNamespace != "" {
		r.Header.Set("X-Vault-Namespace", v.settings.VaultNamespace)
	}
	return nil
}

// unreachable says why there was no answer, and what to look at.
func unreachable(address string, err error) error {
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return fmt.Errorf("%s has a certificate of an unknown authority: name its authority's file in VAULT_CACERT: %w", address, err)
	}
	return fmt.Errorf("%s cannot be reached: see whether it is up, and whether the way from here is open: %w", address, err)
}

// missing is how Transit says 400 for a key that is not there. Nothing else is read of an answer that is an error:
// it may quote what was asked.
var missing = regexp.MustCompile(`encryption key not found|unknown key type none|no existing key named`)

// vaultStatus is an answer that is an error.
type vaultStatus struct {
	code int
	path string
	gone bool
}

func (e *vaultStatus) Error() string {
	hint := "see Vault's own log"
	switch {
	case e.Unwrap() != nil:
		hint = ErrNoKey.Error() + ", or there is no Transit engine of that name"
	case e.code == http.StatusForbidden:
		hint = "the token has run out, or its policy does not allow this: it needs read on MOUNT/keys/NAME and update on " +
			"MOUNT/encrypt/NAME and MOUNT/decrypt/NAME, and the same for NAME-*; to make and destroy keys beside it also " +
			"create, update and delete on MOUNT/keys/NAME-* and update on MOUNT/keys/NAME-*/config"
	case e.code == http.StatusTooManyRequests:
		hint = "it limits how often it is asked: see its quotas"
	case e.code == http.StatusServiceUnavailable:
		hint = "it is sealed, or starting: unseal it"
	case e.code < 400:
		hint = "it sends elsewhere, out of TLS or in circles: write the address of its leader"
	case e.code == http.StatusBadRequest:
		hint = "it does not take the request: see whether the key is an ordinary one of type aes256-gcm96"
	}
	return fmt.Sprintf("Vault answers %d for %s: %s", e.code, e.path, hint)
}

func (e *vaultStatus) Unwrap() error {
	if e.gone || e.code == http.StatusNotFound {
		return ErrNoKey
	}
	return nil
}
