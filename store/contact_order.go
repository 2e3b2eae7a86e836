package store

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// What chat.ContactOrderField.Norm gives, NULL for nil. The collation "C" compares bytes and knows ASCII letters only,
// whatever the database's locale is.
const (
	emailNorm = `NULLIF(lower(btrim(ct.email COLLATE "C", ` + blanks + `)), '')`
	phoneNorm = `CASE WHEN btrim(ct.phone_number, ` + blanks + `) <> '' THEN ct.phone_number COLLATE "C" END`
	blanks    = `E' \t\n\x0B\f\r'`
)

// shownName is lower(ct.name), blank wherever chat.NameIsAddress may hold of the name: its place would tell what the alias
// hides. The two need not agree: a name that is shown and listed as blank, because it has six digits, tells nothing.
var shownName = `lower(CASE WHEN ct.name ~ '[@＠﹫]|%40' OR ct.name ~ '` + sixDigits() + `' OR ` +
	holdsOwn("ct.email") + ` OR ` + holdsOwn("ct.phone_number") + ` OR ` + holdsOwn("ct.identifier") + ` THEN '' ELSE ct.name END)`

// sixDigits is an expression for six digits of any script, whatever stands between them: fewer are never taken for a number.
func sixDigits() string {
	var digits strings.Builder
	for _, in := range unicode.Nd.R16 {
		fmt.Fprintf(&digits, "%c-%c", in.Lo, in.Hi)
	}
	for _, in := range unicode.Nd.R32 {
		fmt.Fprintf(&digits, "%c-%c", in.Lo, in.Hi)
	}
	return "([" + digits.String() + "][^" + digits.String() + "]*){6}"
}

// holdsOwn says that a name holds the contact's own address or, of one with an @, is the part before it with or without a
// tag; a name that has an @ itself is no matter. Beyond ASCII there are marks that are not seen, so that whatever is
// neither letter nor digit is left out of the comparison; that takes ten times as long.
func holdsOwn(column string) string {
	within := func(normal func(string) string) string {
		local := `split_part(btrim(` + column + `, ` + blanks + `), '@', 1)`
		return `CASE WHEN strpos(` + column + `, '@') = 0 THEN strpos(` + normal("ct.name") + `, ` + normal(column) + `) > 0 ELSE ` +
			normal("ct.name") + ` IN (` + normal(local) + `, ` + normal(`split_part(`+local+`, '+', 1)`) + `) END`
	}
	plain := func(text string) string { return `lower(btrim(` + text + `, ` + blanks + `))` }
	bare := func(text string) string { return `regexp_replace(lower(` + text + `), '[^[:alnum:]]+', '', 'g')` }
	return column + ` <> '' AND btrim(` + column + `, ` + blanks + `) <> '' AND CASE WHEN octet_length(ct.name || ` + column + `) = length(ct.name || ` + column + `) THEN ` +
		within(plain) + ` ELSE ` + within(bare) + ` END`
}

// contactText is the text of a contact's place, for orders by one.
func contactText(f chat.ContactOrderField) string {
	switch f {
	case chat.ContactsByName, chat.ContactsByShownName, chat.ContactsByEmail, chat.ContactsByPhone:
		return contactKeys[f].expression
	}
	return "NULL::text"
}

// AddressRow is a contact's sealed address with what it takes to open it.
type AddressRow struct {
	ContactID    int64
	Version      int64
	KeyContactID int64 // the contact whose key seals the address
	SubjectKeyID int64
	KeySealed    []byte // nil where the contact's sealed row or its key is missing
	Sealed       []byte // nil where the contact has no such address
}

// The columns of sealed addresses that contacts are ordered by.
var addressColumns = map[chat.Field]string{chat.FieldEmail: "s.email_sealed", chat.FieldPhone: "s.phone_number_sealed"}

// ListAddresses reads the sealed address of every contact that passes the query's filter, in no order, up to limit.
func (s *Store) ListAddresses(ctx context.Context, accountID int64, q chat.ContactQuery, limit int) ([]AddressRow, error) {
	field, _ := q.Order.Field.Address()
	st := new(statement)
	st.add("SELECT ct.id::int8, COALESCE(s.row_version, 0), COALESCE(k.contact_id, 0), COALESCE(k.subject_key_id, 0), k.key_sealed, " + addressColumns[field])
	st.add(" FROM contacts ct" + contactRecordSealedJoin)
	st.add(" WHERE ct.account_id = ?", accountID)
	filterContacts(st, q)
	st.add(" LIMIT ?", limit)
	rows, err := collect(ctx, s.db, func(rows pgx.Rows) (r AddressRow, err error) {
		return r, rows.Scan(&r.ContactID, &r.Version, &r.KeyContactID, &r.SubjectKeyID, &r.KeySealed, &r.Sealed)
	}, st.sql.String(), st.args...)
	if err != nil {
		return nil, fmt.Errorf("list the sealed addresses of account %d: %w", accountID, err)
	}
	return rows, nil
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
