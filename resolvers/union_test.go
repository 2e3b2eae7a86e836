package resolvers_test

import "testing"

// What is asked of an object through a union it belongs to is asked of the object: pages that come with their parents
// have all of it.
func TestFieldsAskedThroughAUnion(t *testing.T) {
	t.Parallel()
	for _, viewer := range []string{"admin", "masked"} {
		for name, query := range map[string]string{
			"a thread of a contact": `{ account(id: "1") { contacts(first: 3) {
 nodes { conversations(first: 2) { nodes { id } } }
 edges { node { ... on MessageSender { ... on Contact { conversations(first: 2) { nodes { unreadCount customAttributes { key } } } } } } } } } }`,
			"the page itself": `{ account(id: "1") { contacts(first: 3) { nodes { ... on MessageSender { ... on Contact {
 labels customAttributes { key } conversations(first: 2) { edges { node { unreadCount inbox { name } lastMessage { id } } } } } } } } } }`,
		} {
			var answer any
			t.Logf("%s as %s", name, viewer)
			shared().ask(t, viewer, query, nil).data(t, &answer)
		}
	}
}
