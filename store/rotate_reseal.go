package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// StaleRow is a sealed row that names another generation than the one in force, with the key that seals it.
type StaleRow struct {
	SealedRow
	KeyContactID int64  // the contact whose key seals the row
	KeySealed    []byte // that key, wrapped; empty when it was destroyed or is gone
}

// resealing is the SQL of one kind of sealed rows.
type resealing struct{ lock, update, count string }

var resealings = func() map[chat.RecordKind]resealing {
	all := make(map[chat.RecordKind]resealing, len(sealings))
	for kind, s := range sealings {
		all[kind] = resealingOf(s)
	}
	return all
}()

// resealingOf derives the statements from how the kind is sealed: after account_id come parent and id, or the id alone.
func resealingOf(s sealing) resealing {
	parent, id, after := "s."+s.columns[1], "s."+s.columns[2], "(s."+s.columns[1]+", s."+s.columns[2]+") > ($2, $3)"
	if !strings.HasSuffix(s.columns[2], "_id") || s.columns[2] == "subject_key_id" || s.table == "contact_inboxes" {
		parent, id = "0::int8", "s."+s.columns[1]
		after = "$2::int8 = 0 AND " + id + " > $3"
	}
	var columns, sets, arrays, names []string
	for _, c := range s.columns {
		if strings.HasSuffix(c, "_sealed") {
			columns, sets, names = append(columns, "s."+c), append(sets, c+" = w."+c), append(names, c)
			arrays = append(arrays, fmt.Sprintf("$%d::bytea[]", 7+len(arrays)))
		}
	}
	order := strings.TrimPrefix(parent+", "+id, "0::int8, ")
	stale := ` FROM cloakroom.` + s.table + ` s WHERE s.account_id = $1 AND s.key_id <> `
	return resealing{
		count: `SELECT count(*)` + stale + `$2`,
		lock: `SELECT ` + parent + `, ` + id + `, s.row_version, s.key_id, s.subject_key_id, COALESCE(k.contact_id, 0), k.key_sealed, ` + strings.Join(columns, ", ") +
			` FROM cloakroom.` + s.table + ` s LEFT` + subjectKey + ` WHERE s.account_id = $1 AND ` + after + ` AND s.key_id <> $4
 ORDER BY ` + order + ` LIMIT $5` + lockAndSkip,
		update: `UPDATE cloakroom.` + s.table + ` s SET key_id = $2, ` + strings.Join(sets, ", ") + `
 FROM unnest($3::int8[], $4::int8[], $5::int8[], $6::int4[], ` + strings.Join(arrays, ", ") + `)
 w(parent, id, version, generation, ` + strings.Join(names, ", ") + `)
 WHERE s.account_id = $1 AND ` + parent + ` = w.parent AND ` + id + ` = w.id AND s.row_version = w.version AND s.key_id = w.generation`,
	}
}

// LockStaleRows locks sealed rows of a kind that name another generation, after a parent and id, in the order of their
// primary key; those that somebody holds are left out.
func (s *Store) LockStaleRows(ctx context.Context, accountID int64, kind chat.RecordKind, afterParent, afterID int64, generation, limit int) ([]StaleRow, error) {
	list, err := collect(ctx, s.db, func(rows pgx.Rows) (StaleRow, error) {
		r := StaleRow{SealedRow: SealedRow{Columns: make([][]byte, len(rows.FieldDescriptions())-7)}}
		targets := append(make([]any, 0, 13), &r.Parent, &r.ID, &r.Version, &r.KeyID, &r.SubjectKeyID, &r.KeyContactID, &r.KeySealed)
		for i := range r.Columns {
			targets = append(targets, &r.Columns[i])
		}
		return r, rows.Scan(targets...)
	}, resealings[kind].lock, accountID, afterParent, afterID, generation, limit)
	if err != nil {
		return nil, fmt.Errorf("read sealed %s of account %d: %w", sealings[kind].table, accountID, err)
	}
	return list, nil
}

// ResealRows writes rows that were sealed again under a generation, in place of exactly those that were read: version
// and former generation must be the same still. Nothing else of them changes.
func (s *Store) ResealRows(ctx context.Context, accountID int64, kind chat.RecordKind, rows []StaleRow, generation int) (int64, error) {
	if len(rows) == 0 {
		return 0, nil
	}
	parents, ids := make([]int64, len(rows)), make([]int64, len(rows))
	versions, generations := make([]int64, len(rows)), make([]int32, len(rows))
	columns := make([][][]byte, len(rows[0].Columns))
	for c := range columns {
		columns[c] = make([][]byte, len(rows))
	}
	for i, r := range rows {
		parents[i], ids[i], versions[i], generations[i] = r.Parent, r.ID, r.Version, int32(r.KeyID)
		for c := range columns {
			columns[c][i] = r.Columns[c]
		}
	}
	args := []any{accountID, generation, parents, ids, versions, generations}
	for _, c := range columns {
		args = append(args, c)
	}
	tag, err := s.db.Exec(ctx, resealings[kind].update, args...)
	if err != nil {
		return 0, fmt.Errorf("write re-sealed %s of account %d: %w", sealings[kind].table, accountID, err)
	}
	return tag.RowsAffected(), nil
}

// CountStaleRows counts the sealed rows of an account, of every kind, that name another generation.
func (s *Store) CountStaleRows(ctx context.Context, accountID int64, generation int) (total int64, err error) {
	for kind, r := range resealings {
		var n int64
		if err := s.db.QueryRow(ctx, r.count, accountID, generation).Scan(&n); err != nil {
			return 0, fmt.Errorf("count sealed %s of account %d: %w", sealings[kind].table, accountID, err)
		}
		total += n
	}
	return total, nil
}
