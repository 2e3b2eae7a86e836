package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// IndexedRow is a sealed row whose tokens or tags are to be made, with the key that seals it.
type IndexedRow struct {
	StaleRow
	ListedName string // of a contact: the name in clear, which it goes by unless its own is sealed
}

// Rows are locked first and read after: what is read with a lock that was waited for can be the row of now beside the
// key, or the listed name, of before. OFFSET keeps the planner from reading the index whole for each batch.
const (
	lockUnindexedMessages = `SELECT s.conversation_id, s.message_id FROM cloakroom.messages s
 WHERE s.account_id = $1 AND (s.conversation_id, s.message_id) > ($2, $3) AND s.content_sealed IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM cloakroom.message_tokens t WHERE t.account_id = s.account_id AND t.message_id = s.message_id AND t.generation = $4 OFFSET 0)
 ORDER BY s.conversation_id, s.message_id LIMIT $5` + lockAndSkip
	lockUnindexedContacts = `SELECT 0::int8, s.contact_id FROM cloakroom.contacts s
 WHERE s.account_id = $1 AND $2::int8 = 0 AND s.contact_id > $3 AND s.key_id <> 0 AND NOT EXISTS (
  SELECT 1 FROM cloakroom.contact_tokens t WHERE t.account_id = s.account_id AND t.contact_id = s.contact_id AND t.generation = $4 OFFSET 0)
 ORDER BY s.contact_id LIMIT $5` + lockAndSkip
)

var lockUnindexed = map[chat.RecordKind]string{chat.MessageRecord: lockUnindexedMessages, chat.ContactRecord: lockUnindexedContacts}

// LockUnindexed locks sealed messages or contacts that have no tokens under a generation of the index keyset, after a
// parent and id, in the order of their primary key; those that somebody holds are left out.
func (s *Store) LockUnindexed(ctx context.Context, accountID int64, kind chat.RecordKind, afterParent, afterID int64, generation, limit int) ([]chat.RecordKey, error) {
	keys, err := collect(ctx, s.db, scanKeyOf(kind), lockUnindexed[kind], accountID, afterParent, afterID, generation, limit)
	if err != nil {
		return nil, fmt.Errorf("look for sealed %s of account %d without tokens: %w", sealings[kind].table, accountID, err)
	}
	return keys, nil
}

func scanKeyOf(kind chat.RecordKind) func(pgx.Rows) (chat.RecordKey, error) {
	return func(rows pgx.Rows) (chat.RecordKey, error) {
		k := chat.RecordKey{Kind: kind}
		return k, rows.Scan(&k.Parent, &k.ID)
	}
}

// What has attributes, by kind: the column of its id, and when a row has any.
var attributed = map[chat.RecordKind]struct{ id, filled string }{
	chat.ContactRecord:      {"contact_id", "(s.profile_sealed IS NOT NULL OR s.custom_attributes_sealed IS NOT NULL)"},
	chat.ConversationRecord: {"conversation_id", "s.custom_attributes_sealed IS NOT NULL"},
}

// ListAttributed reads the ids of sealed contacts or conversations that have attributes, after one.
func (s *Store) ListAttributed(ctx context.Context, accountID int64, kind chat.RecordKind, after int64, limit int) ([]int64, error) {
	of := attributed[kind]
	ids, err := collect(ctx, s.db, scanID, `SELECT s.`+of.id+` FROM cloakroom.`+sealings[kind].table+` s
 WHERE s.account_id = $1 AND s.`+of.id+` > $2 AND `+of.filled+` ORDER BY 1 LIMIT $3`, accountID, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list sealed %s of account %d with attributes: %w", sealings[kind].table, accountID, err)
	}
	return ids, nil
}

const listTagged = `SELECT DISTINCT entity_id FROM cloakroom.attribute_tags
 WHERE account_id = $1 AND model = $2 AND generation <> $3 AND entity_id > $4 ORDER BY 1 LIMIT $5`

// ListTagged reads the ids of contacts or conversations that have tags under another generation of the index keyset,
// after one.
func (s *Store) ListTagged(ctx context.Context, accountID int64, model chat.AttributeModel, generation int, after int64, limit int) ([]int64, error) {
	ids, err := collect(ctx, s.db, scanID, listTagged, accountID, model, generation, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list old tags of account %d: %w", accountID, err)
	}
	return ids, nil
}

// LockAttributed locks sealed contacts or conversations. free are those that are locked now; held says that somebody
// else holds one, and the others are not there any more.
func (s *Store) LockAttributed(ctx context.Context, accountID int64, kind chat.RecordKind, ids []int64) (free []int64, held map[int64]bool, err error) {
	id := attributed[kind].id
	of := ` FROM cloakroom.` + sealings[kind].table + ` s WHERE s.account_id = $1 AND s.` + id + ` = ANY($2)`
	free, err = collect(ctx, s.db, scanID, `SELECT s.`+id+of+` ORDER BY 1`+lockAndSkip, accountID, ids)
	if err == nil && len(free) < len(ids) {
		var there []int64
		there, err = collect(ctx, s.db, scanID, `SELECT s.`+id+of+` AND s.`+id+` <> ALL($3)`, accountID, ids, free)
		held = make(map[int64]bool, len(there))
		for _, id := range there {
			held[id] = true
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("lock sealed %s of account %d: %w", sealings[kind].table, accountID, err)
	}
	return free, held, nil
}

// readIndexed are the statements that read rows by parent and id.
var readIndexed = map[chat.RecordKind]string{
	chat.ContactRecord: indexedRows(chat.ContactRecord, "0::int8", "contact_id", "COALESCE(c.name, '')",
		` LEFT JOIN contacts c ON c.account_id = s.account_id AND c.id = s.contact_id`),
	chat.ConversationRecord: indexedRows(chat.ConversationRecord, "0::int8", "conversation_id", "''", ""),
	chat.MessageRecord:      indexedRows(chat.MessageRecord, "s.conversation_id", "message_id", "''", ""),
}

func indexedRows(kind chat.RecordKind, parent, id, name, join string) string {
	var columns []string
	for _, c := range sealings[kind].columns {
		if strings.HasSuffix(c, "_sealed") {
			columns = append(columns, "s."+c)
		}
	}
	return `SELECT ` + parent + `, s.` + id + `, s.row_version, s.subject_key_id, COALESCE(k.contact_id, 0), k.key_sealed, ` + name + `, ` + strings.Join(columns, ", ") + `
 FROM unnest($2::int8[], $3::int8[]) w(parent, id) JOIN cloakroom.` + sealings[kind].table + ` s ON s.account_id = $1 AND s.` + id + ` = w.id AND ` + parent + ` = w.parent
 LEFT` + subjectKey + join
}

// ReadIndexed reads sealed contacts, conversations or messages by their keys.
func (s *Store) ReadIndexed(ctx context.Context, accountID int64, kind chat.RecordKind, keys []chat.RecordKey) ([]IndexedRow, error) {
	parents, ids := keyColumns(keys)
	list, err := collect(ctx, s.db, func(rows pgx.Rows) (IndexedRow, error) {
		r := IndexedRow{StaleRow: StaleRow{SealedRow: SealedRow{Columns: make([][]byte, len(rows.FieldDescriptions())-7)}}}
		targets := append(make([]any, 0, 13), &r.Parent, &r.ID, &r.Version, &r.SubjectKeyID, &r.KeyContactID, &r.KeySealed, &r.ListedName)
		for i := range r.Columns {
			targets = append(targets, &r.Columns[i])
		}
		return r, rows.Scan(targets...)
	}, readIndexed[kind], accountID, parents, ids)
	if err != nil {
		return nil, fmt.Errorf("read sealed %s of account %d: %w", sealings[kind].table, accountID, err)
	}
	return list, nil
}

func keyColumns(keys []chat.RecordKey) (parents, ids []int64) {
	parents, ids = make([]int64, len(keys)), make([]int64, len(keys))
	for i, k := range keys {
		parents[i], ids[i] = k.Parent, k.ID
	}
	return parents, ids
}

// What holds no word, or does not open, has an empty row, so that it is not looked at again.
const (
	blankMessages = `INSERT INTO cloakroom.message_tokens AS t (account_id, message_id, conversation_id, inbox_id, created_at, epoch, generation, tokens)
 SELECT $1, w.id, w.parent, COALESCE(m.inbox_id, 0), COALESCE(m.created_at, 'epoch'), COALESCE(to_char(m.created_at, 'YYYYMM')::int4, 197001), $4, '{}'
 FROM unnest($2::int8[], $3::int8[]) w(parent, id) LEFT JOIN messages m ON m.account_id = $1 AND m.id = w.id
 ON CONFLICT (account_id, message_id) DO UPDATE SET generation = excluded.generation, tokens = '{}' WHERE t.generation <> excluded.generation`
	blankContacts = `INSERT INTO cloakroom.contact_tokens AS t (account_id, contact_id, generation, tokens)
 SELECT $1, w.id, $4, '{}' FROM unnest($2::int8[], $3::int8[]) w(parent, id)
 ON CONFLICT (account_id, contact_id) DO UPDATE SET generation = excluded.generation, tokens = '{}' WHERE t.generation <> excluded.generation`
)

// BlankTokens gives messages or contacts that have no tokens under a generation an empty row of it.
func (s *Store) BlankTokens(ctx context.Context, accountID int64, kind chat.RecordKind, keys []chat.RecordKey, generation int) error {
	sql := blankMessages
	if kind == chat.ContactRecord {
		sql = blankContacts
	}
	parents, ids := keyColumns(keys)
	if _, err := s.db.Exec(ctx, sql, accountID, parents, ids, generation); err != nil {
		return fmt.Errorf("write empty tokens of %s of account %d: %w", sealings[kind].table, accountID, err)
	}
	return nil
}
