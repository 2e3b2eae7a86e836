package store

import (
	"context"
	"fmt"

	"github.com/cloakroom/cloakroom/chat"
)

const contactsOfThreads = `SELECT true, id, coalesce(contact_id, 0) FROM conversations WHERE account_id = $1 AND id = ANY($2)
 UNION ALL
 SELECT false, m.id, coalesce(c.contact_id, 0) FROM messages m JOIN conversations c ON c.id = m.conversation_id
 WHERE m.account_id = $1 AND c.account_id = $1 AND m.id = ANY($3)`

// ContactsOfThreads says whose conversations and messages of an account are, in one statement; 0 is nobody's, and what is
// gone is left out.
func (s *Store) ContactsOfThreads(ctx context.Context, accountID int64, conversations, messages []int64) (map[chat.Whose]int64, error) {
	rows, err := s.db.Query(ctx, contactsOfThreads, accountID, conversations, messages)
	if err != nil {
		return nil, fmt.Errorf("find the contacts of threads: %w", err)
	}
	defer rows.Close()
	found := make(map[chat.Whose]int64, len(conversations)+len(messages))
	for rows.Next() {
		var ofConversation bool
		var id, contactID int64
		if err := rows.Scan(&ofConversation, &id, &contactID); err != nil {
			return nil, fmt.Errorf("find the contacts of threads: %w", err)
		}
		of := chat.Whose{Kind: chat.MessageRecord, ID: id}
		if ofConversation {
			of.Kind = chat.ConversationRecord
		}
		found[of] = contactID
	}
	return found, rows.Err()
}
