package provider_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/provider"
	"github.com/cloakroom/cloakroom/provider/providertest"
)

// load gives the providers of a file with these settings. Secrets are in a file beside it.
func load(t *testing.T, settings map[string]any) *provider.Providers {
	t.Helper()
	p, err := provider.Load(write(t, settings))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func write(t *testing.T, settings any) string {
	t.Helper()
	text, ok := settings.(string)
	if !ok {
		b, err := json.Marshal(settings)
		if err != nil {
			t.Fatal(err)
		}
		text = string(b)
	}
	directory := t.TempDir()
	for name, content := range map[string]string{"providers.json": text, "secret": "canary-secret\n", "two-lines": "canary\nsecret", "empty": "\n"} {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(directory, "providers.json")
}

// answering is a provider that answers every call with handler, and counts them.
func answering(t *testing.T, handler http.HandlerFunc) (*provider.Providers, *atomic.Int64) {
	t.Helper()
	calls := new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return load(t, map[string]any{"acme": map[string]any{"token_url": server.URL + "/token", "client_id": "id", "client_secret_file": "secret"}}), calls
}

// refresh presents a token for a subject, and looks at what an error tells.
func refresh(t *testing.T, p *provider.Providers, name, subject string, token chat.Secret) (*provider.Grant, *provider.Failure) {
	t.Helper()
	grant, err := p.Refresh(t.Context(), name, subject, token)
	if (grant == nil) == (err == nil) {
		t.Fatalf("grant %v came with error %v", grant, err)
	}
	return grant, failureOf(t, err)
}

func failureOf(t *testing.T, err error) *provider.Failure {
	t.Helper()
	var failure *provider.Failure
	if err != nil && !errors.As(err, &failure) {
		t.Fatalf("an error of type %T came", err)
	}
	if shown := fmt.Sprintf("%v %+v %#v", err, failure, failure); strings.Contains(shown, "canary") || strings.Contains(shown, "127.0.0.1") {
		t.Errorf("an error holds what is not ours: %s", shown)
	}
	return failure
}

func TestTokensAreRotated(t *testing.T) {
	t.Parallel()
	server := providertest.New(t)
	p := server.Providers()
	if policy, ok := p.Policy(providertest.Name); !ok || !policy.Rotates || policy.Grace != 0 {
		t.Errorf("the policy is %+v, %v", policy, ok)
	}
	first := server.Grant()
	grant, failure := refresh(t, p, providertest.Name, "user/7", first.Refresh)
	if failure != nil {
		t.Fatal(failure)
	}
	if !server.Good(grant.Access) || grant.Refresh == "" || grant.Refresh == first.Refresh || grant.Refresh != server.Current(first.Refresh) {
		t.Error("the grant is not what the server gave")
	}
	if grant.TokenType != "Bearer" || grant.ExpiresIn != time.Hour || !cmp.Equal(grant.Scopes, []string{"read", "write"}) {
		t.Errorf("the grant has type %s, scopes %v and lives for %s", grant.TokenType, grant.Scopes, grant.ExpiresIn)
	}
	if _, failure = refresh(t, p, providertest.Name, "user/7", first.Refresh); failure == nil || failure.Reason != provider.InvalidGrant || !failure.Sent {
		t.Errorf("a spent token: %v", failure)
	}
	if server.Good(grant.Access) || server.Current(grant.Refresh) != "" || server.Reused() != 1 {
		t.Error("the server has not voided a grant whose token was presented twice")
	}
	server.SetLife(0)
	server.Script(providertest.SameRefreshToken())
	second := server.Grant()
	if grant, failure = refresh(t, p, providertest.Name, "user/7", second.Refresh); failure != nil || grant.Refresh != "" || grant.ExpiresIn != 0 {
		t.Errorf("the same refresh token came back as another, or a token without expiry has one: %v", failure)
	}
}

// TestFailuresAreToldApart: by status, code and what came of it; each with one call, because a token that is presented
// twice can cost the grant.
func TestFailuresAreToldApart(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Second)
	for name, tc := range map[string]struct {
		status     int
		body       string
		header     map[string]string
		reason     provider.Reason
		retryAfter time.Duration
	}{
		"invalid_grant":               {400, `{"error":"invalid_grant","error_description":"canary-refresh is void"}`, nil, provider.InvalidGrant, 0},
		"invalid_grant with 401":      {401, `{"error":"invalid_grant"}`, nil, provider.InvalidGrant, 0},
		"invalid_grant with 200":      {200, `{"error":"invalid_grant"}`, nil, provider.InvalidGrant, 0},
		"invalid_client":              {401, `{"error":"invalid_client","canary":1}`, nil, provider.Refused, 0},
		"unauthorized_client":         {400, `{"error":"unauthorized_client"}`, nil, provider.Refused, 0},
		"another code":                {400, `{"error":"canary-code"}`, nil, provider.Refused, 0},
		"404 with a page":             {404, `<html>canary-refresh`, nil, provider.Refused, 0},
		"403 with nothing":            {403, ``, nil, provider.Refused, 0},
		"429":                         {429, `canary`, nil, provider.Limited, 0},
		"429 in seconds":              {429, ``, map[string]string{"Retry-After": "120"}, provider.Limited, 2 * time.Minute},
		"429 with invalid_grant":      {429, `{"error":"invalid_grant"}`, nil, provider.Limited, 0},
		"503 until a date":            {503, ``, map[string]string{"Date": now.Format(http.TimeFormat), "Retry-After": now.Add(90 * time.Second).Format(http.TimeFormat)}, provider.Broken, 90 * time.Second},
		"a date by the other's clock": {503, ``, map[string]string{"Date": now.Add(time.Hour).Format(http.TimeFormat), "Retry-After": now.Add(time.Hour + time.Minute).Format(http.TimeFormat)}, provider.Broken, time.Minute},
		"a date that is over":         {503, ``, map[string]string{"Retry-After": now.Add(-time.Hour).Format(http.TimeFormat)}, provider.Broken, 0},
		"after a week":                {503, ``, map[string]string{"Retry-After": "604800"}, provider.Broken, 24 * time.Hour},
		"after what is no time":       {503, ``, map[string]string{"Retry-After": "canary"}, provider.Broken, 0},
		"500 with a code":             {500, `{"error":"invalid_grant"}`, nil, provider.Broken, 0},
		"temporarily_unavailable":     {400, `{"error":"temporarily_unavailable"}`, nil, provider.Broken, 0},
		"200 with a page":             {200, `<html>canary-access`, nil, provider.Broken, 0},
		"200 with nothing":            {200, ``, nil, provider.Broken, 0},
		"200 without a token":         {200, `{"token":"canary"}`, nil, provider.Broken, 0},
		"200 with a token that is 5":  {200, `{"access_token":5}`, nil, provider.Broken, 0},
		"200 with half of it":         {200, `{"access_token":"canary`, nil, provider.Broken, 0},
		"ok is false":                 {200, `{"ok":false}`, nil, provider.Broken, 0},
		"too long":                    {200, `{"access_token":"canary","x":"` + strings.Repeat("x", 256<<10) + `"}`, nil, provider.Broken, 0},
		"elsewhere":                   {307, `{"access_token":"canary"}`, map[string]string{"Location": "http://127.0.0.1:1/token"}, provider.Broken, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, calls := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				for name, value := range tc.header {
					w.Header().Set(name, value)
				}
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			_, failure := refresh(t, p, "acme", "user/7", "canary-refresh")
			if failure == nil || failure.Reason != tc.reason || failure.Status != tc.status || failure.RetryAfter != tc.retryAfter || !failure.Sent {
				t.Errorf("the failure is %+v", failure)
			}
			if calls.Load() != 1 {
				t.Errorf("%d calls were made", calls.Load())
			}
		})
	}
}

// TestWhoCannotBeReached: whether the provider may have seen the token decides whether the grant may be lost.
func TestWhoCannotBeReached(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	p := load(t, map[string]any{"acme": map[string]any{"token_url": gone.URL, "client_id": "id", "client_secret_file": "secret"}})
	if _, failure := refresh(t, p, "acme", "user/7", "canary"); failure == nil || failure.Reason != provider.Unreachable || failure.Sent {
		t.Errorf("nobody listens: %+v", failure)
	}
	server := providertest.New(t)
	p = server.Providers()
	lost := server.Grant()
	server.Script(providertest.LoseAnswer())
	if _, failure := refresh(t, p, providertest.Name, "user/7", lost.Refresh); failure == nil || failure.Reason != provider.Unreachable || !failure.Sent {
		t.Errorf("the answer is lost: %+v", failure)
	}
	if server.Presented(lost.Refresh) != 1 || server.Current(lost.Refresh) == lost.Refresh {
		t.Error("the token was not rotated once")
	}
	p, calls := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"access_token":"canary"`)
	})
	if _, failure := refresh(t, p, "acme", "user/7", "canary"); failure == nil || failure.Reason != provider.Unreachable || !failure.Sent || calls.Load() != 1 {
		t.Errorf("the answer breaks off: %+v", failure)
	}
	release := make(chan struct{})
	server.Script(providertest.Hang(release))
	p, slow := server.Providers(), server.Grant()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := p.Refresh(ctx, providertest.Name, "user/7", slow.Refresh)
	if failure := failureOf(t, err); failure == nil || failure.Reason != provider.Unreachable || !failure.Sent {
		t.Errorf("the caller has no more time: %+v", failure)
	}
	close(release)
}

func TestRevocation(t *testing.T) {
	t.Parallel()
	server := providertest.New(t)
	p, first := server.Providers(), server.Grant()
	if err := p.Revoke(t.Context(), providertest.Name, "user/7", first); err != nil {
		t.Fatal(err)
	}
	if server.Good(first.Access) || !cmp.Equal(server.Revoked(), []chat.Secret{first.Refresh}) {
		t.Error("the refresh token was not revoked, and with it the grant")
	}
	if err := p.Revoke(t.Context(), providertest.Name, "user/7", first); err != nil {
		t.Errorf("what is void already: %v", err)
	}
	alone := server.Grant()
	if err := p.Revoke(t.Context(), providertest.Name, "user/7", chat.Credential{Access: alone.Access}); err != nil || server.Good(alone.Access) {
		t.Errorf("an access token without a refresh token was not revoked: %v", err)
	}
	for reason, fault := range map[provider.Reason]providertest.Fault{
		provider.Refused: providertest.Refuse("invalid_client"), provider.Broken: providertest.Answer(502, "canary"), provider.Limited: providertest.Limited("7"),
	} {
		server.Script(fault)
		if failure := failureOf(t, p.Revoke(t.Context(), providertest.Name, "user/7", alone)); failure == nil || failure.Reason != reason {
			t.Errorf("%s: %+v", reason, failure)
		}
	}
	for _, done := range []string{"invalid_token", "invalid_grant"} {
		server.Script(providertest.Refuse(done))
		if err := p.Revoke(t.Context(), providertest.Name, "user/7", alone); err != nil {
			t.Errorf("%s: %v", done, err)
		}
	}
	nowhere := load(t, map[string]any{"microsoft": map[string]any{"client_id": "id", "client_secret_file": "secret"}})
	if err := nowhere.Revoke(t.Context(), "microsoft", "user/7", alone); !errors.Is(err, provider.ErrNoRevocation) {
		t.Errorf("where nothing is revoked: %v", err)
	}
}

func TestWhoIsNotConfigured(t *testing.T) {
	t.Parallel()
	var none *provider.Providers
	empty, err := provider.Load("")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*provider.Providers{none, empty} {
		if _, ok := p.Policy("google"); ok {
			t.Error("a provider that is not configured has a policy")
		}
		if _, failure := refresh(t, p, "google", "user/7", "canary"); failure == nil || failure.Reason != provider.Refused || failure.Sent {
			t.Errorf("a provider that is not configured: %+v", failure)
		}
		if failure := failureOf(t, p.Revoke(t.Context(), "google", "user/7", chat.Credential{Access: "canary"})); failure == nil {
			t.Error("a provider that is not configured has revoked a token")
		}
	}
}
