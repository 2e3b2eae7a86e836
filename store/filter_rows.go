package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// FilterRow is a row with the sealed values that conditions ask for, and what it takes to open them.
type FilterRow struct {
	ID           int64
	Version      int64
	KeyContactID int64 // the contact whose key seals them
	SubjectKeyID int64
	KeySealed    []byte
	Columns      [][]byte // nil for none, in the order asked for
}

// FilterCandidates narrow the contacts that are read to those that one index leads to.
type FilterCandidates struct {
	Lookup *LookupTag
	Tokens [][]int64 // of each generation all of a list
	Key    string    // of an attribute
	Tags   []chat.AttributeTag
}

var filterColumns = map[chat.Field]string{
	chat.FieldEmail: "s.email_sealed", chat.FieldPhone: "s.phone_number_sealed", chat.FieldIdentifier: "s.identifier_sealed",
	chat.FieldName: "s.name_sealed", chat.FieldProfile: "s.profile_sealed", chat.FieldCustomAttributes: "s.custom_attributes_sealed",
	chat.FieldAdditionalAttributes: "s.additional_attributes_sealed",
}

const filterRow = "SELECT %s.id::int8, s.row_version, k.contact_id, k.subject_key_id, k.key_sealed, "

// SealedContacts reads the contacts that have any of some sealed fields and pass the query, in no order, up to limit; all
// of them, or where that is not nil those among candidates.
func (s *Store) SealedContacts(ctx context.Context, accountID int64, q chat.ContactQuery, fields []chat.Field, from *FilterCandidates, limit int) ([]FilterRow, error) {
	st := new(statement)
	sealedContacts(st, accountID, q, fields, from)
	return s.filterRows(ctx, accountID, st, fields, limit)
}

func sealedContacts(st *statement, accountID int64, q chat.ContactQuery, fields []chat.Field, from *FilterCandidates) {
	if from != nil {
		st.add("WITH found AS MATERIALIZED (")
		from.add(st, accountID)
		st.add(") ")
	}
	st.add(fmt.Sprintf(filterRow, "ct") + columnsOf(fields))
	st.add(" FROM contacts ct JOIN cloakroom.contacts s ON s.account_id = ct.account_id AND s.contact_id = ct.id" + subjectKey)
	st.add(" WHERE ct.account_id = ? AND COALESCE("+columnsOf(fields)+") IS NOT NULL", accountID)
	if from != nil {
		st.add(" AND ct.id IN (SELECT f.id FROM found f)")
	}
	filterContacts(st, q)
}

// SealedConversations is SealedContacts for conversations.
func (s *Store) SealedConversations(ctx context.Context, accountID int64, q chat.ConversationQuery, fields []chat.Field, limit int) ([]FilterRow, error) {
	st := new(statement)
	st.add(fmt.Sprintf(filterRow, "c") + columnsOf(fields))
	st.add(" FROM conversations c JOIN cloakroom.conversations s ON s.account_id = c.account_id AND s.conversation_id = c.id" + subjectKey)
	st.add(" WHERE c.account_id = ? AND COALESCE("+columnsOf(fields)+") IS NOT NULL", accountID)
	visibleConversations(st, q.Visibility)
	filterConversations(st, q)
	return s.filterRows(ctx, accountID, st, fields, limit)
}

func (s *Store) filterRows(ctx context.Context, accountID int64, st *statement, fields []chat.Field, limit int) ([]FilterRow, error) {
	st.add(" LIMIT ?", limit)
	rows, err := collect(ctx, s.db, func(rows pgx.Rows) (FilterRow, error) {
		r := FilterRow{Columns: make([][]byte, len(fields))}
		targets := append(make([]any, 0, 5+len(fields)), &r.ID, &r.Version, &r.KeyContactID, &r.SubjectKeyID, &r.KeySealed)
		for i := range r.Columns {
			targets = append(targets, &r.Columns[i])
		}
		return r, rows.Scan(targets...)
	}, st.sql.String(), st.args...)
	if err != nil {
		return nil, fmt.Errorf("read the sealed values that a filter of account %d compares: %w", accountID, err)
	}
	return rows, nil
}

func columnsOf(fields []chat.Field) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = filterColumns[f]
	}
	return strings.Join(names, ", ")
}

func (from *FilterCandidates) add(st *statement, accountID int64) {
	switch {
	case from.Lookup != nil:
		st.add("SELECT l.contact_id AS id FROM cloakroom.lookup_tags l WHERE l.account_id = ? AND l.field = ? AND l.generation = ? AND l.tag_index = ?",
			accountID, from.Lookup.Field, from.Lookup.Generation, from.Lookup.Tag)
	case len(from.Tags) > 0:
		generations, tags := tagArrays(from.Tags)
		st.add("SELECT t.entity_id AS id FROM cloakroom.attribute_tags t WHERE t.account_id = ? AND t.model = 'CONTACT' AND t.attribute_key = ?"+
			" AND t.generation = ANY(?) AND t.tag_index = ANY(?)", accountID, from.Key, generations, tags)
	default:
		st.add("SELECT t.contact_id AS id FROM cloakroom.contact_tokens t WHERE t.account_id = ? AND (false", accountID)
		for _, list := range from.Tokens {
			st.add(" OR t.tokens @> ?", list)
		}
		st.add(")")
	}
}

// tagArrays are tags as the two arrays that are bound. A tag is of one generation, so that each may go with each.
func tagArrays(tags []chat.AttributeTag) (generations []int32, values [][]byte) {
	for _, t := range tags {
		generations, values = append(generations, int32(t.Generation)), append(values, t.Tag)
	}
	return generations, values
}
