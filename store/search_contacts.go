package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// ContactSource says where contacts' values are read from.
type ContactSource struct {
	Sealed           bool // addresses, and names that are some
	SealedAttributes bool // the profile
}

// ContactCandidates says which contacts a search looks at: those of which any of it holds. Patterns are of LIKE and go to
// Chatwoot's own columns, so that of a sealed account there is none but Name.
type ContactCandidates struct {
	Tokens     [][]int64 // all of a list
	Tags       []LookupTag
	Name       string // in any case; of a sealed account names that are sealed away do not count
	ListedOnly bool   // names that are addresses of their contacts do not count, as far as SQL can tell
	Email      string // in any case
	Phone      string // in any case
	Company    string // in any case
	Identifier string
}

// FoundContact is a contact that a search looks at, with what it takes to see whether it is meant.
type FoundContact struct {
	ContactRow
	Profile *chat.Record // the profile alone
	Named   bool         // by ContactCandidates.Name, of ScanContacts
}

const (
	candidateTokens = `SELECT ct.contact_id FROM cloakroom.contact_tokens ct WHERE ct.account_id + 0 = ?`
	candidateTags   = `SELECT ct.contact_id FROM unnest(?::int2[], ?::int4[], ?::bytea[]) w(field, generation, tag_index)
 JOIN cloakroom.lookup_tags ct ON ct.field = w.field AND ct.generation = w.generation AND ct.tag_index = w.tag_index WHERE ct.account_id = ?`
	candidatePlain = `SELECT ct.id::int8 FROM contacts ct WHERE ct.account_id = ?`
	nameIsSealed   = `EXISTS (SELECT 1 FROM cloakroom.contacts n WHERE n.account_id = ct.account_id AND n.contact_id = ct.id AND n.name_sealed IS NOT NULL)`
	foundOrder     = ` ORDER BY ct.last_activity_at DESC NULLS LAST, ct.id DESC`
)

// nameIsOwn holds of most names that are addresses, whatever the contact's own; see shownName.
var nameIsOwn = `CASE WHEN ct.name ~ '[@＠﹫]|%40' OR ` + holdsOwn("ct.email") + ` OR ` + holdsOwn("ct.phone_number") + ` OR ` +
	holdsOwn("ct.identifier") + ` THEN true ELSE false END`

// SearchContacts reads candidates, last activity first, after a place; nil is the beginning. Where there are more than most
// altogether it reads none, and says so. What is found is put behind a fence and sorted outside of it: a planner that is
// left free would walk along the order, in the hope to meet the few.
func (s *Store) SearchContacts(ctx context.Context, accountID int64, from ContactSource, c ContactCandidates, after *chat.Position, limit, most int) (rows []FoundContact, tooMany bool, err error) {
	st, some := contactSearch(accountID, from, c, after, limit, most)
	if !some {
		return nil, false, nil
	}
	rows, err = collect(ctx, s.db, scanFound(accountID, from, &tooMany), st.sql.String(), st.args...)
	if err != nil {
		return nil, false, fmt.Errorf("search contacts of account %d: %w", accountID, err)
	}
	if len(rows) == 1 && rows[0].Contact == nil {
		rows = nil
	}
	return rows, tooMany, nil
}

// contactSearch gives the statement of a search; some is false where no candidates are asked for.
func contactSearch(accountID int64, from ContactSource, c ContactCandidates, after *chat.Position, limit, most int) (st *statement, some bool) {
	st = new(statement)
	st.add("WITH c AS MATERIALIZED (")
	some = addCandidates(st, accountID, from, c, most+1) > 0
	st.add("), n AS MATERIALIZED (SELECT count(*) AS n FROM c) SELECT (SELECT n FROM n) > ?, false, "+contactColumns, most)
	st.add(from.record())
	st.add(" FROM n LEFT JOIN (SELECT ct.* FROM c JOIN contacts ct ON ct.account_id = ? AND ct.id = c.contact_id WHERE (SELECT n FROM n) <= ?", accountID, most)
	afterFound(st, after)
	st.add(foundOrder+" LIMIT ?) ct ON true", limit)
	st.add(from.join() + foundOrder)
	return st, some
}

// addCandidates appends a union of what candidates come from, each bounded, and says of how many. Tokens stand behind a
// fence, and their account in an expression: for the sake of the bound, or of a small account, the planner would compare
// all tokens of the account, which takes longer than to ask their index.
func addCandidates(st *statement, accountID int64, from ContactSource, c ContactCandidates, most int) (n int) {
	st.add("SELECT u.contact_id FROM (")
	part := func(fragment string, args ...any) {
		if n++; n > 1 {
			st.add(" UNION ")
		}
		st.add("("+fragment, args...)
	}
	end := func() { st.add(" LIMIT ?)", most) }
	if len(c.Tokens) > 0 {
		part("WITH t AS MATERIALIZED ("+candidateTokens, accountID)
		for i, list := range c.Tokens {
			st.add([]string{" AND (", " OR "}[min(i, 1)]+"ct.tokens @> ?", list)
		}
		st.add(")) SELECT t.contact_id FROM t")
		end()
	}
	if len(c.Tags) > 0 {
		fields, generations, values := make([]int16, len(c.Tags)), make([]int32, len(c.Tags)), make([][]byte, len(c.Tags))
		for i, t := range c.Tags {
			fields[i], generations[i], values[i] = t.Field, int32(t.Generation), t.Tag
		}
		part(candidateTags, fields, generations, values, accountID)
		end()
	}
	if c.Name != "" {
		part(candidatePlain+" AND ct.name ILIKE ?", accountID, c.Name)
		if from.Sealed {
			st.add(" AND NOT " + nameIsSealed)
		} else if c.ListedOnly {
			st.add(" AND NOT " + nameIsOwn)
		}
		end()
	}
	for _, p := range []struct{ pattern, condition string }{
		{c.Email, "ct.email ILIKE ?"}, {c.Phone, "ct.phone_number ILIKE ?"}, {c.Identifier, "ct.identifier LIKE ?"},
		{c.Company, "ct.additional_attributes->>'company_name' ILIKE ?"},
	} {
		if p.pattern != "" {
			part(candidatePlain+" AND "+p.condition, accountID, p.pattern)
			end()
		}
	}
	st.add(") u(contact_id)")
	return n
}

func afterFound(st *statement, after *chat.Position) {
	switch {
	case after == nil:
	case after.Time == nil:
		st.add(" AND ct.last_activity_at IS NULL AND ct.id < ?", after.ID)
	default:
		st.add(" AND ((ct.last_activity_at, ct.id) < (?, ?) OR ct.last_activity_at IS NULL)", *after.Time, after.ID)
	}
}

// record is the columns of a contact's values, wherever they lie.
func (from ContactSource) record() string {
	columns := contactRecordPlain
	switch {
	case from.Sealed:
		columns = contactRecordSealed
	case from.SealedAttributes: // under a key all the same
		columns = strings.Replace(contactRecordPlain, "ct.id::int8, 0::int8, 0::int8, NULL::bytea", "k.contact_id, s.row_version, k.subject_key_id, k.key_sealed", 1)
	}
	if from.SealedAttributes {
		return columns + ", s.profile_sealed"
	}
	return columns + ", convert_to(ct.additional_attributes::text, 'UTF8')"
}

func (from ContactSource) join() string {
	if from.Sealed || from.SealedAttributes {
		return contactRecordSealedJoin
	}
	return ""
}

func scanFound(accountID int64, from ContactSource, tooMany *bool) func(pgx.Rows) (FoundContact, error) {
	return func(rows pgx.Rows) (FoundContact, error) {
		var found FoundContact
		var ct contactScanner
		var r recordScanner
		var profile []byte
		targets := r.targets(ct.targets([]any{tooMany, &found.Named}), 4)
		if err := rows.Scan(append(targets, &profile)...); err != nil {
			return found, err
		}
		c := ct.contact(accountID)
		if c == nil {
			return found, nil
		}
		found.ContactRow = ContactRow{Contact: c, Position: &chat.Position{ID: c.ID, Time: c.LastActivityAt}}
		found.Record = r.record(chat.RecordKey{Kind: chat.ContactRecord, ID: c.ID}, from.Sealed)
		r.columns = [chat.RecordColumns][]byte{profile}
		found.Profile = r.record(chat.RecordKey{Kind: chat.ContactAttributesRecord, ID: c.ID}, from.SealedAttributes)
		return found, nil
	}
}

// ScanContacts reads contacts one after the other, last activity first, after a place, and says of each whether it has a
// name by c.Name.
func (s *Store) ScanContacts(ctx context.Context, accountID int64, from ContactSource, c ContactCandidates, after *chat.Position, limit int) ([]FoundContact, error) {
	key, page := contactKeys[chat.ContactsByLastActivity], chat.Page{Limit: limit, Exact: true, From: after}
	rows, err := readPage(page, key, func(limit int, overrun bool) ([]FoundContact, error) {
		st := new(statement)
		st.add("SELECT false, ")
		switch {
		case c.Name == "":
			st.add("false, ")
		case from.Sealed:
			st.add("COALESCE(ct.name ILIKE ?, false) AND s.name_sealed IS NULL, ", c.Name)
		default:
			st.add("COALESCE(ct.name ILIKE ?, false), ", c.Name)
		}
		st.add(contactColumns + from.record())
		st.add(" FROM (SELECT * FROM contacts ct WHERE ct.account_id = ?", accountID)
		st.beyond(key, chat.Descending, page, overrun)
		st.orderBy(key, chat.Descending, false)
		st.add(" LIMIT ?) ct"+from.join()+foundOrder, limit)
		return collect(ctx, s.db, scanFound(accountID, from, new(bool)), st.sql.String(), st.args...)
	})
	if err != nil {
		return nil, fmt.Errorf("look through the contacts of account %d: %w", accountID, err)
	}
	return rows, nil
}

const contactsFound = `SELECT false, false, ` + contactColumns + `%s FROM contacts ct%s WHERE ct.account_id = $1 AND ct.id = ANY($2::int8[])` + foundOrder

// ContactsFound reads contacts by their ids, as SearchContacts would.
func (s *Store) ContactsFound(ctx context.Context, accountID int64, from ContactSource, ids []int64) ([]FoundContact, error) {
	rows, err := collect(ctx, s.db, scanFound(accountID, from, new(bool)), fmt.Sprintf(contactsFound, from.record(), from.join()), accountID, ids)
	if err != nil {
		return nil, fmt.Errorf("read contacts of account %d: %w", accountID, err)
	}
	return rows, nil
}
