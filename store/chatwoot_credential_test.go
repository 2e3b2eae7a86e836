package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestCredentialTablesOfOtherReleases takes columns and tables away, as a Chatwoot of another release may lack them.
func TestCredentialTablesOfOtherReleases(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	storetest.Exec(t, s, `ALTER TABLE agent_bots DROP COLUMN secret; ALTER TABLE integrations_hooks DROP COLUMN settings; ALTER TABLE channel_line DROP COLUMN account_id;
 DROP TABLE webhooks, channel_tiktok; ALTER TABLE channel_api DROP COLUMN secret`)
	tables, err := s.ListCredentialTables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, table := range tables {
		names = append(names, table.Name+" "+strings.Join(table.Columns, " "))
		if _, err := s.ListCredentialRows(t.Context(), table, schema.Acme, 0, 10); err != nil {
			t.Error(err)
		}
	}
	want := []string{"integrations_hooks app_id reference_id access_token", "agent_bots bot_config", "channel_instagram access_token expires_at"}
	for _, name := range want {
		if !slices.Contains(names, name) {
			t.Errorf("%q is not among %q", name, names)
		}
	}
	for _, gone := range []string{"webhooks", "channel_tiktok", "channel_api", "channel_line", "channel_voice"} {
		if slices.ContainsFunc(tables, func(table store.CredentialTable) bool { return table.Name == gone }) {
			t.Errorf("%s is read", gone)
		}
	}
}

// TestCredentialRowsAreTheAccounts reads by id, after one, and no other account's; a time comes as RFC 3339 has it.
func TestCredentialRowsAreTheAccounts(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	storetest.Exec(t, s, `DELETE FROM channel_instagram`)
	storetest.Exec(t, s, `INSERT INTO channel_instagram (id, account_id, instagram_id, access_token, expires_at, created_at, updated_at)
 SELECT n, 1 + n % 2, n, 'canary-' || n, '2126-03-01 12:00:00.5', now(), now() FROM generate_series(1, 9) n`)
	table := store.CredentialTable{Name: "channel_instagram", Columns: []string{"access_token", "expires_at"}}
	rows, err := s.ListCredentialRows(t.Context(), table, schema.Borealis, 1, 3)
	if err != nil || len(rows) != 3 || rows[0].ID != 3 || rows[2].ID != 7 || rows[0].Columns["access_token"].Reveal() != "canary-3" {
		t.Fatalf("%v, %v", rows, err)
	}
	if at := rows[0].Columns["expires_at"].Reveal(); at != "2126-03-01T12:00:00.500000Z" {
		t.Errorf("a time is %q", at)
	}
}
