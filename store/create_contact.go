package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// NewContact is a row of Chatwoot's for a contact whose personal values are sealed: none stands in it.
type NewContact struct {
	ListedName string
	Lead       bool // an address is known; a visitor otherwise
}

// partial_inserts is off in Rails, and readers of its columns expect what it writes.
const createContact = `INSERT INTO contacts (account_id, name, email, phone_number, identifier, additional_attributes, custom_attributes,
 contact_type, middle_name, last_name, location, country_code, blocked, created_at, updated_at)
 VALUES ($1, $2, NULL, NULL, NULL, '{}', '{}', $3, '', '', '', '', false, $4, $4) RETURNING id`

// CreateContact writes Chatwoot's row of a new contact and gives its id.
func (s *Store) CreateContact(ctx context.Context, accountID int64, c NewContact, now time.Time) (int64, error) {
	var id int64
	if err := s.db.QueryRow(ctx, createContact, accountID, c.ListedName, contactType(c.Lead), now.UTC()).Scan(&id); err != nil {
		return 0, fmt.Errorf("create a contact of account %d: %w", accountID, err)
	}
	return id, nil
}

// Chatwoot's numbers of contact types.
const (
	typeVisitor = 0
	typeLead    = 1
)

func contactType(lead bool) int {
	if lead {
		return typeLead
	}
	return typeVisitor
}

const promoteContact = `UPDATE contacts SET contact_type = $3 WHERE account_id = $1 AND id = $2 AND COALESCE(contact_type, $4) = $4`

// PromoteContact makes a visitor whose address is known now a lead; no contact becomes a visitor again.
func (s *Store) PromoteContact(ctx context.Context, accountID, contactID int64) error {
	if _, err := s.db.Exec(ctx, promoteContact, accountID, contactID, typeLead, typeVisitor); err != nil {
		return fmt.Errorf("promote contact %d of account %d: %w", contactID, accountID, err)
	}
	return nil
}

const holdSubjectKeys = `SELECT subject_key_id FROM cloakroom.subject_keys
 WHERE account_id = $1 AND subject_key_id = ANY($2) AND state = 'active' ORDER BY subject_key_id FOR SHARE`

// HoldSubjectKeys keeps subject keys from being destroyed until the transaction ends, and says whether all of them are
// still there.
func (s *Store) HoldSubjectKeys(ctx context.Context, accountID int64, ids []int64) (bool, error) {
	held, err := collect(ctx, s.db, func(rows pgx.Rows) (int64, error) {
		var id int64
		return id, rows.Scan(&id)
	}, holdSubjectKeys, accountID, ids)
	if err != nil {
		return false, fmt.Errorf("hold subject keys of account %d: %w", accountID, err)
	}
	return len(held) == len(ids), nil
}
