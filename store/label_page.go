package store

import (
	"context"
	"fmt"

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
	st := new(statement)
	selectContacts(st, q, "NULL::text")
	key, up := "l.label", (q.Order.Direction == chat.Descending) == q.Page.Backward
	order := map[bool]string{true: labelsUp, false: labelsDown}[up]
	way := map[bool]string{true: "", false: " DESC"}[up]
	if start.Blank {
		key = "l.contact_id"
		order = " ORDER BY l.contact_id" + way
	}
	st.add(" FROM (SELECT ct.*, " + key + " AS list_place FROM cloakroom.contact_labels l JOIN contacts ct ON ct.account_id = l.account_id AND ct.id = l.contact_id WHERE ")
	start.bound(st, of, up)
	filterContacts(st, q)
	st.add(order+" LIMIT ?) ct", limit)
	if q.Parts.Conversations != nil {
		joinConversationsOfContact(st, of.AccountID, *q.Parts.Conversations)
	}
	st.add(" ORDER BY ct.list_place" + way)
	if q.Parts.Conversations != nil {
		st.add(", v.list_time DESC, v.list_id DESC")
	}
	rows, err := s.contactRows(ctx, of.AccountID, q, st)
	if err != nil {
		return nil, fmt.Errorf("list contacts of account %d by labels of %s: %w", of.AccountID, of.Field, err)
	}
	return rows, nil
}

// bound appends the condition that a row lies in the part that is read, beyond where it begins.
func (b LabelStart) bound(st *statement, of Labels, up bool) {
	from, operator := b.Above, "<"
	if up {
		from, operator = b.Below, ">"
	}
	if b.Blank {
		st.add("l.account_id = ? AND l.field = ? AND l.generation = ? AND l.label IS NULL", of.AccountID, of.Field, of.Generation)
		if from > 0 {
			st.add(" AND l.contact_id "+operator+" ?", from)
		}
		return
	}
	key := func(operator, label string, args ...any) {
		st.add(labelKey+" "+operator+" (?::int8, ?::text, ?::int4, "+label+")", append([]any{of.AccountID, of.Field, of.Generation}, args...)...)
	}
	key(">", "0")
	st.add(" AND ")
	key("<", "4611686018427387904")
	if from > 0 {
		st.add(" AND ")
		key(operator, labelOfContact, of.AccountID, of.Field, of.Generation, from)
	}
}
