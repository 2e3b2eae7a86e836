package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
)

const (
	threads = 300  // conversations that W2 opens
	pages   = 100  // pages of contacts that W3 turns
	lookups = 2000 // addresses that W4 asks for
)

// makeAsks gives every workload's questions: W1 a page for each agent, W2 long threads, W3 pages at growing depth, W4
// addresses all over the account, one in a hundred of them unknown.
func makeAsks(ctx context.Context, d *dataset, product *server) (map[string][]ask, error) {
	account := formatID(d.accountID)
	asks := make(map[string][]ask)
	var err error
	add := func(w workload, agent int64, variables, place map[string]any) {
		variables["a"] = account
		a, failed := newAsk(w, agent, variables, place)
		if failed != nil {
			err = failed
		}
		asks[w.name] = append(asks[w.name], a)
	}
	for agent := int64(1); agent <= agents; agent++ {
		add(workloads[0], agent, map[string]any{}, nil)
	}
	long, failed := longThreads(ctx, d)
	if failed != nil {
		return nil, failed
	}
	for _, t := range long {
		add(workloads[1], t.Agent, map[string]any{"d": formatID(t.DisplayID)}, nil)
	}
	places, failed := contactPages(ctx, d, product)
	if failed != nil {
		return nil, failed
	}
	for i, p := range places {
		add(workloads[2], int64(1+i%agents), map[string]any{"c": p.cursor}, p.place)
	}
	for i := range int64(lookups) {
		contact := 1 + i*int64(d.contacts)/lookups
		email := emailOf(contact)
		if i%100 == 99 {
			email = "nobody-" + email
		}
		add(workloads[3], 1+i%agents, map[string]any{"e": email}, nil)
	}
	return asks, err
}

type thread struct{ Agent, DisplayID int64 }

// longThreads picks conversations of more than one page, each with an agent who may open it.
func longThreads(ctx context.Context, d *dataset) ([]thread, error) {
	conn, err := pgx.Connect(ctx, d.url)
	if err != nil {
		return nil, fmt.Errorf("connect to the data: %w", err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT (SELECT min(im.user_id) FROM inbox_members im WHERE im.inbox_id = c.inbox_id AND im.user_id > c.id % $1)::int8, c.display_id::int8
 FROM conversations c WHERE (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id) >= 60 ORDER BY c.id % 997, c.id LIMIT $2`, agents-inboxes, threads)
	if err != nil {
		return nil, fmt.Errorf("choose threads: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[thread])
	if err != nil {
		return nil, fmt.Errorf("choose threads: %w", err)
	}
	return list, nil
}

// contactPlace is where a page of contacts begins, in either server's way.
type contactPlace struct {
	cursor *string
	place  map[string]any
}

// contactPages walks the list with the product's own cursors, as far as contacts go that ever wrote. Without a product
// the floor's first page is all there is.
func contactPages(ctx context.Context, d *dataset, product *server) ([]contactPlace, error) {
	list := []contactPlace{{}}
	if product == nil {
		return list, nil
	}
	c, err := dial(ctx, product.address)
	if err != nil {
		return nil, err
	}
	defer c.close()
	for len(list) < pages {
		body, err := json.Marshal(map[string]any{"query": pagesQuery,
			"variables": map[string]any{"a": formatID(d.accountID), "c": list[len(list)-1].cursor}})
		if err != nil {
			return nil, fmt.Errorf("encode a question for a page: %w", err)
		}
		answer, err := c.ask(httpPost("/graphql", 1, body))
		if err != nil {
			return nil, fmt.Errorf("walk the contacts: %w", err)
		}
		var p contactsPage
		if err := json.Unmarshal(answer, &p); err != nil || p.Errors != nil {
			return nil, fmt.Errorf("walk the contacts: the product answered %.200s", answer)
		}
		page := p.Data.Account.Contacts
		if !page.PageInfo.HasNextPage || len(page.Nodes) == 0 {
			return list, nil
		}
		last := page.Nodes[len(page.Nodes)-1]
		if last.LastActivityAt == nil { // a page on which contacts begin that never wrote takes two statements
			return list[:len(list)-1], nil
		}
		list = append(list, contactPlace{page.PageInfo.EndCursor, map[string]any{"t": *last.LastActivityAt, "i": last.ID}})
	}
	return list, nil
}
