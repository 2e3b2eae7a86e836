package store

import (
	"context"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
)

// ExplainContacts gives the plan of a list's inner statement: what filters and orders, without what is joined to a page.
func ExplainContacts(t *testing.T, s *Store, accountID int64, q chat.ContactQuery) string {
	t.Helper()
	st := new(statement)
	st.add("EXPLAIN SELECT ct.id FROM contacts ct WHERE ct.account_id = ?", accountID)
	filterContacts(st, q)
	st.orderBy(contactKeys[q.Order.Field], q.Order.Direction, false)
	st.add(" LIMIT ?", q.Page.Limit)
	return explained(t, s, st)
}

// ExplainSealedContacts gives the plan of what leads to the contacts that are opened.
func ExplainSealedContacts(t *testing.T, s *Store, accountID int64, from *FilterCandidates) string {
	t.Helper()
	st := new(statement)
	st.add("EXPLAIN ")
	sealedContacts(st, accountID, chat.ContactQuery{}, []chat.Field{chat.FieldEmail}, from)
	return explained(t, s, st)
}

// explained forbids sequential reads where an index would do: on a million rows PostgreSQL must not have to.
func explained(t *testing.T, s *Store, st *statement) (plan string) {
	t.Helper()
	err := s.InTx(context.Background(), func(tx *Store) error {
		if _, err := tx.db.Exec(context.Background(), `SET LOCAL enable_seqscan = off`); err != nil {
			return err
		}
		lines, err := collect(context.Background(), tx.db, scanText, st.sql.String(), st.args...)
		plan = strings.Join(lines, "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}
