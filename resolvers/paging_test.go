package resolvers_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pageInfo is Relay's, of a list that the query calls list.
type pageInfo struct {
	HasNextPage, HasPreviousPage bool
	StartCursor, EndCursor       *string
}

// page is a page of a list that the query calls list.
type page struct {
	Edges []struct {
		Cursor string
		Node   struct{ ID string }
	}
	PageInfo pageInfo
}

func listOf(t testing.TB, answer reply) page {
	t.Helper()
	var body struct {
		Data struct {
			Account struct {
				List page
				Of   struct{ List page }
			}
		}
	}
	decode(t, answer.body, &body)
	if len(body.Data.Account.Of.List.Edges) > 0 {
		return body.Data.Account.Of.List
	}
	return body.Data.Account.List
}

func pageOf(t testing.TB, answer reply) pageInfo { return listOf(t, answer).PageInfo }

// lists are fields of account 1 that end in the arguments' open bracket, and what closes them.
func lists() map[string][2]string {
	all := map[string][2]string{
		"messages":                   {`of: conversation(displayId: "1") { list: messages(`, `}`},
		"a contact's conversations":  {`of: contact(id: "1") { list: conversations(`, `}`},
		"open conversations":         {`list: conversations(filter: {status: [OPEN]}, `, ``},
		"contacts with some label":   {`list: contacts(filter: {labels: ["vip", "returns"]}, `, ``},
		"contacts as Chatwoot lists": {`list: contacts(filter: {resolved: true}, `, ``},
	}
	orders := map[string][]string{
		"contacts": {"LAST_ACTIVITY_AT", "CREATED_AT", "NAME", "EMAIL", "PHONE_NUMBER"}, "conversations": {"LAST_ACTIVITY_AT", "CREATED_AT", "PRIORITY", "WAITING_SINCE"},
	}
	for list, fields := range orders {
		for _, field := range fields {
			for _, direction := range []string{"ASC", "DESC"} {
				name := fmt.Sprintf("%s by %s %s", list, field, direction)
				all[name] = [2]string{fmt.Sprintf(`list: %s(orderBy: {field: %s, direction: %s}, `, list, field, direction), ``}
			}
		}
	}
	return all
}

// TestPagesMakeTheList turns pages of several sizes forwards and backwards: each item comes once, in one order.
func TestPagesMakeTheList(t *testing.T) {
	t.Parallel()
	for name, list := range lists() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := turn(t, list, "first", 100)
			if len(whole) < 5 {
				t.Fatalf("%d items are too few", len(whole))
			}
			if sorted := slices.Compact(slices.Sorted(slices.Values(whole))); len(sorted) != len(whole) {
				t.Errorf("%d items, %d different ones", len(whole), len(sorted))
			}
			small := max(3, len(whole)/4)
			if diff := cmp.Diff(whole, turn(t, list, "first", small)); diff != "" {
				t.Errorf("pages of %d (-of 100 +of %d):\n%s", small, small, diff)
			}
			if name == "a contact's conversations" {
				return // they are read from one end only
			}
			if diff := cmp.Diff(whole, turn(t, list, "last", small)); diff != "" {
				t.Errorf("backwards (-forwards +backwards):\n%s", diff)
			}
		})
	}
}

// turn reads a list page by page and gives its ids in the list's order, whichever end it was read from.
func turn(t *testing.T, list [2]string, size string, n int) []string {
	t.Helper()
	var ids []string
	forwards := size == "first"
	for cursor := ""; ; {
		arguments := fmt.Sprintf("%s: %d", size, n)
		if cursor != "" {
			arguments += fmt.Sprintf(`, %s: "%s"`, map[bool]string{true: "after", false: "before"}[forwards], cursor)
		}
		p := listOf(t, shared().ask(t, "admin", fmt.Sprintf(`{ account(id: "1") { %s%s) { edges { cursor node { id } }
 pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } %s } }`, list[0], arguments, list[1]), nil))
		more, behind := p.PageInfo.HasNextPage, p.PageInfo.HasPreviousPage
		if !forwards {
			more, behind = behind, more
		}
		if behind != (cursor != "") {
			t.Errorf("after %d items: there is said to be something behind: %t", len(ids), behind)
		}
		here := make([]string, len(p.Edges))
		for i, edge := range p.Edges {
			here[i] = edge.Node.ID
		}
		if forwards {
			ids = append(ids, here...)
		} else {
			ids = append(here, ids...)
		}
		if !more {
			return ids
		}
		if cursor = *p.PageInfo.EndCursor; !forwards {
			cursor = *p.PageInfo.StartCursor
		}
	}
}

// TestEveryEdgeCanBeTurnedFrom takes the cursor of an item in the middle of a page.
func TestEveryEdgeCanBeTurnedFrom(t *testing.T) {
	t.Parallel()
	for name, list := range lists() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ask := func(arguments string) page {
				return listOf(t, shared().ask(t, "admin", fmt.Sprintf(`{ account(id: "1") { %s%s) { edges { cursor node { id } }
 pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } %s } }`, list[0], arguments, list[1]), nil))
			}
			head := ask("first: 5")
			next := ask(fmt.Sprintf(`first: 2, after: "%s"`, head.Edges[2].Cursor))
			if next.Edges[0].Node.ID != head.Edges[3].Node.ID || next.Edges[1].Node.ID != head.Edges[4].Node.ID {
				t.Errorf("after item 3 come %v", next.Edges)
			}
		})
	}
}

// TestAliasesAreStable: an alias is the same in every answer, on every replica and for every viewer, and no two
// contacts share one.
func TestAliasesAreStable(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	other := newReplica(t, e.store, nowhere())
	const query = `query ($a: ID!) { account(id: $a) { contacts(first: 100, orderBy: {field: CREATED_AT, direction: ASC}) { nodes { id alias } } } }`
	type answer struct {
		Account struct {
			Contacts struct{ Nodes []struct{ ID, Alias string } }
		}
	}
	var want answer
	e.ask(t, "masked", query, map[string]any{"a": "1"}).data(t, &want)
	seen := make(map[string]bool)
	for _, c := range want.Account.Contacts.Nodes {
		if seen[c.Alias] || !aliasText.MatchString(c.Alias) {
			t.Errorf("contact %s has the alias %q", c.ID, c.Alias)
		}
		seen[c.Alias] = true
	}
	for _, viewer := range []string{"masked", "exempt", "admin", "reader-service", "everything"} {
		var got answer
		other.ask(t, viewer, query, map[string]any{"a": "1"}).data(t, &got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", viewer, diff)
		}
	}
	var borealis answer
	e.ask(t, "root", query, map[string]any{"a": "2"}).data(t, &borealis)
	for _, c := range borealis.Account.Contacts.Nodes {
		if seen[c.Alias] {
			t.Errorf("contact %s of account 2 shares an alias with one of account 1", c.ID)
		}
	}
}
