package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// Rows that are sealed and are not to be found by tokens of a generation.
const (
	unindexedMessages = `SELECT count(*) FROM cloakroom.messages s WHERE s.account_id = $1 AND s.content_sealed IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM cloakroom.message_tokens t WHERE t.account_id = $1 AND t.message_id = s.message_id AND t.generation = $2)`
	unindexedContacts = `SELECT count(*) FROM cloakroom.contacts s WHERE s.account_id = $1 AND s.key_id <> 0 AND NOT EXISTS (
  SELECT 1 FROM cloakroom.contact_tokens t WHERE t.account_id = $1 AND t.contact_id = s.contact_id AND t.generation = $2)`
)

// CountUnindexed counts the sealed messages or contacts that have no tokens under a generation of the index keyset.
func (s *Store) CountUnindexed(ctx context.Context, accountID int64, kind chat.RecordKind, generation int) (n int64, err error) {
	sql := unindexedMessages
	if kind == chat.ContactRecord {
		sql = unindexedContacts
	}
	if err := s.db.QueryRow(ctx, sql, accountID, generation).Scan(&n); err != nil {
		return 0, fmt.Errorf("count %s of account %d without tokens: %w", sealings[kind].table, accountID, err)
	}
	return n, nil
}

// CountAttributed counts the sealed contacts or conversations that have attributes.
func (s *Store) CountAttributed(ctx context.Context, accountID int64, kind chat.RecordKind) (n int64, err error) {
	sql := `SELECT count(*) FROM cloakroom.` + sealings[kind].table + ` s WHERE s.account_id = $1 AND ` + attributed[kind].filled
	if err := s.db.QueryRow(ctx, sql, accountID).Scan(&n); err != nil {
		return 0, fmt.Errorf("count %s of account %d with attributes: %w", sealings[kind].table, accountID, err)
	}
	return n, nil
}

const countTokens = `SELECT (SELECT count(*) FROM cloakroom.message_tokens WHERE account_id = $1)
 + (SELECT count(*) FROM cloakroom.contact_tokens WHERE account_id = $1)`

// CountTokens counts the rows of tokens of an account.
func (s *Store) CountTokens(ctx context.Context, accountID int64) (n int64, err error) {
	if err := s.db.QueryRow(ctx, countTokens, accountID).Scan(&n); err != nil {
		return 0, fmt.Errorf("count the tokens of account %d: %w", accountID, err)
	}
	return n, nil
}

var clearTokens = []string{clearing("message_tokens"), clearing("contact_tokens")}

func clearing(table string) string {
	return `WITH gone AS (SELECT t.ctid FROM cloakroom.` + table + ` t WHERE t.account_id = $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
 DELETE FROM cloakroom.` + table + ` t USING gone WHERE t.ctid = gone.ctid`
}

// ClearTokens deletes up to limit rows of tokens of an account and says how many; those that somebody holds are left out.
func (s *Store) ClearTokens(ctx context.Context, accountID int64, limit int) (n int64, err error) {
	for _, sql := range clearTokens {
		tag, err := s.db.Exec(ctx, sql, accountID, int64(limit)-n)
		if err != nil {
			return 0, fmt.Errorf("delete tokens of account %d: %w", accountID, err)
		}
		n += tag.RowsAffected()
	}
	return n, nil
}

// DropContactTokens takes away the tokens of contacts.
func (s *Store) DropContactTokens(ctx context.Context, accountID int64, contactIDs []int64) error {
	_, err := s.db.Exec(ctx, `DELETE FROM cloakroom.contact_tokens WHERE account_id = $1 AND contact_id = ANY($2)`, accountID, contactIDs)
	if err != nil {
		return fmt.Errorf("drop tokens of contacts of account %d: %w", accountID, err)
	}
	return nil
}

// A generation of the index keyset that is about to go may be named by rows of these tables.
const countOldWords = `SELECT (SELECT count(*) FROM cloakroom.message_tokens WHERE account_id = $1 AND generation <> $2)
 + (SELECT count(*) FROM cloakroom.contact_tokens WHERE account_id = $1 AND generation <> $2)
 + (SELECT count(*) FROM cloakroom.attribute_tags WHERE account_id = $1 AND generation <> $2)`

// CountOldWords counts the rows of tokens and of attributes' tags of an account that name another generation.
func (s *Store) CountOldWords(ctx context.Context, accountID int64, generation int) (n int64, err error) {
	if err := s.db.QueryRow(ctx, countOldWords, accountID, generation).Scan(&n); err != nil {
		return 0, fmt.Errorf("count old tokens of account %d: %w", accountID, err)
	}
	return n, nil
}

const countTagged = `SELECT count(*) FROM (SELECT DISTINCT model, entity_id FROM cloakroom.attribute_tags WHERE account_id = $1 AND generation <> $2) s`

// CountTagged counts the contacts and conversations of an account that have tags under another generation.
func (s *Store) CountTagged(ctx context.Context, accountID int64, generation int) (n int64, err error) {
	if err := s.db.QueryRow(ctx, countTagged, accountID, generation).Scan(&n); err != nil {
		return 0, fmt.Errorf("count old tags of account %d: %w", accountID, err)
	}
	return n, nil
}

var dropOrphans = []string{
	`DELETE FROM cloakroom.message_tokens t WHERE t.account_id = $1 AND t.generation <> $2 AND NOT EXISTS (SELECT 1 FROM cloakroom.messages s
 WHERE s.account_id = $1 AND s.conversation_id = t.conversation_id AND s.message_id = t.message_id AND s.content_sealed IS NOT NULL)`,
	`DELETE FROM cloakroom.contact_tokens t WHERE t.account_id = $1 AND t.generation <> $2 AND NOT EXISTS (SELECT 1 FROM cloakroom.contacts s
 WHERE s.account_id = $1 AND s.contact_id = t.contact_id AND s.key_id <> 0)`,
}

// DropOrphans deletes tokens under other generations whose message or contact is sealed no more.
func (s *Store) DropOrphans(ctx context.Context, accountID int64, generation int) error {
	for _, sql := range dropOrphans {
		if _, err := s.db.Exec(ctx, sql, accountID, generation); err != nil {
			return fmt.Errorf("drop tokens of what account %d has no more: %w", accountID, err)
		}
	}
	return nil
}

const dropOldTags = `DELETE FROM cloakroom.attribute_tags WHERE ctid = ANY(ARRAY(SELECT o.ctid FROM unnest($3::int8[]) e(id) CROSS JOIN LATERAL
 (SELECT t.ctid FROM cloakroom.attribute_tags t WHERE t.account_id = $1 AND t.model = $2 AND t.entity_id = e.id AND t.generation <> $4 OFFSET 0) o))`

// DropOldAttributeTags deletes tags of contacts or conversations under other generations.
func (s *Store) DropOldAttributeTags(ctx context.Context, accountID int64, model chat.AttributeModel, ids []int64, generation int) error {
	if _, err := s.db.Exec(ctx, dropOldTags, accountID, model, ids, generation); err != nil {
		return fmt.Errorf("drop old tags of account %d: %w", accountID, err)
	}
	return nil
}

const markAttributes = `UPDATE cloakroom.attribute_policies SET indexed = true WHERE account_id = $1 AND searchable AND NOT indexed`

// MarkAttributesIndexed says that every sealed row has its tags of all searchable attributes.
func (s *Store) MarkAttributesIndexed(ctx context.Context, accountID int64) error {
	if _, err := s.db.Exec(ctx, markAttributes, accountID); err != nil {
		return fmt.Errorf("set which attributes of account %d are indexed: %w", accountID, err)
	}
	return nil
}

const listIndexesDue = `SELECT a.account_id FROM cloakroom.accounts a LEFT JOIN cloakroom.search_settings s ON s.account_id = a.account_id
 WHERE (COALESCE(s.mode, 'TOKENS') = 'TOKENS' AND (
   NOT COALESCE(s.messages_indexed, false) AND EXISTS (SELECT 1 FROM cloakroom.messages m WHERE m.account_id = a.account_id)
   OR NOT COALESCE(s.contacts_indexed, false) AND EXISTS (SELECT 1 FROM cloakroom.contacts c WHERE c.account_id = a.account_id))
  OR s.mode = 'SCAN' AND (EXISTS (SELECT 1 FROM cloakroom.message_tokens t WHERE t.account_id = a.account_id)
   OR EXISTS (SELECT 1 FROM cloakroom.contact_tokens t WHERE t.account_id = a.account_id))
  OR EXISTS (SELECT 1 FROM cloakroom.attribute_policies p WHERE p.account_id = a.account_id AND p.searchable AND NOT p.indexed))
 AND NOT EXISTS (SELECT 1 FROM cloakroom.jobs j WHERE j.kind = 'index_search' AND j.account_id = a.account_id
  AND (j.state IN ('queued', 'running', 'paused') OR j.state IN ('failed', 'cancelled') AND j.updated_at > now() - $1::interval))
 ORDER BY a.account_id
 LIMIT GREATEST(0, $2 - (SELECT count(*) FROM cloakroom.jobs WHERE kind = 'index_search' AND state IN ('queued', 'running')))`

// ListIndexesDue reads the accounts whose tokens and tags are not as their settings of search say, and that have no job
// about it: as many as there may be under way besides those that are. One whose job failed or was cancelled is left alone
// for pause.
func (s *Store) ListIndexesDue(ctx context.Context, pause time.Duration, atOnce int) ([]int64, error) {
	ids, err := collect(ctx, s.db, scanID, listIndexesDue, pause, atOnce)
	if err != nil {
		return nil, fmt.Errorf("look for accounts whose search is to be indexed: %w", err)
	}
	return ids, nil
}

// TokenRows is how many rows of tokens an account has under one generation of the index keyset.
type TokenRows struct {
	Kind       string // messages, contacts or attributes
	Generation int
	Rows       int64
	Empty      int64 // that hold no word, or do not open
}

const countTokenRows = `SELECT 'messages', generation, count(*), count(*) FILTER (WHERE tokens = '{}') FROM cloakroom.message_tokens WHERE account_id = $1 GROUP BY 2
 UNION ALL SELECT 'contacts', generation, count(*), count(*) FILTER (WHERE tokens = '{}') FROM cloakroom.contact_tokens WHERE account_id = $1 GROUP BY 2
 UNION ALL SELECT 'attributes', generation, count(*), 0 FROM cloakroom.attribute_tags WHERE account_id = $1 GROUP BY 2 ORDER BY 1 DESC, 2`

// CountTokenRows counts an account's rows of tokens and tags by generation.
func (s *Store) CountTokenRows(ctx context.Context, accountID int64) ([]TokenRows, error) {
	list, err := collect(ctx, s.db, func(rows pgx.Rows) (t TokenRows, err error) {
		return t, rows.Scan(&t.Kind, &t.Generation, &t.Rows, &t.Empty)
	}, countTokenRows, accountID)
	if err != nil {
		return nil, fmt.Errorf("count the tokens of account %d: %w", accountID, err)
	}
	return list, nil
}

const listSearched = `SELECT account_id FROM cloakroom.search_settings UNION SELECT account_id FROM cloakroom.attribute_policies
 UNION SELECT account_id FROM cloakroom.contact_orderings UNION SELECT account_id FROM cloakroom.accounts a
 WHERE EXISTS (SELECT 1 FROM cloakroom.contacts c WHERE c.account_id = a.account_id) ORDER BY 1`

// ListSearchedAccounts reads the accounts that have settings of search, or something sealed.
func (s *Store) ListSearchedAccounts(ctx context.Context) ([]int64, error) {
	ids, err := collect(ctx, s.db, scanID, listSearched)
	if err != nil {
		return nil, fmt.Errorf("list the accounts that have settings of search: %w", err)
	}
	return ids, nil
}

// RelationSize is how many bytes a table or an index takes.
type RelationSize struct {
	Name  string
	Index bool
	Bytes int64
}

const searchSizes = `WITH t AS (SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'cloakroom'::regnamespace
  AND c.relname IN ('message_tokens', 'contact_tokens', 'attribute_tags', 'contact_labels'))
 SELECT c.relname, c.relkind = 'i', pg_relation_size(c.oid) FROM pg_class c
 WHERE c.oid IN (SELECT oid FROM t) OR c.oid IN (SELECT i.indexrelid FROM pg_index i WHERE i.indrelid IN (SELECT oid FROM t)) ORDER BY 1`

// SearchSizes reads what everything that is searched by takes in the database, of all accounts together.
func (s *Store) SearchSizes(ctx context.Context) ([]RelationSize, error) {
	list, err := collect(ctx, s.db, func(rows pgx.Rows) (r RelationSize, err error) {
		return r, rows.Scan(&r.Name, &r.Index, &r.Bytes)
	}, searchSizes)
	if err != nil {
		return nil, fmt.Errorf("read the sizes of what is searched by: %w", err)
	}
	return list, nil
}
