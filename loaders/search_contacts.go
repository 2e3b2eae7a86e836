package loaders

import (
	"context"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// SearchContacts finds a page of contacts, and reads what the query asks of each: the search itself takes one statement,
// more only where an index has found much that is no hit.
func (s *Set) SearchContacts(ctx context.Context, account *chat.Account, q chat.ContactSearch, args PageArgs) (*chat.ContactConnection, error) {
	cursors := s.vault.Cursors(account.ID, vault.ContactSearchList(account, q))
	var err error
	if q.Page, err = args.page(ctx, cursors, contactsPage, false); err != nil {
		return nil, err
	}
	connection := selected(ctx, "ContactConnection")
	q.Page.Exact = connection.exact()
	asked := connection.nodes("Contact")
	q.Needs.Attributes = asked.asks("customAttributes", "additionalAttributes")
	threads, prefetch := s.threadsAsked(ctx, account, asked)
	if prefetch {
		q.Needs.Conversations = &threads.query
	}
	found, err := s.vault.SearchContacts(ctx, account, q)
	if err != nil {
		return nil, err
	}
	found.Info.Seal = sealWith(ctx, cursors)
	conn := &chat.ContactConnection{PageInfo: &found.Info, Nodes: found.Contacts, Partial: found.Partial,
		Position: func(c *chat.Contact) *chat.Position { return found.Positions[c.ID] }}
	return conn, s.fillFound(ctx, account, q.Needs, threads, found.Contacts)
}

// fillFound reads what hangs off contacts that a search has found and opened, and primes the loaders.
func (s *Set) fillFound(ctx context.Context, account *chat.Account, needs chat.ContactParts, t threads, contacts []*chat.Contact) error {
	var wanted vault.Rows
	if needs.Attributes {
		wanted.ContactAttributes = contacts
	}
	if needs.Conversations == nil {
		return s.loadFound(ctx, account, wanted, needs, contacts)
	}
	places := make([]*chat.Position, len(contacts))
	for i, c := range contacts {
		places[i] = &chat.Position{ID: c.ID}
	}
	rows, err := s.store.ContactsAt(ctx, account.ID, chat.ContactQuery{Parts: needs}, places)
	if err != nil {
		return err
	}
	var conversations []store.ConversationRow
	for _, row := range rows {
		conversations = append(conversations, row.Conversations...)
	}
	if err := s.loadFound(ctx, account, withConversations(wanted, conversations, needs.Conversations.Parts), needs, contacts); err != nil {
		return err
	}
	s.primeThreads(ctx, account, *needs.Conversations, t, rows)
	return nil
}

func (s *Set) loadFound(ctx context.Context, account *chat.Account, wanted vault.Rows, needs chat.ContactParts, contacts []*chat.Contact) error {
	if err := s.vault.Load(ctx, account, wanted); err != nil {
		return err
	}
	s.primeContacts(ctx, contacts, needs.Attributes)
	return nil
}
