package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// OrderValue is the sealed value by which a contact is ordered, with what it takes to open it.
type OrderValue struct {
	ContactID    int64
	Version      int64
	KeyContactID int64 // the contact whose key seals the value
	SubjectKeyID int64
	KeySealed    []byte  // nil where the contact's sealed row or its key is missing
	Sealed       []byte  // nil where the contact has no such value
	Listed       *string // in an order by name: the name, unless it is sealed away
}

func (v *OrderValue) targets() []any {
	return []any{&v.ContactID, &v.Version, &v.KeyContactID, &v.SubjectKeyID, &v.KeySealed, &v.Sealed, &v.Listed}
}

// The sealed columns that contacts are ordered by.
var orderColumns = map[chat.ContactOrderField]string{
	chat.ContactsByEmail: "s.email_sealed", chat.ContactsByPhone: "s.phone_number_sealed",
	chat.ContactsByCompany: "s.profile_sealed", chat.ContactsByCity: "s.profile_sealed", chat.ContactsByCountry: "s.profile_sealed",
}

// orderValue gives the columns of an OrderValue of a contact ct and its sealed row s.
func orderValue(f chat.ContactOrderField) string {
	const columns = "ct.id::int8, COALESCE(s.row_version, 0), COALESCE(k.contact_id, 0), COALESCE(k.subject_key_id, 0), k.key_sealed, "
	if column, ok := orderColumns[f]; ok {
		return columns + column + ", NULL::text"
	}
	return columns + "NULL::bytea, CASE WHEN s.name_sealed IS NULL THEN ct.name END"
}

func scanOrderValue(rows pgx.Rows) (v OrderValue, err error) {
	return v, rows.Scan(v.targets()...)
}

// ListOrderValues reads what every contact that passes the query's filter is ordered by, in no order, up to limit.
func (s *Store) ListOrderValues(ctx context.Context, accountID int64, q chat.ContactQuery, limit int) ([]OrderValue, error) {
	st := new(statement)
	st.add("SELECT " + orderValue(q.Order.Field) + " FROM contacts ct" + contactRecordSealedJoin)
	st.add(" WHERE ct.account_id = ?", accountID)
	filterContacts(st, q)
	st.add(" LIMIT ?", limit)
	rows, err := collect(ctx, s.db, scanOrderValue, st.sql.String(), st.args...)
	if err != nil {
		return nil, fmt.Errorf("list what contacts of account %d are ordered by: %w", accountID, err)
	}
	return rows, nil
}

// OrderValuesOf reads what some contacts are ordered by, in no order; those that are gone are not in the answer.
func (s *Store) OrderValuesOf(ctx context.Context, accountID int64, f chat.ContactOrderField, ids []int64) ([]OrderValue, error) {
	rows, err := collect(ctx, s.db, scanOrderValue, "SELECT "+orderValue(f)+" FROM contacts ct"+contactRecordSealedJoin+
		" WHERE ct.account_id = $1 AND ct.id = ANY($2)", accountID, ids)
	if err != nil {
		return nil, fmt.Errorf("read what some contacts of account %d are ordered by: %w", accountID, err)
	}
	return rows, nil
}

// ContactsState says in which state an account's contacts are.
type ContactsState struct {
	Count int    // up to the limit
	State string // another one whenever a contact comes, goes or is sealed anew
}

// Every writer of a sealed row gives it another version, so none has to remember to say that something has changed. The
// account is named as a range: of an account that it does not know the planner expects an even share of all contacts, and
// in search of the few of a small account it would go through those of a large one.
const contactsState = `SELECT a.n, a.n || ' ' || a.ids || ' ' || v.versions FROM
 (SELECT count(*) AS n, COALESCE(sum(hashint8(c.id)), 0) AS ids FROM
 (SELECT ct.id::int8 FROM contacts ct WHERE ct.account_id BETWEEN $1::int8 AND $1::int8 LIMIT $2) c) a,
 (SELECT COALESCE(sum(hashint8extended(c.contact_id, c.row_version)), 0) AS versions FROM
 (SELECT s.contact_id, s.row_version FROM cloakroom.contacts s WHERE s.account_id BETWEEN $1::int8 AND $1::int8 LIMIT $2) c) v`

// ReadContactsState reads in which state an account's contacts are; of more than limit it says only how many there are.
func (s *Store) ReadContactsState(ctx context.Context, accountID int64, limit int) (ContactsState, error) {
	var c ContactsState
	if err := s.db.QueryRow(ctx, contactsState, accountID, limit).Scan(&c.Count, &c.State); err != nil {
		return c, fmt.Errorf("read the state of the contacts of account %d: %w", accountID, err)
	}
	return c, nil
}

// PassingContacts reads which contacts pass a query's filter.
func (s *Store) PassingContacts(ctx context.Context, accountID int64, q chat.ContactQuery) ([]int64, error) {
	st := new(statement)
	st.add("SELECT ct.id::int8 FROM contacts ct WHERE ct.account_id = ?", accountID)
	filterContacts(st, q)
	ids, err := collect(ctx, s.db, scanID, st.sql.String(), st.args...)
	if err != nil {
		return nil, fmt.Errorf("read which contacts of account %d pass a filter: %w", accountID, err)
	}
	return ids, nil
}

// ContactsAt reads the contacts at places that are known, in the places' order, as ListContacts would. One that was
// deleted since has no row.
func (s *Store) ContactsAt(ctx context.Context, accountID int64, q chat.ContactQuery, places []*chat.Position) ([]ContactRow, error) {
	if len(places) == 0 {
		return nil, nil
	}
	ids := make([]int64, len(places))
	for i, p := range places {
		ids[i] = p.ID
	}
	st := new(statement)
	selectContacts(st, q, "NULL::text")
	st.add(" FROM contacts ct")
	if q.Parts.Conversations != nil {
		joinConversationsOfContact(st, accountID, *q.Parts.Conversations)
	}
	st.add(" WHERE ct.account_id = ? AND ct.id = ANY(?) ORDER BY ct.id", accountID, ids)
	if q.Parts.Conversations != nil {
		st.add(", v.list_time DESC, v.list_id DESC")
	}
	rows, err := s.contactRows(ctx, accountID, q, st)
	if err != nil {
		return nil, fmt.Errorf("read contacts of account %d in their order: %w", accountID, err)
	}
	byID := make(map[int64]ContactRow, len(rows))
	for _, r := range rows {
		byID[r.ID] = r
	}
	ordered := make([]ContactRow, 0, len(rows))
	for _, p := range places {
		if r, there := byID[p.ID]; there {
			r.Position = p
			ordered = append(ordered, r)
		}
	}
	return ordered, nil
}
