package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// DuplicateQuery says whom a contact may be the same customer as. Of a sealed account there is nothing in clear but Name,
// a name that is listed in clear.
type DuplicateQuery struct {
	ContactID int64
	Most      int // of each kind
	Sealed    bool
	Name      string // a pattern of ILIKE, "" for none

	Generation int       // of the index keyset, whose tags are compared
	Tokens     [][]int64 // all of a list

	Email, Phone, Identifier string // whole values, "" for none
	LocalPart, Domain        string // of an e-mail address, without case, tag and dots
	Ending                   string // digits
}

// DuplicatePair is a contact that may be the same; Field is the one whose tags are equal, 0 for another reason.
type DuplicatePair struct {
	ContactID int64
	Field     int16
}

const (
	sameTags = `SELECT o.contact_id, o.field FROM cloakroom.lookup_tags m JOIN cloakroom.lookup_tags o ON o.account_id = m.account_id
 AND o.field = m.field AND o.generation = m.generation AND o.tag_index = m.tag_index AND o.contact_id <> m.contact_id
 WHERE m.account_id = ? AND m.contact_id = ? AND m.generation = ?`
	sameTokens = `SELECT t.contact_id, 0::int2 FROM cloakroom.contact_tokens t WHERE t.account_id = ? AND t.contact_id <> ? AND t.tokens @> ?`
	sameColumn = `SELECT ct.id::int8, 0::int2 FROM contacts ct WHERE ct.account_id = ? AND ct.id <> ? AND `
	similarTo  = `ct.email ILIKE ? AND replace(split_part(split_part(lower(btrim(ct.email)), '@', 1), '+', 1), '.', '') = ?`
)

// DuplicatesOf reads the ids of contacts that may be the same as one, by each reason.
func (s *Store) DuplicatesOf(ctx context.Context, accountID int64, q DuplicateQuery) ([]DuplicatePair, error) {
	st := new(statement)
	part := func(fragment string, args ...any) {
		if st.sql.Len() > 0 {
			st.add(" UNION ")
		}
		st.add("("+fragment, args...)
		st.add(" LIMIT ?)", q.Most)
	}
	if q.Sealed {
		part(sameTags, accountID, q.ContactID, q.Generation)
	}
	for _, list := range q.Tokens {
		part(sameTokens, accountID, q.ContactID, list)
	}
	if q.Name != "" {
		named := sameColumn + `ct.name ILIKE ?`
		if q.Sealed {
			named += " AND NOT " + nameIsSealed
		}
		part(named, accountID, q.ContactID, q.Name)
	}
	for _, p := range []struct{ condition, value string }{
		{"lower(ct.email) = ?", q.Email}, {"ct.phone_number = ?", q.Phone}, {"ct.identifier = ?", q.Identifier},
	} {
		if p.value != "" {
			part(sameColumn+p.condition, accountID, q.ContactID, p.value)
		}
	}
	if q.Domain != "" {
		part(sameColumn+similarTo, accountID, q.ContactID, "%@"+LikeExactly(q.Domain)+"%", q.LocalPart)
	}
	if q.Ending != "" {
		part(sameColumn+`ct.phone_number LIKE ?`, accountID, q.ContactID, "%"+q.Ending)
	}
	if st.sql.Len() == 0 {
		return nil, nil
	}
	pairs, err := collect(ctx, s.db, func(rows pgx.Rows) (p DuplicatePair, err error) {
		return p, rows.Scan(&p.ContactID, &p.Field)
	}, st.sql.String(), st.args...)
	if err != nil {
		return nil, fmt.Errorf("find duplicates in account %d: %w", accountID, err)
	}
	return pairs, nil
}

// likeSigns keeps the signs of LIKE from being more than signs.
var likeSigns = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// LikeExactly is a pattern of LIKE for one text.
func LikeExactly(text string) string { return likeSigns.Replace(text) }

// LikePattern is a pattern of LIKE for texts that hold another, or begin with it.
func LikePattern(text string, atTheBeginning bool) string {
	if atTheBeginning {
		return LikeExactly(text) + "%"
	}
	return "%" + LikeExactly(text) + "%"
}
