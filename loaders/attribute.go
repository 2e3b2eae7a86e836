package loaders

import (
	"context"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

// WrittenContact reads a contact whose attributes were just written: what an earlier mutation of the same document has
// loaded of them is not asked again.
func (s *Set) WrittenContact(ctx context.Context, account *chat.Account, contactID int64) (*chat.Contact, error) {
	s.contactAttributes.Clear(ctx, Key{account.ID, contactID})
	return s.vault.FindContact(ctx, account, contactID)
}

// WrittenConversation opens a conversation whose attributes were just written, for a payload that holds it.
func (s *Set) WrittenConversation(ctx context.Context, account *chat.Account, displayID int64) (*chat.Conversation, error) {
	asked := selected(ctx, "UpdateConversationAttributesPayload").of("conversation", "Conversation")
	q := store.ThreadQuery{Visibility: visibility(ctx, account), DisplayID: displayID, Parts: conversationParts(asked)}
	thread, err := s.vault.FindThread(ctx, account, q)
	if err != nil {
		return nil, err
	}
	s.conversationAttributes.Clear(ctx, Key{account.ID, thread.Row.ID})
	return thread.Row.Conversation, s.primeThread(ctx, account, thread, q, PageArgs{})
}
