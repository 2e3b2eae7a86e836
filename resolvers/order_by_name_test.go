package resolvers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// oddNames are contacts whose names are addresses in one way or another, and some whose names are not. Own addresses are
// an e-mail, a phone number and an identifier.
var oddNames = []struct{ name, email, phone, identifier string }{
	{"mallory.quimby@example.com", "mallory.quimby@example.com", "", ""},
	{"Mallory.Quimby", "mallory.quimby+x@example.com", "", ""},
	{"mal\u200blory.quimby2 ", "mallory.quimby2@example.com", "", ""},
	{"ÉLISE.Ñ", "élise.ñ@example.com", "", ""},
	{"mallory＠elsewhere.example", "", "", ""}, {"mallory%40elsewhere.example", "", "", ""},
	{"15557770001", "", "+15557770001", ""}, {"M 555-777", "", "+15557770003", ""}, {"5x5x5x7x7x7", "", "+15557770004", ""},
	{"(555) 777-0001", "", "", ""}, {"Max ٥٥٥١٢٣٤٥٦٧", "", "", ""}, {"١٥٥٥٧٧", "", "+15557770005", ""}, {"𝟓𝟓𝟓𝟕𝟕𝟕𝟎", "", "", ""},
	{"The CRM-77 one", "", "", "crm-77"}, {"mallory", "", "", "mallory@s.whatsapp.net"}, {"12345", "", "", "12345"}, {"mallo", "", "", "mallo+a@b"},
	{"Mallory", "", "", ""}, {"Mallox", "zed@example.com", "+15557770002", "crm-78"}, {"R2-D2", "r2@example.com", "", " "}, {"mallory.quimbya", "mallory.quimby3@example.com", "", ""},
}

// TestNamesThatAreHiddenHaveNoPlace: an order by name says nothing of the names that a viewer is not shown (L12), where
// Chatwoot's own columns are read, either.
func TestNamesThatAreHiddenHaveNoPlace(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	for i, c := range oddNames {
		storetest.Exec(t, e.store, `INSERT INTO contacts (id, account_id, name, email, phone_number, identifier, created_at, updated_at)
 VALUES ($1, 2, $2, NULLIF($3, ''), NULLIF($4, ''), NULLIF($5, ''), now(), now())`, 9001+i, c.name, c.email, c.phone, c.identifier)
	}
	if _, hidden := byName(t, e, "ASC", 100); hidden != 0 {
		t.Fatalf("%d names are hidden where nobody is masked", hidden)
	}
	setFlag(t, e, schema.Borealis, true)
	var lists [][]string
	for _, direction := range []string{"ASC", "DESC"} {
		for _, n := range []int{100, 7} {
			ids, hidden := byName(t, e, direction, n)
			if hidden < 17 {
				t.Errorf("%d names are hidden: the test shows nothing", hidden)
			}
			if direction == "DESC" {
				slices.Reverse(ids)
			}
			lists = append(lists, ids)
		}
	}
	for i, ids := range lists[1:] {
		if at := slices.Index(ids, lists[0][0]); at >= 0 { // blank ones are last from either end
			ids = slices.Concat(ids[at:], ids[:at])
		}
		if !slices.Equal(ids, lists[0]) {
			t.Errorf("list %d is another", i+1)
		}
	}
}

// byName reads the whole of account 2 by name and fails where a name that is hidden stands beside one that is shown.
func byName(t *testing.T, e *edge, direction string, n int) (ids []string, hidden int) {
	t.Helper()
	const query = `query ($c: String) { account(id: "2") { list: contacts(first: %d, after: $c, orderBy: {field: NAME, direction: %s}) {
 nodes { id name alias } pageInfo { hasNextPage endCursor } } } }`
	last, aliases := "", 0
	readAll(t, e, "stranger", fmt.Sprintf(query, n, direction), func(answer reply) {
		var page struct {
			Account struct {
				List struct {
					Nodes []struct{ ID, Name, Alias string }
				}
			}
		}
		answer.data(t, &page)
		for _, c := range page.Account.List.Nodes {
			ids = append(ids, c.ID)
			if c.Name == c.Alias {
				hidden++
				aliases++
				continue
			}
			if aliases > 0 && direction == "ASC" && last > "a" && strings.ToLower(c.Name) > "a" {
				t.Errorf("%s: %d hidden names stand between %q and %q", direction, aliases, last, c.Name)
			}
			if direction == "DESC" && aliases > 0 && strings.ToLower(c.Name) > "a" {
				t.Errorf("%s: %d hidden names stand before %q", direction, aliases, c.Name)
			}
			last, aliases = strings.ToLower(c.Name), 0
		}
	})
	return ids, hidden
}
