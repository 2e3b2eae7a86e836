package loaders

import (
	"context"
	"strings"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/vault"
)

// PageArgs are Relay's arguments as they came in; Limit 0 means neither first nor last was given.
type PageArgs struct {
	First, Last   int
	After, Before string
	HasFirst      bool
	HasLast       bool
}

// NewPageArgs takes the arguments of a connection.
func NewPageArgs(first *int, after *string, last *int, before *string) PageArgs {
	var a PageArgs
	if first != nil {
		a.First, a.HasFirst = *first, true
	}
	if last != nil {
		a.Last, a.HasLast = *last, true
	}
	if after != nil {
		a.After = *after
	}
	if before != nil {
		a.Before = *before
	}
	return a
}

// MaxPage bounds every list, in rows.
const MaxPage = 100

// The sizes of a page that says none, as Chatwoot's dashboard has them.
const (
	contactsPage      = 15
	conversationsPage = 25
	threadsPage       = 20
	messagesPage      = 20
)

// page checks the arguments; an error names the one at fault. backward is which end a list without arguments is
// read from.
func (a PageArgs) page(ctx context.Context, cursors vault.Cursors, size int, backward bool) (chat.Page, error) {
	p := chat.Page{Limit: size, Backward: backward && !a.HasFirst || a.HasLast}
	switch {
	case a.HasFirst && a.HasLast:
		return p, chat.InvalidField("last", "give first or last, not both")
	case a.HasFirst:
		p.Limit = a.First
	case a.HasLast:
		p.Limit = a.Last
	}
	cursor, field, size1 := a.After, "after", "first"
	if p.Backward {
		cursor, field, size1 = a.Before, "before", "last"
	}
	if p.Limit < 1 || p.Limit > MaxPage {
		return p, chat.InvalidField(size1, "must be from 1 to %d", MaxPage)
	}
	if wrong := a.wrongEnd(p.Backward); wrong != "" {
		return p, chat.InvalidField(wrong, "does not go with a page that is read from the other end")
	}
	if cursor == "" {
		return p, nil
	}
	at, err := cursors.Open(ctx, field, cursor)
	p.From = at
	return p, err
}

func (a PageArgs) wrongEnd(backward bool) string {
	switch {
	case backward && a.After != "":
		return "after"
	case !backward && a.Before != "":
		return "before"
	}
	return ""
}

// sealWith gives a page's cursors; they are sealed only when a query asks for them.
func sealWith(ctx context.Context, cursors vault.Cursors) func(*chat.Position) (string, error) {
	return func(at *chat.Position) (string, error) { return cursors.Seal(ctx, at) }
}

// storable refuses texts that PostgreSQL could not hold, so that none is asked for.
func storable(field string, texts []string) error {
	for _, text := range texts {
		if strings.ContainsRune(text, 0) {
			return chat.InvalidField(field, "must not hold a NUL")
		}
	}
	return nil
}
