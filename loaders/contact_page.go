package loaders

import (
	"context"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// threadsKey names a page of one contact's conversations.
type threadsKey struct {
	Key
	Args PageArgs
}

// threads is the page of conversations that a query asks of each contact of a page.
type threads struct {
	args  PageArgs
	query chat.ConversationQuery
}

// threadsAsked says whether every contact's conversations can come with the contacts: when the query asks for
// their first page, once. Otherwise the loader reads them contact by contact.
func (s *Set) threadsAsked(ctx context.Context, account *chat.Account, asked selection) (threads, bool) {
	args, once := asked.only("conversations")
	if !once || args.After != "" {
		return threads{}, false
	}
	t := threads{args: args, query: threadsQuery(ctx, account, 0)}
	page, err := args.page(ctx, vault.Cursors{}, threadsPage, false)
	if err != nil {
		return threads{}, false // the field's own resolver says what is wrong
	}
	connection := asked.of("conversations", "ConversationConnection")
	page.Exact = connection.exact()
	t.query.Page = page
	t.query.Parts = conversationParts(connection.nodes("Conversation"))
	t.query.Parts.Contact = false // it is the contact they hang off
	return t, true
}

func threadsQuery(ctx context.Context, account *chat.Account, contactID int64) chat.ConversationQuery {
	return chat.ConversationQuery{Visibility: visibility(ctx, account), ContactID: contactID,
		Order: chat.ConversationOrder{Field: chat.ByLastActivity, Direction: chat.Descending}}
}

// contactPage gives contacts and their conversations values in one go and primes the loaders.
func (s *Set) contactPage(ctx context.Context, account *chat.Account, q chat.ContactQuery, cursors vault.Cursors, t threads, rows []store.ContactRow) (*chat.ContactConnection, error) {
	positions := make(map[int64]*chat.Position, len(rows))
	rows, info := chat.Slice(rows, q.Page, func(r store.ContactRow) *chat.Position { return r.Position })
	info.Seal = sealWith(ctx, cursors)
	conn := &chat.ContactConnection{PageInfo: &info, Nodes: make([]*chat.Contact, len(rows)),
		Position: func(c *chat.Contact) *chat.Position { return positions[c.ID] }}
	var conversations []store.ConversationRow
	for i, row := range rows {
		conn.Nodes[i], positions[row.ID] = row.Contact, row.Position
		conversations = append(conversations, row.Conversations...)
	}
	wanted := vault.Rows{Contacts: conn.Nodes}
	if q.Parts.Attributes {
		wanted.ContactAttributes = conn.Nodes
	}
	if q.Parts.Conversations != nil {
		wanted = withConversations(wanted, conversations, q.Parts.Conversations.Parts)
	}
	if err := s.vault.Load(ctx, account, wanted); err != nil {
		return nil, err
	}
	s.primeContacts(ctx, conn.Nodes, q.Parts.Attributes)
	if q.Parts.Conversations != nil {
		s.primeConversations(ctx, conversations, q.Parts.Conversations.Parts)
		for _, row := range rows {
			key := threadsKey{Key{account.ID, row.ID}, t.args}
			s.contactThreads.Prime(ctx, key, s.threadsPage(ctx, account, row.ID, *q.Parts.Conversations, row.Conversations))
		}
	}
	return conn, nil
}

// ContactConversations loads a page of a contact's conversations.
func (s *Set) ContactConversations(ctx context.Context, c *chat.Contact, args PageArgs) (*chat.ConversationConnection, error) {
	return s.contactThreads.Load(ctx, threadsKey{Key{c.AccountID, c.ID}, args})()
}

func (s *Set) readContactThreads(ctx context.Context, key threadsKey) (*chat.ConversationConnection, error) {
	account, err := accountOf(ctx, key.Account)
	if err != nil {
		return nil, err
	}
	q := threadsQuery(ctx, account, key.ID)
	if q.Page, err = key.Args.page(ctx, s.threadsCursors(account, key.ID), threadsPage, false); err != nil {
		return nil, err
	}
	q.Parts = everyPart // several aliases may share this page, each asking for other parts
	rows, err := s.store.ListConversations(ctx, account.ID, q)
	if err != nil {
		return nil, err
	}
	if err := s.fillConversations(ctx, account, rows, q.Parts); err != nil {
		return nil, err
	}
	return s.threadsPage(ctx, account, key.ID, q, rows), nil
}

func (s *Set) threadsCursors(account *chat.Account, contactID int64) vault.Cursors {
	return s.vault.Cursors(account.ID, "contact/"+chat.FormatID(contactID)+"/conversations")
}

func (s *Set) threadsPage(ctx context.Context, account *chat.Account, contactID int64, q chat.ConversationQuery, rows []store.ConversationRow) *chat.ConversationConnection {
	return conversationPage(ctx, s.threadsCursors(account, contactID), q, rows)
}
