package store

import (
	"context"
	"fmt"
	"github.com/cloakroom/cloakroom/chat"
	"strconv"
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

// ListLabelledFrom is ListLabelled from beyond one contact, which comes with the page: nil where that has no label, or where
// nothing lies beyond it.
func (s *Store) ListLabelledFrom(ctx context.Context, of Labels, q chat.ContactQuery, contactID int64, limit int) (*LabelRow, []ContactRow, error) {
	st := labelledPageFrom(of, q, contactID, limit)
	var own LabelRow
	rows, err := s.contactRows(ctx, of.AccountID, q, st, append([]any{&own.Label}, own.targets()...)...)
	if err != nil {
		return nil, nil, fmt.Errorf("list contacts of account %d by labels of %s: %w", of.AccountID, of.Field, err)
	}
	if len(rows) == 0 {
		return nil, nil, nil
	}
	return &own, rows, nil
}

// labelledPageFrom has the contact that the page begins from in every row: a statement of its own for it would take as long
// as the page.
func labelledPageFrom(of Labels, q chat.ContactQuery, contactID int64, limit int) *statement {
	st := &statement{args: []any{of.AccountID, of.Field, of.Generation, contactID}}
	st.add("WITH o(label, contact_id, row_version, key_contact_id, subject_key_id, key_sealed, sealed, listed) AS MATERIALIZED (" + labelRow(of.Field) +
		" FROM (SELECT l.*" + labelsOf + " AND l.contact_id = $4 AND l.label IS NOT NULL) l" + labelValue(of.Field) + ") ")
	selectContacts(st, q, "NULL::text")
	up := labelsUp(q)
	st.add(", o.* FROM ")
	st.labelled(of, q, "l.label", up, limit, func() {
		st.add(" AND l.label " + map[bool]string{true: ">", false: "<"}[up] + " (SELECT o.label FROM o)")
	})
	st.add(" CROSS JOIN o")
	joinLabelled(st, of, q, up)
	return st
}

func labelledPage(of Labels, q chat.ContactQuery, start LabelStart, limit int) *statement {
	st := new(statement)
	selectContacts(st, q, "NULL::text")
	up, key := labelsUp(q), "l.label"
	if start.Blank {
		key = "l.contact_id"
	}
	st.add(" FROM ")
	st.labelled(of, q, key, up, limit, func() { start.bound(st, of, up) })
	joinLabelled(st, of, q, up)
	return st
}

// labelsUp says whether a page reads its labels upwards.
func labelsUp(q chat.ContactQuery) bool {
	return (q.Order.Direction == chat.Descending) == q.Page.Backward
}

var labelWays = map[bool]string{true: "", false: " DESC"}

// labelled appends the contacts ct of a page, from beyond where it begins. The limit stands in the statement: a plan that
// does not know it is thought to be so dear that PostgreSQL makes another one for every page, which takes longer than the
// page.
func (s *statement) labelled(of Labels, q chat.ContactQuery, key string, up bool, limit int, bound func()) {
	s.add("(SELECT ct.*, "+key+" AS list_place FROM cloakroom.contact_labels l JOIN contacts ct ON ct.account_id = l.account_id AND ct.id = l.contact_id"+
		" WHERE l.account_id = ? AND l.field = ? AND l.generation = ?", of.AccountID, of.Field, of.Generation)
	bound()
	filterContacts(s, q)
	s.add(" ORDER BY " + key + labelWays[up] + " LIMIT " + strconv.Itoa(limit) + ") ct")
}

// joinLabelled appends what is read beside the contacts of a page, and their order.
func joinLabelled(st *statement, of Labels, q chat.ContactQuery, up bool) {
	if q.Parts.Record {
		st.add(contactRecordSealedJoin)
	}
	if q.Parts.Conversations != nil {
		joinConversationsOfContact(st, of.AccountID, *q.Parts.Conversations)
	}
	st.add(" ORDER BY ct.list_place" + labelWays[up])
	if q.Parts.Conversations != nil {
		st.add(", v.list_time DESC, v.list_id DESC")
	}
}

// bound appends the condition that a row lies in the part that is read, beyond where it begins.
func (b LabelStart) bound(st *statement, of Labels, up bool) {
	from, operator := b.Above, "<"
	if up {
		from, operator = b.Below, ">"
	}
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
