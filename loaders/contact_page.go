package loaders

import (
	"context"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/rollout"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// threadsKey names a page of one contact's conversations, and for whom it was read.
type threadsKey struct {
	Key
	Args  PageArgs
	Needs Needs
}

// threads is the page of conversations that a query asks of each contact of a page.
type threads struct {
	args  PageArgs
	needs Needs
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
	t.needs = needs(connection, true)
	t.query.Page = page
	t.query.Parts = conversationParts(connection.nodes("Conversation"))
	t.query.Parts.Contact = false // it is the contact they hang off
	return t, true
}

func threadsQuery(ctx context.Context, account *chat.Account, contactID int64) chat.ConversationQuery {
	return chat.ConversationQuery{Visibility: visibility(ctx, account), ContactID: contactID,
		Order: chat.ConversationOrder{Field: chat.ByLastActivity, Direction: chat.Descending}}
}

// contactRows reads the contacts of a page, in the list's order, and says where they lie. Where what they are ordered by
// is sealed, the order is one that the database keeps, or vault gives the places and only the page's contacts are read.
func (s *Set) contactRows(ctx context.Context, account *chat.Account, q chat.ContactQuery) ([]store.ContactRow, chat.PageInfo, error) {
	if orderSealed(account, q.Order.Field) {
		rows, kept, err := s.vault.ListByLabel(ctx, account, q)
		if kept || err != nil {
			rows, info := chat.Slice(rows, q.Page, placeOf)
			return rows, info, err
		}
		if _, opened := q.Order.Field.Source(); opened {
			return s.contactsAt(ctx, account, q)
		}
	}
	rows, err := s.store.ListContacts(ctx, account.ID, q)
	rows, info := chat.Slice(rows, q.Page, placeOf)
	return rows, info, err
}

func placeOf(r store.ContactRow) *chat.Position { return r.Position }

func (s *Set) contactsAt(ctx context.Context, account *chat.Account, q chat.ContactQuery) ([]store.ContactRow, chat.PageInfo, error) {
	places, err := s.vault.OrderContacts(ctx, account, q)
	if err != nil {
		return nil, chat.PageInfo{}, err
	}
	places, info := chat.Slice(places, q.Page, func(p *chat.Position) *chat.Position { return p })
	rows, err := s.store.ContactsAt(ctx, account.ID, q, places)
	return rows, info, err
}

// orderSealed says that contacts are ordered by texts of a dataset that is read sealed.
func orderSealed(account *chat.Account, f chat.ContactOrderField) bool {
	return f.ByText() && rollout.ReadFrom(account.Settings, f.Dataset()) == rollout.Sealed
}

// asksCursors says that somebody asks a connection of contacts where they lie.
func (s selection) asksCursors() bool {
	return s.of("pageInfo", "PageInfo").asks("startCursor", "endCursor") || s.of("edges", "ContactEdge").asks("cursor")
}

// sealTexts gives cursors of places that hold no text: they are made of the contacts that stand there. A text that does
// not open is none, and its contact comes last.
func sealTexts(seal func(*chat.Position) (string, error), f chat.ContactOrderField, contacts []*chat.Contact) func(*chat.Position) (string, error) {
	return func(at *chat.Position) (string, error) {
		i := slices.IndexFunc(contacts, func(c *chat.Contact) bool { return c.ID == at.ID })
		if at.Text != nil || i < 0 {
			return seal(at)
		}
		whole := *at
		if text, err := f.TextOf(contacts[i]); err == nil {
			whole.Text = text
		}
		return seal(&whole)
	}
}

// contactPage gives contacts and their conversations values in one go and primes the loaders.
func (s *Set) contactPage(ctx context.Context, account *chat.Account, q chat.ContactQuery, info chat.PageInfo, t threads, rows []store.ContactRow) (*chat.ContactConnection, error) {
	positions := make(map[int64]*chat.Position, len(rows))
	conn := &chat.ContactConnection{PageInfo: &info, Nodes: make([]*chat.Contact, len(rows)),
		Position: func(c *chat.Contact) *chat.Position { return positions[c.ID] }}
	var conversations []store.ConversationRow
	var wanted vault.Rows
	for i, row := range rows {
		conn.Nodes[i], positions[row.ID] = row.Contact, row.Position
		conversations = append(conversations, row.Conversations...)
		if row.Values.Open == nil { // others came with their values
			wanted.Contacts = append(wanted.Contacts, row.Contact)
		}
	}
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
		s.primeThreads(ctx, account, *q.Parts.Conversations, t, rows)
	}
	return conn, nil
}

// primeThreads primes the conversations that came with contacts, whose values are loaded.
func (s *Set) primeThreads(ctx context.Context, account *chat.Account, q chat.ConversationQuery, t threads, rows []store.ContactRow) {
	var conversations []store.ConversationRow
	for _, row := range rows {
		conversations = append(conversations, row.Conversations...)
	}
	s.primeConversations(ctx, conversations, q.Parts)
	s.brings(t.needs)
	for _, row := range rows {
		key := threadsKey{Key{account.ID, row.ID}, t.args, t.needs}
		s.contactThreads.Prime(ctx, key, s.threadsPage(ctx, account, row.ID, q, row.Conversations))
	}
}

// ContactConversations loads a page of a contact's conversations.
func (s *Set) ContactConversations(ctx context.Context, c *chat.Contact, args PageArgs) (*chat.ConversationConnection, error) {
	if page, ok := s.PrimedContactConversations(ctx, c, args, needs(selected(ctx, "ConversationConnection"), true)); ok {
		return page, nil
	}
	return s.contactThreads.Load(ctx, threadsKey{Key{c.AccountID, c.ID}, args, everything})()
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
