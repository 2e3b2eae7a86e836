package main

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// contactRow reads a contact with its sealed values; scan targets come in the order of the statements' columns.
type contactRow struct {
	id                 int64
	listed             string
	version            int64
	key                wrappedKey
	email, phone, name []byte
}

func (c *contactRow) targets(list []any) []any {
	return append(list, &c.version, &c.key.contact, &c.key.id, &c.key.sealed, &c.email, &c.phone, &c.name)
}

func (c *contactRow) open(o *opener) floorContact {
	answer := floorContact{ID: formatID(c.id), Name: c.listed}
	answer.Email = o.open(&c.key, tableContacts, fieldEmail, c.id, c.version, c.email)
	answer.PhoneNumber = o.open(&c.key, tableContacts, fieldPhoneNumber, c.id, c.version, c.phone)
	if name := o.open(&c.key, tableContacts, fieldName, c.id, c.version, c.name); name != nil {
		answer.Name = *name
	}
	return answer
}

func (f *floor) inbox(ctx context.Context, agent int64, _ arguments) (any, error) {
	rows, err := f.db.Query(ctx, floorInbox, f.account, agent)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	o := f.keys.opener()
	list := make([]floorInboxRow, 0, 25)
	var info floorNext
	var lastID int64
	for rows.Next() {
		if len(list) == 25 {
			info.HasNextPage = true
			break
		}
		var r floorInboxRow
		if lastID, err = scanInboxRow(rows, o, &r); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	rows.Close()
	if n := len(list); n > 0 {
		cursor := base64.RawURLEncoding.EncodeToString([]byte(list[n-1].LastActivityAt.Format(time.RFC3339Nano) + " " + formatID(lastID)))
		info.EndCursor = &cursor
	}
	answer := map[string]any{"conversations": page[floorInboxRow, floorNext]{list, info}}
	return answer, errors.Join(rows.Err(), o.err)
}

func scanInboxRow(rows pgx.Rows, o *opener, r *floorInboxRow) (int64, error) {
	var id, displayID, userID, messageID, messageVersion int64
	var kind int
	var labels string
	var contact contactRow
	var key wrappedKey
	var content []byte
	targets := append(make([]any, 0, 24), &id, &displayID, &r.LastActivityAt, &labels, &r.UnreadCount, &userID, &r.Assignee.Name,
		&contact.id, &contact.listed)
	targets = append(contact.targets(targets), &messageID, &kind, &r.LastMessage.CreatedAt, &messageVersion,
		&key.contact, &key.id, &key.sealed, &content)
	if err := rows.Scan(targets...); err != nil {
		return 0, err
	}
	r.ID, r.DisplayID, r.Status, r.Labels = formatID(id), formatID(displayID), statuses[0], splitLabels(labels)
	r.Assignee.ID, r.Contact = formatID(userID), contact.open(o)
	r.LastMessage.ID, r.LastMessage.MessageType = formatID(messageID), messageTypes[kind]
	r.LastMessage.Content = o.open(&key, tableMessages, fieldContent, messageID, messageVersion, content)
	return id, nil
}

func (f *floor) thread(ctx context.Context, agent int64, a arguments) (any, error) {
	batch := new(pgx.Batch)
	batch.Queue(floorConversation, f.account, a.DisplayID, agent)
	batch.Queue(floorThread, f.account, a.DisplayID)
	results := f.db.SendBatch(ctx, batch)
	defer func() { _ = results.Close() }() // what went wrong, reading the rows has said
	var id, displayID int64
	var status int
	var contact contactRow
	targets := contact.targets(append(make([]any, 0, 12), &id, &displayID, &status, &contact.id, &contact.listed))
	if err := results.QueryRow().Scan(targets...); err != nil {
		return nil, err
	}
	o := f.keys.opener()
	customer := contact.open(o)
	rows, err := results.Query()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := make([]floorMessage, 0, 51)
	for rows.Next() {
		var m floorMessage
		if err := scanMessage(rows, o, &customer, &m); err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	info := floorPrevious{HasPreviousPage: len(list) > 50}
	list = list[:min(len(list), 50)]
	slices.Reverse(list)
	answer := map[string]any{"conversation": map[string]any{"id": formatID(id), "displayId": formatID(displayID), "status": statuses[status],
		"contact": customer, "messages": page[floorMessage, floorPrevious]{list, info}}}
	return answer, errors.Join(rows.Err(), o.err)
}

func scanMessage(rows pgx.Rows, o *opener, customer *floorContact, m *floorMessage) error {
	var id, version int64
	var kind, status int
	var senderType *string
	var senderID *int64
	var senderName string
	var key wrappedKey
	var content []byte
	err := rows.Scan(&id, &kind, &status, &m.CreatedAt, &senderType, &senderID, &senderName, &version, &key.contact, &key.id, &key.sealed, &content)
	if err != nil {
		return err
	}
	m.ID, m.MessageType, m.Status = formatID(id), messageTypes[kind], messageStatuses[status]
	m.Content = o.open(&key, tableMessages, fieldContent, id, version, content)
	if senderType == nil {
		return nil
	}
	m.Sender = &floorSender{Type: *senderType, ID: formatID(*senderID), Name: senderName}
	if *senderType == "Contact" {
		if m.Sender.ID != customer.ID {
			return errors.New("a sender is another contact than the conversation's: this data has none such")
		}
		m.Sender.Name = customer.Name
	}
	return nil
}

func (f *floor) contacts(ctx context.Context, agent int64, a arguments) (any, error) {
	sql, values := floorContactsFirst, []any{f.account, agent}
	if a.AfterTime != nil {
		sql, values = floorContactsAfter, append(values, *a.AfterTime, a.AfterID)
	}
	rows, err := f.db.Query(ctx, sql, values...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	o := f.keys.opener()
	list := make([]floorContactsRow, 0, 15)
	for rows.Next() {
		var r floorContactsRow
		if err := scanContactsRow(rows, o, &r); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return map[string]any{"contacts": nodes[floorContactsRow]{list}}, errors.Join(rows.Err(), o.err)
}

func scanContactsRow(rows pgx.Rows, o *opener, r *floorContactsRow) error {
	var contact contactRow
	var custom []byte
	var id, displayID *int64
	var status *int
	var last *time.Time
	targets := contact.targets(append(make([]any, 0, 15), &contact.id, &contact.listed, &r.LastActivityAt, &id, &displayID, &status, &last))
	if err := rows.Scan(append(targets, &custom)...); err != nil {
		return err
	}
	r.floorContact = contact.open(o)
	r.Conversations.Nodes = []floorLatest{}
	if id != nil {
		latest := floorLatest{ID: formatID(*id), DisplayID: formatID(*displayID), Status: statuses[*status], LastActivityAt: *last}
		r.Conversations.Nodes = append(r.Conversations.Nodes, latest)
	}
	var err error
	r.CustomAttributes, err = attributes(o.open(&contact.key, tableContacts, fieldCustomAttributes, contact.id, contact.version, custom))
	return err
}

func (f *floor) lookup(ctx context.Context, _ int64, a arguments) (any, error) {
	email := strings.ToLower(strings.TrimSpace(a.Email))
	var contact contactRow
	err := f.db.QueryRow(ctx, floorLookup, f.account, f.keys.indexGeneration, f.keys.tag(email)).
		Scan(contact.targets(append(make([]any, 0, 9), &contact.id, &contact.listed))...)
	if errors.Is(err, pgx.ErrNoRows) {
		return map[string]any{"lookupContact": nil}, nil
	}
	if err != nil {
		return nil, err
	}
	o := f.keys.opener()
	answer := contact.open(o)
	if o.err == nil && (answer.Email == nil || strings.ToLower(*answer.Email) != email) {
		return nil, errUnreadable
	}
	return map[string]any{"lookupContact": answer}, o.err
}
