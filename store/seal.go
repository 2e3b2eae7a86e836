package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// PlainRow is a row of Chatwoot's that has no sealed twin yet: its plain columns in the order of the sealed
// table's, and the contact whose key seals them, 0 when it is not known.
type PlainRow struct {
	Parent    int64
	ID        int64
	ContactID int64
	Columns   [][]byte
}

// SealedRow is a sealed twin, ready to be written.
type SealedRow struct {
	Parent       int64
	ID           int64
	ContactID    int64
	SubjectKeyID int64
	KeyID        int
	Version      int64
	Columns      [][]byte
}

// sealing says how one kind is read from Chatwoot's table and written to its sealed one. The statement's
// arguments are the account, the parent and id to begin after, and the number of rows. The place to begin after is said of
// the sealed table as well: what was sealed before it is not read again for every chunk, whatever the plan.
type sealing struct {
	plain   string
	table   string
	columns []string // of the sealed table, after the keys
	row     func(accountID int64, r SealedRow) []any
}

var sealings = map[chat.RecordKind]sealing{
	chat.ContactRecord: {
		plain: `SELECT 0::int8, t.id::int8, t.id::int8, convert_to(t.email, 'UTF8'), convert_to(t.phone_number, 'UTF8'),
 convert_to(t.identifier, 'UTF8'), convert_to(t.name, 'UTF8'), convert_to(t.additional_attributes::text, 'UTF8'),
 convert_to(t.custom_attributes::text, 'UTF8')
 FROM contacts t WHERE t.account_id = $1 AND $2::int8 = 0 AND t.id > $3
 AND NOT EXISTS (SELECT 1 FROM cloakroom.contacts s WHERE s.account_id = $1 AND s.contact_id = t.id AND s.contact_id > $3) ORDER BY t.id LIMIT $4`,
		table: "contacts",
		columns: []string{"account_id", "contact_id", "subject_key_id", "key_id", "row_version", "email_sealed", "phone_number_sealed",
			"identifier_sealed", "name_sealed", "profile_sealed", "custom_attributes_sealed"},
		row: func(account int64, r SealedRow) []any {
			return []any{account, r.ID, r.SubjectKeyID, r.KeyID, r.Version}
		},
	},
	chat.ContactInboxRecord: {
		plain: `SELECT 0::int8, t.id, COALESCE(t.contact_id, 0), convert_to(t.source_id, 'UTF8')
 FROM contact_inboxes t JOIN inboxes i ON i.id = t.inbox_id WHERE i.account_id = $1 AND $2::int8 = 0 AND t.id > $3
 AND NOT EXISTS (SELECT 1 FROM cloakroom.contact_inboxes s WHERE s.account_id = $1 AND s.contact_inbox_id = t.id AND s.contact_inbox_id > $3) ORDER BY t.id LIMIT $4`,
		table:   "contact_inboxes",
		columns: []string{"account_id", "contact_inbox_id", "contact_id", "subject_key_id", "key_id", "row_version", "source_id_sealed"},
		row: func(account int64, r SealedRow) []any {
			return []any{account, r.ID, r.ContactID, r.SubjectKeyID, r.KeyID, r.Version}
		},
	},
	chat.ConversationRecord: {
		plain: `SELECT 0::int8, t.id::int8, COALESCE(t.contact_id, 0), convert_to(t.additional_attributes::text, 'UTF8'),
 convert_to(t.custom_attributes::text, 'UTF8'), convert_to(CASE WHEN t.identifier <> '' THEN json_build_object('identifier', t.identifier)::text END, 'UTF8')
 FROM conversations t WHERE t.account_id = $1 AND $2::int8 = 0 AND t.id > $3
 AND NOT EXISTS (SELECT 1 FROM cloakroom.conversations s WHERE s.account_id = $1 AND s.conversation_id = t.id AND s.conversation_id > $3) ORDER BY t.id LIMIT $4`,
		table: "conversations",
		columns: []string{"account_id", "conversation_id", "subject_key_id", "key_id", "row_version",
			"additional_attributes_sealed", "custom_attributes_sealed", "rest_sealed"},
		row: func(account int64, r SealedRow) []any {
			return []any{account, r.ID, r.SubjectKeyID, r.KeyID, r.Version}
		},
	},
	chat.MessageRecord: {
		plain: `SELECT t.conversation_id::int8, t.id::int8, COALESCE(c.contact_id, 0), convert_to(t.content, 'UTF8'),
 convert_to(t.content_attributes::text, 'UTF8'), convert_to(json_strip_nulls(json_build_object('source_id', t.source_id,
 'processed_message_content', NULLIF(t.processed_message_content, t.content), 'additional_attributes', NULLIF(t.additional_attributes, '{}'),
 'external_source_ids', NULLIF(t.external_source_ids, '{}'), 'sentiment', NULLIF(t.sentiment, '{}')))::text, 'UTF8')
 FROM messages t LEFT JOIN conversations c ON c.id = t.conversation_id AND c.account_id = t.account_id
 WHERE t.account_id = $1 AND (t.conversation_id, t.id) > ($2, $3)
 AND NOT EXISTS (SELECT 1 FROM cloakroom.messages s WHERE s.account_id = $1 AND s.conversation_id = t.conversation_id AND s.message_id = t.id
 AND (s.conversation_id, s.message_id) > ($2, $3))
 ORDER BY t.conversation_id, t.id LIMIT $4`,
		table: "messages",
		columns: []string{"account_id", "conversation_id", "message_id", "subject_key_id", "key_id", "row_version",
			"content_sealed", "attributes_sealed", "rest_sealed"},
		row: func(account int64, r SealedRow) []any {
			return []any{account, r.Parent, r.ID, r.SubjectKeyID, r.KeyID, r.Version}
		},
	},
	chat.AttachmentRecord: {
		plain: `SELECT t.message_id::int8, t.id::int8, COALESCE(c.contact_id, 0), convert_to(t.fallback_title, 'UTF8'),
 convert_to(t.meta::text, 'UTF8'), convert_to(b.filename, 'UTF8')
 FROM attachments t LEFT JOIN messages m ON m.id = t.message_id AND m.account_id = t.account_id
 LEFT JOIN conversations c ON c.id = m.conversation_id AND c.account_id = m.account_id
 LEFT JOIN active_storage_attachments f ON f.record_type = 'Attachment' AND f.name = 'file' AND f.record_id = t.id
 LEFT JOIN active_storage_blobs b ON b.id = f.blob_id
 WHERE t.account_id = $1 AND (t.message_id, t.id) > ($2, $3)
 AND NOT EXISTS (SELECT 1 FROM cloakroom.attachments s WHERE s.account_id = $1 AND s.message_id = t.message_id AND s.attachment_id = t.id
 AND (s.message_id, s.attachment_id) > ($2, $3))
 ORDER BY t.message_id, t.id LIMIT $4`,
		table: "attachments",
		columns: []string{"account_id", "message_id", "attachment_id", "subject_key_id", "key_id", "row_version",
			"title_sealed", "meta_sealed", "file_name_sealed"},
		row: func(account int64, r SealedRow) []any {
			return []any{account, r.Parent, r.ID, r.SubjectKeyID, r.KeyID, r.Version}
		},
	},
	chat.NoteRecord: {
		plain: `SELECT t.contact_id, t.id, t.contact_id, convert_to(t.content, 'UTF8') FROM notes t
 WHERE t.account_id = $1 AND (t.contact_id, t.id) > ($2, $3)
 AND NOT EXISTS (SELECT 1 FROM cloakroom.notes s WHERE s.account_id = $1 AND s.contact_id = t.contact_id AND s.note_id = t.id
 AND (s.contact_id, s.note_id) > ($2, $3))
 ORDER BY t.contact_id, t.id LIMIT $4`,
		table:   "notes",
		columns: []string{"account_id", "contact_id", "note_id", "subject_key_id", "key_id", "row_version", "content_sealed"},
		row: func(account int64, r SealedRow) []any {
			return []any{account, r.Parent, r.ID, r.SubjectKeyID, r.KeyID, r.Version}
		},
	},
}

// ListUnsealed reads the next rows of a kind that have no sealed twin, after a parent and id, in the order in
// which their ciphertext is to lie: a thread's together.
func (s *Store) ListUnsealed(ctx context.Context, accountID int64, kind chat.RecordKind, afterParent, afterID int64, limit int) ([]PlainRow, error) {
	sql := sealings[kind]
	list, err := collect(ctx, s.db, func(rows pgx.Rows) (PlainRow, error) {
		r := PlainRow{Columns: make([][]byte, len(rows.FieldDescriptions())-3)}
		targets := append(make([]any, 0, 9), &r.Parent, &r.ID, &r.ContactID)
		for i := range r.Columns {
			targets = append(targets, &r.Columns[i])
		}
		return r, rows.Scan(targets...)
	}, sql.plain, accountID, afterParent, afterID, limit)
	if err != nil {
		return nil, fmt.Errorf("read unsealed %s of account %d: %w", sql.table, accountID, err)
	}
	return list, nil
}

// CreateSealedRows writes sealed twins.
func (s *Store) CreateSealedRows(ctx context.Context, accountID int64, kind chat.RecordKind, rows []SealedRow) error {
	sql := sealings[kind]
	_, err := s.db.CopyFrom(ctx, pgx.Identifier{"cloakroom", sql.table}, sql.columns,
		pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
			values := sql.row(accountID, rows[i])
			for _, column := range rows[i].Columns {
				values = append(values, column)
			}
			return values, nil
		}))
	if err != nil {
		return fmt.Errorf("write sealed %s of account %d: %w", sql.table, accountID, err)
	}
	return nil
}

// AnalyzeSealed gathers statistics after many rows were sealed: without them the planner does not trust the index
// that a look-up goes by.
func (s *Store) AnalyzeSealed(ctx context.Context) error {
	_, err := s.db.Exec(ctx, `ANALYZE cloakroom.contacts, cloakroom.contact_inboxes, cloakroom.conversations, cloakroom.messages,
 cloakroom.attachments, cloakroom.notes, cloakroom.subject_keys, cloakroom.lookup_tags, cloakroom.message_tokens, cloakroom.contact_tokens,
 cloakroom.contact_labels, cloakroom.attribute_tags`)
	if err != nil {
		return fmt.Errorf("analyse the sealed tables: %w", err)
	}
	return nil
}

// SubjectKey is a contact's wrapped key.
type SubjectKey struct {
	ID        int64
	ContactID int64
	KeyID     int
	Epoch     int // 0 is none
	Wrapped   []byte
}

const subjectKeysOf = `SELECT subject_key_id, contact_id, key_id, epoch, key_sealed FROM cloakroom.subject_keys
 WHERE account_id = $1 AND contact_id = ANY($2) AND state = 'active'`

// SubjectKeysOf reads the active keys of contacts; those that have none are not in the answer.
func (s *Store) SubjectKeysOf(ctx context.Context, accountID int64, contactIDs []int64) ([]SubjectKey, error) {
	return collect(ctx, s.db, func(rows pgx.Rows) (SubjectKey, error) {
		var k SubjectKey
		return k, rows.Scan(&k.ID, &k.ContactID, &k.KeyID, &k.Epoch, &k.Wrapped)
	}, subjectKeysOf, accountID, contactIDs)
}

const reserveSubjectKeys = `SELECT nextval(pg_get_serial_sequence('cloakroom.subject_keys', 'subject_key_id')) FROM generate_series(1, $1)`

// ReserveSubjectKeys gives ids for n new keys: an id is bound into the key before it is written.
func (s *Store) ReserveSubjectKeys(ctx context.Context, n int) ([]int64, error) {
	return collect(ctx, s.db, func(rows pgx.Rows) (int64, error) {
		var id int64
		return id, rows.Scan(&id)
	}, reserveSubjectKeys, n)
}

const createSubjectKeys = `INSERT INTO cloakroom.subject_keys (account_id, subject_key_id, contact_id, key_id, epoch, key_sealed)
 SELECT $1, k.* FROM unnest($2::int8[], $3::int8[], $4::int4[], $5::int4[], $6::bytea[]) k(subject_key_id, contact_id, key_id, epoch, key_sealed)
 WHERE NOT EXISTS (SELECT 1 FROM cloakroom.erasures e WHERE e.account_id = $1 AND e.contact_id = k.contact_id)
 ON CONFLICT (account_id, contact_id) WHERE state = 'active' DO NOTHING`

// CreateSubjectKeys writes keys of contacts that have none yet; where two replicas race the first one stands. A contact
// that was erased gets none ever again.
func (s *Store) CreateSubjectKeys(ctx context.Context, accountID int64, keys []SubjectKey) error {
	ids, contacts := make([]int64, len(keys)), make([]int64, len(keys))
	generations, epochs, wrapped := make([]int32, len(keys)), make([]int32, len(keys)), make([][]byte, len(keys))
	for i, k := range keys {
		ids[i], contacts[i], generations[i], epochs[i], wrapped[i] = k.ID, k.ContactID, int32(k.KeyID), int32(k.Epoch), k.Wrapped
	}
	err := s.InTx(ctx, func(tx *Store) error {
		if err := tx.HoldErasures(ctx, accountID); err != nil {
			return err
		}
		_, err := tx.db.Exec(ctx, createSubjectKeys, accountID, ids, contacts, generations, epochs, wrapped)
		return err
	})
	if err != nil {
		return fmt.Errorf("write subject keys of account %d: %w", accountID, err)
	}
	return nil
}
