package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// ContactRow is a contact without its personal values, its place in the list it was read for, and what was
// asked for beside it.
type ContactRow struct {
	*chat.Contact
	Position      *chat.Position
	Record        *chat.Record
	Conversations []ConversationRow
}

var contactKeys = map[chat.ContactOrderField]orderKey{
	chat.ContactsByLastActivity: {expression: "ct.last_activity_at", id: "ct.id", nullable: true, value: timeOf},
	chat.ContactsByCreated:      {expression: "ct.created_at", id: "ct.id", value: timeOf},
}

// contactKey is how contacts are ordered by Chatwoot's own columns.
func contactKey(q chat.ContactQuery) orderKey {
	if text, ok := contactTexts[q.Order.Field]; ok {
		return orderKey{expression: text(q.Sealed), id: "ct.id", nullable: true, value: textOf}
	}
	return contactKeys[q.Order.Field]
}

// ListContacts reads one page and one row more. A name is ordered by the database's own lower(), so the row
// says its place itself. Every order is by Chatwoot's own columns: where what is ordered by is sealed, see ListOrderValues.
func (s *Store) ListContacts(ctx context.Context, accountID int64, q chat.ContactQuery) ([]ContactRow, error) {
	key, text := contactKey(q), "NULL::text"
	place := key
	if place.expression = "ct.list_place"; q.Order.Field.ByText() {
		text = place.expression
	}
	rows, err := readPage(q.Page, key, func(limit int, overrun bool) ([]ContactRow, error) {
		st := new(statement)
		selectContacts(st, q, text)
		st.add(" FROM (SELECT ct.*, " + key.expression + " AS list_place FROM contacts ct")
		if q.Sealed && q.Order.Field.ByText() {
			st.add(sealedAway)
		}
		st.add(" WHERE ct.account_id = ?", accountID)
		filterContacts(st, q)
		st.beyond(key, q.Order.Direction, q.Page, overrun)
		st.orderBy(key, q.Order.Direction, q.Page.Backward)
		st.add(" LIMIT ?) ct", limit)
		if q.Parts.Conversations != nil {
			joinConversationsOfContact(st, accountID, *q.Parts.Conversations)
		}
		st.orderBy(place, q.Order.Direction, q.Page.Backward)
		if q.Parts.Conversations != nil {
			st.add(", v.list_time DESC, v.list_id DESC")
		}
		return s.contactRows(ctx, accountID, q, st)
	})
	if err != nil {
		return nil, fmt.Errorf("list contacts of account %d: %w", accountID, err)
	}
	return rows, nil
}

func selectContacts(st *statement, q chat.ContactQuery, text string) {
	st.add("SELECT " + contactColumns + ", " + text)
	if q.Parts.Record {
		st.add(contactRecordSealed)
	}
	if q.Parts.Conversations != nil {
		st.add(", v.*")
	}
}

// joinConversationsOfContact joins each contact's newest conversations, one more than the page asks for.
func joinConversationsOfContact(st *statement, accountID int64, q chat.ConversationQuery) {
	st.add(" LEFT JOIN LATERAL (")
	selectConversations(st, q.Parts)
	st.add(", c.last_activity_at list_time, c.id list_id FROM (SELECT * FROM conversations c WHERE c.account_id = ? AND c.contact_id = ct.id", accountID)
	visibleConversations(st, q.Visibility)
	st.add(" ORDER BY c.last_activity_at DESC, c.id DESC LIMIT ?) c", q.Page.Read())
	joinConversations(st, q.Parts)
	st.add(") v ON true")
}

// contactRows reads contacts; one with several conversations comes as several rows in a run. What comes with every row is
// scanned as well.
func (s *Store) contactRows(ctx context.Context, accountID int64, q chat.ContactQuery, st *statement, beside ...any) ([]ContactRow, error) {
	rows, err := s.db.Query(ctx, st.sql.String(), st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []ContactRow
	for rows.Next() {
		var ct contactScanner
		var text *string
		targets := append(ct.targets(make([]any, 0, 48)), &text)
		var record recordScanner
		if q.Parts.Record {
			targets = record.targets(targets, 4)
		}
		var conv *conversationScanner
		if q.Parts.Conversations != nil {
			conv = newConversationScan(q.Parts.Conversations.Parts)
			var ignoredTime, ignoredID any
			targets = append(append(targets, conv.targets...), &ignoredTime, &ignoredID)
		}
		if err := rows.Scan(append(targets, beside...)...); err != nil {
			return nil, err
		}
		if len(list) == 0 || list[len(list)-1].ID != int64(ct.id) {
			c := ct.contact(accountID)
			row := ContactRow{Contact: c, Position: contactPosition(q.Order, c, text)}
			if q.Parts.Record {
				row.Record = record.record(chat.RecordKey{Kind: chat.ContactRecord, ID: c.ID}, true)
			}
			list = append(list, row)
		}
		if conv != nil {
			if row := conv.row(q.Parts.Conversations.Parts); row.Conversation != nil {
				last := &list[len(list)-1]
				last.Conversations = append(last.Conversations, row)
			}
		}
	}
	return list, rows.Err()
}

func contactPosition(order chat.ContactOrder, c *chat.Contact, text *string) *chat.Position {
	p := &chat.Position{ID: c.ID}
	switch {
	case order.Field.ByText():
		p.Text = text
	case order.Field == chat.ContactsByCreated:
		p.Time = &c.CreatedAt
	default:
		p.Time = c.LastActivityAt
	}
	return p
}

func filterContacts(st *statement, q chat.ContactQuery) {
	f := q.Filter
	if f.Resolved != nil {
		st.add(" AND ("+resolved(q)+") = ?", *f.Resolved)
	}
	if f.Blocked != nil {
		st.add(" AND ct.blocked = ?", *f.Blocked)
	}
	if f.ContactType != nil {
		st.add(" AND ct.contact_type = ?", indexOf(chat.ContactTypes, *f.ContactType))
	}
	if f.LastActivitySince != nil {
		st.add(" AND ct.last_activity_at > ?", f.LastActivitySince.UTC())
	}
	if f.CreatedSince != nil {
		st.add(" AND ct.created_at > ?", f.CreatedSince.UTC())
	}
	if len(f.Labels) > 0 {
		st.add(contactLabelled, lowerAll(f.Labels))
	}
	st.where(q.Where, compareContact)
}

const contactLabelled = ` AND EXISTS (SELECT 1 FROM taggings tg JOIN tags ON tags.id = tg.tag_id WHERE tg.taggable_type = 'Contact'
 AND tg.context = 'labels' AND tg.taggable_id = ct.id AND lower(tags.name) = ANY(?))`

// What Chatwoot calls a resolved contact: a lead where the account has crm_v2, else one with an address.
const (
	resolvedLead   = `ct.contact_type = 1`
	resolvedPlain  = `COALESCE(ct.email <> '' OR ct.phone_number <> '' OR ct.identifier <> '', false)`
	resolvedSealed = `EXISTS (SELECT 1 FROM cloakroom.contacts s WHERE s.account_id = ct.account_id AND s.contact_id = ct.id
 AND (s.email_sealed IS NOT NULL OR s.phone_number_sealed IS NOT NULL OR s.identifier_sealed IS NOT NULL))`
)

func resolved(q chat.ContactQuery) string {
	switch {
	case q.CRMV2:
		return resolvedLead
	case q.Sealed:
		return resolvedSealed
	default:
		return resolvedPlain
	}
}

const findContact = `SELECT ` + contactColumns + `%s FROM contacts ct%s WHERE ct.account_id = $1 AND ct.id = $2::bigint`

// FindContact reads a contact with its record; chat.ErrNotFound when the account has none of that id.
func (s *Store) FindContact(ctx context.Context, accountID, contactID int64, sealed bool) (ContactRow, error) {
	join := ""
	if sealed {
		join = contactRecordSealedJoin
	}
	return s.oneContact(ctx, accountID, sealed, fmt.Sprintf(findContact, contactRecord(sealed), join), accountID, contactID)
}

// The tag's row leads to the contact, the contact to its record: one statement for hit and miss alike. Two
// contacts can share a phone number; the older one is the answer, as in Chatwoot.
const lookupSealed = `SELECT ` + contactColumns + contactRecordSealed + ` FROM cloakroom.lookup_tags l
 JOIN contacts ct ON ct.account_id = l.account_id AND ct.id = l.contact_id` + contactRecordSealedJoin + `
 WHERE l.account_id = $1 AND l.field = $2 AND l.generation = $3 AND l.tag_index = $4 ORDER BY ct.id LIMIT 1`

// LookupTag names an exact value without saying it: the field's number in the keyring's registry, the index
// generation, and 16 bytes of a keyed function of the value.
type LookupTag struct {
	Field      int16
	Generation int
	Tag        []byte
}

// LookupContact finds a contact by a blind index; chat.ErrNotFound when none has it.
func (s *Store) LookupContact(ctx context.Context, accountID int64, t LookupTag) (ContactRow, error) {
	return s.oneContact(ctx, accountID, true, lookupSealed, accountID, t.Field, t.Generation, t.Tag)
}

// lookupPlain gives the condition for each field on Chatwoot's own columns, over the index each has there.
var lookupPlain = map[chat.Field]string{
	chat.FieldEmail:      `lower(ct.email) = $2`,
	chat.FieldPhone:      `ct.phone_number = $2`,
	chat.FieldIdentifier: `ct.identifier = $2`,
}

// LookupContactPlain finds a contact by a normalised value in an account that is not read sealed.
func (s *Store) LookupContactPlain(ctx context.Context, accountID int64, field chat.Field, value string) (ContactRow, error) {
	sql := `SELECT ` + contactColumns + contactRecordPlain + ` FROM contacts ct WHERE ct.account_id = $1 AND ` +
		lookupPlain[field] + ` ORDER BY ct.id LIMIT 1`
	return s.oneContact(ctx, accountID, false, sql, accountID, value)
}

func (s *Store) oneContact(ctx context.Context, accountID int64, sealed bool, sql string, args ...any) (ContactRow, error) {
	var ct contactScanner
	var r recordScanner
	err := s.db.QueryRow(ctx, sql, args...).Scan(r.targets(ct.targets(nil), 4)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return ContactRow{}, chat.ErrNotFound
	}
	if err != nil {
		return ContactRow{}, fmt.Errorf("find a contact of account %d: %w", accountID, err)
	}
	row := ContactRow{Contact: ct.contact(accountID)}
	row.Record = r.record(chat.RecordKey{Kind: chat.ContactRecord, ID: row.ID}, sealed)
	return row, nil
}

const contactsByIDs = `SELECT ` + contactColumns + ` FROM contacts ct WHERE ct.account_id = $1 AND ct.id = ANY($2)`

// ContactsByIDs reads contacts without their personal values; those that do not exist are not in the answer.
func (s *Store) ContactsByIDs(ctx context.Context, accountID int64, ids []int64) ([]*chat.Contact, error) {
	return collect(ctx, s.db, func(rows pgx.Rows) (*chat.Contact, error) {
		var ct contactScanner
		err := rows.Scan(ct.targets(nil)...)
		return ct.contact(accountID), err
	}, contactsByIDs, accountID, ids)
}
