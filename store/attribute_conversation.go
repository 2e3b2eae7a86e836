package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// LockedConversation is a conversation's sealed row as its writer holds it.
type LockedConversation struct {
	SealedRow           // Columns are additional attributes, custom attributes and what is kept for the way back
	KeyContactID int64  // the contact whose key seals the row
	KeySealed    []byte // that key, wrapped by the account's keyset
}

// The subject key is locked before the row, as by every writer.
const lockConversation = `SELECT s.conversation_id, s.row_version, k.contact_id, k.subject_key_id, k.key_sealed,
 s.additional_attributes_sealed, s.custom_attributes_sealed, s.rest_sealed FROM cloakroom.conversations s` + subjectKey

// LockConversation reads the sealed row of a conversation that a viewer may open, and keeps other writers waiting until
// the transaction ends; chat.ErrNotFound when there is none, or it is not sealed, or its contact is erased. A contact that
// is merged meanwhile takes the row to another key: then a second call finds it.
func (s *Store) LockConversation(ctx context.Context, accountID, displayID int64, v chat.Visibility) (LockedConversation, error) {
	st := new(statement)
	st.add(lockConversation)
	st.add(" WHERE s.account_id = ? AND s.conversation_id = (SELECT c.id FROM conversations c WHERE c.account_id = ? AND c.display_id = ?::bigint",
		accountID, accountID, displayID)
	openableConversations(st, v)
	st.add(") AND k.state = 'active' FOR SHARE OF k FOR UPDATE OF s")
	r := LockedConversation{SealedRow: SealedRow{Columns: make([][]byte, 3)}}
	c := r.Columns
	err := s.db.QueryRow(ctx, st.sql.String(), st.args...).Scan(&r.ID, &r.Version, &r.KeyContactID, &r.SubjectKeyID, &r.KeySealed, &c[0], &c[1], &c[2])
	if errors.Is(err, pgx.ErrNoRows) {
		return r, chat.ErrNotFound
	}
	if err != nil {
		return r, fmt.Errorf("lock conversation %d of account %d: %w", displayID, accountID, err)
	}
	return r, nil
}

const putConversation = `UPDATE cloakroom.conversations SET subject_key_id = $3, key_id = $4, row_version = $5, additional_attributes_sealed = $6,
 custom_attributes_sealed = $7, rest_sealed = $8 WHERE account_id = $1 AND conversation_id = $2`

// PutConversation writes a sealed row that LockConversation has locked.
func (s *Store) PutConversation(ctx context.Context, accountID int64, r SealedRow) error {
	c := r.Columns
	if _, err := s.db.Exec(ctx, putConversation, accountID, r.ID, r.SubjectKeyID, r.KeyID, r.Version, c[0], c[1], c[2]); err != nil {
		return fmt.Errorf("write sealed conversation %d of account %d: %w", r.ID, accountID, err)
	}
	return nil
}
