package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// ExportRow is a row of a contact's with all that is known of it: facts, which nothing hides, as one JSON object, and its
// personal columns, in Chatwoot's own and sealed, in the order in which they are sealed.
type ExportRow struct {
	ID           int64
	Facts        json.RawMessage
	Plain        [][]byte
	Sealed       [][]byte
	Version      int64
	KeyContactID int64 // of the key that sealed it, with the next two; all 0 where there is no sealed twin
	SubjectKeyID int64
	KeySealed    []byte
}

// exported says how one kind is read: the rows of a parent, after an id.
type exported struct {
	facts  string
	from   string // of t, and what it takes to find it
	twin   string // the sealed twin's table, and how it is found
	plain  []string
	sealed []string
}

const sealedKey = ` LEFT JOIN cloakroom.subject_keys k ON k.account_id = s.account_id AND k.subject_key_id = s.subject_key_id`

var exports = map[chat.RecordKind]exported{
	chat.ContactRecord: {
		facts: `'id', t.id, 'type', t.contact_type, 'blocked', t.blocked, 'createdAt', t.created_at, 'lastActivityAt', t.last_activity_at`,
		from:  `contacts t WHERE t.account_id = $1 AND t.id = $2 AND t.id > $3`,
		twin:  `cloakroom.contacts s ON s.account_id = $1 AND s.contact_id = t.id`,
		plain: []string{"t.email", "t.phone_number", "t.identifier", "t.name", "t.additional_attributes::text", "t.custom_attributes::text"},
		sealed: []string{"email_sealed", "phone_number_sealed", "identifier_sealed", "name_sealed", "profile_sealed",
			"custom_attributes_sealed"},
	},
	chat.ContactInboxRecord: {
		facts: `'id', t.id, 'inbox', i.name, 'channel', i.channel_type, 'createdAt', t.created_at`,
		from:  `contact_inboxes t JOIN inboxes i ON i.id = t.inbox_id WHERE i.account_id = $1 AND t.contact_id = $2 AND t.id > $3`,
		twin:  `cloakroom.contact_inboxes s ON s.account_id = $1 AND s.contact_inbox_id = t.id`,
		plain: []string{"t.source_id"}, sealed: []string{"source_id_sealed"},
	},
	chat.NoteRecord: {
		facts: `'id', t.id, 'userId', t.user_id, 'createdAt', t.created_at`,
		from:  `notes t WHERE t.account_id = $1 AND t.contact_id = $2 AND t.id > $3`,
		twin:  `cloakroom.notes s ON s.account_id = $1 AND s.contact_id = t.contact_id AND s.note_id = t.id`,
		plain: []string{"t.content"}, sealed: []string{"content_sealed"},
	},
	chat.ConversationRecord: {
		facts: `'id', t.id, 'displayId', t.display_id, 'inbox', (SELECT i.name FROM inboxes i WHERE i.id = t.inbox_id), 'status', t.status,
 'labels', t.cached_label_list, 'uuid', t.uuid, 'createdAt', t.created_at, 'lastActivityAt', t.last_activity_at`,
		from: `conversations t WHERE t.account_id = $1 AND t.contact_id = $2 AND t.id > $3`,
		twin: `cloakroom.conversations s ON s.account_id = $1 AND s.conversation_id = t.id`,
		plain: []string{"t.additional_attributes::text", "t.custom_attributes::text",
			"CASE WHEN t.identifier <> '' THEN json_build_object('identifier', t.identifier)::text END"},
		sealed: []string{"additional_attributes_sealed", "custom_attributes_sealed", "rest_sealed"},
	},
	chat.MessageRecord: {
		facts: `'id', t.id, 'type', (ARRAY['INCOMING', 'OUTGOING', 'ACTIVITY', 'TEMPLATE'])[t.message_type + 1], 'private', t.private,
 'sender', t.sender_type, 'senderId', t.sender_id, 'createdAt', t.created_at`,
		from: `messages t WHERE t.account_id = $1 AND t.conversation_id = $2 AND t.id > $3`,
		twin: `cloakroom.messages s ON s.account_id = $1 AND s.conversation_id = t.conversation_id AND s.message_id = t.id`,
		plain: []string{"t.content", "t.content_attributes::text", `json_strip_nulls(json_build_object('source_id', t.source_id,
 'processed_message_content', NULLIF(t.processed_message_content, t.content), 'additional_attributes', NULLIF(t.additional_attributes, '{}'),
 'external_source_ids', NULLIF(t.external_source_ids, '{}'), 'sentiment', NULLIF(t.sentiment, '{}')))::text`},
		sealed: []string{"content_sealed", "attributes_sealed", "rest_sealed"},
	},
	chat.AttachmentRecord: {
		facts: `'id', t.id, 'type', t.file_type, 'extension', t.extension, 'contentType', b.content_type, 'bytes', b.byte_size, 'createdAt', t.created_at`,
		from: `attachments t LEFT JOIN active_storage_attachments f ON f.record_type = 'Attachment' AND f.name = 'file' AND f.record_id = t.id
 LEFT JOIN active_storage_blobs b ON b.id = f.blob_id WHERE t.account_id = $1 AND t.message_id = $2 AND t.id > $3`,
		twin:  `cloakroom.attachments s ON s.account_id = $1 AND s.message_id = t.message_id AND s.attachment_id = t.id`,
		plain: []string{"t.fallback_title", "t.meta::text", "b.filename"}, sealed: []string{"title_sealed", "meta_sealed", "file_name_sealed"},
	},
}

func (x exported) sql() string {
	from, where, _ := strings.Cut(x.from, " WHERE ")
	var columns []string
	for _, c := range x.plain {
		columns = append(columns, "convert_to("+c+", 'UTF8')")
	}
	for _, c := range x.sealed {
		columns = append(columns, "s."+c)
	}
	return "SELECT t.id::int8, json_build_object(" + x.facts + ")::text, COALESCE(s.row_version, 0), COALESCE(k.contact_id, 0), COALESCE(k.subject_key_id, 0), k.key_sealed, " +
		strings.Join(columns, ", ") + " FROM " + from + " LEFT JOIN " + x.twin + sealedKey + " WHERE " + where + " ORDER BY t.id LIMIT $4"
}

// ListExport reads a page of a contact's rows of one kind, by id: those of a parent, which for messages is their
// conversation, for attachments their message, and else the contact.
func (s *Store) ListExport(ctx context.Context, accountID int64, kind chat.RecordKind, parent, after int64, limit int) ([]ExportRow, error) {
	x := exports[kind]
	n := len(x.plain)
	list, err := collect(ctx, s.db, func(rows pgx.Rows) (ExportRow, error) {
		r := ExportRow{Plain: make([][]byte, n), Sealed: make([][]byte, n)}
		var facts string
		targets := append(make([]any, 0, 6+2*n), &r.ID, &facts, &r.Version, &r.KeyContactID, &r.SubjectKeyID, &r.KeySealed)
		for i := range n {
			targets = append(targets, &r.Plain[i])
		}
		for i := range n {
			targets = append(targets, &r.Sealed[i])
		}
		err := rows.Scan(targets...)
		r.Facts = json.RawMessage(facts)
		return r, err
	}, x.sql(), accountID, parent, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read rows of account %d to be exported: %w", accountID, err)
	}
	return list, nil
}

const exportLabels = `SELECT g.name FROM taggings t JOIN tags g ON g.id = t.tag_id WHERE t.taggable_type = 'Contact' AND t.taggable_id = $1
 AND t.context = 'labels' ORDER BY g.name`

// ExportLabels reads a contact's labels.
func (s *Store) ExportLabels(ctx context.Context, contactID int64) ([]string, error) {
	labels, err := collect(ctx, s.db, scanText, exportLabels, contactID)
	if err != nil {
		return nil, fmt.Errorf("read the labels of contact %d: %w", contactID, err)
	}
	return labels, nil
}

// What Chatwoot keeps of a contact beside its own rows, in clear; releases without a table have none of it.
var exportFacts = []struct{ Name, table, sql string }{
	{"surveys", "csat_survey_responses", `SELECT json_build_object('conversationId', t.conversation_id, 'rating', t.rating, 'feedback', t.feedback_message,
 'createdAt', t.created_at)::text FROM csat_survey_responses t WHERE t.account_id = $1 AND t.contact_id = $2 ORDER BY t.id`},
	{"calls", "calls", `SELECT json_build_object('conversationId', t.conversation_id, 'direction', t.direction, 'status', t.status, 'seconds', t.duration_seconds,
 'meta', t.meta, 'transcript', t.transcript, 'createdAt', t.created_at)::text FROM calls t WHERE t.account_id = $1 AND t.contact_id = $2 ORDER BY t.id`},
}

// EachExportFact gives fn, list by list, what Chatwoot keeps in clear of a contact: begin names a list, and each is one
// JSON object of it.
func (s *Store) EachExportFact(ctx context.Context, accountID, contactID int64, begin func(list string) error, each func(json.RawMessage) error) error {
	for _, x := range exportFacts {
		has, err := s.HasTable(ctx, x.table)
		if err != nil {
			return fmt.Errorf("look for table %s: %w", x.table, err)
		}
		if err := begin(x.Name); err != nil {
			return err
		}
		if !has {
			continue
		}
		if err := s.eachText(ctx, x.sql, accountID, contactID, each); err != nil {
			return fmt.Errorf("read %s of contact %d: %w", x.Name, contactID, err)
		}
	}
	return nil
}

func (s *Store) eachText(ctx context.Context, sql string, accountID, contactID int64, each func(json.RawMessage) error) error {
	rows, err := s.db.Query(ctx, sql, accountID, contactID)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		text, err := scanText(rows)
		if err != nil {
			return err
		}
		if err := each(json.RawMessage(text)); err != nil {
			return err
		}
	}
	return rows.Err()
}

const messagesWithFiles = `SELECT DISTINCT message_id::int8 FROM attachments WHERE account_id = $1 AND message_id = ANY($2)`

// MessagesWithFiles tells which of some messages have attachments.
func (s *Store) MessagesWithFiles(ctx context.Context, accountID int64, ids []int64) (map[int64]bool, error) {
	list, err := collect(ctx, s.db, scanID, messagesWithFiles, accountID, ids)
	if err != nil {
		return nil, fmt.Errorf("look for attachments in account %d: %w", accountID, err)
	}
	found := make(map[int64]bool, len(list))
	for _, id := range list {
		found[id] = true
	}
	return found, nil
}

const listEntityAudit = `SELECT account_id, entry_id, occurred_at, actor_kind, actor_id, action, entity_type, entity_id,
 request_id, key_id, details_sealed FROM cloakroom.audit_entries
 WHERE account_id = $1 AND entity_type = ANY($2) AND entity_id = $3 AND entry_id > $4 ORDER BY entry_id LIMIT $5`

// ListEntityAudit reads a page of the entries about one thing, oldest first.
func (s *Store) ListEntityAudit(ctx context.Context, accountID int64, entityTypes []string, entityID string, after int64, limit int) ([]AuditRow, error) {
	list, err := collect(ctx, s.db, func(rows pgx.Rows) (r AuditRow, err error) {
		return r, rows.Scan(&r.AccountID, &r.ID, &r.OccurredAt, &r.Actor.Kind, &r.Actor.ID, &r.Action, &r.EntityType,
			&r.EntityID, &r.RequestID, &r.KeyID, &r.DetailsSealed)
	}, listEntityAudit, accountID, entityTypes, entityID, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the audit trail about %s: %w", entityID, err)
	}
	return list, nil
}
