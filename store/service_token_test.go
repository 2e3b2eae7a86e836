package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
	"github.com/google/go-cmp/cmp"
)

func TestServiceTokens(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	seedUsers(t, s)
	at := time.Date(2026, 5, 1, 12, 0, 30, 0, time.UTC)
	token := chat.ServiceToken{
		ID: "abcd1234", Name: "bridge", SecretHash: []byte{1, 2}, Scopes: []chat.Scope{chat.ScopePIIEmail, chat.ScopeContactLookup},
		AccountIDs: []int64{2, 1, 3, 77}, Documents: []string{"00ff", "ff00"}, CreatedAt: at, ExpiresAt: at.AddDate(0, 0, 90),
	}
	want := store.ServiceTokenRow{ServiceToken: token, Accounts: []store.TokenAccount{
		{Account: chat.Account{ID: 1, Name: "Acme", CRMV2: true}, Active: true},
		{Account: chat.Account{ID: 2, Name: "Borealis"}, Active: true},
		{Account: chat.Account{ID: 3, Name: "Suspended"}},
	}}
	if err := s.CreateServiceToken(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateServiceToken(t.Context(), token); !errors.Is(err, chat.ErrDuplicate) {
		t.Errorf("an id taken twice: %v", err)
	}
	expect := func(step string) {
		t.Helper()
		got, err := s.FindServiceToken(t.Context(), token.ID)
		if err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("%s: %s", step, diff)
		}
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	expect("created")
	minute := at.Truncate(time.Minute)
	check(s.TouchServiceToken(t.Context(), token.ID, at))
	want.LastUsedAt = &minute
	expect("used")
	check(s.TouchServiceToken(t.Context(), token.ID, at.Add(-time.Hour)))
	expect("used before it was last used")
	check(s.ExpireServiceToken(t.Context(), token.ID, at.AddDate(1, 0, 0)))
	expect("expiry never moves back")
	check(s.ExpireServiceToken(t.Context(), token.ID, at))
	want.ExpiresAt = at
	expect("expired")
	check(s.RevokeServiceToken(t.Context(), token.ID, at))
	check(s.RevokeServiceToken(t.Context(), token.ID, at.Add(time.Hour)))
	want.RevokedAt = &at
	expect("revoked once")
}

func TestServiceTokenLookups(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for i, id := range []string{"second00", "first000"} {
		err := s.CreateServiceToken(t.Context(), chat.ServiceToken{ID: id, Name: id, SecretHash: []byte{1}, Scopes: []chat.Scope{}, AccountIDs: []int64{},
			CreatedAt: at.Add(-time.Duration(i) * time.Hour), ExpiresAt: at})
		if err != nil {
			t.Fatal(err)
		}
	}
	list, err := s.ListServiceTokens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[0].ID != "first000" || list[1].ID != "second00" {
		t.Errorf("listed %d tokens, want first000, second00", len(list))
	}
	_, missing := s.FindServiceToken(t.Context(), "nosuchid")
	for verb, err := range map[string]error{
		"find": missing, "revoke": s.RevokeServiceToken(t.Context(), "nosuchid", at), "expire": s.ExpireServiceToken(t.Context(), "nosuchid", at),
	} {
		if !errors.Is(err, chat.ErrNotFound) {
			t.Errorf("%s: error %v, want NOT_FOUND", verb, err)
		}
	}
}

func TestCopyTable(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	columns := []string{"id", "name", "settings", "created_at", "updated_at"}
	if err := s.CopyTable(t.Context(), "accounts", columns, [][]any{{int64(5), "Acme", `{"a":1}`, now, now}, {int64(6), "Bor", nil, now, now}}); err != nil {
		t.Fatal(err)
	}
	if n := storetest.Value[int](t, s, `SELECT count(*) FROM accounts WHERE created_at = '2026-05-01 12:00'`); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
	if n := storetest.Value[int](t, s, `SELECT nextval('conv_dpid_seq_5')`); n != 1 {
		t.Error("the trigger on accounts did not fire")
	}
	if err := s.CopyTable(t.Context(), "no_such_table", columns, nil); err == nil {
		t.Error("rows were copied into no table")
	}
}
