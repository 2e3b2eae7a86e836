package auth

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

const (
	flagOn = `INSERT INTO cloakroom.account_flags (account_id, name, enabled) VALUES ($1, 'contact_pii_masking', true)`
	decide = `INSERT INTO cloakroom.agent_masking (user_id, masked, version, set_by) VALUES (2, $1, 1, 1)`
)

// change is a statement with its arguments.
type change struct {
	sql  string
	args []any
}

// The one question of a lease that has run out: may what was composed for the viewer of then be sent to the viewer of now?
func TestCurrent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		who  string // session, the default; root; service
		at   time.Duration
		made []change
		same bool
	}{
		"nothing changed":                   {at: freshFor, same: true},
		"changed, but the lease holds":      {at: freshFor - 1, made: []change{{flagOn, []any{1}}}, same: true},
		"a flag where they are an agent":    {at: freshFor, made: []change{{flagOn, []any{1}}}},
		"a flag where they administer":      {at: freshFor, made: []change{{flagOn, []any{2}}}, same: true},
		"a flag, but they are exempt":       {at: freshFor, made: []change{{flagOn, []any{1}}, {decide, []any{false}}}, same: true},
		"masked where they administer":      {at: freshFor, made: []change{{flagOn, []any{2}}, {decide, []any{true}}}},
		"masked, but no flag is on":         {at: freshFor, made: []change{{decide, []any{true}}}, same: true},
		"another name":                      {at: freshFor, made: []change{{`UPDATE users SET name = 'Ada B.' WHERE id = 2`, nil}}, same: true},
		"another role":                      {at: freshFor, made: []change{{`UPDATE account_users SET role = 1 WHERE account_id = 1 AND user_id = 2`, nil}}},
		"a membership fewer":                {at: freshFor, made: []change{{`DELETE FROM account_users WHERE account_id = 2 AND user_id = 2`, nil}}},
		"an account suspended":              {at: freshFor, made: []change{{`UPDATE accounts SET status = 1 WHERE id = 1`, nil}}},
		"an account active again":           {at: freshFor, made: []change{{`UPDATE accounts SET status = 0 WHERE id = 3`, nil}}},
		"a contact erased":                  {at: freshFor, made: []change{{`INSERT INTO cloakroom.accounts (account_id) VALUES (1)`, nil}}},
		"the policy cannot be read":         {at: freshFor, made: []change{{`ALTER TABLE cloakroom.agent_masking RENAME TO gone`, nil}}},
		"no super admin any more":           {who: "root", at: freshFor, made: []change{{`UPDATE users SET type = NULL WHERE id = 1`, nil}}},
		"a super admin switches a flag on":  {who: "root", at: freshFor, made: []change{{flagOn, []any{1}}}, same: true},
		"a service, nothing changed":        {who: "service", at: freshFor, same: true},
		"a service, and a flag":             {who: "service", at: freshFor, made: []change{{flagOn, []any{1}}}, same: true},
		"a service has another scope":       {who: "service", at: freshFor, made: []change{{`UPDATE cloakroom.service_tokens SET scopes = '{contact:read}'`, nil}}},
		"a service, its account suspended":  {who: "service", at: freshFor, made: []change{{`UPDATE accounts SET status = 1 WHERE id = 1`, nil}}},
		"a service, another account active": {who: "service", at: freshFor, made: []change{{`UPDATE accounts SET status = 0 WHERE id = 3`, nil}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, s, c := newRoom(t)
			r := requestOf(t, s, test.who)
			before, err := a.Authenticate(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if !before.ReadAt.Equal(c.now()) {
				t.Errorf("read at %s, want %s", before.ReadAt, c.now())
			}
			for _, change := range test.made {
				storetest.Exec(t, s, change.sql, change.args...)
			}
			c.advance(test.at)
			now, err := a.Current(t.Context(), r, before)
			switch {
			case err != nil:
				t.Fatal(err)
			case (now == before) != test.same:
				t.Errorf("the same viewer: %t, want %t", now == before, test.same)
			case !test.same && !now.ReadAt.Equal(c.now()):
				t.Errorf("the new viewer was read at %s, want %s", now.ReadAt, c.now())
			}
		})
	}
}

// requestOf makes the request of one of three viewers.
func requestOf(t testing.TB, s *store.Store, who string) *http.Request {
	t.Helper()
	switch who {
	case "root":
		return with(t, "api_access_token", "root-token")
	case "service":
		return with(t, "authorization", "Bearer "+createToken(t, s, nil))
	default:
		return session(t)
	}
}

func TestCurrentCostsNothingWhileFresh(t *testing.T) {
	t.Parallel()
	a, s, c := newRoom(t)
	v, err := a.Authenticate(t.Context(), session(t))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	c.advance(freshFor - 1)
	if now, err := a.Current(t.Context(), session(t), v); err != nil || now != v {
		t.Errorf("error %v: want the viewer itself, without the database", err)
	}
}

func TestNothingLeavesAfterALostRight(t *testing.T) {
	t.Parallel()
	a, s, c := newRoom(t)
	token := with(t, "authorization", "Bearer "+createToken(t, s, nil))
	for name, lost := range map[string]struct {
		request *http.Request
		sql     string
	}{
		"signed out": {session(t), `UPDATE users SET tokens = '{}' WHERE id = 2`},
		"revoked":    {token, `UPDATE cloakroom.service_tokens SET revoked_at = now()`},
	} {
		v, err := a.Authenticate(t.Context(), lost.request)
		if err != nil {
			t.Fatal(err)
		}
		storetest.Exec(t, s, lost.sql)
		c.advance(freshFor)
		if now, err := a.Current(t.Context(), lost.request, v); now != nil || !errors.Is(err, chat.ErrUnauthenticated) {
			t.Errorf("%s: viewer %v, error %v", name, now, err)
		}
	}
	v, err := a.Authenticate(t.Context(), with(t, "api_access_token", "root-token"))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	c.advance(freshFor)
	if now, err := a.Current(t.Context(), with(t, "api_access_token", "root-token"), v); now != nil || err == nil {
		t.Error("a viewer came back without the database")
	}
}

// A database that takes longer than a lease lasts yields leases that have run out.
func TestCurrentWantsALeaseThatHolds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		slow int64 // reads of the clock between which a lease runs out
		want error
	}{
		"slow for a moment": {4, nil},
		"slow for long":     {1000, errNotRenewed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, s, c := newRoom(t)
			var slow atomic.Int64
			a := New(s, pepper, WithClock(func() time.Time {
				if slow.Add(-1) >= 0 {
					c.advance(freshFor)
				}
				return c.now()
			}))
			v, err := a.Authenticate(t.Context(), session(t))
			if err != nil {
				t.Fatal(err)
			}
			slow.Store(test.slow)
			now, err := a.Current(t.Context(), session(t), v)
			if !errors.Is(err, test.want) || (now == nil) != (test.want != nil) {
				t.Errorf("viewer %v, error %v, want error %v", now, err, test.want)
			}
		})
	}
}

func TestAwaitForgotten(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		timeout, waits time.Duration
		want           error
	}{
		"to the end": {time.Minute, freshFor + margin, nil},
		"cut short":  {freshFor, freshFor, errNotAwaited},
		"no time":    {0, 0, errNotAwaited},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := New(nil, pepper, WithClock(func() time.Time { return time.Time{} }))
				ctx, cancel := context.WithTimeout(t.Context(), test.timeout)
				defer cancel()
				began := time.Now()
				err := a.AwaitForgotten(ctx)
				if waited := time.Since(began); waited != test.waits || !errors.Is(err, test.want) {
					t.Errorf("waited %s, error %v, want %s, %v", waited, err, test.waits, test.want)
				}
			})
		})
	}
}

func TestFresh(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	for name, test := range map[string]struct {
		then time.Time
		want bool
	}{
		"now":                    {now, true},
		"just":                   {now.Add(1 - time.Second), true},
		"a ttl ago":              {now.Add(-time.Second), false},
		"never":                  {time.Time{}, false},
		"the clock was put back": {now.Add(time.Hour), false},
	} {
		if got := fresh(test.then, now, time.Second); got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
}

// The switch of look-ups concerns those who are masked, and nobody else.
func TestSameRightsByTheLookupSwitch(t *testing.T) {
	t.Parallel()
	viewer := func(role chat.Role, lookup bool) *chat.Viewer {
		settings := chat.AccountSettings{ContactPIIMasking: true, MaskedLookup: lookup}
		return &chat.Viewer{User: &chat.User{ID: 1}, Policy: chat.PolicyRead,
			Memberships: []chat.Membership{{Account: chat.Account{ID: 1, Settings: settings}, Role: role}}}
	}
	if SameRights(viewer(chat.Agent, true), viewer(chat.Agent, false)) {
		t.Error("a masked agent may look up after the switch is off")
	}
	if !SameRights(viewer(chat.Administrator, true), viewer(chat.Administrator, false)) {
		t.Error("the switch takes an administrator's answer away")
	}
}
