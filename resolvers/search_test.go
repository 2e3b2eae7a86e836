package resolvers_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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

// TestMaskedAgentsFindByWholeAddressesAlone asks for every beginning, end and middle of each address, as often as it takes.
func TestMaskedAgentsFindByWholeAddressesAlone(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	for field, address := range addresses {
		var parts []string
		for n := 1; n < len(address); n++ {
			parts = append(parts, address[:n], address[n:])
			if n > 2 {
				parts = append(parts, address[1:n])
			}
		}
		parts = append(parts, "%"+address[2:]+"%", address[:4]+"%", strings.Repeat("_", len(address)), address+"0", address+" x")
		seen := 0
		for _, part := range parts {
			if strings.Contains("inês moura", strings.ToLower(part)) || strings.Trim(part, "+") == "" || field == "phoneNumber" && digitsOf(part) == digitsOf(address) {
				continue // of the name, or the whole number without its plus
			}
			forgetLookups(t, e, schema.Max)
			if got := finds(t, e, "masked", part); slices.Contains(got, "1") {
				t.Errorf("%s: %q is found by a masked agent", field, part)
			}
			if slices.Contains(finds(t, e, "exempt", part), "1") {
				seen++
			}
		}
		if seen < len(parts)/3 {
			t.Errorf("%s: an exempted agent finds the contact by %d of %d parts", field, seen, len(parts))
		}
		for _, whole := range []string{address, " " + address + " ", map[string]string{"email": strings.ToUpper(address), "phoneNumber": "1 (555) 201-0001"}[field]} {
			if whole == "" {
				continue
			}
			forgetLookups(t, e, schema.Max)
			if got := finds(t, e, "masked", whole); len(got) == 0 || got[0] != "1" {
				t.Errorf("%s: a masked agent finds %v by %q", field, got, whole)
			}
		}
	}
}

func digitsOf(s string) string { return chat.Digits(s) }

// TestSearchesByMaskedAgentsCostLookUps: the text that may be a whole address costs one, hit or miss, and is on record.
func TestSearchesByMaskedAgentsCostLookUps(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	for range 25 { // no name costs anything
		finds(t, e, "masked", "moura")
	}
	finds(t, e, "masked", "nobody@example.com")
	wantEntry(t, newest(t, e, schema.Acme), chat.ContactLookedUp, chat.FormatID(schema.Max), "contact", "none", map[string]any{"kind": "EMAIL", "result": "miss", "by": "search"})
	finds(t, e, "masked", "+15552010001")
	wantEntry(t, newest(t, e, schema.Acme), chat.ContactLookedUp, chat.FormatID(schema.Max), "contact", "1", map[string]any{"kind": []any{"PHONE", "IDENTIFIER"}, "result": "hit", "by": "search"})
	for range 18 {
		finds(t, e, "masked", "crm-9001")
	}
	for _, text := range []string{"ines.moura.001@example.com", "nobody@example.com"} {
		answer := e.ask(t, "masked", searchOne, map[string]any{"q": text})
		if code, field := fault(t, answer); code != string(chat.Limited) || field != "" || strings.Contains(string(answer.body), text) {
			t.Errorf("the 21st: code %q, field %q: %s", code, field, answer.body)
		}
	}
	if got := finds(t, e, "masked", "moura"); len(got) == 0 {
		t.Error("a name is not found once the budget is spent")
	}
	for _, viewer := range []string{"exempt", "admin"} {
		for range 25 {
			finds(t, e, viewer, "ines.moura.001@example.com")
		}
	}
	count := make(map[chat.Action]int)
	entries, err := e.vault.Entries(t.Context(), schema.Acme, time.Now().Add(-time.Hour), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		count[entry.Action]++
		text, _ := json.Marshal(entry)
		for _, address := range addresses {
			if strings.Contains(string(text), address) {
				t.Errorf("on record is %s", text)
			}
		}
	}
	if count[chat.ContactLookedUp] != 20 || count[chat.LookupRefused] != 1 {
		t.Errorf("on record are %v, want 20 look-ups and 1 refusal", count)
	}
}

// TestPagesAfterALookUpAreFree: a hit comes on the first page, and no page after it costs or shows it again.
func TestPagesAfterALookUpAreFree(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	page := func(text string, first int, after *string) (s searched) {
		t.Helper()
		e.ask(t, "masked", searchOne, map[string]any{"q": text, "n": first, "c": after}).data(t, &s)
		return s
	}
	first := page("crm-9001", 1, nil)
	if diff := cmp.Diff([]string{"1"}, first.ids()); diff != "" || first.Account.SearchContacts.PageInfo.EndCursor == nil {
		t.Fatal(diff)
	}
	if again := page("crm-9001", 50, first.Account.SearchContacts.PageInfo.EndCursor); slices.Contains(again.ids(), "1") {
		t.Error("the hit is there twice")
	}
	if n := len(lookUps(t, e)); n != 1 {
		t.Errorf("two pages cost %d look-ups", n)
	}
	answer := e.ask(t, "masked", searchOne, map[string]any{"q": "moura", "c": first.Account.SearchContacts.PageInfo.EndCursor})
	if code, field := fault(t, answer); code != string(chat.Invalid) || field != "after" {
		t.Errorf("the cursor of another question: code %q, field %q", code, field)
	}
	answer = e.ask(t, "exempt", searchOne, map[string]any{"q": "crm-9001", "c": first.Account.SearchContacts.PageInfo.EndCursor})
	if code, field := fault(t, answer); code != string(chat.Invalid) || field != "after" {
		t.Errorf("the cursor of a viewer who sees less: code %q, field %q", code, field)
	}
}

func lookUps(t *testing.T, e *edge) (found []*chat.AuditEntry) {
	t.Helper()
	entries, err := e.vault.Entries(t.Context(), schema.Acme, time.Now().Add(-time.Hour), 100)
	if err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		if entries[i].Action == chat.ContactLookedUp {
			found = append(found, &chat.AuditEntry{})
		}
	}
	return found
}

// TestSearchWithoutLookUps: the account forbids them; a search by names goes on, and costs nothing.
func TestSearchWithoutLookUps(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.ask(t, "root", `mutation { setFeatureFlag(input: {accountId: "1", name: "masked_contact_lookup", enabled: false, reason: "as agreed"}) { feature { name } } }`, nil).data(t, new(any))
	for _, address := range addresses {
		if got := finds(t, e, "masked", address); len(got) > 0 {
			t.Errorf("%q finds %v", address, got)
		}
		if got := finds(t, e, "exempt", address); !slices.Contains(got, "1") {
			t.Errorf("%q finds %v for who sees it", address, got)
		}
	}
	if got := finds(t, e, "masked", "moura"); !slices.Contains(got, "1") {
		t.Errorf("a name finds %v", got)
	}
	if n := len(lookUps(t, e)); n != 0 {
		t.Errorf("%d look-ups are on record", n)
	}
}

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
		answer, c := shared().askMetered(t, viewer, inAccount(`searchContacts(query: "moura", first: 5) { nodes { `+all+` } }`), nil)
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
