package loaders

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/cloakroom/cloakroom/chat"
)

// Needs is what a query asks of a page that its parent may have brought along, as far as no loader fetches it later. Two
// parts of a query can ask for one page with the same arguments and need different things of it, and so can two pages
// that hold the same contact: what is brought is kept by what it holds.
type Needs struct {
	Place                          bool // where the page lies: without it a page is read with no row to spare
	Inbox, Assignee, Team, Unreads bool // of conversations
}

// everything serves whoever asks.
var everything = Needs{Place: true, Inbox: true, Assignee: true, Team: true, Unreads: true}

// NeedsOf says what a field that gives a page of conversations or messages needs of it.
func NeedsOf(op *graphql.OperationContext, f graphql.CollectedField) Needs {
	connection := f.Definition.Type.Name()
	return needs(selection{op, fieldsOf(op, f, connection)}, connection == "ConversationConnection")
}

func needs(page selection, ofConversations bool) Needs {
	n := Needs{Place: !page.exact()}
	if ofConversations {
		parts := conversationParts(page.nodes("Conversation"))
		n.Inbox, n.Assignee, n.Team, n.Unreads = parts.Inbox, parts.Assignee, parts.Team, parts.UnreadCount
	}
	return n
}

// serve says that a page which was brought for n holds what others need.
func (n Needs) serve(others Needs) bool {
	return (n.Place || !others.Place) && (n.Inbox || !others.Inbox) && (n.Assignee || !others.Assignee) &&
		(n.Team || !others.Team) && (n.Unreads || !others.Unreads)
}

// brings notes for whom pages were brought, so that they are found by others whom they serve.
func (s *Set) brings(n Needs) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, known := range s.brought {
		if known == n {
			return
		}
	}
	s.brought = append(s.brought[:len(s.brought):len(s.brought)], n) // readers go on with the list they have
}

// broughtFor lists for whom pages were brought that serve these needs.
func (s *Set) broughtFor(n Needs) []Needs {
	s.mu.Lock()
	list := s.brought
	s.mu.Unlock()
	var serving []Needs
	for _, known := range list {
		if known.serve(n) {
			serving = append(serving, known)
		}
	}
	return serving
}

// PrimedContactConversations gives a page of a contact's conversations.
func (s *Set) PrimedContactConversations(ctx context.Context, c *chat.Contact, args PageArgs, n Needs) (*chat.ConversationConnection, bool) {
	for _, known := range s.broughtFor(n) {
		if page, ok := s.contactThreads.primed(ctx, threadsKey{Key{c.AccountID, c.ID}, args, known}); ok {
			return page, true
		}
	}
	return nil, false
}

// PrimedMessages gives a page of a thread.
func (s *Set) PrimedMessages(ctx context.Context, c *chat.Conversation, args PageArgs, n Needs) (*chat.MessageConnection, bool) {
	for _, known := range s.broughtFor(n) {
		if page, ok := s.threads.primed(ctx, messagesKey{Key{c.AccountID, c.ID}, args, known}); ok {
			return page, true
		}
	}
	return nil, false
}
