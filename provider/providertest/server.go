// Package providertest is the test helper of the room of providers: a strict OAuth 2 server of our own.
// Requests of a token endpoint come in; it rotates refresh tokens, takes each once, and voids a whole grant when one is
// presented again (RFC 9700, 4.14), as the strictest of providers do.
// Its tokens never leave it for anywhere real, and it is part of no program.
package providertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/provider"
)

// Name is the provider that a Server is, in its configuration.
const Name = "acme"

// What its client signs in with.
const (
	ClientID     = "cloakroom-test"
	ClientSecret = "canary-client-secret-of-acme"
)

// Server is a strict OAuth 2 server.
type Server struct {
	URL string // http://127.0.0.1:…

	t       testing.TB
	mu      sync.Mutex
	life    time.Duration
	byToken map[chat.Secret]*family // refresh tokens, spent ones too, and access tokens
	current map[*family]chat.Secret // the refresh token that each takes
	access  map[chat.Secret]bool    // those that are good
	faults  []Fault
	after   func(presented chat.Secret)
	calls   []Call
	reused  int
	revoked []chat.Secret
}

type family struct{ void bool }

// Call is one that presented a refresh token.
type Call struct {
	Refresh chat.Secret
	Outcome string // "granted", an error code, or the fault's name
}

// New is a server that ends with the test. Its access tokens live for an hour.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, life: time.Hour, byToken: make(map[chat.Secret]*family), current: make(map[*family]chat.Secret), access: make(map[chat.Secret]bool)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", s.token)
	mux.HandleFunc("POST /revoke", s.revoke)
	server := httptest.NewServer(mux)
	s.URL = server.URL
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections) // before it: those that hang
	return s
}

// Config writes what PROVIDERS names, with this server as the provider Name, and gives its path.
func (s *Server) Config() string {
	s.t.Helper()
	directory := s.t.TempDir()
	settings := map[string]any{Name: map[string]any{
		"token_url": s.URL + "/token", "revoke_url": s.URL + "/revoke", "client_id": ClientID, "client_secret_file": "secret", "rotates_refresh_token": true,
	}}
	text, err := json.Marshal(settings)
	if err != nil {
		s.t.Fatal(err)
	}
	path := filepath.Join(directory, "providers.json")
	for name, content := range map[string][]byte{path: text, filepath.Join(directory, "secret"): []byte(ClientSecret + "\n")} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	return path
}

// Providers are those of Config.
func (s *Server) Providers() *provider.Providers {
	s.t.Helper()
	p, err := provider.Load(s.Config())
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// Grant is a new one, as a customer's consent would give it.
func (s *Server) Grant() chat.Credential {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := &family{}
	access, refresh := s.issue(f)
	return chat.Credential{Access: access, Refresh: refresh, TokenType: "Bearer"}
}

// issue makes the tokens numbered by how many there were. The lock is held.
func (s *Server) issue(f *family) (access, refresh chat.Secret) {
	n := len(s.byToken)/2 + 1
	access, refresh = chat.Secret(fmt.Sprintf("acme-access-canary-%d", n)), chat.Secret(fmt.Sprintf("acme-refresh-canary-%d", n))
	s.byToken[access], s.byToken[refresh] = f, f
	s.access[access], s.current[f] = true, refresh
	return access, refresh
}

// SetLife says how long the access tokens of later grants live; 0 is for ever, and then answers name no expiry.
func (s *Server) SetLife(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.life = d
}

// AfterRotation has fn called in each call once the grant is rotated and before its answer is sent: whoever asked can be
// killed there. It must not call the server's methods that change anything. nil ends it.
func (s *Server) AfterRotation(fn func(presented chat.Secret)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after = fn
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	form, ok := s.client(w, r)
	if !ok {
		return
	}
	presented := chat.Secret(form.Get("refresh_token"))
	fault := s.next()
	if !s.held(fault) {
		return
	}
	if fault.answer != nil {
		s.note(presented, fault.name)
		fault.answer(w)
		return
	}
	if form.Get("grant_type") != "refresh_token" || presented == "" {
		s.note(presented, "unsupported_grant_type")
		refuse(w, http.StatusBadRequest, "unsupported_grant_type")
		return
	}
	granted, after := s.rotate(presented, fault)
	if granted == nil {
		refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	if after != nil {
		after(presented)
	}
	if fault.drop {
		panic(http.ErrAbortHandler)
	}
	write(w, http.StatusOK, granted)
}

// held waits for the end of a fault that hangs; false when the test is over.
func (s *Server) held(fault Fault) bool {
	if fault.hold == nil {
		return true
	}
	select {
	case <-fault.hold:
		return true
	case <-s.t.Context().Done():
		return false
	}
}

// rotate gives new tokens for a refresh token that is good, and voids the family of one that was spent.
func (s *Server) rotate(presented chat.Secret, fault Fault) (map[string]any, func(chat.Secret)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.byToken[presented]
	switch {
	case f != nil && !f.void && s.current[f] == presented:
	case f != nil && !s.access[presented] && s.current[f] != presented: // it was spent: somebody has stolen it, or lost the answer
		s.reused++
		s.void(f)
		fallthrough
	default:
		s.calls = append(s.calls, Call{presented, "invalid_grant"})
		return nil, nil
	}
	access, refresh := s.issue(f)
	if fault.same {
		s.current[f], refresh = presented, presented
	}
	s.calls = append(s.calls, Call{presented, "granted"})
	granted := map[string]any{"access_token": access.Reveal(), "refresh_token": refresh.Reveal(), "token_type": "Bearer", "scope": "read write"}
	if s.life > 0 {
		granted["expires_in"] = int64(s.life / time.Second)
	}
	return granted, s.after
}

// void ends a grant. The lock is held.
func (s *Server) void(f *family) {
	f.void = true
	for token, of := range s.byToken {
		if of == f {
			delete(s.access, token)
		}
	}
}

// client reads a form and holds its sender to the client's secret (RFC 6749, 2.3.1).
func (s *Server) client(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	if err := r.ParseForm(); err != nil || len(r.URL.Query()) > 0 || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		refuse(w, http.StatusBadRequest, "invalid_request")
		return nil, false
	}
	id, secret, ok := r.BasicAuth()
	if !ok || id != ClientID || secret != ClientSecret || r.PostForm.Has("client_secret") {
		s.note(chat.Secret(r.PostForm.Get("refresh_token")), "invalid_client")
		refuse(w, http.StatusUnauthorized, "invalid_client")
		return nil, false
	}
	return r.PostForm, true
}

func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	form, ok := s.client(w, r)
	if !ok {
		return
	}
	fault := s.next()
	if !s.held(fault) {
		return
	}
	if fault.answer != nil {
		fault.answer(w)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	token := chat.Secret(form.Get("token"))
	s.revoked = append(s.revoked, token)
	if f := s.byToken[token]; f != nil {
		s.void(f)
	}
	w.WriteHeader(http.StatusOK)
}

func write(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// refuse answers with an error (RFC 6749, 5.2). Its description is what must be seen nowhere.
func refuse(w http.ResponseWriter, status int, code string) {
	write(w, status, map[string]any{"error": code, "error_description": Description})
}

// Description stands in every error of the server's, and must be seen nowhere else.
const Description = "canary-description-of-acme"
