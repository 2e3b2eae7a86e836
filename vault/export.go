package vault

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/rollout"
	"github.com/cloakroom/cloakroom/store"
)

// exportPage is how many rows of an export are in memory at a time.
const exportPage = 500

// What the columns of each kind are called in an export, in the order in which they are sealed, and the dataset whose
// phase says where each is read from.
var exportNames = map[chat.RecordKind][]string{
	chat.ContactRecord:      {"email", "phoneNumber", "identifier", "name", "additionalAttributes", "customAttributes"},
	chat.ContactInboxRecord: {"sourceId"},
	chat.NoteRecord:         {"content"},
	chat.ConversationRecord: {"additionalAttributes", "customAttributes", "rest"},
	chat.MessageRecord:      {"content", "contentAttributes", "rest"},
	chat.AttachmentRecord:   {"title", "meta", "fileName"},
}

func exportDataset(kind chat.RecordKind, column int) chat.Dataset {
	if kind == chat.ContactRecord && column >= 4 {
		return chat.RecordShapes[chat.ContactAttributesRecord].Dataset
	}
	return chat.RecordShapes[kind].Dataset
}

// ExportContact writes all that is known of one contact to w as one JSON document, opened, a page of rows in memory at a
// time. It is on record before the first byte. A value that does not open stands as {"unreadable": true} and is counted.
// chat.ErrNotFound, and nothing written, when the account has no such contact.
func (v *Vault) ExportContact(ctx context.Context, accountID, contactID int64, w io.Writer) (unreadable int64, err error) {
	account, err := v.findAccount(ctx, accountID)
	if err != nil {
		return 0, err
	}
	keys, err := v.keys.Account(ctx, accountID)
	if err != nil {
		return 0, err
	}
	found, err := v.store.ListExport(ctx, accountID, chat.ContactRecord, contactID, 0, 1)
	if err != nil {
		return 0, err
	}
	if len(found) == 0 {
		return 0, chat.ErrNotFound
	}
	err = v.Record(ctx, chat.AuditEntry{AccountID: accountID, Actor: ActorFrom(ctx), Action: chat.ContactExported, EntityType: "contact",
		EntityID: chat.FormatID(contactID)})
	if err != nil {
		return 0, err
	}
	x := &exporting{vault: v, ctx: ctx, keys: keys, account: account, contactID: contactID, out: bufio.NewWriter(w)}
	x.document()
	if x.err == nil {
		x.err = x.out.Flush()
	}
	if x.err != nil {
		return x.unreadable, fmt.Errorf("export contact %d of account %d: %w", contactID, accountID, x.err)
	}
	return x.unreadable, nil
}

// exporting is one export. Its first error ends it: what follows does nothing.
type exporting struct {
	vault      *Vault
	ctx        context.Context
	keys       *keyring.Account
	account    *chat.Account
	contactID  int64
	out        *bufio.Writer
	unreadable int64
	err        error
}

func (x *exporting) document() {
	x.text(`{"account":` + chat.FormatID(x.account.ID) + `,"contact":`)
	x.rows(chat.ContactRecord, x.contactID, func(_ bool, row *store.ExportRow) { x.object(chat.ContactRecord, row, "") })
	x.labels()
	for _, list := range []struct {
		name string
		kind chat.RecordKind
	}{{"inboxes", chat.ContactInboxRecord}, {"notes", chat.NoteRecord}} {
		x.list(list.name, func() { x.rows(list.kind, x.contactID, x.item(list.kind)) })
	}
	x.list("conversations", x.conversations)
	x.facts()
	x.list("audit", x.audit)
	x.text(`,"unreadable":` + chat.FormatID(x.unreadable) + "}\n")
}

func (x *exporting) text(s string) {
	if x.err == nil {
		_, x.err = x.out.WriteString(s)
	}
}

func (x *exporting) json(v any) {
	if x.err != nil {
		return
	}
	text, err := json.Marshal(v)
	if err != nil {
		x.err = fmt.Errorf("encode a value: %w", err) // of a string or of valid JSON it cannot fail
		return
	}
	_, x.err = x.out.Write(text)
}

func (x *exporting) list(name string, items func()) {
	x.text(",\n\"" + name + `":[`)
	items()
	x.text("]")
}

// rows reads the rows of a parent, page by page.
func (x *exporting) rows(kind chat.RecordKind, parent int64, each func(first bool, row *store.ExportRow)) {
	x.pages(kind, parent, func(page []store.ExportRow, first bool) {
		for i := range page {
			each(first && i == 0, &page[i])
		}
	})
}

func (x *exporting) pages(kind chat.RecordKind, parent int64, each func(page []store.ExportRow, first bool)) {
	for after := int64(0); x.err == nil; {
		page, err := x.vault.store.ListExport(x.ctx, x.account.ID, kind, parent, after, exportPage)
		if err != nil {
			x.err = err
			return
		}
		if len(page) > 0 {
			each(page, after == 0)
			after = page[len(page)-1].ID
		}
		if len(page) < exportPage {
			return
		}
	}
}

func (x *exporting) item(kind chat.RecordKind) func(bool, *store.ExportRow) {
	return func(first bool, row *store.ExportRow) {
		x.separate(first)
		x.object(kind, row, "")
	}
}

func (x *exporting) separate(first bool) {
	if !first {
		x.text(",\n")
	}
}

// object writes a row: its facts, then its values. more names a list that the caller writes into it, and ends.
func (x *exporting) object(kind chat.RecordKind, row *store.ExportRow, more string) {
	x.text(string(row.Facts[:len(row.Facts)-1]))
	for i, name := range exportNames[kind] {
		if value := x.value(kind, i, row); value != nil {
			x.text(`,"` + name + `":`)
			x.json(value)
		}
	}
	if more != "" {
		x.text(`,"` + more + `":[`)
		return
	}
	x.text("}")
}

var unreadableValue = json.RawMessage(`{"unreadable":true}`)

// value gives one column as it is to stand in the document; nil where there is none.
func (x *exporting) value(kind chat.RecordKind, column int, row *store.ExportRow) any {
	field := sealFields[kind][column]
	clear := row.Plain[column]
	if rollout.ReadFrom(x.account.Settings, exportDataset(kind, column)) == rollout.Sealed {
		opened, err := x.open(field, column, row)
		if err != nil {
			x.unreadable++
			return unreadableValue
		}
		if clear = opened; clear == nil && field == keyring.FieldName {
			clear = row.Plain[column]
		}
	}
	switch {
	case len(clear) == 0 || jsonColumns[field] && emptyJSON(clear):
		return nil
	case !jsonColumns[field]:
		return string(clear)
	}
	text := plainText(chat.FieldMeta, clear).Reveal() // any field that is JSON: one layer of Rails' quotes comes off
	if !json.Valid([]byte(text)) {
		return text
	}
	return json.RawMessage(text)
}

func (x *exporting) open(field keyring.Field, column int, row *store.ExportRow) ([]byte, error) {
	if row.SubjectKeyID == 0 {
		return nil, errMissing
	}
	if row.Sealed[column] == nil {
		return nil, nil
	}
	subject, err := x.keys.Subject(row.KeyContactID, row.SubjectKeyID, row.KeySealed)
	if err != nil {
		return nil, err
	}
	return subject.Open(keyring.Place{Table: field.Table(), Field: field, Row: row.ID, Version: row.Version}, row.Sealed[column])
}

func (x *exporting) labels() {
	labels, err := x.vault.store.ExportLabels(x.ctx, x.contactID)
	if err != nil {
		x.err = err
		return
	}
	x.list("labels", func() {
		for i, label := range labels {
			x.separate(i == 0)
			x.json(label)
		}
	})
}

func (x *exporting) conversations() {
	x.rows(chat.ConversationRecord, x.contactID, func(first bool, row *store.ExportRow) {
		x.separate(first)
		x.object(chat.ConversationRecord, row, "messages")
		x.pages(chat.MessageRecord, row.ID, x.messages)
		x.text("]}")
	})
}

func (x *exporting) messages(page []store.ExportRow, first bool) {
	ids := make([]int64, len(page))
	for i := range page {
		ids[i] = page[i].ID
	}
	files, err := x.vault.store.MessagesWithFiles(x.ctx, x.account.ID, ids)
	if err != nil {
		x.err = err
		return
	}
	for i := range page {
		x.separate(first && i == 0)
		if !files[page[i].ID] {
			x.object(chat.MessageRecord, &page[i], "")
			continue
		}
		x.object(chat.MessageRecord, &page[i], "attachments")
		x.rows(chat.AttachmentRecord, page[i].ID, x.item(chat.AttachmentRecord))
		x.text("]}")
	}
}
