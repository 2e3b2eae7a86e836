package store_test

import (
	"errors"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
	"github.com/google/go-cmp/cmp"
)

// seedUsers makes two active accounts, a suspended one and one without a status; Ada is in all of them.
func seedUsers(t *testing.T, s *store.Store) {
	t.Helper()
	storetest.Exec(t, s, `INSERT INTO accounts (id, name, status, feature_flags, created_at, updated_at) VALUES
		(1, 'Acme', 0, 1::bigint << 49, now(), now()), (2, 'Borealis', 0, ~(1::bigint << 49), now(), now()),
		(3, 'Suspended', 1, 0, now(), now()), (4, 'Unknown', NULL, 0, now(), now())`)
	storetest.Exec(t, s, `INSERT INTO users (id, uid, email, name, display_name, type, encrypted_password, confirmed_at, created_at, updated_at) VALUES
		(1, 'root@example.com', 'root@example.com', 'Root', '', 'SuperAdmin', 'x', now(), now(), now()),
		(2, 'ada@example.com', 'ada@example.com', 'Ada Byron', 'Ada', NULL, 'y', now(), now(), now()),
		(3, 'lone@example.com', NULL, 'Lone', NULL, NULL, '', NULL, now(), now())`)
	storetest.Exec(t, s, `INSERT INTO account_users (account_id, user_id, role, availability, created_at, updated_at) VALUES
		(2, 2, 1, 2, now(), now()), (1, 2, 0, 0, now(), now()), (3, 2, 1, 0, now(), now()), (4, 2, 1, 0, now(), now()),
		(1, 1, 1, 1, now(), now())`)
	storetest.Exec(t, s, `INSERT INTO access_tokens (owner_type, owner_id, token, created_at, updated_at) VALUES
		('User', 2, 'ada-token', now(), now()), ('AgentBot', 2, 'bot-token', now(), now()),
		('PlatformApp', 2, 'app-token', now(), now()), ('User', 99, 'orphan-token', now(), now())`)
}

func ada() *store.ViewerRow {
	email := "ada@example.com"
	return &store.ViewerRow{
		ID: 2, UID: email, Name: "Ada", Email: &email,
		Memberships: []store.MembershipRow{
			{Membership: chat.Membership{Account: chat.Account{ID: 1, Name: "Acme", CRMV2: true}, Role: chat.Agent}, Availability: chat.Online},
			{Membership: chat.Membership{Account: chat.Account{ID: 2, Name: "Borealis"}, Role: chat.Administrator}, Availability: chat.Busy},
		},
	}
}

func TestFindViewer(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	seedUsers(t, s)
	root, lone := "root@example.com", "lone@example.com"
	for name, test := range map[string]struct {
		find func() (*store.ViewerRow, error)
		want *store.ViewerRow
	}{
		"uid, suspended accounts left out": {func() (*store.ViewerRow, error) { return s.FindViewerByUID(t.Context(), "ada@example.com") }, ada()},
		"access token":                     {func() (*store.ViewerRow, error) { return s.FindViewerByAccessToken(t.Context(), "ada-token") }, ada()},
		"super admin, empty display name": {func() (*store.ViewerRow, error) { return s.FindViewerByUID(t.Context(), root) }, &store.ViewerRow{
			ID: 1, UID: root, Name: "Root", Email: &root, SuperAdmin: true,
			Memberships: []store.MembershipRow{{Membership: chat.Membership{
				Account: chat.Account{ID: 1, Name: "Acme", CRMV2: true}, Role: chat.Administrator}, Availability: chat.Offline}},
		}},
		"member of nothing": {func() (*store.ViewerRow, error) { return s.FindViewerByUID(t.Context(), lone) }, &store.ViewerRow{
			ID: 3, UID: lone, Name: "Lone",
		}},
		"uid in another case":     {func() (*store.ViewerRow, error) { return s.FindViewerByUID(t.Context(), "Ada@example.com") }, nil},
		"unknown token":           {func() (*store.ViewerRow, error) { return s.FindViewerByAccessToken(t.Context(), "no-token") }, nil},
		"token of a bot":          {func() (*store.ViewerRow, error) { return s.FindViewerByAccessToken(t.Context(), "bot-token") }, nil},
		"token of a platform app": {func() (*store.ViewerRow, error) { return s.FindViewerByAccessToken(t.Context(), "app-token") }, nil},
		"token of a user gone":    {func() (*store.ViewerRow, error) { return s.FindViewerByAccessToken(t.Context(), "orphan-token") }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := test.find()
			if test.want == nil {
				if !errors.Is(err, chat.ErrNotFound) {
					t.Fatalf("error %v, want NOT_FOUND", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFindViewerCustomRole(t *testing.T) {
	t.Parallel()
	const role = `INSERT INTO custom_roles (id, account_id, permissions, created_at, updated_at)
		VALUES (7, 1, '{conversation_participating_manage}', now(), now())`
	for name, test := range map[string]struct {
		sql  []string
		want chat.Permissions
	}{
		"none":                      {nil, chat.Permissions{}},
		"of the account":            {[]string{role, `UPDATE account_users SET custom_role_id = 7`}, chat.Permissions{HasRole: true, Names: []string{"conversation_participating_manage"}}},
		"gone, and still narrowing": {[]string{`UPDATE account_users SET custom_role_id = 7`}, chat.Permissions{HasRole: true}},
		"of another account":        {[]string{role, `UPDATE custom_roles SET account_id = 2`, `UPDATE account_users SET custom_role_id = 7`}, chat.Permissions{HasRole: true}},
		"no such table":             {[]string{`DROP TABLE custom_roles`, `UPDATE account_users SET custom_role_id = 7`}, chat.Permissions{HasRole: true}},
		"no such table or column":   {[]string{`DROP TABLE custom_roles`, `ALTER TABLE account_users DROP custom_role_id`}, chat.Permissions{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.New(t)
			seedUsers(t, s)
			for _, sql := range test.sql {
				storetest.Exec(t, s, sql)
			}
			row, err := s.FindViewerByUID(t.Context(), "ada@example.com")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, row.Memberships[0].Permissions); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadPolicy(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	storetest.Exec(t, s, `INSERT INTO cloakroom.agent_masking (user_id, masked, version, set_by) VALUES (2, true, 3, 1)`)
	storetest.Exec(t, s, `INSERT INTO cloakroom.accounts (account_id, phase_contacts, phase_messages, cache_epoch) VALUES (1, 'sealed-only', 'dual-write', 9)`)
	storetest.Exec(t, s, `INSERT INTO cloakroom.account_flags (account_id, name, enabled) VALUES
		(1, 'contact_pii_masking', true), (2, 'another_flag', true), (3, 'contact_pii_masking', true),
		(2, 'masked_contact_lookup', true), (3, 'masked_contact_lookup', false)`)
	storetest.Exec(t, s, `INSERT INTO cloakroom.search_settings (account_id, mode, messages_indexed) VALUES (1, 'SCAN', true), (9, 'TOKENS', true)`)
	storetest.Exec(t, s, `INSERT INTO cloakroom.contact_orderings (account_id, field, live) VALUES (1, 'EMAIL', 3), (9, 'NAME', 1)`)
	storetest.Exec(t, s, `INSERT INTO cloakroom.attribute_policies (account_id, model, attribute_key, value_type, personal, searchable) VALUES (1, 'CONTACT', 'plan', 'LIST', false, true)`)
	off := map[chat.Dataset]chat.Phase{chat.Contacts: chat.Off, chat.Messages: chat.Off, chat.Attributes: chat.Off}
	undecided := chat.SearchSettings{Mode: chat.SearchByTokens}
	search := chat.SearchSettings{Mode: chat.SearchByScan, MessagesIndexed: true,
		Orderings:  []*chat.ContactOrdering{{Field: chat.ContactsByEmail, Live: 3, Enabled: true}},
		Attributes: []chat.AttributePolicy{{Model: chat.ContactAttributes, Key: "plan", Type: chat.AttributeList, Searchable: true, Version: 1}}}
	acme := chat.AccountSettings{ContactPIIMasking: true, MaskedLookup: true, CacheEpoch: 9, Search: search,
		Phases: map[chat.Dataset]chat.Phase{chat.Contacts: chat.SealedOnly, chat.Messages: chat.DualWrite, chat.Attributes: chat.Off}}
	for name, test := range map[string]struct {
		user     int64
		accounts []int64
		want     store.Policy
	}{
		"user and accounts":   {2, []int64{1, 2}, store.Policy{Masking: chat.Masking{Masked: true, Version: 3}, Settings: map[int64]chat.AccountSettings{1: acme, 2: {MaskedLookup: true, Phases: off, Search: undecided}}}},
		"member of nothing":   {2, nil, store.Policy{Masking: chat.Masking{Masked: true, Version: 3}, Settings: map[int64]chat.AccountSettings{}}},
		"never decided about": {5, []int64{1}, store.Policy{Settings: map[int64]chat.AccountSettings{1: acme}}},
		"a service":           {0, []int64{3}, store.Policy{Settings: map[int64]chat.AccountSettings{3: {ContactPIIMasking: true, Phases: off, Search: undecided}}}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, count := store.WithCount(t.Context())
			got, err := s.ReadPolicy(ctx, test.user, test.accounts)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if n := count.Statements.Load(); n != 1 {
				t.Errorf("%d statements, want 1", n)
			}
		})
	}
	storetest.Exec(t, s, `DROP TABLE cloakroom.agent_masking`)
	if _, err := s.ReadPolicy(t.Context(), 2, nil); err == nil {
		t.Error("a policy was read without its table")
	}
}
