package keyring

import (
	"bytes"
	"context"
	"crypto/x509"
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
		hint = "the token has run out, or its policy does not allow this: it needs read on MOUNT/keys/NAME, update on " +
			"MOUNT/encrypt/NAME* and MOUNT/decrypt/NAME*, and for the keys of epochs create, read, update and delete on MOUNT/keys/NAME-*"
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
