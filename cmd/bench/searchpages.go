package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// contactPage is how many contacts a page of a list has.
const contactPage = 25

// byEmailList is the name that cursors of the list by e-mail are bound to.
const byEmailList = "contacts/EMAIL/ASC"

// viewer is one who sees everything of the account.
func (b *searchBench) viewer() *chat.Viewer {
	return &chat.Viewer{User: &chat.User{ID: searcher}, Policy: chat.PolicyRead,
		Memberships: []chat.Membership{{Account: *b.account, Role: chat.Administrator}}}
}

// pageQuestions are about lists: by labels, by a list of the application's, by an attribute.
func (b *searchBench) pageQuestions(ctx context.Context) ([]*question, error) {
	rng := rand.New(rand.NewPCG(6, 4)) // the questions must be the same every time
	large, err := b.emailCursors(ctx, b.account, rng, 1, b.data.contacts)
	if err != nil {
		return nil, err
	}
	small, err := b.emailCursors(ctx, b.small, rng, smallFrom, smallContacts)
	if err != nil {
		return nil, err
	}
	goal := goals{ratio: 2, of: 0.5}
	list := []*question{
		b.pageQuestion("page of 25 by label, the first", b.account, make([]emailCursor, 50), goal, b.labelPage),
		b.pageQuestion("page of 25 by label, deep", b.account, large, goal, b.labelPage),
		b.pageQuestion("page of 25 of 20,000 contacts without labels, deep, list in memory", b.small, small, goals{}, b.listPage),
		b.pageQuestion("the same, list in Redis", b.small, small[:10], goals{}, b.anew(0)),
		b.pageQuestion("the same, every address opened", b.small, small[:5], goals{}, b.anew(1)),
	}
	values := make([]string, 200)
	for i := range values {
		values[i] = b.data.customer(1 + rng.Int64N(int64(b.data.contacts))).segment
	}
	return append(list, b.segmentQuestion(values)), nil
}

// emailCursor is where a page of the list by e-mail goes on; the zero value is its beginning.
type emailCursor struct {
	email, sealed string
	id            int64
}

// emailCursors gives places all over an account's list.
func (b *searchBench) emailCursors(ctx context.Context, account *chat.Account, rng *rand.Rand, from int64, contacts int) ([]emailCursor, error) {
	cursors := make([]emailCursor, 200)
	for i := range cursors {
		c := &cursors[i]
		c.id = from + rng.Int64N(int64(contacts))
		c.email = b.data.customer(c.id).email
		var err error
		c.sealed, err = b.vault.Cursors(account.ID, byEmailList).Seal(ctx, &chat.Position{ID: c.id, Text: &c.email})
		if err != nil {
			return nil, err
		}
	}
	return cursors, nil
}

var errNoLabels = errors.New("the account has no labels that could be read")

// pager reads the rows of a page, and one more.
type pager func(ctx context.Context, account *chat.Account, q chat.ContactQuery) ([]store.ContactRow, error)

func (b *searchBench) pageQuestion(title string, account *chat.Account, cursors []emailCursor, g goals, read pager) *question {
	return &question{group: "contacts", title: title, n: len(cursors), goals: g, ways: []way{byEmailAfter},
		sealed: func(ctx context.Context, i int) (found, error) { return b.emailPage(ctx, account, cursors[i], read) },
		twin: func(ctx context.Context, w way, i int) ([]int64, error) {
			if c := cursors[i]; c.id != 0 {
				return cut(contactPage)(b.twin.contacts(ctx, w, account.ID, contactPage+1, c.email, c.id))
			}
			return cut(contactPage)(b.twin.contacts(ctx, byEmailFirst, account.ID, contactPage+1))
		}}
}

// emailPage opens a cursor, reads the page after it, opens what a list shows and seals the cursor at its end, as a request
// for the page does.
func (b *searchBench) emailPage(ctx context.Context, account *chat.Account, at emailCursor, read pager) (found, error) {
	cursors := b.vault.Cursors(account.ID, byEmailList)
	q := chat.ContactQuery{Sealed: true, Order: chat.ContactOrder{Field: chat.ContactsByEmail, Direction: chat.Ascending}, Page: chat.Page{Limit: contactPage}}
	var err error
	if at.sealed != "" {
		if q.Page.From, err = cursors.Open(ctx, "after", at.sealed); err != nil {
			return found{}, err
		}
	}
	rows, err := read(ctx, account, q)
	if err != nil {
		return found{}, err
	}
	contacts, err := b.show(ctx, account, q, rows)
	if err != nil || len(contacts) == 0 {
		return found{}, err
	}
	last := contacts[len(contacts)-1]
	text, err := q.Order.Field.TextOf(last)
	if err == nil {
		_, err = cursors.Seal(ctx, &chat.Position{ID: last.ID, Text: text})
	}
	return found{ids: idsOf(contacts, contactID)}, err
}

// show cuts rows to the page and opens what a list shows.
func (b *searchBench) show(ctx context.Context, account *chat.Account, q chat.ContactQuery, rows []store.ContactRow) ([]*chat.Contact, error) {
	rows, _ = chat.Slice(rows, q.Page, func(r store.ContactRow) *chat.Position { return r.Position })
	contacts := make([]*chat.Contact, len(rows))
	for i, row := range rows {
		contacts[i] = row.Contact
	}
	var wanted vault.Rows
	for _, c := range contacts {
		if c.Values.Open == nil { // a page by labels comes with values
			wanted.Contacts = append(wanted.Contacts, c)
		}
	}
	if err := b.vault.Load(ctx, account, wanted); err != nil {
		return nil, err
	}
	return contacts, showContacts(contacts)
}

func (b *searchBench) labelPage(ctx context.Context, account *chat.Account, q chat.ContactQuery) ([]store.ContactRow, error) {
	rows, kept, err := b.vault.ListByLabel(ctx, account, q)
	if err == nil && !kept {
		err = errNoLabels
	}
	return rows, err
}

// listPage reads a page of a list that the application has made.
func (b *searchBench) listPage(ctx context.Context, account *chat.Account, q chat.ContactQuery) ([]store.ContactRow, error) {
	return b.pageOf(ctx, b.vault, account, q)
}

func (b *searchBench) pageOf(ctx context.Context, v *vault.Vault, account *chat.Account, q chat.ContactQuery) ([]store.ContactRow, error) {
	places, err := v.OrderContacts(ctx, account, q)
	if err != nil {
		return nil, err
	}
	return b.store.ContactsAt(ctx, account.ID, q, places)
}

// anew reads a page as a replica does that has just started; epochs says whether what Redis holds counts as old as well.
func (b *searchBench) anew(epochs int64) pager {
	epoch := int64(0)
	return func(ctx context.Context, account *chat.Account, q chat.ContactQuery) ([]store.ContactRow, error) {
		v, err := b.newVault()
		if err != nil {
			return nil, err
		}
		epoch += epochs
		moved := *account
		moved.Settings.CacheEpoch += epoch
		return b.pageOf(ctx, v, &moved, q)
	}
}

// segmentQuestion lists the contacts with an attribute's value, last activity first.
func (b *searchBench) segmentQuestion(values []string) *question {
	key, viewer := segmentKey, b.viewer()
	return &question{group: "contacts", title: "25 contacts with an attribute's value", n: len(values), ways: segmentWays,
		sealed: func(ctx context.Context, i int) (found, error) {
			q := chat.ContactQuery{Sealed: true, Order: chat.ContactOrder{Field: chat.ContactsByLastActivity, Direction: chat.Descending}, Page: chat.Page{Limit: contactPage},
				Filter: chat.ContactFilter{Conditions: []*chat.Condition{{CustomAttribute: &key, Operator: chat.EqualTo, Values: values[i : i+1]}}}}
			if err := b.vault.FilterContacts(ctx, viewer, b.account, &q); err != nil {
				return found{}, err
			}
			rows, err := b.store.ListContacts(ctx, b.account.ID, q)
			if err != nil {
				return found{}, err
			}
			contacts, err := b.show(ctx, b.account, q, rows)
			return found{ids: idsOf(contacts, contactID)}, err
		},
		twin: func(ctx context.Context, w way, i int) ([]int64, error) {
			return cut(contactPage)(b.twin.contacts(ctx, w, b.data.accountID, strings.ToLower(values[i]), contactPage+1))
		}}
}
