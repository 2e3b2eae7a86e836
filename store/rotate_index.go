package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// IndexedContact is a contact's sealed row as a rotation of the index reads it: Columns are e-mail, phone number and
// identifier.
type IndexedContact = StaleRow

const indexedContacts = `SELECT s.contact_id, s.row_version, s.subject_key_id, COALESCE(k.contact_id, 0), k.key_sealed,
 s.email_sealed, s.phone_number_sealed, s.identifier_sealed
 FROM cloakroom.contacts s LEFT` + subjectKey + ` WHERE s.account_id = $1`

const (
	lockContactsAfter = indexedContacts + ` AND s.contact_id > $2 ORDER BY s.contact_id LIMIT $3` + lockAndSkip
	lockContactsOf    = indexedContacts + ` AND s.contact_id = ANY($2) ORDER BY s.contact_id FOR NO KEY UPDATE OF s`
)

func scanIndexedContact(rows pgx.Rows) (IndexedContact, error) {
	r := IndexedContact{SealedRow: SealedRow{Columns: make([][]byte, 3)}}
	return r, rows.Scan(&r.ID, &r.Version, &r.SubjectKeyID, &r.KeyContactID, &r.KeySealed, &r.Columns[0], &r.Columns[1], &r.Columns[2])
}

// LockContactsAfter locks sealed contacts after an id, so that their addresses stay while their tags are made; those
// that somebody holds are left out.
func (s *Store) LockContactsAfter(ctx context.Context, accountID, after int64, limit int) ([]IndexedContact, error) {
	list, err := collect(ctx, s.db, scanIndexedContact, lockContactsAfter, accountID, after, limit)
	if err != nil {
		return nil, fmt.Errorf("lock contacts of account %d: %w", accountID, err)
	}
	return list, nil
}

// LockContacts locks sealed contacts, and waits for whoever holds one.
func (s *Store) LockContacts(ctx context.Context, accountID int64, ids []int64) ([]IndexedContact, error) {
	list, err := collect(ctx, s.db, scanIndexedContact, lockContactsOf, accountID, ids)
	if err != nil {
		return nil, fmt.Errorf("lock contacts of account %d: %w", accountID, err)
	}
	return list, nil
}

const tagsOfMany = `SELECT field, generation, tag_index, contact_id, exclusive FROM cloakroom.lookup_tags
 WHERE account_id = $1 AND contact_id = ANY($2) AND generation = ANY($3)`

// TagsOfMany reads blind index entries of contacts under some generations.
func (s *Store) TagsOfMany(ctx context.Context, accountID int64, contactIDs []int64, generations ...int) ([]TagRow, error) {
	tags, err := collect(ctx, s.db, func(rows pgx.Rows) (TagRow, error) {
		var t TagRow
		return t, rows.Scan(&t.Field, &t.Generation, &t.Tag, &t.ContactID, &t.Exclusive)
	}, tagsOfMany, accountID, contactIDs, generations)
	if err != nil {
		return nil, fmt.Errorf("read lookup tags of account %d: %w", accountID, err)
	}
	return tags, nil
}

const differingContacts = `SELECT DISTINCT COALESCE(o.contact_id, n.contact_id)
 FROM (SELECT field, contact_id, exclusive FROM cloakroom.lookup_tags WHERE account_id = $1 AND generation = $2) o
 FULL JOIN (SELECT field, contact_id, exclusive FROM cloakroom.lookup_tags WHERE account_id = $1 AND generation = $3) n
 ON n.field = o.field AND n.contact_id = o.contact_id
 WHERE o.exclusive IS DISTINCT FROM n.exclusive AND COALESCE(o.contact_id, n.contact_id) > $4 ORDER BY 1 LIMIT $5`

// ListDifferingContacts reads contacts, after an id, that have an address under one generation of the index and not
// under the other, or hold it under one alone.
func (s *Store) ListDifferingContacts(ctx context.Context, accountID int64, one, other int, after int64, limit int) ([]int64, error) {
	ids, err := collect(ctx, s.db, scanID, differingContacts, accountID, one, other, after, limit)
	if err != nil {
		return nil, fmt.Errorf("compare the index generations %d and %d of account %d: %w", one, other, accountID, err)
	}
	return ids, nil
}

const (
	countContacts = `SELECT count(*) FROM cloakroom.contacts WHERE account_id = $1`
	refusedTags   = ` FROM cloakroom.lookup_tags s WHERE s.account_id = $1 AND s.generation = ANY($2)`
	deleteTags    = `WITH gone AS (SELECT s.ctid` + refusedTags + ` LIMIT $3 FOR UPDATE SKIP LOCKED)
 DELETE FROM cloakroom.lookup_tags t USING gone WHERE t.ctid = gone.ctid`
)

// CountSealedContacts counts the sealed contacts of an account.
func (s *Store) CountSealedContacts(ctx context.Context, accountID int64) (n int64, err error) {
	if err := s.db.QueryRow(ctx, countContacts, accountID).Scan(&n); err != nil {
		return 0, fmt.Errorf("count the contacts of account %d: %w", accountID, err)
	}
	return n, nil
}

// CountTagsUnder counts the blind index entries of an account under some generations.
func (s *Store) CountTagsUnder(ctx context.Context, accountID int64, generations []int) (n int64, err error) {
	if err := s.db.QueryRow(ctx, `SELECT count(*)`+refusedTags, accountID, generations).Scan(&n); err != nil {
		return 0, fmt.Errorf("count lookup tags of account %d: %w", accountID, err)
	}
	return n, nil
}

// DeleteTagsUnder deletes up to limit blind index entries under some generations and says how many; those that somebody
// holds are left out.
func (s *Store) DeleteTagsUnder(ctx context.Context, accountID int64, generations []int, limit int) (int64, error) {
	tag, err := s.db.Exec(ctx, deleteTags, accountID, generations, limit)
	if err != nil {
		return 0, fmt.Errorf("delete lookup tags of account %d: %w", accountID, err)
	}
	return tag.RowsAffected(), nil
}
