package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"github.com/cloakroom/cloakroom/chat"
)

const labelsOfContacts = `SELECT tg.taggable_id::int8, tags.name FROM taggings tg JOIN tags ON tags.id = tg.tag_id
 JOIN contacts ct ON ct.id = tg.taggable_id AND ct.account_id = $1
 WHERE tg.taggable_type = 'Contact' AND tg.context = 'labels' AND tg.taggable_id = ANY($2) ORDER BY 1, 2`

// LabelsOfContacts reads label names by contact.
func (s *Store) LabelsOfContacts(ctx context.Context, accountID int64, contactIDs []int64) (map[int64][]string, error) {
	labels := make(map[int64][]string, len(contactIDs))
	rows, err := s.db.Query(ctx, labelsOfContacts, accountID, contactIDs)
	if err != nil {
		return nil, fmt.Errorf("read the labels of contacts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var name string
		if err := rows.Scan(&id, &name); err != nil {
			return nil, fmt.Errorf("read the labels of contacts: %w", err)
		}
		labels[id] = append(labels[id], name)
	}
	return labels, rows.Err()
}

// ContactInboxRow is a contact's address in one channel, with what its reply window depends on.
type ContactInboxRow struct {
	*chat.ContactInbox
	TwilioWhatsapp bool
	WindowHours    int        // of an API channel, 0 for none
	LastIncoming   *time.Time // nil when the contact never wrote in this inbox
}

const contactInboxesOf = `SELECT ci.id, ci.contact_id, i.id::int8, i.name, COALESCE(i.channel_type, ''),
 COALESCE(tw.medium = 1, false), api.additional_attributes->>'agent_reply_time_window',
 (SELECT max(m.created_at) FROM conversations c JOIN messages m ON m.conversation_id = c.id AND m.account_id = c.account_id
  AND m.message_type = 0 WHERE c.contact_inbox_id = ci.id)
 FROM contact_inboxes ci JOIN inboxes i ON i.id = ci.inbox_id AND i.account_id = $1
 LEFT JOIN channel_twilio_sms tw ON i.channel_type = 'Channel::TwilioSms' AND tw.id = i.channel_id
 LEFT JOIN channel_api api ON i.channel_type = 'Channel::Api' AND api.id = i.channel_id
 WHERE ci.contact_id = ANY($2) ORDER BY ci.contact_id, ci.id`

// ContactInboxesOf reads contacts' addresses in the channels of an account, without the addresses themselves.
func (s *Store) ContactInboxesOf(ctx context.Context, accountID int64, contactIDs []int64) ([]ContactInboxRow, error) {
	return collect(ctx, s.db, func(rows pgx.Rows) (ContactInboxRow, error) {
		ci := &chat.ContactInbox{AccountID: accountID, Inbox: &chat.Inbox{AccountID: accountID}}
		row := ContactInboxRow{ContactInbox: ci}
		var window zeronull.Text
		err := rows.Scan(&ci.ID, &ci.ContactID, &ci.Inbox.ID, &ci.Inbox.Name, &ci.Inbox.ChannelType,
			&row.TwilioWhatsapp, &window, &row.LastIncoming)
		row.WindowHours = hours(string(window))
		return row, err
	}, contactInboxesOf, accountID, contactIDs)
}

// hours reads Chatwoot's agent_reply_time_window; what is not a number is no window.
func hours(s string) int {
	n := 0
	if _, err := fmt.Sscanf(s, "%d", &n); err != nil || n < 0 {
		return 0
	}
	return n
}

const notesOf = `SELECT n.id, n.contact_id, n.user_id, n.created_at FROM notes n
 WHERE n.account_id = $1 AND n.contact_id = ANY($2) ORDER BY n.contact_id, n.created_at DESC, n.id DESC`

// NotesOf reads contacts' notes, newest first, without their texts.
func (s *Store) NotesOf(ctx context.Context, accountID int64, contactIDs []int64) ([]*chat.Note, error) {
	return collect(ctx, s.db, func(rows pgx.Rows) (*chat.Note, error) {
		n := &chat.Note{AccountID: accountID}
		return n, rows.Scan(&n.ID, &n.ContactID, &n.UserID, &n.CreatedAt)
	}, notesOf, accountID, contactIDs)
}

const attachmentsOf = `SELECT a.id::int8, a.message_id::int8, COALESCE(a.file_type, 0), a.extension, b.content_type, b.byte_size
 FROM attachments a LEFT JOIN active_storage_attachments f ON f.record_type = 'Attachment' AND f.name = 'file' AND f.record_id = a.id
 LEFT JOIN active_storage_blobs b ON b.id = f.blob_id
 WHERE a.account_id = $1 AND a.message_id = ANY($2) ORDER BY a.message_id, a.id`

// AttachmentsOf reads messages' attachments, without their titles and names.
func (s *Store) AttachmentsOf(ctx context.Context, accountID int64, messageIDs []int64) ([]*chat.Attachment, error) {
	return collect(ctx, s.db, func(rows pgx.Rows) (*chat.Attachment, error) {
		a := &chat.Attachment{AccountID: accountID}
		var fileType int
		err := rows.Scan(&a.ID, &a.MessageID, &fileType, &a.Extension, &a.ContentType, &a.ByteSize)
		a.FileType = chat.AttachmentTypes[fileType]
		return a, err
	}, attachmentsOf, accountID, messageIDs)
}
