package loaders

import (
	"context"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// ConversationAttributes loads a conversation's custom attributes.
func (s *Set) ConversationAttributes(ctx context.Context, c *chat.Conversation) (*chat.Conversation, error) {
	return s.conversationAttributes.Load(ctx, Key{c.AccountID, c.ID})()
}

// LastMessage loads the newest message of a conversation, nil when it has none.
func (s *Set) LastMessage(ctx context.Context, c *chat.Conversation) (*chat.Message, error) {
	return s.lastMessages.Load(ctx, Key{c.AccountID, c.ID})()
}

// Conversations reads a page of what the viewer may see and primes what the query asks of each conversation: two
// statements and one round trip to Redis at most, whatever the page's size.
func (s *Set) Conversations(ctx context.Context, account *chat.Account, args PageArgs, filter *chat.ConversationFilter, orderBy *chat.ConversationOrder) (*chat.ConversationConnection, error) {
	q := chat.ConversationQuery{Visibility: visibility(ctx, account),
		Order: chat.ConversationOrder{Field: chat.ByLastActivity, Direction: chat.Descending}}
	if filter != nil {
		q.Filter = *filter
		if err := storable("filter.labels", q.Filter.Labels); err != nil {
			return nil, err
		}
	}
	if orderBy != nil {
		q.Order = *orderBy
	}
	if q.Filter.Assignee != nil && *q.Filter.Assignee == chat.AssigneeMe && auth.Viewer(ctx).Service != nil {
		return nil, chat.InvalidField("filter.assignee", "a service is nobody's assignee: ask for assigneeId")
	}
	cursors := s.vault.Cursors(account.ID, "conversations/"+string(q.Order.Field)+"/"+string(q.Order.Direction))
	var err error
	if q.Page, err = args.page(ctx, cursors, conversationsPage, false); err != nil {
		return nil, err
	}
	if err := s.vault.FilterConversations(ctx, auth.Viewer(ctx), account, &q); err != nil {
		return nil, err
	}
	asked := selected(ctx, "ConversationConnection")
	q.Page.Exact = asked.exact()
	q.Parts = conversationParts(asked.nodes("Conversation"))
	rows, err := s.store.ListConversations(ctx, account.ID, q)
	if err != nil {
		return nil, err
	}
	if err := s.fillConversations(ctx, account, rows, q.Parts); err != nil {
		return nil, err
	}
	return conversationPage(ctx, cursors, q, rows), nil
}

func conversationPage(ctx context.Context, cursors vault.Cursors, q chat.ConversationQuery, rows []store.ConversationRow) *chat.ConversationConnection {
	position := func(c *chat.Conversation) *chat.Position { return store.ConversationPosition(q.Order, c) }
	rows, info := chat.Slice(rows, q.Page, func(r store.ConversationRow) *chat.Position { return position(r.Conversation) })
	info.Seal = sealWith(ctx, cursors)
	conn := &chat.ConversationConnection{PageInfo: &info, Position: position, Nodes: make([]*chat.Conversation, len(rows))}
	for i, row := range rows {
		conn.Nodes[i] = row.Conversation
	}
	return conn
}

// fillConversations gives what hangs off conversations its values in one go and primes the loaders.
func (s *Set) fillConversations(ctx context.Context, account *chat.Account, rows []store.ConversationRow, parts chat.ConversationParts) error {
	shareContacts(rows)
	if parts.Contact {
		if err := s.primeDeleted(ctx, account, rows); err != nil {
			return err
		}
	}
	if err := s.vault.Load(ctx, account, withConversations(vault.Rows{}, rows, parts)); err != nil {
		return err
	}
	s.primeConversations(ctx, rows, parts)
	return nil
}

// primeDeleted answers for contacts that the join did not find, so that nobody looks for them again.
func (s *Set) primeDeleted(ctx context.Context, account *chat.Account, rows []store.ConversationRow) error {
	for _, row := range rows {
		if row.Contact != nil {
			continue
		}
		c, err := s.vault.DeletedContact(ctx, account.ID, row.ContactID)
		if err != nil {
			return err
		}
		s.contacts.Prime(ctx, Key{account.ID, row.ContactID}, c)
	}
	return nil
}

// shareContacts makes conversations of one contact point at one contact, which is then loaded once.
func shareContacts(rows []store.ConversationRow) {
	byID := make(map[int64]*chat.Contact, len(rows))
	for i, row := range rows {
		if row.Contact == nil {
			continue
		}
		if first := byID[row.Contact.ID]; first != nil {
			rows[i].Contact = first
			continue
		}
		byID[row.Contact.ID] = row.Contact
	}
}

// withConversations adds to wanted what the query asks of conversations.
func withConversations(wanted vault.Rows, rows []store.ConversationRow, parts chat.ConversationParts) vault.Rows {
	seen := make(map[int64]bool, len(rows))
	for _, row := range rows {
		if c := row.Contact; c != nil && !seen[c.ID] {
			seen[c.ID] = true
			wanted.Contacts = append(wanted.Contacts, c)
			if parts.ContactAttributes {
				wanted.ContactAttributes = append(wanted.ContactAttributes, c)
			}
		}
		if row.LastMessage != nil {
			wanted.Messages = append(wanted.Messages, row.LastMessage)
		}
		if parts.CustomAttributes {
			wanted.ConversationAttributes = append(wanted.ConversationAttributes, row.Conversation)
		}
	}
	return wanted
}

func (s *Set) primeConversations(ctx context.Context, rows []store.ConversationRow, parts chat.ConversationParts) {
	for _, row := range rows {
		key := Key{row.AccountID, row.ID}
		if c := row.Contact; c != nil {
			s.contacts.Prime(ctx, Key{c.AccountID, c.ID}, c)
			if parts.ContactAttributes {
				s.contactAttributes.Prime(ctx, Key{c.AccountID, c.ID}, c)
			}
		}
		if row.LastMessage != nil {
			row.LastMessage.ContactID = row.ContactID
		}
		if parts.LastMessage {
			s.lastMessages.Prime(ctx, key, row.LastMessage)
		}
		if parts.CustomAttributes {
			s.conversationAttributes.Prime(ctx, key, row.Conversation)
		}
	}
}

func (s *Set) readConversationAttributes(ctx context.Context, account *chat.Account, ids []int64) (map[int64]*chat.Conversation, error) {
	rows := make([]*chat.Conversation, len(ids))
	found := make(map[int64]*chat.Conversation, len(ids))
	for i, id := range ids {
		rows[i] = &chat.Conversation{ID: id, AccountID: account.ID}
		found[id] = rows[i]
	}
	return found, s.vault.Load(ctx, account, vault.Rows{ConversationAttributes: rows})
}

func (s *Set) readLastMessages(ctx context.Context, account *chat.Account, ids []int64) (map[int64]*chat.Message, error) {
	rows, err := s.store.LastMessagesOf(ctx, account.ID, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[int64]*chat.Message, len(ids))
	for _, m := range rows {
		found[m.ConversationID] = m
	}
	return found, s.vault.Load(ctx, account, vault.Rows{Messages: rows})
}
