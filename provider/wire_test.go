package provider_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/provider"
)

// sent is a request as a provider receives it.
type sent struct {
	Path, Type, User, Secret, Bearer, Version string
	Fields                                    map[string]string
}

// listening is a token endpoint that grants, and gives its URL.
func listening(t *testing.T, receive func(sent)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		receive(read(t, r))
		_, _ = io.WriteString(w, `{"ok":true,"access_token":"a","scope":"x,y"}`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func read(t *testing.T, r *http.Request) sent {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.URL.RawQuery != "" || r.Header.Get("Accept") != "application/json" {
		t.Errorf("%s %s with Accept %q: %v", r.Method, r.URL, r.Header.Get("Accept"), err)
	}
	s := sent{Path: r.URL.Path, Type: r.Header.Get("Content-Type"), Version: r.Header.Get("Notion-Version"), Fields: map[string]string{}}
	s.User, s.Secret, _ = r.BasicAuth()
	s.Bearer, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if s.User != "" {
		s.Bearer = ""
	}
	if s.Type == "application/json" {
		err = json.Unmarshal(body, &s.Fields)
	} else {
		var form url.Values
		form, err = url.ParseQuery(string(body))
		for name, values := range form {
			s.Fields[name] = strings.Join(values, "|")
		}
	}
	if err != nil {
		t.Errorf("the request is no %s: %v", s.Type, err)
	}
	return s
}

const form = "application/x-www-form-urlencoded"

// TestEachIsAskedInItsOwnWay: what goes over the wire to refresh and to revoke, for each provider that is built in, and for
// one by configuration.
func TestEachIsAskedInItsOwnWay(t *testing.T) {
	t.Parallel()
	params := map[string]string{"grant_type": "refresh_token", "refresh_token": "r", "client_id": "id", "client_secret": "canary-secret"}
	header := map[string]string{"grant_type": "refresh_token", "refresh_token": "r"}
	for name, tc := range map[string]struct {
		settings map[string]any
		token    sent
		revoke   []sent
		scopes   []string
	}{
		"google": {nil, sent{Type: form, Fields: params}, []sent{{Type: form, Fields: map[string]string{"token": "r"}}}, []string{"x,y"}},
		"slack": {nil, sent{Type: form, User: "id", Secret: "canary-secret", Fields: header},
			[]sent{{Type: form, Bearer: "r", Fields: map[string]string{}}, {Type: form, Bearer: "a", Fields: map[string]string{}}}, []string{"x", "y"}},
		"linear": {nil, sent{Type: form, Fields: params}, []sent{{Type: form, Fields: map[string]string{"refresh_token": "r"}}}, []string{"x", "y"}},
		"notion": {nil, sent{Type: "application/json", Version: "2025-09-03", User: "id", Secret: "canary-secret", Fields: header},
			[]sent{{Type: "application/json", Version: "2025-09-03", User: "id", Secret: "canary-secret", Fields: map[string]string{"token": "a"}}}, []string{"x,y"}},
		"microsoft": {nil, sent{Type: form, Fields: params},
			[]sent{{Type: form, Fields: map[string]string{"token": "r", "token_type_hint": "refresh_token", "client_id": "id", "client_secret": "canary-secret"}}}, []string{"x,y"}},
		"acme": {map[string]any{"scope_separator": "comma"}, sent{Type: form, User: "id", Secret: "canary-secret", Fields: header},
			[]sent{{Type: form, User: "id", Secret: "canary-secret", Fields: map[string]string{"token": "r", "token_type_hint": "refresh_token"}}}, []string{"x", "y"}},
		"public": {map[string]any{"auth_style": "none", "client_secret_file": "", "content_type": "json"},
			sent{Type: "application/json", Fields: map[string]string{"grant_type": "refresh_token", "refresh_token": "r", "client_id": "id"}},
			[]sent{{Type: "application/json", Fields: map[string]string{"token": "r", "token_type_hint": "refresh_token", "client_id": "id"}}}, []string{"x,y"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []sent
			endpoint := listening(t, func(s sent) { got = append(got, s) })
			settings := map[string]any{"token_url": endpoint + "/token", "revoke_url": endpoint + "/revoke", "client_id": "id", "client_secret_file": "secret"}
			for setting, value := range tc.settings {
				settings[setting] = value
			}
			p := load(t, map[string]any{name: settings})
			grant, failure := refresh(t, p, name, "user/7", "r")
			if failure != nil {
				t.Fatal(failure)
			}
			if diff := cmp.Diff(tc.scopes, grant.Scopes); diff != "" {
				t.Error(diff)
			}
			if err := p.Revoke(t.Context(), name, "user/7", chat.Credential{Access: "a", Refresh: "r"}); err != nil {
				t.Fatal(err)
			}
			tc.token.Path = "/token"
			for i := range tc.revoke {
				tc.revoke[i].Path = "/revoke"
			}
			if diff := cmp.Diff(append([]sent{tc.token}, tc.revoke...), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestShopsAreAskedAtTheirDomain, and nothing else is: whoever names a subject does not choose who is asked.
func TestShopsAreAskedAtTheirDomain(t *testing.T) {
	t.Parallel()
	var got []sent
	endpoint := listening(t, func(s sent) { got = append(got, s) })
	p := load(t, map[string]any{"shopify": map[string]any{"token_url": endpoint + "/{subject}/admin/oauth/access_token", "client_id": "id", "client_secret_file": "secret"}})
	if _, failure := refresh(t, p, "shopify", "a-1.myshopify.com", "r"); failure != nil || len(got) != 1 || got[0].Path != "/a-1.myshopify.com/admin/oauth/access_token" {
		t.Fatalf("a shop was not asked: %v, %+v", failure, got)
	}
	for _, subject := range []string{
		"", "hook/5", "myshopify.com", ".myshopify.com", "-a.myshopify.com", "a.b.myshopify.com", "a.myshopify.com.example", "example/a.myshopify.com", "a.myshopify.com/x",
		"a.myshopify.com:8080", "x@a.myshopify.com", "127.0.0.1", "localhost", "A.myshopify.com", "a.myshopify.com\n", "ä.myshopify.com", "a.myshopify.com.",
	} {
		if _, failure := refresh(t, p, "shopify", subject, "r"); failure == nil || failure.Reason != provider.Refused || failure.Sent {
			t.Errorf("%q was asked: %+v", subject, failure)
		}
	}
	if len(got) != 1 {
		t.Errorf("%d calls were made", len(got))
	}
}

// TestSlackFailsWithStatus200, and gives a user's tokens in an object of its own.
func TestSlackFailsWithStatus200(t *testing.T) {
	t.Parallel()
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
	t.Cleanup(server.Close)
	p := load(t, map[string]any{"slack": map[string]any{"token_url": server.URL, "client_id": "id", "client_secret_file": "secret"}})
	for code, want := range map[string]provider.Reason{
		"invalid_refresh_token": provider.InvalidGrant, "token_revoked": provider.InvalidGrant, "ratelimited": provider.Limited,
		"internal_error": provider.Broken, "bad_client_secret": provider.Refused, "invalid_client_id": provider.Refused,
	} {
		body = `{"ok":false,"error":"` + code + `"}`
		if _, failure := refresh(t, p, "slack", "team/t1", "r"); failure == nil || failure.Reason != want {
			t.Errorf("%s: %+v", code, failure)
		}
	}
	body = `{"ok":true,"authed_user":{"id":"U1","access_token":"xoxe.xoxp-1","refresh_token":"xoxe-2","expires_in":43200,"token_type":"user"}}`
	if grant, failure := refresh(t, p, "slack", "team/t1", "r"); failure != nil || grant.Access != "xoxe.xoxp-1" || grant.Refresh != "xoxe-2" || grant.TokenType != "user" {
		t.Errorf("a user's tokens: %v", failure)
	}
}
