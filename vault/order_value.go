package vault

import (
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

// orderKeys opens what an account's contacts are ordered by.
type orderKeys struct {
	keys  *keyring.Account
	field chat.ContactOrderField
}

var orderSources = map[chat.Field]keyring.Field{
	chat.FieldEmail: keyring.FieldEmail, chat.FieldPhone: keyring.FieldPhoneNumber, chat.FieldProfile: keyring.FieldProfile,
}

// text gives a contact's place, nil for the blank one.
func (o orderKeys) text(row *store.OrderValue) (*string, error) {
	source, opened := o.field.Source()
	if !opened {
		if row.Listed == nil {
			return nil, nil
		}
		return o.field.TextIn(chat.PII(*row.Listed)), nil
	}
	if row.KeySealed == nil {
		return nil, errMissing
	}
	if len(row.Sealed) == 0 {
		return nil, nil
	}
	subject, err := o.keys.Subject(row.KeyContactID, row.SubjectKeyID, row.KeySealed)
	if err != nil {
		return nil, err
	}
	field := orderSources[source]
	clear, err := subject.Open(keyring.Place{Table: field.Table(), Field: field, Row: row.ContactID, Version: row.Version}, row.Sealed)
	if err != nil {
		return nil, err
	}
	return o.field.TextIn(chat.PII(clear)), nil
}

// place is text as a place; one that does not open is nowhere, and ok is false.
func (o orderKeys) place(row *store.OrderValue) (at *chat.Position, ok bool) {
	text, err := o.text(row)
	return &chat.Position{ID: row.ContactID, Text: text}, err == nil
}
