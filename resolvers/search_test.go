package resolvers_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
)

const searchOne = `query ($q: String!, $n: Int, $c: String) { account(id: "1") { searchContacts(query: $q, first: $n, after: $c) {
 nodes { id } edges { cursor node { id } } partial pageInfo { hasNextPage endCursor } } } }`

// searched is an answer to searchOne.
type searched struct {
	Account struct {
		SearchContacts struct {
			Nodes    []struct{ ID string }
			Partial  bool
			PageInfo struct {
				HasNextPage bool
				EndCursor   *string
			}
		}
	}
}

func (s searched) ids() []string {
	ids := []string{}
	for _, n := range s.Account.SearchContacts.Nodes {
		ids = append(ids, n.ID)
	}
	return ids
}

// finds asks for the first page.
func finds(t *testing.T, e *edge, viewer, text string) []string {
	t.Helper()
	var s searched
	e.ask(t, viewer, searchOne, map[string]any{"q": text, "n": 100}).data(t, &s)
	return s.ids()
}

// addresses are those of contact 1, whose name is Inês Moura and whose company is none of them.
var addresses = map[string]string{"email": "ines.moura.001@example.com", "phoneNumber": "+15552010001", "identifier": "crm-9001"}

// TestServicesSearch: what a service finds by, scope by scope.
func TestServicesSearch(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	read := chat.ScopeContactRead
	for name, c := range map[string]struct {
		token        string
		part, byMail bool
		byPhone      bool
	}{
		"reads":              {newToken(t, e, read), false, false, false},
		"looks up":           {newToken(t, e, read, chat.ScopeContactLookup), false, true, true},
		"sees e-mails":       {newToken(t, e, read, chat.ScopePIIEmail), true, true, false},
		"sees, and looks up": {newToken(t, e, read, chat.ScopePIIEmail, chat.ScopeContactLookup), true, true, true},
	} {
		for text, want := range map[string]bool{"moura.001@": c.part, addresses["email"]: c.byMail, addresses["phoneNumber"]: c.byPhone, "moura": true, "201000": false} {
			var s searched
			withToken(t, e, c.token, searchOne, map[string]any{"q": text, "n": 100}).data(t, &s)
			if got := slices.Contains(s.ids(), "1"); got != want {
				t.Errorf("a service that %s finds by %q: %t", name, text, got)
			}
		}
	}
	if n := len(lookUps(t, e)); n != 0 {
		t.Errorf("%d look-ups of users are on record", n)
	}
}

// TestHiddenNamesAreNotFound: a name that is an address is one, for whoever may not see it.
func TestHiddenNamesAreNotFound(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	for _, id := range []int64{schema.ContactNamedByEmail, schema.ContactNamedByLocalPart, schema.ContactNamedByCapitalised, schema.ContactNamedByPhone,
		schema.ContactNamedBySpacedPhone, schema.ContactNamedByBracketedPhone, schema.ContactNamedByDigits} {
		var answer struct {
			Account struct{ Contact struct{ Name string } }
		}
		e.ask(t, "exempt", `query ($i: ID!) { account(id: "1") { contact(id: $i) { name } } }`, map[string]any{"i": chat.FormatID(id)}).data(t, &answer)
		name := answer.Account.Contact.Name
		for _, part := range []string{name[:len(name)-1], name[1 : len(name)-1], name[2 : len(name)-2], name[:3]} {
			forgetLookups(t, e, schema.Max)
			if slices.Contains(finds(t, e, "masked", part), chat.FormatID(id)) {
				t.Errorf("contact %d is found by a masked agent by a part of the name", id)
			}
			if !slices.Contains(everyFound(t, e, "exempt", part), chat.FormatID(id)) {
				t.Errorf("contact %d is not found by an exempted one by %q", id, part)
			}
		}
	}
}

// everyFound turns every page.
func everyFound(t *testing.T, e *edge, viewer, text string) (ids []string) {
	t.Helper()
	for cursor, more := any(nil), true; more; {
		var s searched
		e.ask(t, viewer, searchOne, map[string]any{"q": text, "n": 100, "c": cursor}).data(t, &s)
		ids = append(ids, s.ids()...)
		cursor, more = s.Account.SearchContacts.PageInfo.EndCursor, s.Account.SearchContacts.PageInfo.HasNextPage
	}
	return ids
}

func TestSearchesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "   ", "a\x00b", strings.Repeat("x", 321)} {
		answer := shared().ask(t, "exempt", searchOne, map[string]any{"q": text})
		if code, field := fault(t, answer); code != string(chat.Invalid) || field != "query" {
			t.Errorf("%.10q: code %q, field %q", text, code, field)
		}
	}
	for name, variables := range map[string]map[string]any{"first": {"q": "a", "n": 101}, "after": {"q": "a", "c": "AAAA"}} {
		if code, field := fault(t, shared().ask(t, "exempt", searchOne, variables)); code != string(chat.Invalid) || field != name {
			t.Errorf("%s: code %q, field %q", name, code, field)
		}
	}
	for _, viewer := range []string{"stranger", "pii-service"} {
		if code, _ := fault(t, shared().ask(t, viewer, searchOne, map[string]any{"q": "moura"})); code == "" {
			t.Errorf("%s searches account 1", viewer)
		}
	}
}

// TestWhatHangsOffFoundContacts asks for everything below a hit, which must be what a contact says by itself.
func TestWhatHangsOffFoundContacts(t *testing.T) {
	t.Parallel()
	const all = `id name email phoneNumber customAttributes { key value } additionalAttributes { companyName city } labels notes { content }
 contactInboxes { sourceId } conversations(first: 2) { nodes { displayId lastMessage { content } } pageInfo { hasNextPage } }`
	for _, viewer := range []string{"masked", "exempt"} {
		var found struct {
			Account struct {
				SearchContacts struct{ Nodes []json.RawMessage }
			}
		}
		query := inAccount(`searchContacts(query: "moura", first: 5) { nodes { ` + all + ` } }`)
		answer, c := shared().askMetered(t, viewer, query, nil)
		for range 2 { // one that takes longer than rights may be old is composed anew
			if c.Statements.Load() > 9 {
				answer, c = shared().askMetered(t, viewer, query, nil)
			}
		}
		answer.data(t, &found)
		if len(found.Account.SearchContacts.Nodes) != 5 || c.Statements.Load() > 9 {
			t.Errorf("%d contacts in %d statements", len(found.Account.SearchContacts.Nodes), c.Statements.Load())
		}
		for _, node := range found.Account.SearchContacts.Nodes {
			var contact struct{ ID string }
			decode(t, node, &contact)
			var alone struct {
				Account struct{ Contact json.RawMessage }
			}
			shared().ask(t, viewer, inAccount(fmt.Sprintf(`contact(id: %q) { %s }`, contact.ID, all)), nil).data(t, &alone)
			if diff := cmp.Diff(string(alone.Account.Contact), string(node)); diff != "" {
				t.Errorf("contact %s (-alone +found):\n%s", contact.ID, diff)
			}
		}
	}
}
