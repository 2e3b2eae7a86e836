package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// emptying says which rows of a table are a contact's and how each of their columns is emptied. The verifier counts by
// the same words what is still there.
type emptying struct {
	table   string
	rows    string // the condition, of rows t
	columns []emptied
	touch   string // further assignments, to rows that are emptied
	delete  bool   // the rows go as a whole
}

// emptied is a column, what it is set to, and when there is still something in it.
type emptied struct{ column, empty, filled string }

func toNull(column string) emptied { return emptied{column, "NULL", "t." + column + " IS NOT NULL"} }
func toText(column string) emptied { return emptied{column, "''", "t." + column + " <> ''"} }
func toJSON(column string) emptied { return emptied{column, "'{}'", "t." + column + " <> '{}'"} }
func toZero(column string) emptied { return emptied{column, "0", "t." + column + " <> 0"} }

// Rows are found by the contact, by the contact's conversations, and by the keys that are destroyed: each has an index,
// and no statement reads an account's messages through. What no generation seals any more is of generation 0, and a
// writer that read a row before finds another version of it after.
const resealed = "key_id = 0, row_version = t.row_version + 1"

var erasedSealed = []emptying{
	{table: "cloakroom.contacts", rows: `t.account_id = {account} AND (t.contact_id = {contact} OR t.subject_key_id = ANY({keys}))`, touch: resealed,
		columns: []emptied{toNull("email_sealed"), toNull("phone_number_sealed"), toNull("identifier_sealed"), toNull("name_sealed"),
			toNull("profile_sealed"), toNull("custom_attributes_sealed")}},
	{table: "cloakroom.contact_inboxes", rows: `t.account_id = {account} AND (t.contact_inbox_id = ANY({inboxes}) OR t.subject_key_id = ANY({keys}))`,
		touch: resealed, columns: []emptied{toNull("source_id_sealed")}},
	{table: "cloakroom.conversations", rows: `t.account_id = {account} AND (t.conversation_id = ANY({conversations}) OR t.subject_key_id = ANY({keys}))`,
		touch: resealed, columns: []emptied{toNull("additional_attributes_sealed"), toNull("custom_attributes_sealed"), toNull("rest_sealed")}},
	{table: "cloakroom.messages", rows: `t.account_id = {account} AND (t.conversation_id = ANY({conversations}) OR t.subject_key_id = ANY({keys}))`,
		touch: resealed, columns: []emptied{toNull("content_sealed"), toNull("attributes_sealed"), toNull("rest_sealed")}},
	{table: "cloakroom.attachments", rows: `t.account_id = {account} AND t.subject_key_id = ANY({keys})`,
		touch: resealed, columns: []emptied{toNull("title_sealed"), toNull("meta_sealed"), toNull("file_name_sealed")}},
	{table: "cloakroom.attachments", rows: `t.account_id = {account} AND t.message_id IN (SELECT m.id FROM messages m
 WHERE m.account_id = {account} AND m.conversation_id = ANY({conversations}))`,
		touch: resealed, columns: []emptied{toNull("title_sealed"), toNull("meta_sealed"), toNull("file_name_sealed")}},
	{table: "cloakroom.notes", rows: `t.account_id = {account} AND (t.contact_id = {contact} OR t.subject_key_id = ANY({keys}))`,
		touch: resealed, columns: []emptied{toNull("content_sealed")}},
	{table: "cloakroom.lookup_tags", rows: `t.account_id = {account} AND t.contact_id = ANY({subjects})`, delete: true},
	{table: "cloakroom.contact_tokens", rows: `t.account_id = {account} AND t.contact_id = ANY({subjects})`, delete: true},
	// The contact stays listed, as blank.
	{table: "cloakroom.contact_labels", rows: `t.account_id = {account} AND t.contact_id = ANY({subjects})`,
		columns: []emptied{toNull("label"), {"waiting", "false", "t.waiting"}}},
	{table: "cloakroom.attribute_tags", rows: `t.account_id = {account} AND (t.model = 'CONTACT' AND t.entity_id = ANY({subjects})
 OR t.model = 'CONVERSATION' AND t.entity_id = ANY({conversations}))`, delete: true},
	{table: "cloakroom.message_tokens", rows: `t.account_id = {account} AND t.message_id IN ` + messagesOf, delete: true},
}

const messagesOf = `(SELECT m.id FROM messages m WHERE m.account_id = {account} AND m.conversation_id = ANY({conversations}))`

// Chatwoot's own tables, in the order in which one leads to the next. A row stays wherever something is counted by it.
var erasedPlain = []emptying{
	// A company that nobody else belongs to was made of the contact's own domain.
	{table: "companies", rows: `t.account_id = {account} AND t.id = (SELECT c.company_id FROM contacts c WHERE c.account_id = {account} AND c.id = {contact})
 AND NOT EXISTS (SELECT 1 FROM contacts o WHERE o.company_id = t.id AND o.id <> {contact})`,
		columns: []emptied{toNull("domain"), {"name", "'Company ' || t.id", "t.name <> 'Company ' || t.id"}, toNull("description"),
			toJSON("additional_attributes"), toJSON("custom_attributes")}},
	{table: "contacts", rows: `t.account_id = {account} AND t.id = {contact}`,
		columns: []emptied{{"name", "{alias}", "t.name IS DISTINCT FROM {alias}"}, toNull("email"), toNull("phone_number"), toNull("identifier"),
			toJSON("additional_attributes"), toJSON("custom_attributes"), toText("middle_name"), toText("last_name"), toText("location"),
			toText("country_code"), toNull("company_id")}},
	// source_id must be there and be unique in its inbox; nobody can write to this one. Its other half is a key to the
	// contact's chat.
	{table: "contact_inboxes", rows: `t.id = ANY({inboxes})`,
		columns: []emptied{{"source_id", "'erased-' || gen_random_uuid()", `t.source_id !~ '^erased-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'`}, toNull("pubsub_token")}},
	// The uuid stands in addresses for replies and in links that the contact was sent.
	{table: "conversations", rows: `t.account_id = {account} AND t.id = ANY({conversations})`,
		columns: []emptied{toJSON("additional_attributes"), toJSON("custom_attributes"), toNull("identifier"), {"uuid", "gen_random_uuid()", "{first}"}}},
	{table: "active_storage_blobs", rows: `t.id IN (SELECT f.blob_id FROM active_storage_attachments f JOIN attachments a ON a.id = f.record_id
 WHERE f.record_type = 'Attachment' AND a.account_id = {account} AND a.message_id IN ` + messagesOf + `
 UNION ALL SELECT f.blob_id FROM active_storage_attachments f WHERE f.record_type = 'Contact' AND f.record_id = {contact})`,
		columns: []emptied{{"filename", "'file'", "t.filename <> 'file'"}}},
	{table: "attachments", rows: `t.account_id = {account} AND t.message_id IN ` + messagesOf,
		columns: []emptied{toNull("fallback_title"), toJSON("meta"), toNull("external_url"), toZero("coordinates_lat"), toZero("coordinates_long")}},
	{table: "messages", rows: `t.account_id = {account} AND t.conversation_id = ANY({conversations})`,
		columns: []emptied{toNull("content"), toNull("content_attributes"), toNull("processed_message_content"), toNull("source_id"),
			toJSON("additional_attributes"), toJSON("external_source_ids"), toJSON("sentiment")}},
	{table: "notes", rows: `t.account_id = {account} AND t.contact_id = {contact}`, columns: []emptied{toText("content")}},
	{table: "csat_survey_responses", rows: `t.account_id = {account} AND (t.contact_id = {contact} OR t.conversation_id = ANY({conversations}))`,
		columns: []emptied{toNull("feedback_message"), toNull("csat_review_notes")}},
	{table: "notifications", rows: `t.account_id = {account} AND (t.primary_actor_type = 'Conversation' AND t.primary_actor_id = ANY({conversations})
 OR t.primary_actor_type = 'Contact' AND t.primary_actor_id = {contact} OR t.secondary_actor_type = 'Contact' AND t.secondary_actor_id = {contact}
 OR t.primary_actor_type = 'Message' AND t.primary_actor_id IN ` + messagesOf + `)`, columns: []emptied{toJSON("meta")}},
	{table: "calls", rows: `t.account_id = {account} AND (t.contact_id = {contact} OR t.conversation_id = ANY({conversations}))`,
		columns: []emptied{toNull("transcript"), toJSON("meta"), {"provider_call_id", "'erased-' || t.id", "t.provider_call_id <> 'erased-' || t.id"}}},
	{table: "audits", rows: `t.auditable_type = 'Conversation' AND t.auditable_id = ANY({conversations}) OR t.auditable_type = 'Contact' AND t.auditable_id = {contact}`,
		columns: []emptied{toJSON("audited_changes"), toNull("comment")}},
	{table: "taggings", rows: `t.taggable_type = 'Contact' AND t.taggable_id = {contact}`, delete: true},
}

// bind puts the arguments that a text names into a statement.
func (e *Erasing) bind(sql string) (string, []any) {
	var args []any
	for _, a := range []struct {
		name, kind string
		value      any
	}{
		{"{account}", "int8", e.AccountID}, {"{contact}", "int8", e.ContactID}, {"{conversations}", "int8[]", e.Conversations},
		{"{inboxes}", "int8[]", e.inboxes}, {"{keys}", "int8[]", e.SubjectKeys}, {"{subjects}", "int8[]", e.subjects},
		{"{alias}", "text", e.Alias}, {"{first}", "bool", e.First},
	} {
		if strings.Contains(sql, a.name) {
			args = append(args, a.value)
			sql = strings.ReplaceAll(sql, a.name, "$"+strconv.Itoa(len(args))+"::"+a.kind)
		}
	}
	return sql, args
}

// of leaves out the columns that this Chatwoot does not have; ok is false when it lacks the table.
func (m emptying) of(have map[string]bool) (kept emptying, ok bool) {
	if strings.HasPrefix(m.table, "cloakroom.") {
		return m, true
	}
	kept = m
	kept.columns = slices.DeleteFunc(slices.Clone(m.columns), func(c emptied) bool { return !have[m.table+"."+c.column] })
	return kept, have[m.table] && (m.delete || len(kept.columns) > 0)
}

// filled is the condition that there is something in a row still.
func (m emptying) filled() string {
	if m.delete {
		return "true"
	}
	parts := make([]string, len(m.columns))
	for i, c := range m.columns {
		parts[i] = c.filled
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

func (m emptying) statement() string {
	if m.delete {
		return "DELETE FROM " + m.table + " t WHERE " + m.rows
	}
	set := make([]string, len(m.columns))
	for i, c := range m.columns {
		set[i] = c.column + " = " + c.empty
	}
	where := m.filled()
	if m.touch != "" {
		set, where = append(set, m.touch), "(t.key_id <> 0 OR "+where+")"
	}
	return "UPDATE " + m.table + " t SET " + strings.Join(set, ", ") + " WHERE (" + m.rows + ") AND " + where
}

// The catalogue is asked, not information_schema, which leaves out what the role has no right to: a table that cannot be
// emptied must stop an erasure, not be passed over by it and by its proof.
const tableColumns = `WITH t AS (SELECT c.oid, c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = ANY(current_schemas(false)) AND c.relkind IN ('r', 'p'))
 SELECT t.name || '.' || a.attname FROM t JOIN pg_attribute a ON a.attrelid = t.oid WHERE a.attnum > 0 AND NOT a.attisdropped
 UNION ALL SELECT name FROM t`

// emptyings are those that fit this Chatwoot, ours first.
func (s *Store) emptyings(ctx context.Context) ([]emptying, error) {
	names, err := collect(ctx, s.db, scanText, tableColumns)
	if err != nil {
		return nil, fmt.Errorf("read Chatwoot's columns: %w", err)
	}
	have := make(map[string]bool, len(names))
	for _, name := range names {
		have[name] = true
	}
	var fit []emptying
	for _, m := range slices.Concat(erasedSealed, erasedPlain) {
		if kept, ok := m.of(have); ok {
			fit = append(fit, kept)
		}
	}
	return fit, nil
}

const untag = `UPDATE tags g SET taggings_count = greatest(COALESCE(g.taggings_count, 0) - n.n, 0) FROM (SELECT t.tag_id, count(*)::int4 AS n FROM taggings t
 WHERE t.taggable_type = 'Contact' AND t.taggable_id = {contact} GROUP BY 1) n WHERE g.id = n.tag_id`

// EraseRows empties every row of a contact's, with one statement a table, and gives how many rows each one touched; a row
// that was empty already is not touched.
func (s *Store) EraseRows(ctx context.Context, e *Erasing) (map[string]int64, error) {
	all, err := s.emptyings(ctx)
	if err != nil {
		return nil, err
	}
	sql, args := e.bind(untag)
	if _, err := s.db.Exec(ctx, sql, args...); err != nil {
		return nil, fmt.Errorf("erase contact %d of account %d: count its labels: %w", e.ContactID, e.AccountID, err)
	}
	counts := make(map[string]int64)
	for _, m := range all {
		sql, args := e.bind(m.statement())
		tag, err := s.db.Exec(ctx, sql, args...)
		if err != nil {
			return nil, fmt.Errorf("erase contact %d of account %d: empty %s: %w", e.ContactID, e.AccountID, m.table, err)
		}
		if n := tag.RowsAffected(); n > 0 {
			counts[m.table] += n
		}
	}
	return counts, nil
}

// CountRemains counts, by table, the rows of an erased contact's that hold something, and what there is of its keys.
func (s *Store) CountRemains(ctx context.Context, e *Erasing) (map[string]int64, error) {
	all, err := s.emptyings(ctx)
	if err != nil {
		return nil, err
	}
	found := make(map[string]int64)
	for _, m := range append(all, emptying{table: "cloakroom.subject_keys", delete: true,
		rows: `t.account_id = {account} AND t.contact_id = ANY({subjects}) AND (t.state = 'active' OR t.key_sealed <> '')`}) {
		sql, args := e.bind("SELECT count(*) FROM " + m.table + " t WHERE (" + m.rows + ") AND " + m.filled())
		var n int64
		if err := s.db.QueryRow(ctx, sql, args...).Scan(&n); err != nil {
			return nil, fmt.Errorf("look for what is left of contact %d of account %d in %s: %w", e.ContactID, e.AccountID, m.table, err)
		}
		if n > 0 {
			found[m.table] += n
		}
	}
	return found, nil
}
