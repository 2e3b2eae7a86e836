package store

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// The columns of Chatwoot's that are read, for answers or to be sealed. Extra ones are ignored.
var requiredColumns = map[string][]string{
	"accounts":                     {"id", "name", "status", "feature_flags"},
	"users":                        {"id", "uid", "name", "display_name", "email", "tokens", "type", "encrypted_password", "confirmed_at"},
	"account_users":                {"account_id", "user_id", "role", "availability"},
	"access_tokens":                {"owner_type", "owner_id", "token"},
	"contacts":                     {"id", "account_id", "name", "email", "phone_number", "identifier", "additional_attributes", "custom_attributes", "last_activity_at", "contact_type", "blocked", "created_at"},
	"contact_inboxes":              {"id", "contact_id", "inbox_id", "source_id"},
	"inboxes":                      {"id", "account_id", "name", "channel_type", "channel_id"},
	"inbox_members":                {"inbox_id", "user_id"},
	"teams":                        {"id", "account_id", "name", "description"},
	"team_members":                 {"team_id", "user_id"},
	"conversations":                {"id", "account_id", "inbox_id", "display_id", "status", "priority", "contact_id", "assignee_id", "team_id", "campaign_id", "contact_inbox_id", "cached_label_list", "agent_last_seen_at", "last_activity_at", "created_at", "updated_at", "waiting_since", "snoozed_until", "additional_attributes", "custom_attributes", "identifier"},
	"messages":                     {"id", "account_id", "conversation_id", "inbox_id", "content", "message_type", "content_type", "status", "private", "sender_type", "sender_id", "content_attributes", "created_at", "source_id", "processed_message_content", "additional_attributes", "external_source_ids", "sentiment"},
	"attachments":                  {"id", "account_id", "message_id", "file_type", "extension", "fallback_title", "meta"},
	"active_storage_attachments":   {"record_type", "name", "record_id", "blob_id"},
	"active_storage_blobs":         {"id", "filename", "content_type", "byte_size"},
	"conversation_participants":    {"account_id", "user_id", "conversation_id"},
	"notes":                        {"id", "account_id", "contact_id", "user_id", "content", "created_at"},
	"labels":                       {"id", "account_id", "title", "description", "color"},
	"taggings":                     {"tag_id", "taggable_type", "taggable_id", "context"},
	"tags":                         {"id", "name"},
	"agent_bots":                   {"id", "name"},
	"channel_twilio_sms":           {"id", "medium"},
	"channel_api":                  {"id", "additional_attributes"},
	"custom_attribute_definitions": {"id", "account_id", "attribute_model", "attribute_key", "attribute_display_name", "attribute_description", "attribute_display_type", "attribute_values", "regex_pattern", "regex_cue"},
	"custom_filters":               {"id", "account_id", "user_id", "name", "filter_type", "query"},
}

// Optional is something that only some releases or editions of Chatwoot have.
type Optional struct {
	Name    string
	Without string // what Cloakroom does when it is missing
}

var optionalColumns = []Optional{
	{"users.otp_required_for_login", "sign-in here asks for the password alone"},
	{"account_users.custom_role_id", "agents see all conversations of their inboxes: there are no custom roles"},
	{"custom_roles.permissions", "agents see all conversations of their inboxes: there are no custom roles"},
}

const allColumns = `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = ANY(current_schemas(false))`

// CheckColumns says in one error which of Chatwoot's columns are missing, and lists the optional ones that are.
func (s *Store) CheckColumns(ctx context.Context) ([]Optional, error) {
	names, err := collect(ctx, s.db, scanText, allColumns)
	if err != nil {
		return nil, fmt.Errorf("read Chatwoot's columns: %w", err)
	}
	have := make(map[string]bool, len(names))
	for _, name := range names {
		have[name] = true
	}
	var missing []string
	for table, columns := range requiredColumns {
		for _, column := range columns {
			if name := table + "." + column; !have[name] {
				missing = append(missing, name)
			}
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return nil, fmt.Errorf("this database is not a Chatwoot 4.x database, or the role may not read it; missing: %s", strings.Join(missing, ", "))
	}
	return slices.DeleteFunc(slices.Clone(optionalColumns), func(o Optional) bool { return have[o.Name] }), nil
}

const appliedMigrations = `SELECT (SELECT count(*) FROM cloakroom.migrations WHERE is_applied AND version_id > 0),
 (SELECT count(*) FROM cloakroom.river_migration WHERE line = 'main')`

// CheckMigrated says with one cheap statement whether every migration has run.
func (s *Store) CheckMigrated(ctx context.Context, files fs.FS) error {
	wanted, err := fs.Glob(files, "*.sql")
	if err != nil {
		return fmt.Errorf("list the embedded migrations: %w", err)
	}
	queue, err := QueueVersions()
	if err != nil {
		return err
	}
	var applied, appliedQueue int
	if err := s.db.QueryRow(ctx, appliedMigrations).Scan(&applied, &appliedQueue); err != nil {
		return fmt.Errorf("read which migrations have run: %w", err)
	}
	if applied < len(wanted) {
		return fmt.Errorf("%d of %d migrations have run", applied, len(wanted))
	}
	if appliedQueue < queue {
		return fmt.Errorf("%d of %d migrations of the job queue have run", appliedQueue, queue)
	}
	return nil
}

// HasTable says whether a table of Chatwoot's is there.
func (s *Store) HasTable(ctx context.Context, name string) (bool, error) {
	var has bool
	err := s.db.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, name).Scan(&has)
	return has, err
}

// IsEmpty says whether Chatwoot has no account yet.
func (s *Store) IsEmpty(ctx context.Context) (bool, error) {
	var empty bool
	err := s.db.QueryRow(ctx, `SELECT NOT EXISTS (SELECT 1 FROM accounts)`).Scan(&empty)
	return empty, err
}
