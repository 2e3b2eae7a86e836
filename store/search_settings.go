package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cloakroom/cloakroom/chat"
)

// searchSettings is an account's settings of search as one JSON object. It is a column of a statement in which account
// is an expression for the account's id.
func searchSettings(account string) string {
	return `jsonb_build_object(
 'mode', COALESCE((SELECT s.mode FROM cloakroom.search_settings s WHERE s.account_id = ` + account + `), 'TOKENS'),
 'messages', COALESCE((SELECT s.messages_indexed FROM cloakroom.search_settings s WHERE s.account_id = ` + account + `), false),
 'contacts', COALESCE((SELECT s.contacts_indexed FROM cloakroom.search_settings s WHERE s.account_id = ` + account + `), false),
 'orderings', (SELECT jsonb_agg(jsonb_build_object('field', o.field, 'live', o.live, 'building', o.building, 'enabled', o.enabled) ORDER BY o.field)
  FROM cloakroom.contact_orderings o WHERE o.account_id = ` + account + `),
 'attributes', (SELECT jsonb_agg(jsonb_build_object('model', p.model, 'key', p.attribute_key, 'type', p.value_type, 'personal', p.personal, 'searchable', p.searchable,
  'indexed', p.indexed, 'version', p.version) ORDER BY p.model, p.attribute_key) FROM cloakroom.attribute_policies p WHERE p.account_id = ` + account + `))`
}

// scannedSearch is what searchSettings gives.
type scannedSearch struct {
	Mode       chat.SearchMode         `json:"mode"`
	Messages   bool                    `json:"messages"`
	Contacts   bool                    `json:"contacts"`
	Orderings  []*chat.ContactOrdering `json:"orderings"`
	Attributes []chat.AttributePolicy  `json:"attributes"`
}

func readSearchSettings(text []byte) (chat.SearchSettings, error) {
	var s scannedSearch
	if err := json.Unmarshal(text, &s); err != nil {
		return chat.SearchSettings{}, fmt.Errorf("read settings of search: %w", err)
	}
	return chat.SearchSettings{Mode: s.Mode, MessagesIndexed: s.Messages, ContactsIndexed: s.Contacts, Orderings: s.Orderings, Attributes: s.Attributes}, nil
}

// Whoever changes an account's settings of search waits for the writers that go by the old ones, and they for it: a job
// that fills an index afterwards misses no row.
const (
	holdSearch = `SELECT pg_advisory_xact_lock_shared(hashtextextended('cloakroom search ' || $1::int8, 0))`
	lockSearch = `SELECT pg_advisory_xact_lock(hashtextextended('cloakroom search ' || $1::int8, 0))`
)

// HoldSearchSettings reads an account's settings of search, which stay as they are until the transaction ends.
func (s *Store) HoldSearchSettings(ctx context.Context, accountID int64) (chat.SearchSettings, error) {
	return s.searchSettings(ctx, holdSearch, accountID)
}

// Who waits for this lock keeps those waiting who want to share it, and one of them may hold a row that a sharer waits
// for. So nobody waits for long: the wait ends before PostgreSQL looks for a deadlock, and begins again a little later.
const (
	lockPatience = "400ms"
	lockPause    = 50 * time.Millisecond
	lockTries    = 30

	lockNotAvailable = "55P03"
	swapPatience     = `WITH before AS MATERIALIZED (SELECT current_setting('lock_timeout') AS patience)
 SELECT patience FROM before, LATERAL (SELECT set_config('lock_timeout', $1, true) WHERE before.patience IS NOT NULL) s`
)

// LockSearchSettings reads an account's settings of search to change them: nobody writes by them until the transaction
// ends. It comes before whatever else the transaction locks. chat.Conflict when the account is written without a pause.
func (s *Store) LockSearchSettings(ctx context.Context, accountID int64) (settings chat.SearchSettings, err error) {
	for range lockTries {
		err = s.InTx(ctx, func(tx *Store) error {
			settings, err = tx.lockSearchSettings(ctx, accountID)
			return err
		})
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != lockNotAvailable {
			return settings, err
		}
		if err := pause(ctx, lockPause); err != nil {
			return settings, err
		}
	}
	return settings, chat.Errorf(chat.Conflict, "the account is written without a pause: try again later")
}

func (s *Store) lockSearchSettings(ctx context.Context, accountID int64) (settings chat.SearchSettings, err error) {
	var patience, bounded string
	if err := s.db.QueryRow(ctx, swapPatience, lockPatience).Scan(&patience); err != nil {
		return settings, fmt.Errorf("bound the wait for the settings of search of account %d: %w", accountID, err)
	}
	if settings, err = s.searchSettings(ctx, lockSearch, accountID); err != nil {
		return settings, err
	}
	if err := s.db.QueryRow(ctx, swapPatience, patience).Scan(&bounded); err != nil {
		return settings, fmt.Errorf("wait for other locks as before: %w", err)
	}
	return settings, nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (s *Store) searchSettings(ctx context.Context, lock string, accountID int64) (chat.SearchSettings, error) {
	if _, err := s.db.Exec(ctx, lock, accountID); err != nil {
		return chat.SearchSettings{}, fmt.Errorf("hold the settings of search of account %d: %w", accountID, err)
	}
	var text []byte
	if err := s.db.QueryRow(ctx, `SELECT `+searchSettings("$1::int8"), accountID).Scan(&text); err != nil {
		return chat.SearchSettings{}, fmt.Errorf("read the settings of search of account %d: %w", accountID, err)
	}
	return readSearchSettings(text)
}

const setSearchMode = `INSERT INTO cloakroom.search_settings AS s (account_id, mode) VALUES ($1, $2)
 ON CONFLICT (account_id) DO UPDATE SET mode = excluded.mode, messages_indexed = false, contacts_indexed = false, updated_at = now()`

// SetSearchMode chooses how an account is searched; nothing counts as indexed until a job says so. Take LockSearchSettings first.
func (s *Store) SetSearchMode(ctx context.Context, accountID int64, mode chat.SearchMode) error {
	if _, err := s.db.Exec(ctx, setSearchMode, accountID, mode); err != nil {
		return fmt.Errorf("set how account %d is searched: %w", accountID, err)
	}
	return nil
}

const setIndexed = `INSERT INTO cloakroom.search_settings AS s (account_id, messages_indexed, contacts_indexed) VALUES ($1, COALESCE($2, false), COALESCE($3, false))
 ON CONFLICT (account_id) DO UPDATE SET messages_indexed = COALESCE($2, s.messages_indexed), contacts_indexed = COALESCE($3, s.contacts_indexed), updated_at = now()`

// SetIndexed says whether an account's messages and contacts have their tokens; nil leaves one as it is.
func (s *Store) SetIndexed(ctx context.Context, accountID int64, messages, contacts *bool) error {
	if _, err := s.db.Exec(ctx, setIndexed, accountID, messages, contacts); err != nil {
		return fmt.Errorf("set what of account %d is indexed: %w", accountID, err)
	}
	return nil
}
