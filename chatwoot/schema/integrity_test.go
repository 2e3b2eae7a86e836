package schema

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// refersTo says which table an id column points into; kindOfOwner which column says so for the others.
var (
	refersTo = map[string]string{
		"account_id": "accounts", "user_id": "users", "inviter_id": "users", "assignee_id": "users", "assigned_agent_id": "users",
		"accepted_by_agent_id": "users", "custom_role_id": "custom_roles", "inbox_id": "inboxes", "contact_id": "contacts",
		"contact_inbox_id": "contact_inboxes", "conversation_id": "conversations", "message_id": "messages", "team_id": "teams",
		"tag_id": "tags", "blob_id": "active_storage_blobs", "company_id": "companies", "campaign_id": "campaigns",
		"agent_bot_id": "agent_bots", "assignee_agent_bot_id": "agent_bots",
	}
	polymorphic = map[string]string{
		"User": "users", "Contact": "contacts", "AgentBot": "agent_bots", "Conversation": "conversations", "Message": "messages",
		"Attachment": "attachments", "Account": "accounts",
	}
	kindOfOwner = map[string]string{
		"sender_id": "sender_type", "taggable_id": "taggable_type", "record_id": "record_type", "owner_id": "owner_type",
		"primary_actor_id": "primary_actor_type", "secondary_actor_id": "secondary_actor_type",
	}
)

// TestReferences holds that every id exists where it points, but for the orphans planted on purpose.
func TestReferences(t *testing.T) {
	t.Parallel()
	d := demo(t)
	ids := map[string]map[any]bool{}
	for _, table := range d.Tables {
		ids[table.Name] = map[any]bool{}
		for _, r := range rows(t, d, table.Name) {
			if ids[table.Name][r["id"]] {
				t.Errorf("%s: id %v comes twice", table.Name, r["id"])
			}
			ids[table.Name][r["id"]] = true
		}
	}
	check := func(table string, r row, column, target string) {
		id := r[column]
		if id == nil || target == "" || ids[target][id] {
			return
		}
		n := id.(int64)
		gone := target == "contacts" && n >= ContactDeleted && n < ContactDeleted+3 || target == "users" && n == goneUser ||
			target == "contact_inboxes" && n >= 90000
		if !gone {
			t.Errorf("%s %v: %s %v does not exist in %s", table, r["id"], column, id, target)
		}
	}
	for _, table := range d.Tables {
		for _, r := range rows(t, d, table.Name) {
			for column, target := range refersTo {
				check(table.Name, r, column, target)
			}
			for column, kind := range kindOfOwner {
				if word, ok := r[kind].(string); ok && table.Name != "campaigns" {
					check(table.Name, r, column, polymorphic[word])
				}
			}
		}
	}
}

// TestTenancy holds that what hangs under a conversation or an inbox is of the same account.
func TestTenancy(t *testing.T) {
	t.Parallel()
	d := demo(t)
	account := map[string]map[any]any{}
	for _, name := range []string{"inboxes", "contacts", "conversations", "messages"} {
		account[name] = map[any]any{}
		for _, r := range rows(t, d, name) {
			account[name][r["id"]] = r["account_id"]
		}
	}
	for _, name := range []string{"conversations", "messages", "attachments", "notes", "calls", "csat_survey_responses"} {
		for _, r := range rows(t, d, name) {
			for column, parent := range map[string]string{"inbox_id": "inboxes", "contact_id": "contacts", "conversation_id": "conversations", "message_id": "messages"} {
				if of, ok := account[parent][r[column]]; ok && of != r["account_id"] {
					t.Errorf("%s %v of account %v points at %s of account %v", name, r["id"], r["account_id"], column, of)
				}
			}
		}
	}
}

// TestUniqueIndexes holds what Chatwoot's unique indexes and its triggers will ask of the rows.
func TestUniqueIndexes(t *testing.T) {
	t.Parallel()
	d := demo(t)
	for table, columns := range map[string][]string{
		"contacts": {"account_id", "email"}, "contact_inboxes": {"inbox_id", "source_id"}, "conversations": {"account_id", "display_id"},
		"inbox_members": {"inbox_id", "user_id"}, "tags": {"name"}, "access_tokens": {"token"}, "users": {"uid"},
		"conversation_participants": {"user_id", "conversation_id"}, "mentions": {"user_id", "conversation_id"}, "active_storage_blobs": {"key"},
	} {
		seen := map[string]bool{}
		for _, r := range rows(t, d, table) {
			key := ""
			for _, c := range columns {
				if r[c] == nil {
					key = ""
					break
				}
				key += fmt.Sprint(r[c], "\x00")
			}
			if key != "" && seen[key] {
				t.Errorf("%s %v: %v is taken", table, r["id"], columns)
			}
			seen[key] = true
		}
	}
	next := map[any]int64{}
	for _, r := range rows(t, d, "conversations") {
		if next[r["account_id"]]++; r["display_id"] != next[r["account_id"]] {
			t.Fatalf("conversation %v has display id %v where the trigger will give %d", r["id"], r["display_id"], next[r["account_id"]])
		}
	}
}

var createTable = regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n\);`)

// TestLayoutsFitBaseline holds that every column the demo fills exists, and that no column that must be
// filled is left out or NULL.
func TestLayoutsFitBaseline(t *testing.T) {
	t.Parallel()
	columns := map[string]map[string]string{}
	for _, m := range createTable.FindAllStringSubmatch(Baseline, -1) {
		columns[m[1]] = map[string]string{}
		for line := range strings.Lines(m[2]) {
			if name, rest, ok := strings.Cut(strings.TrimRight(strings.TrimSpace(line), ","), " "); ok {
				columns[m[1]][name] = rest
			}
		}
	}
	if len(columns) < 45 {
		t.Fatalf("read %d tables from the baseline", len(columns))
	}
	for _, table := range demo(t).Tables {
		named := map[string]bool{}
		for i, column := range table.Columns {
			named[column] = true
			kind, ok := columns[table.Name][column]
			if !ok {
				t.Errorf("%s has no column %s", table.Name, column)
			}
			for _, values := range table.Rows {
				if values[i] == nil && (strings.Contains(kind, "NOT NULL") || strings.Contains(kind, "PRIMARY KEY")) {
					t.Errorf("%s.%s is NULL in row %v", table.Name, column, values[0])
				}
			}
		}
		for column, kind := range columns[table.Name] {
			if !named[column] && strings.Contains(kind, "NOT NULL") && !strings.Contains(kind, "DEFAULT") {
				t.Errorf("%s.%s must be filled", table.Name, column)
			}
		}
	}
}

func TestBaselineTriggersAndExtensions(t *testing.T) {
	t.Parallel()
	for _, want := range []string{
		"CREATE TRIGGER accounts_after_insert_row_tr", "CREATE TRIGGER camp_dpid_before_insert",
		"CREATE TRIGGER conversations_before_insert_row_tr", "CREATE TRIGGER campaigns_before_insert_row_tr",
		"EXTENSION IF NOT EXISTS pg_trgm", "EXTENSION IF NOT EXISTS pgcrypto", "EXTENSION IF NOT EXISTS pg_stat_statements",
	} {
		if !strings.Contains(Baseline, want) {
			t.Errorf("baseline lacks %q", want)
		}
	}
	if n := strings.Count(Baseline, "REFERENCES"); n != 2 {
		t.Errorf("%d foreign keys; Active Storage's two are the only ones", n)
	}
}

func TestSequences(t *testing.T) {
	t.Parallel()
	d := demo(t)
	if got := strings.Count(d.Sequences(), "setval"); got != len(d.Tables) {
		t.Errorf("%d sequences moved for %d tables", got, len(d.Tables))
	}
}
