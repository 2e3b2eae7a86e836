package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// The carriers of secrets. The first is the only one of which an answer may hold anything, in the one place for it.
const (
	accessToken   = "S01 access token or static credential"
	refreshToken  = "S02 refresh token"
	serviceToken  = "S03 service token"
	clientSecret  = "S04 client secret of a provider"
	signingKey    = "S05 key that signs the audit trail"
	storedInAsked = "S06 credential in a request"
)

// vaultSubjects are the credentials that are planted, and what the third party does with their refresh tokens.
var vaultSubjects = []struct{ provider, subject, kind, does string }{
	{"openai", "hook/5", "static", ""}, {"openai", "hook/6", "static", ""},
	{"acme", "hook/10", "oauth2", "rotates"}, {"acme", "hook/11", "oauth2", "echoes in an error"}, {"acme", "hook/12", "oauth2", "breaks"},
	{"acme", "hook/13", "oauth2", "answers no JSON"}, {"acme", "hook/14", "oauth2", "redirects"}, {"acme", "hook/15", "oauth2", "limits"},
}

// secrets are what the installation keeps of third parties, and its own, all of it made up for this run.
type secrets struct {
	mu      sync.Mutex
	planted map[string]string                // carrier by text
	does    map[string]string                // what a refresh token is met with
	access  map[string][]string              // access tokens by subject, the newest last
	subject map[string]string                // by refresh token
	spare   []struct{ access, fresh string } // grants that the third party has not given yet

	folder   string
	client   string
	provider *thirdParty
}

func newSecrets(folder string) *secrets {
	return &secrets{planted: make(map[string]string), does: make(map[string]string), access: make(map[string][]string), subject: make(map[string]string), folder: folder}
}

// make makes a secret of a carrier up.
func (s *secrets) make(carrier string) string {
	text := "cnry" + strings.ToLower(rand.Text())
	s.planted[text] = carrier
	return text
}

// plantInto has a ledger look for all of them.
func (s *secrets) plantInto(l *ledger) {
	for text, carrier := range s.planted {
		l.secret(carrier, text)
	}
}

const spareGrants = 500

// plantSecrets makes secrets, and puts each where it belongs: into files that settings name, and into the vault.
func (h *harness) plantSecrets(ctx context.Context) error {
	folder, err := os.MkdirTemp("", "cloakroom-canary-secrets-")
	if err != nil {
		return fmt.Errorf("make a folder for secrets: %w", err)
	}
	h.undo = append(h.undo, func() error { return os.RemoveAll(folder) })
	s := newSecrets(folder)
	h.secrets = s
	for range spareGrants {
		s.spare = append(s.spare, struct{ access, fresh string }{s.make(accessToken), s.make(refreshToken)})
	}
	if s.provider, err = newThirdParty(s); err != nil {
		return err
	}
	h.undo = append(h.undo, s.provider.close)
	if err := h.settle(ctx); err != nil {
		return err
	}
	for _, v := range h.tokens {
		s.planted[v] = serviceToken
	}
	grants := make([]string, len(vaultSubjects))
	for n, v := range vaultSubjects {
		grants[n] = s.grant(v.subject, v.kind, v.does)
	}
	s.plantInto(h.ledger)
	for n, v := range vaultSubjects {
		if err := h.storeGrant(ctx, v.provider, v.subject, v.kind, grants[n]); err != nil {
			return err
		}
	}
	return nil
}

// settle gives the programs under test a provider with a client secret, a key that signs the audit trail, and places for
// checkpoints and for grants that could not be written.
func (h *harness) settle(ctx context.Context) error {
	s := h.secrets
	at := func(name string) string { return filepath.Join(s.folder, name) }
	if _, err := h.command(ctx, h.ledger, h.server, "audit", "key", "create", "--out", at("audit.key")); err != nil {
		return err
	}
	key, err := os.ReadFile(at("audit.key"))
	if err != nil {
		return fmt.Errorf("read the key that was made: %w", err)
	}
	parts := strings.Split(strings.TrimSpace(string(key)), "+")
	s.planted[strings.Join(parts[4:], "+")] = signingKey
	s.client = s.make(clientSecret)
	settings, err := json.Marshal(map[string]any{"acme": map[string]any{"client_id": "canary", "client_secret_file": "client.secret",
		"token_url": s.provider.url + "/token", "revoke_url": s.provider.url + "/revoke", "rotates_refresh_token": true}})
	if err != nil {
		return fmt.Errorf("encode the providers: %w", err)
	}
	if err := errors.Join(os.WriteFile(at("client.secret"), []byte(s.client+"\n"), 0o600), os.WriteFile(at("providers.json"), settings, 0o600),
		os.Mkdir(at("spool"), 0o700), os.Mkdir(at("checkpoints"), 0o700)); err != nil {
		return fmt.Errorf("write the providers: %w", err)
	}
	h.more = []string{"PROVIDERS=" + at("providers.json"), "AUDIT_KEY=" + at("audit.key"), "AUDIT_DESTINATIONS=file://" + at("checkpoints"), "VAULT_SPOOL=" + at("spool")}
	return nil
}

// grant makes what is stored for a subject, in the form in which it is stored.
func (s *secrets) grant(subject, kind, does string) string {
	access := s.make(accessToken)
	s.access[subject] = append(s.access[subject], access)
	if kind == "static" {
		return access
	}
	fresh := s.make(refreshToken)
	s.does[fresh], s.subject[fresh] = does, subject
	text, _ := json.Marshal(map[string]any{"access_token": access, "refresh_token": fresh, "token_type": "Bearer", "expires_in": 3600}) // made of strings
	return string(text)
}

// storeGrant keeps a credential at the command line.
func (h *harness) storeGrant(ctx context.Context, provider, subject, kind, text string) error {
	file := filepath.Join(h.secrets.folder, "grant")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write a grant: %w", err)
	}
	_, err := h.command(ctx, h.ledger, h.server, "vault", "store", "--account=1", "--provider="+provider, "--subject="+subject, "--kind="+kind, "--from="+file)
	return errors.Join(err, os.Remove(file))
}
