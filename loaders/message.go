package loaders

import (
	"context"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// messagesKey names a page of one thread, and for whom it was read.
type messagesKey struct {
	Key
	Args  PageArgs
	Needs Needs
}

// Conversation opens a conversation by its display id; chat.ErrNotFound when the viewer may not. The messages
// the query asks for come in the same round trip.
func (s *Set) Conversation(ctx context.Context, account *chat.Account, displayID int64) (*chat.Conversation, error) {
	asked := selected(ctx, "Conversation")
	q := store.ThreadQuery{Visibility: visibility(ctx, account), DisplayID: displayID, Parts: conversationParts(asked)}
	args, once := asked.only("messages")
	if once && args.After == "" && args.Before == "" { // a cursor is bound to the conversation's id, which is not known yet
		if page, err := args.page(ctx, vault.Cursors{}, messagesPage, true); err == nil {
			page.Exact = asked.of("messages", "MessageConnection").exact()
			q.Messages = &store.MessageQuery{Page: page}
		}
	}
	thread, err := s.vault.FindThread(ctx, account, q)
	if err != nil {
		return nil, err
	}
	if err := s.primeThread(ctx, account, thread, q, args); err != nil {
		return nil, err
	}
	return thread.Row.Conversation, nil
}

func (s *Set) primeThread(ctx context.Context, account *chat.Account, t *vault.Thread, q store.ThreadQuery, args PageArgs) error {
	c := t.Row.Conversation
	if t.Row.Contact != nil {
		s.contacts.Prime(ctx, Key{account.ID, t.Row.Contact.ID}, t.Row.Contact)
	} else if q.Parts.Contact {
		if err := s.primeDeleted(ctx, account, []store.ConversationRow{t.Row}); err != nil {
			return err
		}
	}
	if q.Messages != nil {
		for _, row := range t.Messages {
			row.Message.ContactID = c.ContactID
		}
		conn := s.messagePage(ctx, account, c.ID, q.Messages.Page, t.Messages)
		brought := Needs{Place: !q.Messages.Page.Exact}
		s.brings(brought)
		s.threads.Prime(ctx, messagesKey{Key{account.ID, c.ID}, args, brought}, conn)
	}
	rest := withConversations(vault.Rows{}, []store.ConversationRow{{Conversation: c, LastMessage: t.Row.LastMessage}}, q.Parts)
	if q.Parts.ContactAttributes && t.Row.Contact != nil {
		rest.ContactAttributes = []*chat.Contact{t.Row.Contact}
	}
	if len(rest.Messages)+len(rest.ContactAttributes)+len(rest.ConversationAttributes) > 0 {
		if err := s.vault.Load(ctx, account, rest); err != nil {
			return err
		}
	}
	s.primeConversations(ctx, []store.ConversationRow{t.Row}, q.Parts)
	return nil
}

// Messages loads a page of a thread.
func (s *Set) Messages(ctx context.Context, c *chat.Conversation, args PageArgs) (*chat.MessageConnection, error) {
	if page, ok := s.PrimedMessages(ctx, c, args, needs(selected(ctx, "MessageConnection"), false)); ok {
		return page, nil
	}
	return s.threads.Load(ctx, messagesKey{Key{c.AccountID, c.ID}, args, everything})()
}

func (s *Set) readThread(ctx context.Context, key messagesKey) (*chat.MessageConnection, error) {
	account, err := accountOf(ctx, key.Account)
	if err != nil {
		return nil, err
	}
	page, err := key.Args.page(ctx, s.messageCursors(account, key.ID), messagesPage, true)
	if err != nil {
		return nil, err
	}
	rows, err := s.vault.ListMessages(ctx, account, key.ID, page)
	if err != nil {
		return nil, err
	}
	return s.messagePage(ctx, account, key.ID, page, rows), nil
}

func (s *Set) messageCursors(account *chat.Account, conversationID int64) vault.Cursors {
	return s.vault.Cursors(account.ID, "conversation/"+chat.FormatID(conversationID)+"/messages")
}

func (s *Set) messagePage(ctx context.Context, account *chat.Account, conversationID int64, page chat.Page, rows []store.MessageRow) *chat.MessageConnection {
	rows, info := chat.Slice(rows, page, func(r store.MessageRow) *chat.Position { return store.MessagePosition(r.Message) })
	info.Seal = sealWith(ctx, s.messageCursors(account, conversationID))
	conn := &chat.MessageConnection{PageInfo: &info, Position: store.MessagePosition, Nodes: make([]*chat.Message, len(rows))}
	for i, row := range rows {
		conn.Nodes[i] = row.Message
	}
	s.primeSenders(ctx, account, rows)
	return conn
}

func (s *Set) primeSenders(ctx context.Context, account *chat.Account, rows []store.MessageRow) {
	for _, row := range rows {
		switch sender := row.Sender.(type) {
		case *chat.User:
			s.users.Prime(ctx, Key{account.ID, sender.ID}, sender)
		case *chat.AgentBot:
			s.agentBots.Prime(ctx, Key{account.ID, sender.ID}, sender)
		}
	}
}

// DisplayID loads the number of a message's conversation.
func (s *Set) DisplayID(ctx context.Context, m *chat.Message) (int64, error) {
	return s.displayIDs.Load(ctx, Key{m.AccountID, m.ConversationID})()
}

func (s *Set) readDisplayIDs(ctx context.Context, account *chat.Account, ids []int64) (map[int64]int64, error) {
	return s.store.DisplayIDsOf(ctx, account.ID, ids)
}

// Sender loads who wrote a message, nil for the system and for senders that are gone.
func (s *Set) Sender(ctx context.Context, m *chat.Message) (chat.MessageSender, error) {
	key := Key{m.AccountID, m.SenderID}
	switch m.SenderType {
	case chat.SenderContact:
		return s.contacts.Load(ctx, key)()
	case chat.SenderUser:
		if u, err := s.users.Load(ctx, key)(); err != nil || u != nil {
			return u, err
		}
	case chat.SenderAgentBot:
		if b, err := s.agentBots.Load(ctx, key)(); err != nil || b != nil {
			return b, err
		}
	}
	return nil, nil
}

// Attachments loads a message's files, places and cards.
func (s *Set) Attachments(ctx context.Context, m *chat.Message) ([]*chat.Attachment, error) {
	list, err := s.attachments.Load(ctx, Key{m.AccountID, m.ID})()
	return orEmpty(list), err
}

func (s *Set) readAttachments(ctx context.Context, account *chat.Account, ids []int64) (map[int64][]*chat.Attachment, error) {
	rows, err := s.store.AttachmentsOf(ctx, account.ID, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[int64][]*chat.Attachment, len(ids))
	for _, a := range rows {
		found[a.MessageID] = append(found[a.MessageID], a)
	}
	return found, s.vault.Load(ctx, account, vault.Rows{Attachments: rows})
}
