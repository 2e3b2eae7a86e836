package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// RecordsWanted asks for records of one kind, all sealed or all plain.
type RecordsWanted struct {
	Kind   chat.RecordKind
	Sealed bool
	Keys   []chat.RecordKey
}

// recordSelect is one branch of the union: the columns of a record, for the keys in $ids and $parents.
type recordSelect struct{ sealed, plain string }

const subjectKey = ` JOIN cloakroom.subject_keys k ON k.account_id = s.account_id AND k.subject_key_id = s.subject_key_id`

var recordSelects = map[chat.RecordKind]recordSelect{
	chat.ContactRecord: {
		sealed: `SELECT 1::int2, 0::int8, s.contact_id, k.contact_id, s.row_version, k.subject_key_id, k.key_sealed,
 s.email_sealed, s.phone_number_sealed, s.identifier_sealed, s.name_sealed
 FROM cloakroom.contacts s` + subjectKey + ` WHERE s.account_id = {account} AND s.contact_id = ANY({ids})`,
		plain: `SELECT 1::int2, 0::int8, s.id::int8, s.id::int8, 0::int8, 0::int8, NULL::bytea,
 convert_to(s.email, 'UTF8'), convert_to(s.phone_number, 'UTF8'), convert_to(s.identifier, 'UTF8'), NULL::bytea
 FROM contacts s WHERE s.account_id = {account} AND s.id = ANY({ids})`,
	},
	chat.ContactAttributesRecord: {
		sealed: `SELECT 2::int2, 0::int8, s.contact_id, k.contact_id, s.row_version, k.subject_key_id, k.key_sealed,
 s.profile_sealed, s.custom_attributes_sealed, NULL::bytea, NULL::bytea
 FROM cloakroom.contacts s` + subjectKey + ` WHERE s.account_id = {account} AND s.contact_id = ANY({ids})`,
		plain: `SELECT 2::int2, 0::int8, s.id::int8, s.id::int8, 0::int8, 0::int8, NULL::bytea,
 convert_to(s.additional_attributes::text, 'UTF8'), convert_to(s.custom_attributes::text, 'UTF8'), NULL::bytea, NULL::bytea
 FROM contacts s WHERE s.account_id = {account} AND s.id = ANY({ids})`,
	},
	chat.ContactInboxRecord: {
		sealed: `SELECT 3::int2, 0::int8, s.contact_inbox_id, k.contact_id, s.row_version, k.subject_key_id, k.key_sealed,
 s.source_id_sealed, NULL::bytea, NULL::bytea, NULL::bytea
 FROM cloakroom.contact_inboxes s` + subjectKey + ` WHERE s.account_id = {account} AND s.contact_inbox_id = ANY({ids})`,
		plain: `SELECT 3::int2, 0::int8, s.id, s.contact_id, 0::int8, 0::int8, NULL::bytea,
 convert_to(s.source_id, 'UTF8'), NULL::bytea, NULL::bytea, NULL::bytea
 FROM contact_inboxes s JOIN inboxes i ON i.id = s.inbox_id WHERE i.account_id = {account} AND s.id = ANY({ids})`,
	},
	chat.ConversationRecord: {
		sealed: `SELECT 4::int2, 0::int8, s.conversation_id, k.contact_id, s.row_version, k.subject_key_id, k.key_sealed,
 s.additional_attributes_sealed, s.custom_attributes_sealed, NULL::bytea, NULL::bytea
 FROM cloakroom.conversations s` + subjectKey + ` WHERE s.account_id = {account} AND s.conversation_id = ANY({ids})`,
		plain: `SELECT 4::int2, 0::int8, s.id::int8, COALESCE(s.contact_id, 0), 0::int8, 0::int8, NULL::bytea,
 convert_to(s.additional_attributes::text, 'UTF8'), convert_to(s.custom_attributes::text, 'UTF8'), NULL::bytea, NULL::bytea
 FROM conversations s WHERE s.account_id = {account} AND s.id = ANY({ids})`,
	},
	chat.MessageRecord: {
		sealed: `SELECT 5::int2, s.conversation_id, s.message_id, k.contact_id, s.row_version, k.subject_key_id, k.key_sealed,
 s.content_sealed, s.attributes_sealed, NULL::bytea, NULL::bytea
 FROM unnest({parents}, {ids}) w(parent, id)
 JOIN cloakroom.messages s ON s.account_id = {account} AND s.conversation_id = w.parent AND s.message_id = w.id` + subjectKey,
		plain: `SELECT 5::int2, s.conversation_id::int8, s.id::int8, 0::int8, 0::int8, 0::int8, NULL::bytea,
 convert_to(s.content, 'UTF8'), convert_to(s.content_attributes::text, 'UTF8'), NULL::bytea, NULL::bytea
 FROM messages s WHERE s.account_id = {account} AND s.id = ANY({ids})`,
	},
	chat.AttachmentRecord: {
		sealed: `SELECT 6::int2, s.message_id, s.attachment_id, k.contact_id, s.row_version, k.subject_key_id, k.key_sealed,
 s.title_sealed, s.meta_sealed, s.file_name_sealed, NULL::bytea
 FROM unnest({parents}, {ids}) w(parent, id)
 JOIN cloakroom.attachments s ON s.account_id = {account} AND s.message_id = w.parent AND s.attachment_id = w.id` + subjectKey,
		plain: `SELECT 6::int2, s.message_id::int8, s.id::int8, 0::int8, 0::int8, 0::int8, NULL::bytea,
 convert_to(s.fallback_title, 'UTF8'), convert_to(s.meta::text, 'UTF8'), convert_to(b.filename, 'UTF8'), NULL::bytea
 FROM attachments s LEFT JOIN active_storage_attachments f ON f.record_type = 'Attachment' AND f.name = 'file' AND f.record_id = s.id
 LEFT JOIN active_storage_blobs b ON b.id = f.blob_id WHERE s.account_id = {account} AND s.id = ANY({ids})`,
	},
	chat.NoteRecord: {
		sealed: `SELECT 7::int2, s.contact_id, s.note_id, k.contact_id, s.row_version, k.subject_key_id, k.key_sealed,
 s.content_sealed, NULL::bytea, NULL::bytea, NULL::bytea
 FROM unnest({parents}, {ids}) w(parent, id)
 JOIN cloakroom.notes s ON s.account_id = {account} AND s.contact_id = w.parent AND s.note_id = w.id` + subjectKey,
		plain: `SELECT 7::int2, s.contact_id, s.id, s.contact_id, 0::int8, 0::int8, NULL::bytea,
 convert_to(s.content, 'UTF8'), NULL::bytea, NULL::bytea, NULL::bytea
 FROM notes s WHERE s.account_id = {account} AND s.id = ANY({ids})`,
	},
}

// RecordsByKeys reads records of several kinds in one statement; one that does not exist is not in the answer.
func (s *Store) RecordsByKeys(ctx context.Context, accountID int64, wanted []RecordsWanted) ([]*chat.Record, error) {
	sql, args, sealed := recordsSQL(accountID, wanted)
	if sql == "" {
		return nil, nil
	}
	return collect(ctx, s.db, func(rows pgx.Rows) (*chat.Record, error) {
		r := new(chat.Record)
		var kind int16
		err := rows.Scan(&kind, &r.Parent, &r.ID, &r.ContactID, &r.Version, &r.SubjectKeyID, &r.KeySealed,
			&r.Columns[0], &r.Columns[1], &r.Columns[2], &r.Columns[3])
		r.Kind = chat.RecordKind(kind)
		r.Sealed = sealed[r.Kind]
		return r, err
	}, sql, args...)
}

func recordsSQL(accountID int64, wanted []RecordsWanted) (string, []any, map[chat.RecordKind]bool) {
	args := []any{accountID}
	sealed := make(map[chat.RecordKind]bool, len(wanted))
	var branches []string
	for _, w := range wanted {
		if len(w.Keys) == 0 {
			continue
		}
		ids := make([]int64, len(w.Keys))
		parents := make([]int64, len(w.Keys))
		for i, k := range w.Keys {
			ids[i], parents[i] = k.ID, k.Parent
		}
		text := recordSelects[w.Kind].plain
		if w.Sealed {
			text = recordSelects[w.Kind].sealed
		}
		sealed[w.Kind] = w.Sealed
		branches = append(branches, place(text, &args, parents, ids))
	}
	return strings.Join(branches, "\nUNION ALL\n"), args, sealed
}

// place puts the arguments that a branch uses into args, and their numbers into its text.
func place(text string, args *[]any, parents, ids []int64) string {
	if strings.Contains(text, "{parents}") {
		*args = append(*args, parents)
		text = strings.ReplaceAll(text, "{parents}", fmt.Sprintf("$%d::int8[]", len(*args)))
	}
	*args = append(*args, ids)
	text = strings.ReplaceAll(text, "{ids}", fmt.Sprintf("$%d::int8[]", len(*args)))
	return strings.ReplaceAll(text, "{account}", "$1::int8")
}
