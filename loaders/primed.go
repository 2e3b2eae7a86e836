package loaders

import (
	"context"

	"github.com/cloakroom/cloakroom/chat"
)

// What parents have primed, for answers that are written in one go. Each gives false where a batch would have to
// be read, and then the executor goes on field by field.

// PrimedContact gives a contact.
func (s *Set) PrimedContact(ctx context.Context, accountID, id int64) (*chat.Contact, bool) {
	return s.contacts.primed(ctx, Key{accountID, id})
}

// PrimedAttributes gives a contact with its profile and custom attributes.
func (s *Set) PrimedAttributes(ctx context.Context, c *chat.Contact) (*chat.Contact, bool) {
	if c.Attributes.Open != nil {
		return c, true
	}
	return s.contactAttributes.primed(ctx, Key{c.AccountID, c.ID})
}

// PrimedConversationAttributes gives a conversation with its custom attributes.
func (s *Set) PrimedConversationAttributes(ctx context.Context, c *chat.Conversation) (*chat.Conversation, bool) {
	return s.conversationAttributes.primed(ctx, Key{c.AccountID, c.ID})
}

// PrimedLastMessage gives a conversation's newest message, nil when it has none.
func (s *Set) PrimedLastMessage(ctx context.Context, c *chat.Conversation) (*chat.Message, bool) {
	return s.lastMessages.primed(ctx, Key{c.AccountID, c.ID})
}

// PrimedSender gives who wrote a message, nil for the system.
func (s *Set) PrimedSender(ctx context.Context, m *chat.Message) (chat.MessageSender, bool) {
	key := Key{m.AccountID, m.SenderID}
	switch m.SenderType {
	case chat.SenderContact:
		c, ok := s.contacts.primed(ctx, key)
		return c, ok && c != nil
	case chat.SenderUser:
		u, ok := s.users.primed(ctx, key)
		return u, ok && u != nil
	case chat.SenderAgentBot:
		b, ok := s.agentBots.primed(ctx, key)
		return b, ok && b != nil
	}
	return nil, true
}

// ArgsOf reads a page's arguments as a document has them, for a field the executor has not come to; ok is false
// where only it can say what is wrong with them.
func ArgsOf(args map[string]any) (PageArgs, bool) { return pageArgs(args) }

// PrimedDisplayID is the number of a message's conversation, if it is at hand.
func (s *Set) PrimedDisplayID(ctx context.Context, m *chat.Message) (int64, bool) {
	return s.displayIDs.primed(ctx, Key{m.AccountID, m.ConversationID})
}
