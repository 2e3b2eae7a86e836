package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// ThreadQuery asks for one conversation, as the dashboard opens it, and if Messages is set for a page of its
// messages in the same round trip.
type ThreadQuery struct {
	Visibility     chat.Visibility
	DisplayID      int64
	Parts          chat.ConversationParts
	ContactsSealed bool // whether the contact's record comes from sealed rows
	Messages       *MessageQuery
}

// FindThread opens a conversation by its display id; chat.ErrNotFound when there is none that the viewer may open.
func (s *Store) FindThread(ctx context.Context, accountID int64, q ThreadQuery) (ConversationRow, []MessageRow, error) {
	batch := new(pgx.Batch)
	thread := threadStatement(accountID, q)
	batch.Queue(thread.sql.String(), thread.args...)
	if q.Messages != nil {
		messages := messagesStatement(accountID, *q.Messages,
			"(SELECT o.id FROM conversations o WHERE o.account_id = ? AND o.display_id = ?::bigint)", accountID, q.DisplayID)
		batch.Queue(messages.sql.String(), messages.args...)
	}
	results := s.db.SendBatch(ctx, batch)
	defer func() { _ = results.Close() }()
	row, err := readThread(results, accountID, q)
	if err != nil {
		return ConversationRow{}, nil, err
	}
	if q.Messages == nil {
		return row, nil, nil
	}
	rows, err := results.Query()
	if err != nil {
		return ConversationRow{}, nil, fmt.Errorf("read the messages of conversation %d: %w", row.ID, err)
	}
	messages, err := collectRows(rows, messageScan(accountID, q.Messages.Sealed))
	if err != nil {
		return ConversationRow{}, nil, fmt.Errorf("read the messages of conversation %d: %w", row.ID, err)
	}
	return row, messages, nil
}

const contactRecordSealed = `, k.contact_id, s.row_version, k.subject_key_id, k.key_sealed,
 s.email_sealed, s.phone_number_sealed, s.identifier_sealed, s.name_sealed`

const contactRecordSealedJoin = ` LEFT JOIN cloakroom.contacts s ON s.account_id = ct.account_id AND s.contact_id = ct.id
 LEFT JOIN cloakroom.subject_keys k ON k.account_id = s.account_id AND k.subject_key_id = s.subject_key_id`

const contactRecordPlain = `, ct.id::int8, 0::int8, 0::int8, NULL::bytea,
 convert_to(ct.email, 'UTF8'), convert_to(ct.phone_number, 'UTF8'), convert_to(ct.identifier, 'UTF8'), NULL::bytea`

func threadStatement(accountID int64, q ThreadQuery) *statement {
	st := new(statement)
	selectConversations(st, q.Parts)
	if q.Parts.Contact {
		st.add(contactRecord(q.ContactsSealed))
	}
	st.add(" FROM (SELECT * FROM conversations c WHERE c.account_id = ? AND c.display_id = ?::bigint", accountID, q.DisplayID)
	openableConversations(st, q.Visibility)
	st.add(") c")
	joinConversations(st, q.Parts)
	if q.Parts.Contact && q.ContactsSealed {
		st.add(contactRecordSealedJoin)
	}
	return st
}

func contactRecord(sealed bool) string {
	if sealed {
		return contactRecordSealed
	}
	return contactRecordPlain
}

// openableConversations appends who may open one conversation: wider than the list by the teams of an agent,
// and by participation for the role that sees what it takes part in.
func openableConversations(st *statement, v chat.Visibility) {
	switch v.Reach {
	case chat.ReachAll:
		return
	case chat.ReachNothing:
		st.add(" AND false")
		return
	case chat.ReachMine:
		st.add(` AND (c.assignee_id = ? OR EXISTS (SELECT 1 FROM conversation_participants p
 WHERE p.conversation_id = c.id AND p.account_id = c.account_id AND p.user_id = ?))`, v.UserID, v.UserID)
	case chat.ReachUnassigned:
		st.add(" AND (c.assignee_id = ? OR c.assignee_id IS NULL)", v.UserID)
	}
	st.add(` AND (c.inbox_id IN (SELECT im.inbox_id FROM inbox_members im WHERE im.user_id = ?)
 OR c.team_id IN (SELECT tm.team_id FROM team_members tm WHERE tm.user_id = ?))`, v.UserID, v.UserID)
}

func readThread(results pgx.BatchResults, accountID int64, q ThreadQuery) (ConversationRow, error) {
	scan := newConversationScan(q.Parts)
	var r recordScanner
	if q.Parts.Contact {
		scan.targets = r.targets(scan.targets, 4)
	}
	err := results.QueryRow().Scan(scan.targets...)
	if errors.Is(err, pgx.ErrNoRows) {
		return ConversationRow{}, chat.ErrNotFound
	}
	if err != nil {
		return ConversationRow{}, fmt.Errorf("open conversation %d of account %d: %w", q.DisplayID, accountID, err)
	}
	row := scan.row(q.Parts)
	if row.Contact != nil {
		row.ContactRecord = r.record(chat.RecordKey{Kind: chat.ContactRecord, ID: row.Contact.ID}, q.ContactsSealed)
	}
	return row, nil
}
