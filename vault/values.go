package vault

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
)

// Where the fields of each kind of record are sealed.
var places = map[chat.RecordKind]struct {
	table  keyring.Table
	fields []keyring.Field // in the order of chat.RecordShapes
}{
	chat.ContactRecord: {keyring.TableContacts, []keyring.Field{
		keyring.FieldEmail, keyring.FieldPhoneNumber, keyring.FieldIdentifier, keyring.FieldName}},
	chat.ContactAttributesRecord: {keyring.TableContacts, []keyring.Field{keyring.FieldProfile, keyring.FieldCustomAttributes}},
	chat.ContactInboxRecord:      {keyring.TableContactInboxes, []keyring.Field{keyring.FieldSourceID}},
	chat.ConversationRecord: {keyring.TableConversations, []keyring.Field{
		keyring.FieldConversationAdditionalAttributes, keyring.FieldConversationCustomAttributes}},
	chat.MessageRecord: {keyring.TableMessages, []keyring.Field{keyring.FieldMessageContent, keyring.FieldMessageAttributes}},
	chat.AttachmentRecord: {keyring.TableAttachments, []keyring.Field{
		keyring.FieldAttachmentTitle, keyring.FieldAttachmentMeta, keyring.FieldAttachmentFileName}},
	chat.NoteRecord: {keyring.TableNotes, []keyring.Field{keyring.FieldNoteContent}},
}

// Fields whose column is JSON that Rails may have wrapped in a string.
const jsonFields = chat.Fields(1<<chat.FieldProfile | 1<<chat.FieldCustomAttributes | 1<<chat.FieldContentAttributes |
	1<<chat.FieldAdditionalAttributes | 1<<chat.FieldMeta)

// reader opens the records of one account for one request.
type reader struct {
	vault   *Vault
	ctx     context.Context
	account *keyring.Account
	id      int64
	unsure  bool // the account's settings could not be read: nobody knows whether anything of it is sealed
}

func (v *Vault) reader(ctx context.Context, account *chat.Account) (*reader, error) {
	keys, err := v.keys.Account(ctx, account.ID)
	if err != nil {
		return nil, err
	}
	return &reader{vault: v, ctx: ctx, account: keys, id: account.ID, unsure: account.Settings.Phases == nil}, nil
}

// values gives a row's values from the records that hold them. A record that is nil although it is read sealed
// makes each of its fields an error: the sealed twin of a row that exists can only be missing by a fault.
func (r *reader) values(key chat.RecordKey, record *chat.Record) chat.Values {
	shape := chat.RecordShapes[key.Kind]
	if record == nil {
		return r.missing(key, shape)
	}
	var present chat.Fields
	for i, f := range shape.Fields {
		if holds(record, f, record.Columns[i]) {
			present = present.With(f)
		}
	}
	if !record.Sealed {
		return chat.Values{Present: present, Open: func(f chat.Field) (chat.PII, error) {
			return plainText(f, record.Columns[column(shape, f)]), nil
		}}
	}
	return chat.Values{Present: present, Open: func(f chat.Field) (chat.PII, error) {
		return r.open(record, f, column(shape, f))
	}}
}

func (r *reader) missing(key chat.RecordKey, shape chat.RecordShape) chat.Values {
	var present chat.Fields
	for _, f := range shape.Fields {
		if f != chat.FieldName { // a listed name that was never sealed is the true one
			present = present.With(f)
		}
	}
	return chat.Values{Present: present, Open: func(f chat.Field) (chat.PII, error) {
		if r.unsure { // no fault of the row's, and an outage must not fill the trail with what looks like tampering
			return "", chat.ErrUnreadable
		}
		return "", r.vault.unreadable(r.ctx, r.id, key, f, errMissing)
	}}
}

func (r *reader) open(record *chat.Record, f chat.Field, column int) (chat.PII, error) {
	subject, err := r.account.Subject(record.ContactID, record.SubjectKeyID, record.KeySealed)
	if err != nil {
		return "", r.vault.unreadable(r.ctx, r.id, record.RecordKey, f, err)
	}
	place := places[record.Kind]
	clear, err := subject.Open(keyring.Place{Table: place.table, Field: place.fields[column], Row: record.ID, Version: record.Version},
		record.Columns[column])
	if err != nil {
		return "", r.vault.unreadable(r.ctx, r.id, record.RecordKey, f, err)
	}
	return plainText(f, clear), nil
}

// holds tells whether a column has a value. Chatwoot writes ” for a blank phone and {} for no attributes;
// sealing leaves such columns NULL.
func holds(record *chat.Record, f chat.Field, column []byte) bool {
	switch {
	case len(column) == 0:
		return f == chat.FieldContent && column != nil
	case record.Sealed || !jsonFields.Has(f):
		return true
	default:
		return !emptyJSON(column)
	}
}

func emptyJSON(column []byte) bool {
	switch string(bytes.TrimSpace(column)) {
	case "{}", "null", `""`, `"{}"`:
		return true
	}
	return false
}

// plainText gives a column's text; JSON that is wrapped in a string is unwrapped, once, as Rails would.
func plainText(f chat.Field, column []byte) chat.PII {
	if jsonFields.Has(f) && len(column) > 0 && column[0] == '"' {
		var unwrapped string
		if json.Unmarshal(column, &unwrapped) == nil {
			return chat.PII(unwrapped)
		}
	}
	return chat.PII(column)
}

func column(shape chat.RecordShape, f chat.Field) int {
	for i, g := range shape.Fields {
		if f == g {
			return i
		}
	}
	return -1
}
