package vault

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/rollout"
	"github.com/cloakroom/cloakroom/store"
)

// FindContact reads one contact, its record in the same statement: Redis pays only for batches.
// chat.ErrNotFound when the account has none of that id.
func (v *Vault) FindContact(ctx context.Context, account *chat.Account, contactID int64) (*chat.Contact, error) {
	row, err := v.store.FindContact(ctx, account.ID, contactID, sealedContacts(account))
	if err != nil {
		return nil, err
	}
	return v.oneContact(ctx, account, row)
}

// LookupField is a whole value to find a contact by.
type LookupField struct {
	Field chat.Field // FieldEmail, FieldPhone or FieldIdentifier
	Value chat.PII
}

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

func sealedContacts(account *chat.Account) bool {
	return rollout.ReadFrom(account.Settings, chat.Contacts) == rollout.Sealed
}

func (v *Vault) oneContact(ctx context.Context, account *chat.Account, row store.ContactRow) (*chat.Contact, error) {
	r, err := v.reader(ctx, account.ID)
	if err != nil {
		return nil, err
	}
	r.attachContact(row.Contact, row.Record)
	return row.Contact, nil
}

// ContactInboxesOf reads contacts' addresses in the account's channels, and whether each lets an agent write now.
func (v *Vault) ContactInboxesOf(ctx context.Context, account *chat.Account, contactIDs []int64, now time.Time) ([]*chat.ContactInbox, error) {
	rows, err := v.store.ContactInboxesOf(ctx, account.ID, contactIDs)
	if err != nil {
		return nil, fmt.Errorf("read the channels of contacts: %w", err)
	}
	list := make([]*chat.ContactInbox, len(rows))
	for i, row := range rows {
		facts := chatwoot.ReplyFacts{Channel: chatwoot.Channel(row.Inbox.ChannelType), TwilioWhatsApp: row.TwilioWhatsapp,
			APIWindow: time.Duration(row.WindowHours) * time.Hour}
		if row.LastIncoming != nil {
			facts.LastIncoming = *row.LastIncoming
		}
		row.CanReply = chatwoot.CanReply(facts, now)
		list[i] = row.ContactInbox
	}
	return list, v.Load(ctx, account, Rows{ContactInboxes: list})
}
