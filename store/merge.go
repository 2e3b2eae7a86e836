package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

const lockSubjects = `SELECT contact_id FROM cloakroom.subject_keys
 WHERE account_id = $1 AND contact_id = ANY($2) AND state = 'active' ORDER BY contact_id FOR UPDATE`

// LockSubjects takes contacts' keys for itself until the transaction ends, lowest id first, so that nothing is sealed
// under them meanwhile.
func (s *Store) LockSubjects(ctx context.Context, accountID int64, contactIDs ...int64) error {
	if _, err := s.db.Exec(ctx, lockSubjects, accountID, contactIDs); err != nil {
		return fmt.Errorf("lock the subject keys of contacts %v of account %d: %w", contactIDs, accountID, err)
	}
	return nil
}

// underSubject says how rows of one kind are found by the key that seals them, and given another.
type underSubject struct{ read, write string }

// underSubjects has every kind but contacts themselves: of these there is one, which is merged by its values.
var underSubjects = map[chat.RecordKind]underSubject{
	chat.ContactInboxRecord: rowsUnderSubject(chat.ContactInboxRecord, "0::int8", "contact_inbox_id", ", contact_id = $4"),
	chat.ConversationRecord: rowsUnderSubject(chat.ConversationRecord, "0::int8", "conversation_id", ""),
	chat.MessageRecord:      rowsUnderSubject(chat.MessageRecord, "conversation_id", "message_id", ""),
	chat.AttachmentRecord:   rowsUnderSubject(chat.AttachmentRecord, "message_id", "attachment_id", ""),
	chat.NoteRecord:         rowsUnderSubject(chat.NoteRecord, "contact_id", "note_id", ", contact_id = $4"),
}

func rowsUnderSubject(kind chat.RecordKind, parent, id, moved string) underSubject {
	var columns, arrays, names, set []string
	for _, c := range sealings[kind].columns {
		if strings.HasSuffix(c, "_sealed") {
			arrays = append(arrays, fmt.Sprintf("$%d::bytea[]", 7+len(columns)))
			names = append(names, fmt.Sprintf("c%d", len(columns)))
			set = append(set, fmt.Sprintf("%s = w.c%d", c, len(columns)))
			columns = append(columns, c)
		}
	}
	table := "cloakroom." + sealings[kind].table
	order := id // rows without a parent are in order of their ids, which is that of the table's key
	if parent != "0::int8" {
		order = parent + ", " + id
	}
	return underSubject{
		read: `SELECT ` + parent + `, ` + id + `, row_version, ` + strings.Join(columns, ", ") + ` FROM ` + table + `
 WHERE account_id = $1 AND subject_key_id = $2 AND (` + parent + `, ` + id + `) > ($3, $4) ORDER BY ` + order + ` LIMIT $5 FOR UPDATE`,
		write: `UPDATE ` + table + ` t SET subject_key_id = $2, key_id = $3` + moved + `, ` + strings.Join(set, ", ") + `
 FROM unnest($5::int8[], $6::int8[], ` + strings.Join(arrays, ", ") + `) w(parent, id, ` + strings.Join(names, ", ") + `)
 WHERE t.account_id = $1 AND $4::int8 > 0 AND ` + strings.ReplaceAll(parent, "0::int8", "0") + ` = w.parent AND t.` + id + ` = w.id`,
	}
}

// RowsUnderSubject reads the next rows of a kind that a subject key seals, after a parent and id, and keeps other
// writers from them.
func (s *Store) RowsUnderSubject(ctx context.Context, accountID int64, kind chat.RecordKind, subjectKeyID, afterParent, afterID int64, limit int) ([]SealedRow, error) {
	rows, err := collect(ctx, s.db, func(rows pgx.Rows) (SealedRow, error) {
		r := SealedRow{SubjectKeyID: subjectKeyID, Columns: make([][]byte, len(rows.FieldDescriptions())-3)}
		targets := append(make([]any, 0, 6), &r.Parent, &r.ID, &r.Version)
		for i := range r.Columns {
			targets = append(targets, &r.Columns[i])
		}
		return r, rows.Scan(targets...)
	}, underSubjects[kind].read, accountID, subjectKeyID, afterParent, afterID, limit)
	if err != nil {
		return nil, fmt.Errorf("read %s under subject key %d of account %d: %w", sealings[kind].table, subjectKeyID, accountID, err)
	}
	return rows, nil
}

// MoveRows writes rows that were sealed anew under another contact's key, all under one.
func (s *Store) MoveRows(ctx context.Context, accountID int64, kind chat.RecordKind, contactID int64, rows []SealedRow) error {
	parents, ids := make([]int64, len(rows)), make([]int64, len(rows))
	columns := make([][][]byte, len(rows[0].Columns))
	for i, r := range rows {
		parents[i], ids[i] = r.Parent, r.ID
		for c, value := range r.Columns {
			columns[c] = append(columns[c], value)
		}
	}
	args := []any{accountID, rows[0].SubjectKeyID, rows[0].KeyID, contactID, parents, ids}
	for _, column := range columns {
		args = append(args, column)
	}
	tag, err := s.db.Exec(ctx, underSubjects[kind].write, args...)
	if err == nil && tag.RowsAffected() != int64(len(rows)) {
		err = fmt.Errorf("%d of %d rows are there", tag.RowsAffected(), len(rows))
	}
	if err != nil {
		return fmt.Errorf("move %s of account %d to contact %d: %w", sealings[kind].table, accountID, contactID, err)
	}
	return nil
}

// What Chatwoot moves to the contact that stays, and what goes with the other. Contact inboxes name no account.
var mergePlain = []string{
	`UPDATE conversations SET contact_id = $3 WHERE account_id = $1 AND contact_id = $2`,
	`UPDATE messages SET sender_id = $3 WHERE account_id = $1 AND sender_type = 'Contact' AND sender_id = $2`,
	`UPDATE contact_inboxes SET contact_id = $3 WHERE contact_id = $2 AND EXISTS (SELECT 1 FROM inboxes i WHERE i.id = inbox_id AND i.account_id = $1)`,
	`UPDATE notes SET contact_id = $3 WHERE account_id = $1 AND contact_id = $2`,
	`DELETE FROM csat_survey_responses WHERE account_id = $1 AND contact_id = $2 AND $3::int8 > 0`,
	`DELETE FROM taggings WHERE taggable_type = 'Contact' AND taggable_id = $2 AND $1::int8 > 0 AND $3::int8 > 0`,
	`DELETE FROM contacts WHERE account_id = $1 AND id = $2 AND $3::int8 > 0`,
	`DELETE FROM cloakroom.contacts WHERE account_id = $1 AND contact_id = $2 AND $3::int8 > 0`,
	`DELETE FROM cloakroom.contact_tokens WHERE account_id = $1 AND contact_id = $2 AND $3::int8 > 0`,
	`DELETE FROM cloakroom.attribute_tags WHERE account_id = $1 AND model = 'CONTACT' AND entity_id = $2 AND $3::int8 > 0`,
	// The key is destroyed and named after the contact that stays: whoever erases that one must know of it, because
	// backups from before hold rows under it.
	`UPDATE cloakroom.subject_keys SET contact_id = $3, key_sealed = '', state = 'destroyed', destroyed_at = COALESCE(destroyed_at, now())
 WHERE account_id = $1 AND contact_id = $2`,
}

const dropLabelsOf = `DELETE FROM cloakroom.contact_labels WHERE account_id = $1 AND contact_id = $2`

// MergeContacts moves what Chatwoot moves from one contact to another and takes the first away, its sealed row and its
// subject key with it. Sealed rows must have been moved before. Its labels go at last: who moves labels has locked their
// order, which this transaction may still have to lock for the other's.
func (s *Store) MergeContacts(ctx context.Context, accountID, from, to int64) error {
	for _, sql := range mergePlain {
		if _, err := s.db.Exec(ctx, sql, accountID, from, to); err != nil {
			return fmt.Errorf("merge contact %d of account %d into %d: %w", from, accountID, to, err)
		}
	}
	return s.AtLast(ctx, func(ctx context.Context) error {
		if _, err := s.db.Exec(ctx, dropLabelsOf, accountID, from); err != nil {
			return fmt.Errorf("take the labels of contact %d of account %d away: %w", from, accountID, err)
		}
		return nil
	})
}
