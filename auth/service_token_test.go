package auth

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
	"github.com/google/go-cmp/cmp"
)

// createToken keeps a token of accounts 1 and 3, as edit leaves it.
func createToken(t testing.TB, s *store.Store, edit func(*chat.ServiceToken)) string {
	t.Helper()
	token, row, err := NewServiceToken(pepper, EnvTest, "bridge", []chat.Scope{chat.ScopePIIEmail}, []int64{1, 3}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(&row)
	}
	if err := s.CreateServiceToken(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	return token
}

// isService says whether a token is accepted.
func isService(t testing.TB, a *Authenticator, token string, headers ...string) bool {
	t.Helper()
	v, err := a.Authenticate(t.Context(), with(t, append([]string{"authorization", "Bearer " + token}, headers...)...))
	if err != nil && err.Error() != chat.ErrUnauthenticated.Error() {
		t.Fatalf("error %v, want the uniform refusal itself", err)
	}
	return err == nil && v.Service != nil
}

func TestServiceToken(t *testing.T) {
	t.Parallel()
	a, s, c := newRoom(t)
	past := c.now().Add(-time.Second)
	good := createToken(t, s, nil)
	id, secret, _ := parseToken(good)
	foreign, _, err := NewServiceToken(pepper, EnvTest, "never kept", []chat.Scope{chat.ScopeAuditRead}, []int64{1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, other, _ := parseToken(foreign)
	for name, test := range map[string]struct {
		token   string
		headers []string
		want    bool
	}{
		"good":                   {good, nil, true},
		"with a session too":     {good, []string{"access-token", raw, "client", client, "uid", "ada@example.com"}, true},
		"expired":                {createToken(t, s, func(r *chat.ServiceToken) { r.ExpiresAt = past }), nil, false},
		"unknown id":             {foreign, nil, false},
		"another token's secret": {formatToken(EnvTest, id, other), nil, false},
		"unknown id, our secret": {formatToken(EnvTest, "zzzzzzzz", secret), nil, false},
		"truncated":              {good[:len(good)-1], nil, false},
		"longer":                 {good + "0", nil, false},
		"prefix only":            {tokenPrefix, nil, false},
		"from a web page":        {good, []string{"Origin", "https://example.com"}, false},
		"fetched by a browser":   {good, []string{"Sec-Fetch-Site", "same-origin"}, false},
		"with a cookie":          {good, []string{"Cookie", "a=b"}, false},
		"with an empty origin":   {good, []string{"Origin", ""}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := isService(t, a, test.token, test.headers...); got != test.want {
				t.Errorf("accepted: %v, want %v", got, test.want)
			}
		})
	}
	if isService(t, New(s, []byte("another pepper"), WithClock(c.now)), good) {
		t.Error("a token of another installation's pepper was accepted")
	}
}

func TestServiceTokenMutated(t *testing.T) {
	t.Parallel()
	a, s, _ := newRoom(t)
	good := createToken(t, s, nil)
	ctx, count := store.WithCount(t.Context())
	for i := range good {
		mutated := []byte(good)
		mutated[i] = 'x'
		if good[i] == 'x' {
			mutated[i] = 'y'
		}
		if _, err := a.Authenticate(ctx, with(t, "authorization", "Bearer "+string(mutated))); !errors.Is(err, chat.ErrUnauthenticated) {
			t.Errorf("character %d changed: error %v", i, err)
		}
	}
	if n := count.Statements.Load(); n != 0 {
		t.Errorf("%d statements for tokens with a wrong checksum, want none", n)
	}
}

func TestServiceTokenEnds(t *testing.T) {
	t.Parallel()
	a, s, c := newRoom(t)
	revoked := createToken(t, s, nil)
	expiring := createToken(t, s, func(r *chat.ServiceToken) { r.ExpiresAt = c.now().Add(100 * time.Millisecond) })
	if !isService(t, a, revoked) || !isService(t, a, expiring) {
		t.Fatal("a good token was refused")
	}
	c.advance(100 * time.Millisecond)
	if isService(t, a, expiring) {
		t.Error("a token outlived its expiry while it was remembered")
	}
	id, _, _ := parseToken(revoked)
	if err := s.RevokeServiceToken(t.Context(), id, c.now()); err != nil {
		t.Fatal(err)
	}
	c.advance(freshFor)
	if isService(t, a, revoked) {
		t.Error("a token outlived its revocation by a second")
	}
	dropped := createToken(t, s, nil)
	isService(t, a, dropped)
	storetest.Exec(t, s, `DELETE FROM cloakroom.service_tokens`)
	a.ForgetAll()
	if isService(t, a, dropped) {
		t.Error("a token was remembered after all was forgotten")
	}
}

func TestServiceViewer(t *testing.T) {
	t.Parallel()
	a, s, c := newRoom(t)
	storetest.Exec(t, s, `INSERT INTO cloakroom.account_flags (account_id, name, enabled) VALUES (1, 'contact_pii_masking', true)`)
	token := createToken(t, s, nil)
	id, _, _ := parseToken(token)
	off := map[chat.Dataset]chat.Phase{chat.Contacts: chat.Off, chat.Messages: chat.Off, chat.Attributes: chat.Off}
	want := &chat.Viewer{Policy: chat.PolicyRead, ReadAt: c.now(), Service: &chat.Service{
		TokenID: id, Name: "bridge", Scopes: []chat.Scope{chat.ScopePIIEmail}, Documents: []string{}, // account 3 is suspended
		Accounts: []chat.Account{{ID: 1, Name: "Acme", Settings: chat.AccountSettings{ContactPIIMasking: true, MaskedLookup: true, Phases: off, Search: unset}}},
	}}
	got, err := a.Authenticate(t.Context(), with(t, "authorization", "Bearer "+token))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	used := storetest.Value[time.Time](t, s, `SELECT last_used_at FROM cloakroom.service_tokens`)
	if !used.Equal(c.now().Truncate(time.Minute)) {
		t.Errorf("last used %v, want this minute", used)
	}
	storetest.Exec(t, s, `DROP TABLE cloakroom.agent_masking`)
	a.ForgetAll()
	if got, err = a.Authenticate(t.Context(), with(t, "authorization", "Bearer "+token)); err != nil || got.Policy != chat.PolicyUnreadable {
		t.Errorf("policy %v, error %v: want an authenticated service whose policy is unreadable", got.Policy, err)
	}
}

func TestNewServiceToken(t *testing.T) {
	t.Parallel()
	scopes, accounts := []chat.Scope{chat.ScopePIIEmail}, []int64{1}
	for name, test := range map[string]struct {
		env, name string
		scopes    []chat.Scope
		accounts  []int64
		lifetime  time.Duration
		field     string // at fault
		expires   time.Duration
	}{
		"default lifetime": {EnvLive, "n", scopes, accounts, 0, "", DefaultLifetime},
		"longest lifetime": {EnvTest, "n", chat.Scopes, accounts, MaxLifetime, "", MaxLifetime},
		"too long a life":  {EnvLive, "n", scopes, accounts, MaxLifetime + 1, "expires", 0},
		"negative life":    {EnvLive, "n", scopes, accounts, -1, "expires", 0},
		"unknown env":      {"prod", "n", scopes, accounts, 0, "env", 0},
		"no name":          {EnvLive, " ", scopes, accounts, 0, "name", 0},
		"two-line name":    {EnvLive, "a\nb", scopes, accounts, 0, "name", 0},
		"long name":        {EnvLive, strings.Repeat("n", 101), scopes, accounts, 0, "name", 0},
		"unknown scope":    {EnvLive, "n", []chat.Scope{"contact:*"}, accounts, 0, "scope", 0},
		"no scope":         {EnvLive, "n", nil, accounts, 0, "scope", 0},
		"no account":       {EnvLive, "n", scopes, nil, 0, "account", 0},
		"account 0":        {EnvLive, "n", scopes, []int64{1, 0}, 0, "account", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token, row, err := NewServiceToken(pepper, test.env, test.name, test.scopes, test.accounts, test.lifetime)
			if test.field != "" {
				var invalid *chat.Error
				if !errors.As(err, &invalid) || invalid.Field != test.field || token != "" {
					t.Errorf("error %v, want one of field %s", err, test.field)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			id, secret, ok := parseToken(token)
			if !ok || id != row.ID || strings.Contains(string(row.SecretHash), secret) || len(row.SecretHash) != 32 {
				t.Errorf("the token and its row do not belong together")
			}
			if got := row.ExpiresAt.Sub(row.CreatedAt); got != test.expires {
				t.Errorf("expires after %v, want %v", got, test.expires)
			}
		})
	}
	_, row, err := NewServiceToken(pepper, EnvLive, "n", append(scopes, scopes...), []int64{2, 1, 2}, 0)
	if err != nil || len(row.Scopes) != 1 || len(row.AccountIDs) != 2 {
		t.Errorf("what came twice was kept twice: %v, %v, %v", row.Scopes, row.AccountIDs, err)
	}
}

// The format is frozen: tokens in the field and secret scanners rely on it.
func TestTokenFormat(t *testing.T) {
	t.Parallel()
	const frozen = "cloak_live_svc_abcd1234_" + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg" + "3e516L"
	if got := formatToken(EnvLive, "abcd1234", frozen[24:67]); got != frozen {
		t.Errorf("format %s", got)
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add("")
	f.Add("cloak_live_svc_")
	f.Add(formatToken(EnvLive, "abcd1234", strings.Repeat("A", secretLength)))
	f.Add(formatToken(EnvTest, "ABCD1234", strings.Repeat("A", secretLength)))
	f.Add(formatToken("prod", "abcd1234", strings.Repeat("A", secretLength)))
	f.Add(formatToken(EnvTest, "abcd123_", "_"+strings.Repeat("A", secretLength-1)))
	f.Add(strings.Repeat("é", tokenLength/2) + "x")
	f.Fuzz(func(t *testing.T, token string) {
		id, secret, ok := parseToken(token)
		if ok && token != formatToken(EnvLive, id, secret) && token != formatToken(EnvTest, id, secret) {
			t.Errorf("%q was accepted and would be written otherwise", token)
		}
		// The checksum keeps fuzzing out of what lies behind it, so a right one is put on.
		if len(token) >= crcLength {
			body := token[:len(token)-crcLength]
			if id, _, ok := parseToken(body + checksum(body)); ok && strings.ToLower(id) != id {
				t.Errorf("id %q was accepted", id)
			}
		}
	})
}
