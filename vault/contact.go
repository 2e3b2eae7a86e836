package vault

import (
	"context"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot"
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

func sealedContacts(account *chat.Account) bool {
	return rollout.ReadFrom(account.Settings, chat.Contacts) == rollout.Sealed
}

func (v *Vault) oneContact(ctx context.Context, account *chat.Account, row store.ContactRow) (*chat.Contact, error) {
	r, err := v.reader(ctx, account)
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
