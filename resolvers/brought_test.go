package resolvers_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/resolvers"
)

// TestPagesThatWereBrought asks for one page twice in a document, with the same arguments and for different things: what
// was brought along for one must not be taken for the other. Aliases are resolved side by side, so it is asked often.
func TestPagesThatWereBrought(t *testing.T) {
	t.Parallel()
	const little = `conversations(first: 1) { nodes { id } }`
	const much = `conversations(first: 1) { nodes { id unreadCount inbox { id } assignee { id } team { id } lastMessage { id } contact { id } } pageInfo { hasNextPage hasPreviousPage } }`
	const few = `messages(last: 3) { nodes { id } }`
	const many = `messages(last: 3) { nodes { id content sender { __typename } } pageInfo { hasNextPage hasPreviousPage } }`
	cases := []struct{ name, both, alone string }{
		{"conversations of contacts", `a: contacts(first: 8) { nodes { ` + little + ` } } b: contacts(first: 8) { nodes { ` + much + ` } }`,
			`b: contacts(first: 8) { nodes { ` + much + ` } }`},
		{"through edges", `b: contacts(first: 8) { nodes { ` + much + ` } edges { node { ` + little + ` } } }`, `b: contacts(first: 8) { nodes { ` + much + ` } }`},
		{"of one contact", `a: contacts(first: 8, orderBy: {field: CREATED_AT, direction: ASC}) { nodes { ` + little + ` } } b: contact(id: "1") { ` + much + ` }`, `b: contact(id: "1") { ` + much + ` }`},
		{"messages", `a: conversation(displayId: "1") { ` + few + ` } b: conversation(displayId: "1") { ` + many + ` }`, `b: conversation(displayId: "1") { ` + many + ` }`},
	}
	for name, e := range map[string]*edge{"by plan": shared(), "field by field": shared().with(t, resolvers.Settings{Open: true, FieldByField: true})} {
		for _, c := range cases {
			want := part(t, e.ask(t, "exempt", inAccount(c.alone), nil))
			for range 20 {
				if diff := cmp.Diff(want, part(t, e.ask(t, "exempt", inAccount(c.both), nil))); diff != "" {
					t.Errorf("%s, %s (-alone +both):\n%s", name, c.name, diff)
					break
				}
			}
		}
	}
}

// part is b of an account's answer, without the edges that only one of the two asks for.
func part(t testing.TB, answer reply) any {
	t.Helper()
	var body struct{ Account struct{ B json.RawMessage } }
	answer.data(t, &body)
	var b map[string]any
	decode(t, body.Account.B, &b)
	delete(b, "edges")
	return b
}
