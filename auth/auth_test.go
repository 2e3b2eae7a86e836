package auth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"
)

func TestCredentials(t *testing.T) {
	t.Parallel()
	a, s, _ := newRoom(t)
	encode := func(text string) string { return "Bearer " + base64.StdEncoding.EncodeToString([]byte(text)) }
	five := fmt.Sprintf(`{"access-token":%q,"token-type":"Bearer","client":%q,"expiry":"1","uid":"ada@example.com"}`, raw, client)
	ours := []string{"access-token", raw, "client", client, "uid", "ada@example.com"}
	for name, test := range map[string]struct {
		headers []string
		want    int64
	}{
		"none":                           {nil, 0},
		"session":                        {ours, ada},
		"session, upper-case names":      {[]string{"ACCESS-TOKEN", raw, "CLIENT", client, "UID", "ada@example.com"}, ada},
		"session, no client":             {[]string{"access-token", raw, "uid", "ada@example.com"}, 0},
		"session, other client":          {[]string{"access-token", raw, "client", "other", "uid", "ada@example.com"}, 0},
		"session, other token":           {[]string{"access-token", "other", "client", client, "uid", "ada@example.com"}, 0},
		"session, the hash as the token": {[]string{"access-token", hashOf(t, raw), "client", client, "uid", "ada@example.com"}, 0},
		"session of a stranger":          {[]string{"access-token", raw, "client", client, "uid", "stranger@example.com"}, 0},
		"session of another user":        {[]string{"access-token", raw, "client", client, "uid", "root@example.com"}, 0},
		"session, uid twice":             {append([]string{"uid", "root@example.com"}, ours...), 0},
		"session, token only":            {[]string{"access-token", raw}, 0},
		"session, uid too long":          {[]string{"access-token", raw, "client", client, "uid", strings.Repeat("a", maxHeader+1)}, 0},
		"session, NUL in uid":            {[]string{"access-token", raw, "client", client, "uid", "ada@example.com\x00"}, 0},
		"session, uid not UTF-8":         {[]string{"access-token", raw, "client", client, "uid", "\xff"}, 0},
		"bearer form":                    {[]string{"authorization", encode(five)}, ada},
		"bearer form, lower-case scheme": {[]string{"authorization", "bearer" + encode(five)[6:]}, ada},
		"bearer form, not JSON":          {[]string{"authorization", encode("hello")}, 0},
		"bearer form, not base64":        {[]string{"authorization", "Bearer !"}, 0},
		"bearer form, NUL in uid":        {[]string{"authorization", encode(`{"access-token":"a","uid":"\u0000"}`)}, 0},
		"bearer form, no uid":            {[]string{"authorization", encode(`{"access-token":"a"}`)}, 0},
		"basic":                          {[]string{"authorization", "Basic" + encode(five)[6:]}, 0},
		"access token":                   {[]string{"api_access_token", "root-token"}, 1},
		"access token with dashes":       {[]string{"api-access-token", "root-token"}, 1},
		"access token before session":    {append([]string{"api_access_token", "root-token"}, ours...), 1},
		"bad access token, good session": {append([]string{"api_access_token", "no-token"}, ours...), 0},
		"empty access token is none":     {append([]string{"api_access_token", ""}, ours...), ada},
		"access token of a bot":          {[]string{"api_access_token", "bot-token"}, 0},
		"access token of a platform app": {[]string{"api_access_token", "app-token"}, 0},
		"access token too long":          {[]string{"api_access_token", strings.Repeat("a", maxHeader+1)}, 0},
		"access token with NUL":          {[]string{"api_access_token", "root-token\x00"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := who(t, a, with(t, test.headers...)); got != test.want {
				t.Errorf("user %d, want %d", got, test.want)
			}
		})
	}
	putTokens(t, s, fmt.Sprintf(`{"default":{"token":%q,"expiry":9999999999}}`, hashOf(t, raw)))
	a.Forget(ada)
	if got := who(t, a, with(t, "access-token", raw, "uid", "ada@example.com")); got != ada {
		t.Error("a session without client is not that of client default")
	}
}

func TestViewer(t *testing.T) {
	t.Parallel()
	a, s, c := newRoom(t)
	storetest.Exec(t, s, `INSERT INTO cloakroom.agent_masking (user_id, masked, version, set_by) VALUES (2, true, 4, 1)`)
	storetest.Exec(t, s, `INSERT INTO cloakroom.account_flags (account_id, name, enabled) VALUES (1, 'contact_pii_masking', true)`)
	off := map[chat.Dataset]chat.Phase{chat.Contacts: chat.Off, chat.Messages: chat.Off, chat.Attributes: chat.Off}
	email := "ada@example.com"
	want := &chat.Viewer{
		User:    &chat.User{ID: ada, Name: "ada", Email: &email},
		Masking: chat.Masking{Masked: true, Version: 4}, Policy: chat.PolicyRead, ReadAt: c.now(),
		Memberships: []chat.Membership{
			{Account: chat.Account{ID: 1, Name: "Acme", Settings: chat.AccountSettings{ContactPIIMasking: true, MaskedLookup: true, Phases: off, Search: unset}}, Role: chat.Agent},
			{Account: chat.Account{ID: 2, Name: "Borealis", Settings: chat.AccountSettings{MaskedLookup: true, Phases: off, Search: unset}}, Role: chat.Administrator},
		},
	}
	got, err := a.Authenticate(t.Context(), session(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	root, err := a.Authenticate(t.Context(), with(t, "api_access_token", "root-token"))
	if err != nil || root.Kind() != chat.KindSuperAdmin {
		t.Errorf("root is %v, error %v", root.Kind(), err)
	}
}

func TestViewerInContext(t *testing.T) {
	t.Parallel()
	v := &chat.Viewer{SuperAdmin: true}
	if Viewer(WithViewer(t.Context(), v)) != v {
		t.Error("the viewer did not come back")
	}
	if diff := cmp.Diff(&chat.Viewer{}, Viewer(t.Context())); diff != "" {
		t.Error(diff)
	}
	if Viewer(WithViewer(t.Context(), nil)) == nil {
		t.Error("a nil viewer came back")
	}
}

func TestPolicyUnreadable(t *testing.T) {
	t.Parallel()
	a, s, c := newRoom(t)
	storetest.Exec(t, s, `ALTER TABLE cloakroom.agent_masking RENAME TO gone`)
	v, err := a.Authenticate(t.Context(), session(t))
	if err != nil || v.Policy != chat.PolicyUnreadable || len(v.Memberships) != 2 {
		t.Fatalf("viewer %+v, error %v: want an authenticated viewer whose policy is unreadable", v, err)
	}
	storetest.Exec(t, s, `ALTER TABLE cloakroom.gone RENAME TO agent_masking`)
	c.advance(freshFor)
	if v, err = a.Authenticate(t.Context(), session(t)); err != nil || v.Policy != chat.PolicyRead {
		t.Errorf("policy %v, error %v: want it read again", v.Policy, err)
	}
}

func TestChangesAreInForceWithinASecond(t *testing.T) {
	t.Parallel()
	here, s, c := newRoom(t)
	there := New(s, pepper, WithClock(c.now))
	steps := []struct {
		name, sql string
		holds     func(v *chat.Viewer) bool
	}{
		{"role", `UPDATE account_users SET role = 1`, func(v *chat.Viewer) bool { return v.Memberships[0].Role == chat.Administrator }},
		{"masking", `INSERT INTO cloakroom.agent_masking (user_id, masked, version, set_by) VALUES (2, true, 1, 1)`,
			func(v *chat.Viewer) bool { return v.Masking.Masked }},
		{"suspension", `UPDATE accounts SET status = 1 WHERE id = 1`, func(v *chat.Viewer) bool { return len(v.Memberships) == 1 }},
	}
	look := func(a *Authenticator) *chat.Viewer {
		t.Helper()
		v, err := a.Authenticate(t.Context(), session(t))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, step := range steps {
		look(here)
		look(there)
		storetest.Exec(t, s, step.sql)
		here.Forget(ada)
		if !step.holds(look(here)) {
			t.Errorf("%s: not in force at once where it was forgotten", step.name)
		}
		if step.holds(look(there)) {
			t.Errorf("%s: the other replica remembered nothing, so this test shows nothing", step.name)
		}
		c.advance(freshFor)
		if !step.holds(look(there)) {
			t.Errorf("%s: not in force on the other replica within a second", step.name)
		}
	}
}

func TestAuthenticateCostsNothingWhileFresh(t *testing.T) {
	t.Parallel()
	a, _, _ := newRoom(t)
	first := who(t, a, session(t))
	ctx, count := store.WithCount(t.Context())
	v, err := a.Authenticate(ctx, session(t))
	if err != nil || v.UserID() != first || count.Statements.Load() != 0 {
		t.Errorf("%d statements, error %v: want none", count.Statements.Load(), err)
	}
}

func TestBcryptOnceForManyRequests(t *testing.T) {
	t.Parallel()
	a, _, _ := newRoom(t)
	var calls atomic.Int64
	gate := make(chan struct{})
	a.compare = func(hash, password []byte) error {
		calls.Add(1)
		<-gate
		return bcrypt.CompareHashAndPassword(hash, password)
	}
	var group sync.WaitGroup
	var passed atomic.Int64
	for range 50 {
		r := session(t)
		group.Go(func() {
			if v, err := a.Authenticate(t.Context(), r); err == nil && v.UserID() == ada {
				passed.Add(1)
			}
		})
	}
	close(gate)
	group.Wait()
	if calls.Load() != 1 || passed.Load() != 50 {
		t.Errorf("%d comparisons for %d of 50 requests, want 1 for all", calls.Load(), passed.Load())
	}
	a.Forget(ada)
	if who(t, a, session(t)) != ada || calls.Load() != 1 {
		t.Error("a match was forgotten with the identity")
	}
}

func TestDatabaseDownIsNoRefusal(t *testing.T) {
	t.Parallel()
	a, s, _ := newRoom(t)
	token := createToken(t, s, nil)
	s.Close()
	for name, r := range map[string]*http.Request{
		"session": session(t), "access token": with(t, "api_access_token", "root-token"), "service token": with(t, "authorization", "Bearer "+token),
	} {
		if _, err := a.Authenticate(t.Context(), r); err == nil || errors.Is(err, chat.ErrUnauthenticated) {
			t.Errorf("%s: error %v, want one that says what failed", name, err)
		}
	}
}
