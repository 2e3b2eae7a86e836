package resolvers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/store/storetest"
)

// found is a page of messages that a search gives.
type found struct {
	Account struct {
		Of, Conversation struct{ List foundPage }
		List             foundPage
	}
}

type foundPage struct {
	Nodes    []struct{ ID, Content string }
	PageInfo pageInfo
	Partial  bool
}

// searchFor asks for a page of messages.
func searchFor(t testing.TB, e *edge, viewer, account, text, more string) foundPage {
	t.Helper()
	var answer found
	e.ask(t, viewer, fmt.Sprintf(`query ($q: String!) { account(id: %q) { list: searchMessages(query: $q, %s) { nodes { id content } pageInfo { hasNextPage endCursor } partial } } }`,
		account, more), map[string]any{"q": text}).data(t, &answer)
	return answer.Account.List
}

func turnFound(t testing.TB, e *edge, viewer, text string, size int) (ids []string, partial bool) {
	t.Helper()
	for after := ""; ; {
		page := searchFor(t, e, viewer, "1", text, fmt.Sprintf("first: %d%s", size, after))
		for _, n := range page.Nodes {
			ids = append(ids, n.ID)
		}
		partial = partial || page.Partial
		if !page.PageInfo.HasNextPage {
			return ids, partial
		}
		after = fmt.Sprintf(", after: %q", *page.PageInfo.EndCursor)
	}
}

// TestFoundPagesMakeTheList turns pages by their cursors, also of a search that is given up again and again.
func TestFoundPagesMakeTheList(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	whole, _ := turnFound(t, e, "admin", "carrier noon", 100)
	if sorted := slices.Compact(slices.Sorted(slices.Values(whole))); len(whole) < 100 || len(sorted) != len(whole) {
		t.Fatalf("%d messages, %d different ones", len(whole), len(sorted))
	}
	small, partial := turnFound(t, e, "admin", "carrier noon", 17)
	if diff := cmp.Diff(whole, small); diff != "" || partial {
		t.Errorf("pages of 17 (-of 100 +of 17), partial %t:\n%s", partial, diff)
	}
	const phrase = `"to the"` // of words that no index has: every message is opened
	whole, _ = turnFound(t, e, "admin", phrase, 100)
	e.vault.SearchTime = -time.Second
	hurried, partial := turnFound(t, e, "admin", phrase, 100)
	if diff := cmp.Diff(whole, hurried); diff != "" || !partial {
		t.Errorf("in a hurry (-whole +found), partial %t:\n%s", partial, diff)
	}
}

// TestWhoFindsWhat asks as each viewer for a word that their colleagues' inboxes hold as well.
func TestWhoFindsWhat(t *testing.T) {
	t.Parallel()
	const word = "carrier"
	all, _ := turnFound(t, shared(), "admin", word, 100)
	for viewer, some := range map[string]bool{"masked": true, "exempt": true, "root": true, "everything": true, "narrow": true, "nowhere": false} {
		seen, _ := turnFound(t, shared(), viewer, word, 100)
		for _, id := range seen {
			if !slices.Contains(all, id) {
				t.Errorf("%s finds message %s, which an administrator does not", viewer, id)
			}
		}
		if (len(seen) > 0) != some || viewer == "everything" && len(seen) != len(all) {
			t.Errorf("%s finds %d of %d", viewer, len(seen), len(all))
		}
	}
	for viewer, code := range map[string]string{"reader-service": "FORBIDDEN", "pii-service": "FORBIDDEN", "stranger": "NOT_FOUND"} {
		answer := shared().ask(t, viewer, `{ account(id: "1") { searchMessages(query: "carrier") { nodes { id } } } }`, nil)
		if got, _ := fault(t, answer); got != code || strings.Contains(string(answer.body), `"nodes"`) {
			t.Errorf("%s: %s", viewer, answer.body)
		}
	}
}

// TestMaskedViewersDoNotFindWhatIsHidden asks for the words beside an address in what the system wrote.
func TestMaskedViewersDoNotFindWhatIsHidden(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	// Max, who is masked, and Eve, who is not, have the same inboxes.
	hidden := 0
	for _, text := range []string{"resolved by", "conversation was resolved", "marked"} {
		eve, _ := turnFound(t, e, "exempt", text, 100)
		max, _ := turnFound(t, e, "masked", text, 100)
		hidden += len(eve) - len(max)
		for _, id := range max {
			if !slices.Contains(eve, id) {
				t.Errorf("%q: message %s is found by a masked viewer alone", text, id)
			}
		}
		page := searchFor(t, e, "masked", "1", text, "first: 100")
		for _, n := range page.Nodes {
			if n.Content == "" {
				t.Errorf("%q: message %s is null and found", text, n.ID)
			}
		}
	}
	if hidden == 0 {
		t.Error("nothing was hidden: the case is gone from the demo")
	}
}

// TestCursorsOfSearches open in no other search: another query, account, conversation, or list.
func TestCursorsOfSearches(t *testing.T) {
	t.Parallel()
	cursor := *searchFor(t, shared(), "root", "1", "carrier", "first: 1").PageInfo.EndCursor
	for what, query := range map[string]string{
		"another query":            `{ account(id: "1") { searchMessages(query: "Carrier", after: "%s") { nodes { id } } } }`,
		"another account":          `{ account(id: "2") { searchMessages(query: "carrier", after: "%s") { nodes { id } } } }`,
		"a conversation":           `{ account(id: "1") { conversation(displayId: "1") { searchMessages(query: "carrier", after: "%s") { nodes { id } } } } }`,
		"the conversation's list":  `{ account(id: "1") { conversation(displayId: "1") { messages(first: 1, after: "%s") { nodes { id } } } } }`,
		"the list of contacts":     `{ account(id: "1") { contacts(first: 1, after: "%s") { nodes { id } } } }`,
		"a cursor that is no such": `{ account(id: "1") { searchMessages(query: "carrier", after: "x%s") { nodes { id } } } }`,
	} {
		if code, field := fault(t, shared().ask(t, "root", fmt.Sprintf(query, cursor), nil)); code != "INVALID" || field != "after" {
			t.Errorf("%s: %q, %q", what, code, field)
		}
	}
}

// TestAFoundPageCostsTheSame: by tokens a page takes the same statements, whatever its size.
func TestAFoundPageCostsTheSame(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	if !storetest.Value[bool](t, e.store, `SELECT messages_indexed FROM cloakroom.search_settings WHERE account_id = 1`) {
		t.Fatal("the demo's messages are not indexed")
	}
	var counts []int64
	for _, size := range []int{2, 2, 10} {
		answer, cost := e.askMetered(t, "admin", fmt.Sprintf(`{ account(id: "1") { searchMessages(query: "carrier noon", first: %d) { nodes { id content sender { ... on User { name } } } } } }`, size), nil)
		answer.data(t, new(any))
		counts = append(counts, cost.Statements.Load())
	}
	if counts[1] != counts[2] || counts[1] > 4 {
		t.Errorf("%v statements", counts)
	}
}
