package resolvers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// nested is a document that is so many fields deep.
func nested(depth int) string {
	path := []string{`account(id: "1")`, "contacts(first: 1)", "nodes", "conversations(first: 1)", "nodes", "messages(first: 1)", "nodes", "sender { ... on Contact", "contactInboxes", "inbox", "__typename"}
	path = append(path[len(path)-1:], path[:len(path)-1]...)
	text := strings.Join(path[1:depth], " { ") + " { " + path[0]
	return "{ " + text + strings.Repeat(" }", depth+strings.Count(text, "{ ..."))
}

// TestLimitsOfADocument has each limit met, and passed by one.
func TestLimitsOfADocument(t *testing.T) {
	t.Parallel()
	times := func(n int, text string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, text+" ", i)
		}
		return b.String()
	}
	viewers := func(n int) string { return "{ " + times(n, "v%d: viewer { kind }") + "}" }
	names := func(n int) string { return inAccount(times(n, "n%d: name")) }
	fragment := func(n int) string {
		return `query { account(id: "1") { ` + strings.Repeat("...f ", n) + `} } fragment f on Account { a: name b: name c: name }`
	}
	variables := func(n int) string { return "query (" + times(n, "$v%d: Boolean @deprecated") + ") { viewer { kind } }" }
	cases := []struct{ name, within, beyond, says string }{
		{"fields at the root", viewers(5), viewers(6), "more than 5 fields at its root"},
		{"aliases", names(15), names(16), "more than 15 aliases"},
		{"aliases in a fragment spread again", fragment(5), fragment(6), "more than 15 aliases"},
		{"directives", inAccount("name " + strings.Repeat("id @skip(if: false) ", 20)), inAccount("name " + strings.Repeat("id @skip(if: false) ", 21)), "more than 20 directives"},
		{"directives on one field", "", inAccount("id " + strings.Repeat("@unknown ", 21)), "more than 20 directives"},
		{"directives on variables", "", variables(21), "more than 20 directives"},
		{"depth", nested(10), nested(11), "more than 10 fields deep"},
		{"repeats", inAccount(strings.Repeat("id ", 99)), inAccount(strings.Repeat("id ", 101)), "same fields too often"},
		{"repeats in branches", "", "{ " + strings.Repeat(`account(id: "1") { `+strings.Repeat("contacts { nodes { id } } ", 26)+"} ", 5) + "}", "same fields too often"},
		{"words and signs", "", inAccount(strings.Repeat("id ", 1000)), "more than 1000 words and signs"},
		{"a fragment in itself", "", `{ account(id: "1") { ...a } } fragment a on Account { id ...b } fragment b on Account { ...a }`, ""},
	}
	e := shared()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.within != "" {
				e.ask(t, "exempt", c.within, nil).data(t, new(any))
			}
			answer := e.ask(t, "exempt", c.beyond, nil)
			if c.says == "" {
				wantFault(t, answer, "INVALID", "")
				return
			}
			wantFault(t, answer, "LIMITED", "")
			if !strings.Contains(string(answer.body), c.says) {
				t.Errorf("the answer does not say %q: %.300s", c.says, answer.body)
			}
		})
	}
}

// TestFragmentsThatMultiply holds that a document is measured in the time of its limits, not of what it would spread to.
func TestFragmentsThatMultiply(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("{ ...f0 } ")
	for i := range 60 {
		fmt.Fprintf(&b, "fragment f%d on Query { ...f%d ...f%d } ", i, i+1, i+1)
	}
	b.WriteString("fragment f60 on Query { viewer { kind } }")
	answer := shared().ask(t, "exempt", b.String(), nil)
	wantFault(t, answer, "LIMITED", "")
}

// cost is extensions.cost of an answer.
type shownCost struct {
	RequestedQueryCost int
	ThrottleStatus     *struct{ MaximumAvailable, CurrentlyAvailable, RestoreRate int }
}

func costOf(t testing.TB, answer reply) shownCost {
	t.Helper()
	var body struct {
		Extensions struct{ Cost shownCost }
	}
	decode(t, answer.body, &body)
	return body.Extensions.Cost
}

// TestCostOfDocuments is the price list.
func TestCostOfDocuments(t *testing.T) {
	t.Parallel()
	contacts := func(page, fields string) string {
		return inAccount(`contacts` + page + ` { nodes { ` + fields + ` } }`)
	}
	cases := []struct {
		name, query, variables string
		points                 int
	}{
		{"an object", `{ viewer { kind policyVersion } }`, "", 1},
		{"objects in one another", `{ viewer { user { id } } }`, "", 2},
		{"a list of unknown length", `{ viewer { accounts { id } } }`, "", 3},
		{"a page", contacts("(first: 10)", "id"), "", 1 + 1 + 10},
		{"a page of the usual size", contacts("", "id"), "", 1 + 1 + 25},
		{"values", contacts("(first: 10)", "email phoneNumber identifier"), "", 1 + 1 + 10*(1+15)},
		{"texts", contacts("(first: 10)", "additionalAttributes { city country }"), "", 1 + 1 + 10*(1+1+4)},
		{"lists of values", contacts("(first: 10)", "customAttributes { key value }"), "", 1 + 1 + 10*(1+2*(1+5))},
		{"nodes and edges", inAccount("contacts(first: 10) { nodes { id } edges { cursor node { id } } pageInfo { endCursor } }"), "", 1 + 1 + 10 + 10*2 + 1},
		{"pages of pages", contacts("(first: 10)", "conversations(first: 5) { nodes { lastMessage { content } } }"), "", 1 + 1 + 10*(1+1+5*(1+1+2))},
		{"from the end", inAccount(`conversation(displayId: "1") { messages(last: 50) { nodes { content } } }`), "", 1 + 1 + 1 + 50*3},
		{"a union", inAccount(`conversation(displayId: "1") { messages(last: 1) { nodes { sender { ... on Contact { email } ... on User { id } } } } }`), "", 1 + 1 + 1 + 1 + 1 + 5},
		{"a size in a variable", strings.Replace(contacts("(first: $n)", "id"), "{", "query ($n: Int) {", 1), `{"n": 7}`, 1 + 1 + 7},
		{"a size by default", strings.Replace(contacts("(first: $n)", "id"), "{", "query ($n: Int = 9) {", 1), `{}`, 1 + 1 + 9},
		{"an order by values", contacts("(first: 10, orderBy: {field: EMAIL})", "id"), "", 2000 + 1 + 1 + 10},
		{"an order by texts of sealed profiles", contacts("(first: 10, orderBy: {field: CITY})", "id"), "", 2000 + 1 + 1 + 10},
		{"searches", inAccount(`searchContacts(query: "a", first: 5) { nodes { id } } searchMessages(query: "order", first: 5) { nodes { id } } duplicateCandidates(contactId: "1") { reasons }`), "",
			1 + 500 + 1 + 5 + 500 + 1 + 5 + 500 + 2},
		{"conditions", contacts(`(first: 10, filter: {conditions: [{attribute: CITY, operator: EQUAL_TO, values: ["x"]}, {attribute: BLOCKED, operator: EQUAL_TO, values: ["true"]}]})`, "id"), "", 400 + 1 + 1 + 10},
		{"conditions in a variable", strings.Replace(contacts("(first: 10, filter: $f)", "id"), "{", "query ($f: ContactFilter) {", 1),
			`{"f": {"conditions": [{"attribute": "CITY", "operator": "EQUAL_TO", "values": ["x"]}]}}`, 200 + 1 + 1 + 10},
		{"left out", strings.Replace(contacts("(first: 10)", "email @include(if: $b) phoneNumber @skip(if: true) ... @skip(if: true) { identifier }"), "{", "query ($b: Boolean!) {", 1), `{"b": false}`, 1 + 1 + 10},
		{"fragments", `query { account(id: "1") { ...a } } fragment a on Account { contacts(first: 3) { nodes { ...b } } } fragment b on Contact { email }`, "", 1 + 1 + 3*6},
	}
	e := shared()
	for _, c := range cases {
		var variables map[string]any
		if c.variables != "" {
			if err := json.Unmarshal([]byte(c.variables), &variables); err != nil {
				t.Fatal(err)
			}
		}
		answer := e.ask(t, "exempt", c.query, variables)
		answer.data(t, new(any))
		if got := costOf(t, answer).RequestedQueryCost; got != c.points {
			t.Errorf("%s: %d points, want %d", c.name, got, c.points)
		}
	}
}

// TestTooDearADocument is refused before anything is read, whichever way its size is given.
func TestTooDearADocument(t *testing.T) {
	t.Parallel()
	const page = `account(id: "1") { conversations(first: 100) { nodes { messages(last: %s) { nodes { content sender { ... on Contact { email } } } } } } }`
	e := newEdge(t)
	for query, variables := range map[string]map[string]any{
		"{ " + fmt.Sprintf(page, "100") + " }":                     nil,
		"query ($n: Int!) { " + fmt.Sprintf(page, "$n") + " }":     {"n": 100},
		"query ($n: Int = 100) { " + fmt.Sprintf(page, "$n") + "}": nil,
	} {
		answer, c := e.askMetered(t, "exempt", query, variables)
		wantFault(t, answer, "LIMITED", "")
		if n := c.Statements.Load(); n != 0 {
			t.Errorf("%d statements were run for %s", n, query)
		}
	}
	answer := e.ask(t, "exempt", "query ($n: Int!) { "+fmt.Sprintf(page, "$n")+" }", map[string]any{"n": 5})
	answer.data(t, new(any))
}

// TestErrorsOfAnAnswer holds that an answer has ten errors and says how many there were.
func TestErrorsOfAnAnswer(t *testing.T) {
	t.Parallel()
	answer := shared().ask(t, "reader-service", inAccount(`conversation(displayId: "1") { messages(first: 15) { nodes { content } } }`), nil)
	var body struct {
		Errors     []struct{ Path []any }
		Extensions struct{ OmittedErrors int }
	}
	decode(t, answer.body, &body)
	if len(body.Errors) != 10 || body.Extensions.OmittedErrors == 0 {
		t.Fatalf("%d errors, %d left out: %.300s", len(body.Errors), body.Extensions.OmittedErrors, answer.body)
	}
	for i, e := range body.Errors {
		if e.Path[4] != float64(i) {
			t.Errorf("error %d is of message %v: they are not in order", i, e.Path[4])
		}
	}
}
