package loaders

import (
	"context"
	"time"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/rollout"
	"github.com/cloakroom/cloakroom/vault"
)

// Contact loads a contact with its values; one that is gone is a stand-in with an alias.
func (s *Set) Contact(ctx context.Context, accountID, id int64) (*chat.Contact, error) {
	return s.contacts.Load(ctx, Key{accountID, id})()
}

// ContactAttributes loads a contact's profile and custom attributes.
func (s *Set) ContactAttributes(ctx context.Context, c *chat.Contact) (*chat.Contact, error) {
	if c.Attributes.Open != nil { // a page has brought them, or the contact was deleted and has none
		return c, nil
	}
	return s.contactAttributes.Load(ctx, Key{c.AccountID, c.ID})()
}

// ContactInboxes loads a contact's addresses in the account's channels.
func (s *Set) ContactInboxes(ctx context.Context, c *chat.Contact) ([]*chat.ContactInbox, error) {
	list, err := s.contactInboxes.Load(ctx, Key{c.AccountID, c.ID})()
	return orEmpty(list), err
}

// ContactLabels loads the names of a contact's labels.
func (s *Set) ContactLabels(ctx context.Context, c *chat.Contact) ([]string, error) {
	list, err := s.contactLabels.Load(ctx, Key{c.AccountID, c.ID})()
	return orEmpty(list), err
}

// Notes loads what agents wrote about a contact.
func (s *Set) Notes(ctx context.Context, c *chat.Contact) ([]*chat.Note, error) {
	list, err := s.notes.Load(ctx, Key{c.AccountID, c.ID})()
	return orEmpty(list), err
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// Contacts reads a page of an account's contacts and primes what the query asks of each: two statements, three
// in an order by a sealed address, and one round trip to Redis at most, whatever the page's size.
func (s *Set) Contacts(ctx context.Context, account *chat.Account, args PageArgs, filter *chat.ContactFilter, orderBy *chat.ContactOrder) (*chat.ContactConnection, error) {
	q := chat.ContactQuery{CRMV2: account.CRMV2, Order: chat.ContactOrder{Field: chat.ContactsByLastActivity, Direction: chat.Descending},
		Sealed: rollout.ReadFrom(account.Settings, chat.Contacts) == rollout.Sealed}
	if filter != nil {
		q.Filter = *filter
		if err := storable("filter.labels", q.Filter.Labels); err != nil {
			return nil, err
		}
	}
	if orderBy != nil {
		q.Order = *orderBy
	}
	cursors := s.vault.Cursors(account.ID, "contacts/"+string(q.Order.Field)+"/"+string(q.Order.Direction))
	var err error
	if q.Page, err = args.page(ctx, cursors, contactsPage, false); err != nil {
		return nil, err
	}
	if err := s.vault.FilterContacts(ctx, auth.Viewer(ctx), account, &q); err != nil {
		return nil, err
	}
	connection := selected(ctx, "ContactConnection")
	q.Page.Exact = connection.exact()
	asked := connection.nodes("Contact")
	q.Parts.Attributes = asked.asks("customAttributes", "additionalAttributes") || orderSealed(account, q.Order.Field) && q.Order.Field.Dataset() == chat.Attributes && connection.asksCursors()
	threads, prefetch := s.threadsAsked(ctx, account, asked)
	if prefetch {
		q.Parts.Conversations = &threads.query
	}
	rows, info, err := s.contactRows(ctx, account, q)
	if err != nil {
		return nil, err
	}
	info.Seal = sealWith(ctx, cursors)
	page, err := s.contactPage(ctx, account, q, info, threads, rows)
	if err == nil && orderSealed(account, q.Order.Field) {
		page.PageInfo.Seal = sealTexts(info.Seal, q.Order.Field, page.Nodes)
	}
	return page, err
}

func (s *Set) primeContacts(ctx context.Context, contacts []*chat.Contact, attributes bool) {
	for _, c := range contacts {
		key := Key{c.AccountID, c.ID}
		s.contacts.Prime(ctx, key, c)
		if attributes {
			s.contactAttributes.Prime(ctx, key, c)
		}
	}
}

func (s *Set) readContacts(ctx context.Context, account *chat.Account, ids []int64) (map[int64]*chat.Contact, error) {
	rows, err := s.store.ContactsByIDs(ctx, account.ID, ids)
	if err != nil {
		return nil, err
	}
	if err := s.vault.Load(ctx, account, vault.Rows{Contacts: rows}); err != nil {
		return nil, err
	}
	found := make(map[int64]*chat.Contact, len(ids))
	for _, c := range rows {
		found[c.ID] = c
	}
	for _, id := range ids {
		if found[id] == nil {
			if found[id], err = s.vault.DeletedContact(ctx, account.ID, id); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

func (s *Set) readContactAttributes(ctx context.Context, account *chat.Account, ids []int64) (map[int64]*chat.Contact, error) {
	rows := make([]*chat.Contact, len(ids))
	found := make(map[int64]*chat.Contact, len(ids))
	for i, id := range ids {
		rows[i] = &chat.Contact{ID: id, AccountID: account.ID}
		found[id] = rows[i]
	}
	return found, s.vault.Load(ctx, account, vault.Rows{ContactAttributes: rows})
}

func (s *Set) readContactInboxes(ctx context.Context, account *chat.Account, ids []int64) (map[int64][]*chat.ContactInbox, error) {
	rows, err := s.vault.ContactInboxesOf(ctx, account, ids, time.Now())
	found := make(map[int64][]*chat.ContactInbox, len(ids))
	for _, ci := range rows {
		found[ci.ContactID] = append(found[ci.ContactID], ci)
	}
	return found, err
}

func (s *Set) readContactLabels(ctx context.Context, account *chat.Account, ids []int64) (map[int64][]string, error) {
	return s.store.LabelsOfContacts(ctx, account.ID, ids)
}

func (s *Set) readNotes(ctx context.Context, account *chat.Account, ids []int64) (map[int64][]*chat.Note, error) {
	rows, err := s.store.NotesOf(ctx, account.ID, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[int64][]*chat.Note, len(ids))
	for _, n := range rows {
		found[n.ContactID] = append(found[n.ContactID], n)
	}
	return found, s.vault.Load(ctx, account, vault.Rows{Notes: rows})
}

// visibility is whose conversations the viewer may list in an account.
func visibility(ctx context.Context, account *chat.Account) chat.Visibility {
	return auth.Viewer(ctx).Visibility(account.ID)
}
