package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// Every record that Redis may hold of a contact: kind, parent and id.
const erasedRecords = `SELECT 1::int2, 0::int8, t.contact_id FROM cloakroom.contacts t WHERE t.account_id = {account} AND (t.contact_id = {contact} OR t.subject_key_id = ANY({keys}))
 UNION ALL SELECT 2::int2, 0::int8, t.contact_id FROM cloakroom.contacts t WHERE t.account_id = {account} AND (t.contact_id = {contact} OR t.subject_key_id = ANY({keys}))
 UNION ALL SELECT 3::int2, 0::int8, t.contact_inbox_id FROM cloakroom.contact_inboxes t WHERE t.account_id = {account} AND (t.contact_inbox_id = ANY({inboxes}) OR t.subject_key_id = ANY({keys}))
 UNION ALL SELECT 4::int2, 0::int8, t.conversation_id FROM cloakroom.conversations t WHERE t.account_id = {account} AND (t.conversation_id = ANY({conversations}) OR t.subject_key_id = ANY({keys}))
 UNION ALL SELECT 5::int2, t.conversation_id, t.message_id FROM cloakroom.messages t WHERE t.account_id = {account} AND (t.conversation_id = ANY({conversations}) OR t.subject_key_id = ANY({keys}))
 UNION ALL SELECT 6::int2, t.message_id, t.attachment_id FROM cloakroom.attachments t WHERE t.account_id = {account} AND t.subject_key_id = ANY({keys})
 UNION ALL SELECT 7::int2, t.contact_id, t.note_id FROM cloakroom.notes t WHERE t.account_id = {account} AND (t.contact_id = {contact} OR t.subject_key_id = ANY({keys}))`

// EachErasedRecord gives fn the names of a contact's records, so many at a time at most.
func (s *Store) EachErasedRecord(ctx context.Context, e *Erasing, limit int, fn func([]chat.RecordKey) error) error {
	sql, args := e.bind(erasedRecords)
	rows, err := s.db.Query(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("name the records of contact %d of account %d: %w", e.ContactID, e.AccountID, err)
	}
	defer rows.Close()
	batch := make([]chat.RecordKey, 0, limit)
	for rows.Next() {
		var k chat.RecordKey
		var kind int16
		if err := rows.Scan(&kind, &k.Parent, &k.ID); err != nil {
			return fmt.Errorf("name the records of contact %d of account %d: %w", e.ContactID, e.AccountID, err)
		}
		k.Kind = chat.RecordKind(kind)
		if batch = append(batch, k); len(batch) == limit {
			if err := fn(batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if err := rows.Err(); err != nil || len(batch) == 0 {
		return err
	}
	return fn(batch)
}

const erasedKeys = `SELECT DISTINCT ON (x.contact_id) x.contact_id, COALESCE(k.subject_key_id, 0) FROM cloakroom.erasures x
 LEFT JOIN cloakroom.subject_keys k ON k.account_id = x.account_id AND k.contact_id = x.contact_id
 WHERE x.account_id = $1 AND x.contact_id = ANY($2) ORDER BY x.contact_id, k.subject_key_id`

// ErasedKeys tells which of some contacts were erased, with a key of each that is destroyed, 0 where there is
// none.
func (s *Store) ErasedKeys(ctx context.Context, accountID int64, contactIDs []int64) (map[int64]int64, error) {
	keys := make(map[int64]int64)
	_, err := collect(ctx, s.db, func(rows pgx.Rows) (struct{}, error) {
		var contact, key int64
		err := rows.Scan(&contact, &key)
		keys[contact] = key
		return struct{}{}, err
	}, erasedKeys, accountID, contactIDs)
	if err != nil {
		return nil, fmt.Errorf("look for erased contacts of account %d: %w", accountID, err)
	}
	return keys, nil
}

const (
	erasedFiles = `SELECT a.id::int8 FROM attachments a WHERE a.account_id = $1 AND a.message_id IN (SELECT m.id FROM messages m
 JOIN conversations c ON c.id = m.conversation_id WHERE c.account_id = $1 AND c.contact_id = $2 AND m.account_id = $1)
 AND EXISTS (SELECT 1 FROM active_storage_attachments f WHERE f.record_type = 'Attachment' AND f.record_id = a.id) ORDER BY a.id`
	hasAvatar = `SELECT EXISTS (SELECT 1 FROM active_storage_attachments WHERE record_type = 'Contact' AND record_id = $1)`
)

// ListErasedFiles reads the attachments of a contact's conversations whose files lie in Chatwoot's storage, and whether a
// picture of the contact does.
func (s *Store) ListErasedFiles(ctx context.Context, accountID, contactID int64) (attachments []int64, avatar bool, err error) {
	attachments, err = collect(ctx, s.db, scanID, erasedFiles, accountID, contactID)
	if err == nil {
		err = s.db.QueryRow(ctx, hasAvatar, contactID).Scan(&avatar)
	}
	if err != nil {
		return nil, false, fmt.Errorf("list the files of contact %d of account %d: %w", contactID, accountID, err)
	}
	return attachments, avatar, nil
}

const erasedEpoch = `SELECT epoch, state, activated_at, retired_at, destroyed_at FROM cloakroom.key_epochs WHERE epoch = $1`

// FindErasedEpoch reads the state and times of an epoch, without its key; ok is false when there is none of that number.
func (s *Store) FindErasedEpoch(ctx context.Context, number int) (e chat.Epoch, ok bool, err error) {
	err = s.db.QueryRow(ctx, erasedEpoch, number).Scan(&e.Number, &e.State, moment(&e.ActivatedAt), moment(&e.RetiredAt), moment(&e.DestroyedAt))
	if errors.Is(err, pgx.ErrNoRows) {
		return e, false, nil
	}
	if err != nil {
		return e, false, fmt.Errorf("read epoch %d: %w", number, err)
	}
	return e, true, nil
}
