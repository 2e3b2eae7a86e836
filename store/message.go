package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"github.com/cloakroom/cloakroom/chat"
)

// MessageRow is a message with its sender, where that is a user or a bot, and the record that came with it.
type MessageRow struct {
	*chat.Message
	Sender chat.MessageSender // nil for a contact, which is loaded by id, and for senders that are gone
	Record *chat.Record
}

// MessagePosition is a message's place in its thread.
func MessagePosition(m *chat.Message) *chat.Position {
	return &chat.Position{Time: &m.CreatedAt, ID: m.ID}
}

const messageColumns = `m.id::int8, m.message_type, m.content_type, m.status, m.private, m.sender_type, m.sender_id, m.created_at`

// A thread is ordered by time, oldest first; ids break ties.
var messageKey = orderKey{expression: "c.created_at", id: "c.id", value: timeOf}

const messageSenderColumns = `u.id::int8, COALESCE(NULLIF(u.display_name, ''), u.name), u.email, b.id, b.name`

const messageSenderJoins = ` LEFT JOIN users u ON m.sender_type = 'User' AND u.id = m.sender_id
 LEFT JOIN agent_bots b ON m.sender_type = 'AgentBot' AND b.id = m.sender_id`

const messageRecordSealed = `, k.contact_id, s.row_version, k.subject_key_id, k.key_sealed, s.content_sealed, s.attributes_sealed`

const messageRecordSealedJoin = ` LEFT JOIN cloakroom.messages s ON s.account_id = m.account_id
 AND s.conversation_id = m.conversation_id AND s.message_id = m.id
 LEFT JOIN cloakroom.subject_keys k ON k.account_id = s.account_id AND k.subject_key_id = s.subject_key_id`

const messageRecordPlain = `, NULL::int8, 0::int8, 0::int8, NULL::bytea, convert_to(m.content, 'UTF8'), convert_to(m.content_attributes::text, 'UTF8')`

// MessageQuery asks for a page of one thread, in the order of the thread.
type MessageQuery struct {
	Page   chat.Page
	Sealed bool // whether the messages dataset is read from sealed rows
}

// ListMessages reads one page of a thread and one row more, in one statement, texts included: a thread's
// ciphertext lies together, so fetching it by id would only cost a second look-up of every row.
func (s *Store) ListMessages(ctx context.Context, accountID, conversationID int64, q MessageQuery) ([]MessageRow, error) {
	st := messagesStatement(accountID, q, "?", conversationID)
	rows, err := collect(ctx, s.db, messageScan(accountID, q.Sealed), st.sql.String(), st.args...)
	if err != nil {
		return nil, fmt.Errorf("list messages of conversation %d: %w", conversationID, err)
	}
	return rows, nil
}

// messagesStatement reads messages of the conversation that the fragment names.
func messagesStatement(accountID int64, q MessageQuery, conversation string, args ...any) *statement {
	st := new(statement)
	st.add("SELECT m.conversation_id::int8, " + messageColumns + ", " + messageSenderColumns)
	if q.Sealed {
		st.add(messageRecordSealed)
	} else {
		st.add(messageRecordPlain)
	}
	st.add(" FROM (SELECT * FROM messages c WHERE c.account_id = ?", accountID)
	st.add(" AND c.conversation_id = "+conversation, args...)
	st.beyond(messageKey, chat.Ascending, q.Page, false)
	st.orderBy(messageKey, chat.Ascending, q.Page.Backward)
	st.add(" LIMIT ?) m", q.Page.Read())
	st.add(messageSenderJoins)
	if q.Sealed {
		st.add(messageRecordSealedJoin)
	}
	if q.Page.Backward {
		st.add(" ORDER BY m.created_at DESC, m.id DESC")
	} else {
		st.add(" ORDER BY m.created_at, m.id")
	}
	return st
}

type messageScanner struct {
	id                  zeronull.Int8
	kind, content, sent zeronull.Int4
	private             *bool
	senderType          zeronull.Text
	senderID            zeronull.Int8
	created             zeronull.Timestamp
}

func (s *messageScanner) targets(list []any) []any {
	return append(list, &s.id, &s.kind, &s.content, &s.sent, &s.private, &s.senderType, &s.senderID, &s.created)
}

// message is nil when the join found none.
func (s *messageScanner) message(accountID, conversationID int64) *chat.Message {
	if s.id == 0 {
		return nil
	}
	return &chat.Message{
		ID: int64(s.id), AccountID: accountID, ConversationID: conversationID,
		MessageType: word(chat.MessageTypes, int(s.kind)), ContentType: word(chat.MessageContentTypes, int(s.content)),
		Status: word(chat.MessageStatuses, int(s.sent)), Private: s.private != nil && *s.private,
		SenderType: chat.SenderType(s.senderType), SenderID: int64(s.senderID), CreatedAt: time.Time(s.created),
	}
}

// messageRowScanner reads a message with its sender and its record.
type messageRowScanner struct {
	conversationID zeronull.Int8
	message        messageScanner
	sender         senderScanner
	record         recordScanner
}

func (s *messageRowScanner) targets(list []any) []any {
	return s.record.targets(s.sender.targets(s.message.targets(append(list, &s.conversationID))), 2)
}

// row has no message when the join found none.
func (s *messageRowScanner) row(accountID int64, sealed bool) MessageRow {
	row := MessageRow{Message: s.message.message(accountID, int64(s.conversationID)), Sender: s.sender.sender(accountID)}
	if row.Message != nil {
		row.Record = s.record.record(chat.RecordKey{Kind: chat.MessageRecord, Parent: row.ConversationID, ID: row.ID}, sealed)
	}
	return row
}

func messageScan(accountID int64, sealed bool) func(pgx.Rows) (MessageRow, error) {
	return func(rows pgx.Rows) (MessageRow, error) {
		var s messageRowScanner
		if err := rows.Scan(s.targets(make([]any, 0, 24))...); err != nil {
			return MessageRow{}, err
		}
		return s.row(accountID, sealed), nil
	}
}

type senderScanner struct {
	userID, botID     zeronull.Int8
	userName, botName zeronull.Text
	userEmail         *string
}

func (s *senderScanner) targets(list []any) []any {
	return append(list, &s.userID, &s.userName, &s.userEmail, &s.botID, &s.botName)
}

func (s *senderScanner) sender(accountID int64) chat.MessageSender {
	switch {
	case s.userID != 0:
		return &chat.User{ID: int64(s.userID), AccountID: accountID, Name: string(s.userName), Email: s.userEmail}
	case s.botID != 0:
		return &chat.AgentBot{ID: int64(s.botID), Name: string(s.botName)}
	}
	return nil
}

// recordScanner reads a record that was joined to its row.
type recordScanner struct {
	contactID, version, subjectKeyID zeronull.Int8
	keySealed                        []byte
	columns                          [chat.RecordColumns][]byte
}

func (s *recordScanner) targets(list []any, columns int) []any {
	list = append(list, &s.contactID, &s.version, &s.subjectKeyID, &s.keySealed)
	for i := range columns {
		list = append(list, &s.columns[i])
	}
	return list
}

// record is nil when the dataset is read sealed and the row has no sealed twin.
func (s *recordScanner) record(key chat.RecordKey, sealed bool) *chat.Record {
	if sealed && s.subjectKeyID == 0 {
		return nil
	}
	return &chat.Record{RecordKey: key, Sealed: sealed, ContactID: int64(s.contactID), Version: int64(s.version),
		SubjectKeyID: int64(s.subjectKeyID), KeySealed: s.keySealed, Columns: s.columns}
}

const lastMessagesOf = `SELECT c.id::int8, ` + messageColumns + ` FROM conversations c` + lastMessageJoin + `
 WHERE c.account_id = $1 AND c.id = ANY($2)`

// LastMessagesOf reads the newest message of conversations, without their texts; a conversation without messages
// is not in the answer.
func (s *Store) LastMessagesOf(ctx context.Context, accountID int64, conversationIDs []int64) ([]*chat.Message, error) {
	rows, err := collect(ctx, s.db, func(rows pgx.Rows) (*chat.Message, error) {
		var conversationID int64
		var m messageScanner
		err := rows.Scan(m.targets([]any{&conversationID})...)
		return m.message(accountID, conversationID), err
	}, lastMessagesOf, accountID, conversationIDs)
	return slices.DeleteFunc(rows, func(m *chat.Message) bool { return m == nil }), err
}
