// Package transittest is the test helper of the room of keys: a Vault of our own, for tests that cannot have a real one.
// Requests of Transit's HTTP interface come in; what it answers, `make test-vault` holds against a real Vault.
// Its keys never leave it, and it is part of no program.
package transittest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Transit answers as Transit of Vault 1.21 does, as far as it is asked here. Every error quotes the request, so that a
// test sees what is let through.
type Transit struct {
	mu    sync.Mutex
	Keys  map[string]*Key
	Token string
	State int // answer to everything, when not 0
	Asked []*http.Request
}

// Key is a key of Transit's, as it tells of it.
type Key struct {
	Type     string `json:"type"`
	Derived  bool   `json:"derived"`
	Deletion bool   `json:"deletion_allowed"`
	versions []cipher.AEAD
}

// New is a transit without keys, for whoever has the token.
func New(token string) *Transit {
	return &Transit{Token: token, Keys: make(map[string]*Key)}
}

// Do runs fn between two requests: fields are to be read and set there once a server is listening.
func (v *Transit) Do(fn func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	fn()
}

// ServeHTTP implements http.Handler.
func (v *Transit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.Asked = append(v.Asked, r)
	body, _ := io.ReadAll(r.Body)
	status, data := v.answer(r, body)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if status >= 400 {
		data = map[string]any{"errors": []string{fmt.Sprint(data), "you asked: " + string(body), "as " + r.Header.Get("X-Vault-Token")}}
	} else {
		data = map[string]any{"data": data}
	}
	_ = json.NewEncoder(w).Encode(data)
}

type transitRequest struct {
	Type, Plaintext, Ciphertext, Context string
	AssociatedData                       string `json:"associated_data"`
	Derived                              bool
	DeletionAllowed                      bool `json:"deletion_allowed"`
}

func (v *Transit) answer(r *http.Request, body []byte) (int, any) {
	var in transitRequest
	path, below := strings.CutPrefix(r.URL.Path, "/v1/transit/")
	verb, name, _ := strings.Cut(path, "/")
	switch {
	case v.State != 0:
		return v.State, "no"
	case r.Header.Get("X-Vault-Token") != v.Token:
		return http.StatusForbidden, "permission denied"
	case !below:
		return http.StatusNotFound, "no handler for route"
	case len(body) > 0 && json.Unmarshal(body, &in) != nil:
		return http.StatusBadRequest, "error parsing JSON"
	case verb == "keys":
		return v.manage(r.Method, name, in)
	case verb == "decrypt" && v.Keys[name] == nil:
		return http.StatusBadRequest, "encryption key not found"
	case verb == "decrypt":
		return v.Keys[name].unwrap(in.Ciphertext, in.AssociatedData)
	}
	if v.Keys[name] == nil { // a token that may create makes one, of aes256-gcm96 unless it says otherwise
		if in.Type != "" && in.Type != "aes256-gcm96" {
			return http.StatusBadRequest, "unknown key type " + in.Type
		}
		v.Keys[name] = NewKey("aes256-gcm96", in.Context != "")
	}
	return v.Keys[name].wrap(in.Plaintext, in.AssociatedData)
}

func (v *Transit) manage(method, name string, in transitRequest) (int, any) {
	name, config := strings.CutSuffix(name, "/config")
	key := v.Keys[name]
	switch {
	case config && key == nil:
		return http.StatusBadRequest, "no existing key named " + name + " could be found"
	case config:
		key.Deletion = in.DeletionAllowed
	case method == http.MethodGet && key == nil:
		return http.StatusNotFound, ""
	case method == http.MethodPost && key == nil:
		key = NewKey(in.Type, in.Derived)
		v.Keys[name] = key
	case method == http.MethodDelete && (key == nil || !key.Deletion):
		return http.StatusBadRequest, "deletion is not allowed for this key"
	case method == http.MethodDelete:
		delete(v.Keys, name)
		return http.StatusNoContent, nil
	}
	return http.StatusOK, key
}

// NewKey makes a key of a sort, such as aes256-gcm96, of one version.
func NewKey(sort string, derived bool) *Key {
	return &Key{Type: sort, Derived: derived, versions: []cipher.AEAD{NewGCM()}}
}

// NewGCM is a fresh AES-256-GCM that puts its nonces before what it seals.
func NewGCM() cipher.AEAD {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	block, err := aes.NewCipher(secret)
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return gcm
}

func (k *Key) wrap(plaintext, associatedData string) (int, any) {
	clear, err := base64.StdEncoding.DecodeString(plaintext)
	bound, err2 := base64.StdEncoding.DecodeString(associatedData)
	if err != nil || err2 != nil || k.Derived {
		return http.StatusBadRequest, "failed to base64-decode, or missing 'context' for key derivation"
	}
	version := len(k.versions)
	sealed := k.versions[version-1].Seal(nil, nil, clear, bound)
	return http.StatusOK, map[string]any{"ciphertext": fmt.Sprintf("vault:v%d:%s", version, base64.StdEncoding.EncodeToString(sealed)), "key_version": version}
}

func (k *Key) unwrap(ciphertext, associatedData string) (int, any) {
	number, encoded, _ := strings.Cut(strings.TrimPrefix(ciphertext, "vault:v"), ":")
	version, err := strconv.Atoi(number)
	version = max(version, 1) // as in its first days, when versions began at 0
	sealed, err2 := base64.StdEncoding.DecodeString(encoded)
	bound, err3 := base64.StdEncoding.DecodeString(associatedData)
	if err != nil || err2 != nil || err3 != nil || version > len(k.versions) {
		return http.StatusBadRequest, "invalid ciphertext"
	}
	clear, err := k.versions[version-1].Open(nil, nil, sealed, bound)
	if err != nil {
		return http.StatusBadRequest, "cipher: message authentication failed"
	}
	return http.StatusOK, map[string]any{"plaintext": base64.StdEncoding.EncodeToString(clear)}
}
