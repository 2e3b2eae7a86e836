package provider_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/provider"
)

// TestSettingsThatAreWrong: each line is a file, and what must be said of it. No value of a setting is in any error.
func TestSettingsThatAreWrong(t *testing.T) {
	t.Parallel()
	const client = `"client_id": "canary-id", "client_secret_file": "secret"`
	for name, tc := range map[string]struct{ file, want string }{
		"no JSON":                   {`canary`, "it is no JSON from byte 1 on"},
		"half of it":                {`{"google": {`, "it is not one whole JSON value"},
		"more than one":             {`{} {}`, "it is not one whole JSON value"},
		"a list":                    {`["canary"]`, "it must be an object"},
		"a provider that is a text": {`{"google": "canary"}`, `"google": it must be an object`},
		"a name":                    {`{"Google": {}}`, `"Google": a name must be`},
		"an unknown field":          {`{"google": {"client_key": "canary", ` + client + `}}`, `"google": there is no setting "client_key"`},
		"a field of another kind":   {`{"google": {"client_id": 5}}`, `"google": client_id must be a text`},
		"no client":                 {`{"google": {"client_secret_file": "secret"}}`, `"google": client_id is missing`},
		"no secret":                 {`{"google": {"client_id": "canary"}}`, `"google": client_secret_file is missing`},
		"a secret that is not":      {`{"google": {"client_id": "canary", "client_secret_file": "canary"}}`, `"google": client_secret_file names no file`},
		"a secret of two lines":     {`{"google": {"client_id": "canary", "client_secret_file": "two-lines"}}`, `client_secret_file must hold one line`},
		"an empty secret":           {`{"google": {"client_id": "canary", "client_secret_file": "empty"}}`, `client_secret_file must hold one line`},
		"a secret for nobody":       {`{"google": {"auth_style": "none", ` + client + `}}`, `client_secret_file is not for auth_style none`},
		"no place":                  {`{"acme": {` + client + `}}`, `"acme": token_url is missing`},
		"a place without TLS":       {`{"acme": {"token_url": "http://canary.example/token", ` + client + `}}`, `token_url must be an https:// URL`},
		"a place with a password":   {`{"acme": {"token_url": "https://canary:canary@a.example/", ` + client + `}}`, `token_url must be an https:// URL`},
		"a place with a part":       {`{"acme": {"token_url": "https://{subject}/", ` + client + `}}`, `token_url must be an https:// URL`},
		"a place that is none":      {`{"acme": {"token_url": "canary", ` + client + `}}`, `token_url must be an https:// URL`},
		"a place to revoke":         {`{"google": {"revoke_url": "ftp://canary/", ` + client + `}}`, `revoke_url must be an https:// URL`},
		"a tenant":                  {`{"microsoft": {"tenant": "canary/../x", ` + client + `}}`, `tenant must be an id or a domain`},
		"a tenant of others":        {`{"google": {"tenant": "canary", ` + client + `}}`, `tenant is for microsoft alone`},
		"a style":                   {`{"google": {"auth_style": "canary", ` + client + `}}`, `auth_style must be header, params or none`},
		"a content type":            {`{"google": {"content_type": "canary", ` + client + `}}`, `content_type must be form or json`},
		"a separator":               {`{"google": {"scope_separator": "canary", ` + client + `}}`, `scope_separator must be space or comma`},
		"a grace":                   {`{"google": {"grace_seconds": -1, ` + client + `}}`, `grace_seconds must be a number of seconds from 0 up`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := write(t, tc.file)
			p, err := provider.Load(path)
			if err == nil || p != nil {
				t.Fatal("it was taken")
			}
			text := strings.ReplaceAll(err.Error(), path, "FILE")
			if !strings.HasPrefix(text, "FILE: ") || !strings.Contains(text, tc.want) || strings.Contains(text, "canary") {
				t.Errorf("it says: %s", text)
			}
		})
	}
}

func TestSettingsAreSaidToBeWrongAllAtOnce(t *testing.T) {
	t.Parallel()
	_, err := provider.Load(write(t, `{"google": {}, "acme": {"client_id": "id"}}`))
	if err == nil {
		t.Fatal("they were taken")
	}
	for _, want := range []string{`"google": client_id`, `"acme": token_url`, `client_secret_file`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not among them: %v", want, err)
		}
	}
	if _, err := provider.Load(filepath.Join(t.TempDir(), "none.json")); err == nil || !strings.HasSuffix(err.Error(), "none.json: names no file") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestPoliciesOfThoseBuiltIn(t *testing.T) {
	t.Parallel()
	client := map[string]any{"client_id": "id", "client_secret_file": "secret"}
	p := load(t, map[string]any{"google": client, "microsoft": client, "slack": client, "linear": client, "notion": client, "shopify": client,
		"public":  map[string]any{"client_id": "id", "auth_style": "none", "token_url": "https://public.example/token"},
		"patient": map[string]any{"client_id": "id", "auth_style": "none", "token_url": "http://localhost:8080/token", "rotates_refresh_token": true, "grace_seconds": 90}})
	for name, want := range map[string]provider.Policy{
		"google": {}, "slack": {Rotates: true}, "linear": {Rotates: true}, "notion": {Rotates: true}, "public": {},
		"microsoft": {Rotates: true, Grace: 90 * 24 * time.Hour}, "shopify": {Rotates: true, Grace: 30 * 24 * time.Hour},
		"patient": {Rotates: true, Grace: 90 * time.Second},
	} {
		if got, ok := p.Policy(name); !ok || got != want {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}

// TestSecretsAreReadAtEachUse, so that one can be replaced while the program runs.
func TestSecretsAreReadAtEachUse(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 2)
	endpoint := listening(t, func(r sent) { seen <- r.Secret })
	path := write(t, map[string]any{"acme": map[string]any{"token_url": endpoint, "client_id": "id", "client_secret_file": "secret"}})
	p, err := provider.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(filepath.Dir(path), "secret")
	for _, want := range []string{"canary-secret", "another"} {
		if _, failure := refresh(t, p, "acme", "user/7", "r"); failure != nil {
			t.Fatal(failure)
		}
		if got := <-seen; got != want {
			t.Errorf("the secret was %s", got)
		}
		if err := os.WriteFile(secret, []byte("another\r\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(secret); err != nil {
		t.Fatal(err)
	}
	if _, failure := refresh(t, p, "acme", "user/7", "r"); failure == nil || failure.Reason != provider.Refused || failure.Sent {
		t.Errorf("a secret that is gone: %+v", failure)
	}
}
