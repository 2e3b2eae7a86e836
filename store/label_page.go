package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// LabelStart is where a page by labels begins. It names contacts and no labels: those may move meanwhile.
type LabelStart struct {
	Blank bool // among the contacts without a label, which come last in both directions, by id

	// The page reads upwards from beyond one contact, or downwards from before another: the same one twice, or two that
	// follow one another. 0 is either end.
	Below, Above int64
}

const labelOfContact = `(SELECT o.label FROM cloakroom.contact_labels o WHERE o.account_id = ? AND o.field = ? AND o.generation = ? AND o.contact_id = ?)`

// ListLabelled reads up to limit contacts of a page by labels, from one of its two parts: those with a label, or those
// without. Where a contact to begin from has lost its label there are none.
func (s *Store) ListLabelled(ctx context.Context, of Labels, q chat.ContactQuery, start LabelStart, limit int) ([]ContactRow, error) {
	rows, err := s.contactRows(ctx, of.AccountID, q, labelledPage(of, q, start, limit))
	if err != nil {
		return nil, fmt.Errorf("list contacts of account %d by labels of %s: %w", of.AccountID, of.Field, err)
	}
	return rows, nil
}

// ListLabelledFrom is ListLabelled from beyond one contact, which it reads in the same round trip: none where that has no
// label, and then there is no page.
func (s *Store) ListLabelledFrom(ctx context.Context, of Labels, q chat.ContactQuery, contactID int64, limit int) ([]LabelRow, []ContactRow, error) {
	batch := new(pgx.Batch)
	batch.Queue(labelsAround(of.Field), of.AccountID, of.Field, of.Generation, contactID, 0)
	page := labelledPage(of, q, LabelStart{Below: contactID, Above: contactID}, limit)
	batch.Queue(page.sql.String(), page.args...)
	results := s.db.SendBatch(ctx, batch)
	defer func() { _ = results.Close() }()
	own, err := readBatched(results, scanLabelRow)
	if err != nil {
		return nil, nil, fmt.Errorf("read the label of contact %d of account %d by %s: %w", contactID, of.AccountID, of.Field, err)
	}
	result, err := results.Query()
	if err != nil {
		return nil, nil, fmt.Errorf("list contacts of account %d by labels of %s: %w", of.AccountID, of.Field, err)
	}
	rows, err := scanContacts(result, of.AccountID, q)
	return own, rows, err
}

func readBatched[T any](results pgx.BatchResults, scan func(pgx.Rows) (T, error)) ([]T, error) {
	rows, err := results.Query()
	if err != nil {
		return nil, err
	}
	return collectRows(rows, scan)
}

func labelledPage(of Labels, q chat.ContactQuery, start LabelStart, limit int) *statement {
	st := new(statement)
	selectContacts(st, q, "NULL::text")
	up := (q.Order.Direction == chat.Descending) == q.Page.Backward
	way := map[bool]string{true: "", false: " DESC"}[up]
	key := "l.label"
	if start.Blank {
		key = "l.contact_id"
	}
	st.add(" FROM (SELECT ct.*, " + key + " AS list_place FROM cloakroom.contact_labels l JOIN contacts ct ON ct.account_id = l.account_id AND ct.id = l.contact_id")
	start.bound(st, of, up)
	filterContacts(st, q)
	st.add(" ORDER BY "+key+way+" LIMIT ?) ct", limit)
	if q.Parts.Record {
		st.add(contactRecordSealedJoin)
	}
	if q.Parts.Conversations != nil {
		joinConversationsOfContact(st, of.AccountID, *q.Parts.Conversations)
	}
	st.add(" ORDER BY ct.list_place" + way)
	if q.Parts.Conversations != nil {
		st.add(", v.list_time DESC, v.list_id DESC")
	}
	return st
}

// bound appends the condition that a row lies in the part that is read, beyond where it begins.
func (b LabelStart) bound(st *statement, of Labels, up bool) {
	from, operator := b.Above, "<"
	if up {
		from, operator = b.Below, ">"
	}
	st.add(" WHERE l.account_id = ? AND l.field = ? AND l.generation = ?", of.AccountID, of.Field, of.Generation)
	switch {
	case b.Blank && from == 0:
		st.add(" AND l.label IS NULL")
	case b.Blank:
		st.add(" AND l.label IS NULL AND l.contact_id "+operator+" ?", from)
	case from == 0:
		st.add(" AND l.label IS NOT NULL")
	default:
		st.add(" AND l.label "+operator+" "+labelOfContact, of.AccountID, of.Field, of.Generation, from)
	}
}
