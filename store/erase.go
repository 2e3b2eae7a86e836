package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// Erasing is a contact that is being erased, with all that leads to its rows.
type Erasing struct {
	AccountID     int64
	ContactID     int64
	Conversations []int64
	SubjectKeys   []int64 // all it ever had, and those of contacts that Chatwoot has merged into it
	Epoch         int     // the youngest that wraps one of the keys
	Alias         string  // takes the place of the name
	First         bool    // it was not erased before

	inboxes  []int64 // its contact inboxes
	subjects []int64 // whose keys these are: the contact, and those merged into it
}

// Sealers of an account share this lock for the length of a batch and whoever erases one of its contacts takes it alone:
// no key is made, and no row is sealed, for a contact that is being erased.
const (
	lockSealing = `SELECT pg_advisory_xact_lock_shared(hashtextextended('cloakroom.sealing', $1))`
	lockErasing = `SELECT pg_advisory_xact_lock(hashtextextended('cloakroom.sealing', $1))`
)

// HoldErasures keeps contacts of an account from being erased until the transaction ends.
func (s *Store) HoldErasures(ctx context.Context, accountID int64) error {
	if _, err := s.db.Exec(ctx, lockSealing, accountID); err != nil {
		return fmt.Errorf("hold erasures of account %d: %w", accountID, err)
	}
	return nil
}

// Keys are locked before rows, as by every writer. A key whose contact Chatwoot has not any more, and whose rows belong
// to this contact now, was its before Chatwoot merged the two.
const (
	lockKeys = `SELECT subject_key_id, contact_id, epoch FROM cloakroom.subject_keys WHERE account_id = $1 AND (contact_id = $2
 OR contact_id NOT IN ($2, 9223372036854775807) AND NOT EXISTS (SELECT 1 FROM contacts c WHERE c.account_id = $1 AND c.id = contact_id) AND subject_key_id = ANY(
 ARRAY(SELECT s.subject_key_id FROM cloakroom.conversations s WHERE s.account_id = $1 AND s.conversation_id = ANY($3)
 UNION SELECT s.subject_key_id FROM cloakroom.contact_inboxes s WHERE s.account_id = $1 AND s.contact_inbox_id = ANY($4))))
 ORDER BY subject_key_id FOR UPDATE`
	lockSealedContact = `SELECT contact_id FROM cloakroom.contacts WHERE account_id = $1 AND contact_id = $2 FOR UPDATE`
	lockPlainContact  = `SELECT id::int8 FROM contacts WHERE account_id = $1 AND id = $2 FOR UPDATE`

	conversationsOf = `SELECT id::int8 FROM conversations WHERE account_id = $1 AND contact_id = $2`
	inboxesOf       = `SELECT ci.id FROM contact_inboxes ci JOIN inboxes i ON i.id = ci.inbox_id WHERE i.account_id = $1 AND ci.contact_id = $2`
)

// LockErasing finds all that leads to a contact's rows and keeps every other writer from them until the transaction ends;
// chat.ErrNotFound when the account has no such contact and never had.
func (s *Store) LockErasing(ctx context.Context, accountID, contactID int64) (*Erasing, error) {
	e := &Erasing{AccountID: accountID, ContactID: contactID, First: true}
	if _, err := s.db.Exec(ctx, lockErasing, accountID); err != nil {
		return nil, e.failed(err)
	}
	if err := s.gather(ctx, e); err != nil {
		return nil, e.failed(err)
	}
	known := len(e.SubjectKeys) + len(e.Conversations)
	for _, sql := range []string{lockSealedContact, lockPlainContact} {
		rows, err := collect(ctx, s.db, scanID, sql, accountID, contactID)
		if err != nil {
			return nil, e.failed(err)
		}
		known += len(rows)
	}
	before, err := s.FindErasure(ctx, accountID, contactID)
	switch {
	case err == nil:
		e.First, e.Epoch = false, max(e.Epoch, before.Epoch)
	case !errors.Is(err, chat.ErrNotFound):
		return nil, e.failed(err)
	case known == 0:
		return nil, chat.ErrNotFound
	}
	return e, nil
}

func (e *Erasing) failed(err error) error {
	return fmt.Errorf("lock contact %d of account %d to be erased: %w", e.ContactID, e.AccountID, err)
}

func (s *Store) gather(ctx context.Context, e *Erasing) (err error) {
	if e.Conversations, err = collect(ctx, s.db, scanID, conversationsOf, e.AccountID, e.ContactID); err != nil {
		return err
	}
	if e.inboxes, err = collect(ctx, s.db, scanID, inboxesOf, e.AccountID, e.ContactID); err != nil {
		return err
	}
	e.subjects = []int64{e.ContactID}
	_, err = collect(ctx, s.db, func(rows pgx.Rows) (struct{}, error) {
		var key, contact int64
		var epoch int
		err := rows.Scan(&key, &contact, &epoch)
		e.SubjectKeys, e.Epoch = append(e.SubjectKeys, key), max(e.Epoch, epoch)
		if contact != e.ContactID {
			e.subjects = append(e.subjects, contact)
		}
		return struct{}{}, err
	}, lockKeys, e.AccountID, e.ContactID, e.Conversations, e.inboxes)
	return err
}

const (
	destroyKeys = `UPDATE cloakroom.subject_keys SET state = 'destroyed', key_sealed = '', key_id = 0, epoch = 0, destroyed_at = COALESCE(destroyed_at, now())
 WHERE account_id = $1 AND subject_key_id = ANY($2) AND (state <> 'destroyed' OR key_sealed <> '' OR key_id <> 0 OR epoch <> 0)`
	// A contact that was never sealed gets a key that is destroyed from the first: its rows will name it when the account
	// is sealed.
	bury = `INSERT INTO cloakroom.subject_keys (account_id, contact_id, key_id, key_sealed, state, destroyed_at)
 VALUES ($1, $2, 0, '', 'destroyed', now()) RETURNING subject_key_id`
)

// DestroySubjectKeys empties the keys of a contact that is being erased and gives how many were not yet.
func (s *Store) DestroySubjectKeys(ctx context.Context, e *Erasing) (int64, error) {
	if len(e.SubjectKeys) == 0 {
		var id int64
		if err := s.db.QueryRow(ctx, bury, e.AccountID, e.ContactID).Scan(&id); err != nil {
			return 0, fmt.Errorf("bury contact %d of account %d: %w", e.ContactID, e.AccountID, err)
		}
		e.SubjectKeys = []int64{id}
		return 0, nil
	}
	tag, err := s.db.Exec(ctx, destroyKeys, e.AccountID, e.SubjectKeys)
	if err != nil {
		return 0, fmt.Errorf("destroy the keys of contact %d of account %d: %w", e.ContactID, e.AccountID, err)
	}
	return tag.RowsAffected(), nil
}

const erasureColumns = `erasure_id, account_id, contact_id, subject_key_ids, epoch, actor_kind, actor_id, erased_at, counts, verified_at, leftovers`

func scanErasure(rows pgx.Rows) (*chat.Erasure, error) {
	e := new(chat.Erasure)
	var counts, leftovers []byte
	err := rows.Scan(&e.ID, &e.AccountID, &e.ContactID, &e.SubjectKeyIDs, &e.Epoch, &e.Actor.Kind, &e.Actor.ID, moment(&e.ErasedAt), &counts,
		moment(&e.VerifiedAt), &leftovers)
	if err != nil {
		return nil, err
	}
	if leftovers != nil {
		err = json.Unmarshal(leftovers, &e.Leftovers)
	}
	if err := errors.Join(err, json.Unmarshal(counts, &e.Counts)); err != nil {
		return nil, fmt.Errorf("read the erasure of contact %d: %w", e.ContactID, err)
	}
	return e, nil
}

func (s *Store) oneErasure(ctx context.Context, sql string, args ...any) (*chat.Erasure, error) {
	list, err := collect(ctx, s.db, scanErasure, sql, args...)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, chat.ErrNotFound
	}
	return list[0], nil
}

// The first erasure stands: one that is repeated adds the keys and rows that it found.
const saveErasure = `INSERT INTO cloakroom.erasures AS e (account_id, contact_id, subject_key_ids, epoch, actor_kind, actor_id, counts)
 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account_id, contact_id) DO UPDATE SET
 subject_key_ids = ARRAY(SELECT DISTINCT k FROM unnest(e.subject_key_ids || excluded.subject_key_ids) k ORDER BY k), epoch = greatest(e.epoch, excluded.epoch),
 counts = (SELECT COALESCE(jsonb_object_agg(key, n), '{}') FROM (SELECT key, sum(value::int8) AS n
 FROM (SELECT * FROM jsonb_each_text(e.counts) UNION ALL SELECT * FROM jsonb_each_text(excluded.counts)) p GROUP BY key) c)
 RETURNING ` + erasureColumns

// SaveErasure writes an erasure into the ledger.
func (s *Store) SaveErasure(ctx context.Context, e *Erasing, by chat.Actor, counts map[string]int64) (*chat.Erasure, error) {
	text, err := json.Marshal(counts)
	if err != nil {
		return nil, fmt.Errorf("encode the counts of an erasure: %w", err)
	}
	saved, err := s.oneErasure(ctx, saveErasure, e.AccountID, e.ContactID, e.SubjectKeys, e.Epoch, by.Kind, by.ID, text)
	if err != nil {
		return nil, fmt.Errorf("write the erasure of contact %d of account %d into the ledger: %w", e.ContactID, e.AccountID, err)
	}
	return saved, nil
}

const findErasure = `SELECT ` + erasureColumns + ` FROM cloakroom.erasures WHERE account_id = $1 AND contact_id = $2`

// FindErasure reads a contact's erasure; chat.ErrNotFound when it was not erased.
func (s *Store) FindErasure(ctx context.Context, accountID, contactID int64) (*chat.Erasure, error) {
	return s.oneErasure(ctx, findErasure, accountID, contactID)
}

const saveVerification = `UPDATE cloakroom.erasures SET leftovers = $3, verified_at = CASE WHEN $3::jsonb = '{}' THEN now() END
 WHERE account_id = $1 AND contact_id = $2 RETURNING ` + erasureColumns

// SaveVerification writes what a verification found; nothing is proof, from now on.
func (s *Store) SaveVerification(ctx context.Context, accountID, contactID int64, leftovers map[string]int64) (*chat.Erasure, error) {
	text, err := json.Marshal(leftovers)
	if err != nil {
		return nil, fmt.Errorf("encode what is left of an erased contact: %w", err)
	}
	e, err := s.oneErasure(ctx, saveVerification, accountID, contactID, text)
	if err != nil {
		return nil, fmt.Errorf("write the verification of the erasure of contact %d of account %d: %w", contactID, accountID, err)
	}
	return e, nil
}

const listErasuresDue = `SELECT ` + erasureColumns + ` FROM cloakroom.erasures e WHERE verified_at IS NULL AND erased_at < $1 AND NOT EXISTS (
 SELECT 1 FROM cloakroom.jobs j WHERE j.kind = 'verify_erasure' AND j.account_id = e.account_id
 AND j.arguments ->> 'contactId' = e.contact_id::text AND j.state IN ('queued', 'running', 'paused')) ORDER BY erased_at, erasure_id LIMIT 100`

// ListErasuresDue reads erasures of before a time that are not proven and that no job is about to verify, oldest first.
func (s *Store) ListErasuresDue(ctx context.Context, before time.Time) ([]*chat.Erasure, error) {
	list, err := collect(ctx, s.db, scanErasure, listErasuresDue, before)
	if err != nil {
		return nil, fmt.Errorf("read the erasures to be verified: %w", err)
	}
	return list, nil
}

const eachErasure = `SELECT ` + erasureColumns + ` FROM cloakroom.erasures ORDER BY erasure_id`

// EachErasure gives every erasure of the ledger to fn, oldest first, one at a time.
func (s *Store) EachErasure(ctx context.Context, fn func(*chat.Erasure) error) error {
	rows, err := s.db.Query(ctx, eachErasure)
	if err != nil {
		return fmt.Errorf("read the ledger of erasures: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scanErasure(rows)
		if err != nil {
			return err
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return rows.Err()
}
