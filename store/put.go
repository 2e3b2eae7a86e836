package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// LockedContact is a contact's sealed row as its writer holds it, with the name that Chatwoot lists.
type LockedContact struct {
	SealedRow           // Columns are e-mail, phone, identifier, name, profile and custom attributes
	KeyContactID int64  // the contact whose key seals the row
	KeySealed    []byte // that key, wrapped by the account's keyset
	ListedName   string
}

// The subject key is locked first, and shared: who erases the contact, or merges it into another, takes it alone, so that
// none of these passes a write. Both rows are locked, not the sealed one alone: a writer that waited must see what the
// one before it has listed.
const lockContact = `SELECT s.contact_id, s.row_version, k.contact_id, k.subject_key_id, k.key_sealed, s.email_sealed, s.phone_number_sealed,
 s.identifier_sealed, s.name_sealed, s.profile_sealed, s.custom_attributes_sealed, COALESCE(ct.name, '')
 FROM cloakroom.contacts s` + subjectKey + ` JOIN contacts ct ON ct.account_id = s.account_id AND ct.id = s.contact_id
 WHERE s.account_id = $1 AND s.contact_id = $2 AND k.state = 'active' FOR SHARE OF k FOR UPDATE OF s, ct`

// LockContact reads a contact's sealed row and keeps other writers waiting until the transaction ends;
// chat.ErrNotFound when the account has no such contact, has not sealed it,
// or has erased it.
func (s *Store) LockContact(ctx context.Context, accountID, contactID int64) (LockedContact, error) {
	r := LockedContact{SealedRow: SealedRow{Columns: make([][]byte, 6)}}
	c := r.Columns
	err := s.db.QueryRow(ctx, lockContact, accountID, contactID).Scan(&r.ID, &r.Version, &r.KeyContactID, &r.SubjectKeyID,
		&r.KeySealed, &c[0], &c[1], &c[2], &c[3], &c[4], &c[5], &r.ListedName)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, chat.ErrNotFound
	}
	if err != nil {
		return r, fmt.Errorf("lock contact %d of account %d: %w", contactID, accountID, err)
	}
	return r, nil
}

const putContact = `UPDATE cloakroom.contacts SET subject_key_id = $3, key_id = $4, row_version = $5, email_sealed = $6,
 phone_number_sealed = $7, identifier_sealed = $8, name_sealed = $9, profile_sealed = $10, custom_attributes_sealed = $11
 WHERE account_id = $1 AND contact_id = $2`

const listName = `UPDATE contacts SET name = $3 WHERE account_id = $1 AND id = $2 AND name IS DISTINCT FROM $3`

// PutContact writes a sealed row that LockContact has locked, and the name that is listed.
func (s *Store) PutContact(ctx context.Context, accountID int64, r SealedRow, listedName string) error {
	c := r.Columns
	_, err := s.db.Exec(ctx, putContact, accountID, r.ID, r.SubjectKeyID, r.KeyID, r.Version, c[0], c[1], c[2], c[3], c[4], c[5])
	if err != nil {
		return fmt.Errorf("write sealed contact %d of account %d: %w", r.ID, accountID, err)
	}
	if _, err := s.db.Exec(ctx, listName, accountID, r.ID, listedName); err != nil {
		return fmt.Errorf("list the name of contact %d of account %d: %w", r.ID, accountID, err)
	}
	return nil
}
