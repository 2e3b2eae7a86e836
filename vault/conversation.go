package vault

import (
	"context"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/rollout"
	"github.com/cloakroom/cloakroom/store"
)

// Thread is one conversation as a viewer opened it, with its contact and a page of messages if they were asked for.
type Thread struct {
	Row      store.ConversationRow
	Messages []store.MessageRow // one more than the page, when there are more
}

// FindThread opens a conversation and its messages in one round trip; chat.ErrNotFound when the viewer may not.
func (v *Vault) FindThread(ctx context.Context, account *chat.Account, q store.ThreadQuery) (*Thread, error) {
	q.ContactsSealed = sealedContacts(account)
	if q.Messages != nil {
		q.Messages.Sealed = sealedMessages(account)
	}
	row, messages, err := v.store.FindThread(ctx, account.ID, q)
	if err != nil {
		return nil, err
	}
	r, err := v.reader(ctx, account)
	if err != nil {
		return nil, err
	}
	if row.Contact != nil {
		r.attachContact(row.Contact, row.ContactRecord)
	}
	r.attachMessages(messages)
	return &Thread{Row: row, Messages: messages}, nil
}

// ListMessages reads a page of a thread, one message more when there are more.
func (v *Vault) ListMessages(ctx context.Context, account *chat.Account, conversationID int64, page chat.Page) ([]store.MessageRow, error) {
	rows, err := v.store.ListMessages(ctx, account.ID, conversationID, store.MessageQuery{Page: page, Sealed: sealedMessages(account)})
	if err != nil {
		return nil, err
	}
	r, err := v.reader(ctx, account)
	if err != nil {
		return nil, err
	}
	r.attachMessages(rows)
	return rows, nil
}

func (r *reader) attachMessages(rows []store.MessageRow) {
	for _, m := range rows {
		m.Values = r.values(messageKey(m.Message), m.Record)
	}
}

func sealedMessages(account *chat.Account) bool {
	return rollout.ReadFrom(account.Settings, chat.Messages) == rollout.Sealed
}
