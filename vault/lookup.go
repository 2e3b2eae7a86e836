package vault

import (
	"context"
	"strings"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

// LookupField is a whole value to find a contact by.
type LookupField struct {
	Field chat.Field // FieldEmail, FieldPhone or FieldIdentifier
	Value chat.PII
}

// Kind is the sort of personal value that is looked up by.
func (l LookupField) Kind() chat.Kind { return lookupKinds[l.Field] }

var lookupKinds = map[chat.Field]chat.Kind{chat.FieldEmail: chat.Email, chat.FieldPhone: chat.Phone, chat.FieldIdentifier: chat.Identifier,
	chat.FieldName: chat.Name} // a name is compared with addresses when it is written

// LookupContact finds the contact that has a whole value, in one statement; chat.ErrNotFound when none has.
// A sealed account is asked by blind index, and the value itself reaches no database.
func (v *Vault) LookupContact(ctx context.Context, account *chat.Account, l LookupField) (*chat.Contact, error) {
	value := Normalise(l.Field, l.Value.Reveal())
	if !sealedContacts(account) {
		row, err := v.store.LookupContactPlain(ctx, account.ID, l.Field, value)
		if err != nil {
			return nil, err
		}
		return v.oneContact(ctx, account, row)
	}
	keys, err := v.keys.Account(ctx, account.ID)
	if err != nil {
		return nil, err
	}
	field := tagFields[l.Field]
	tag, err := keys.Tag(field, []byte(value))
	if err != nil {
		return nil, err
	}
	row, err := v.store.LookupContact(ctx, account.ID, store.LookupTag{Field: int16(field), Generation: keys.IndexGeneration(), Tag: tag})
	if err != nil {
		return nil, err
	}
	c, err := v.oneContact(ctx, account, row)
	if err != nil {
		return nil, err
	}
	return c, v.confirm(ctx, c, l.Field, value)
}

// confirm opens what the tag led to: a tag that someone pointed at another contact is an integrity error, not an
// answer.
func (v *Vault) confirm(ctx context.Context, c *chat.Contact, f chat.Field, value string) error {
	p, err := c.Values.Get(f)
	if err != nil {
		return err
	}
	if p == nil || Normalise(f, p.Reveal()) != value {
		return v.unreadable(ctx, c.AccountID, contactKey(c), f, errTag)
	}
	return nil
}

// The fields that have a blind index.
var tagFields = map[chat.Field]keyring.Field{
	chat.FieldEmail:      keyring.FieldEmail,
	chat.FieldPhone:      keyring.FieldPhoneNumber,
	chat.FieldIdentifier: keyring.FieldIdentifier,
}

// Normalise brings a value into the form it is compared in, Chatwoot's own: e-mails in lower case, phone numbers
// with exactly one leading plus and without the punctuation people type, identifiers as they are.
func Normalise(f chat.Field, value string) string {
	switch f {
	case chat.FieldEmail:
		return strings.ToLower(strings.TrimSpace(value))
	case chat.FieldPhone:
		return "+" + strings.Map(func(r rune) rune {
			if strings.ContainsRune("+ -.()\t\u00a0", r) {
				return -1
			}
			return r
		}, value)
	default:
		return value
	}
}
