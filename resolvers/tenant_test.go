package resolvers_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAnotherAccountsIDsAreAsIfTheyDidNotExist holds the answer to an id that exists where the viewer may not look
// against the answer to one that exists nowhere: byte by byte, headers included.
func TestAnotherAccountsIDsAreAsIfTheyDidNotExist(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, viewer, query string // %s is the id
		foreign, nobodys    string
	}{
		{"account", "stranger", `{ account(id: "%s") { id name } }`, "1", "999"},
		{"account of a service", "reader-service", `{ account(id: "%s") { id name } }`, "2", "999"},
		{"contact", "masked", `{ account(id: "1") { contact(id: "%s") { id name } } }`, "301", "999999"},
		{"contact by an exempted agent", "exempt", `{ account(id: "1") { contact(id: "%s") { id name email } } }`, "301", "999999"},
		{"contact by a service", "pii-service", `{ account(id: "1") { contact(id: "%s") { id name email } } }`, "301", "999999"},
		{"contact of a sealed account", "stranger", `{ account(id: "2") { contact(id: "%s") { id name email } } }`, "1", "999999"},
		{"contact in the wrong account", "root", `{ account(id: "2") { contact(id: "%s") { id name email } } }`, "1", "999999"},
		{"conversation", "stranger", `{ account(id: "2") { conversation(displayId: "%s") { id messages { nodes { id } } } } }`, "100", "99999"},
		{"conversation of another inbox", "exempt", `{ account(id: "1") { conversation(displayId: "%s") { id } } }`, "71", "99999"},
		{"conversation outside a custom role", "narrow", `{ account(id: "1") { conversation(displayId: "%s") { id } } }`, "1", "99999"},
		{"conversation by an agent of no inbox", "nowhere", `{ account(id: "1") { conversation(displayId: "%s") { id } } }`, "1", "99999"},
		{"role", "masked", `{ viewer { user { id role(accountId: "%s") } } }`, "2", "999"},
		{"masked", "masked", `{ viewer { masked(accountId: "%s") } }`, "2", "999"},
		{"email", "stranger", `{ account(id: "2") { lookupContact(input: {email: "%s"}) { id } } }`, "henrik.ulyanova.088@example.com", "nobody@example.com"},
		{"phone", "stranger", `{ account(id: "2") { lookupContact(input: {phoneNumber: "%s"}) { id } } }`, "+15552010013", "+15559999999"},
		{"identifier", "stranger", `{ account(id: "2") { lookupContact(input: {identifier: "%s"}) { id } } }`, "crm-9001", "crm-0000"},
		{"inbox", "masked", `{ account(id: "1") { conversations(filter: {inboxId: "%s"}) { nodes { id } } } }`, "11", "999"},
		{"inbox of others", "masked", `{ account(id: "1") { conversations(filter: {inboxId: "%s"}) { nodes { id } } } }`, "10", "999"},
		{"team", "masked", `{ account(id: "1") { conversations(filter: {teamId: "%s"}) { nodes { id } } } }`, "4", "999"},
		{"assignee", "masked", `{ account(id: "1") { conversations(filter: {assigneeId: "%s"}) { nodes { id } } } }`, "11", "999"},
		{"mutation of an agent", "admin", `mutation { setPiiMasking(input: {agentId: "%s", masked: true, reason: "why", expectedVersion: 0}) { agent { id } } }`, "11", "9999"},
		{"mutation of an account", "admin", `mutation { setFeatureFlag(input: {accountId: "%s", name: "contact_pii_masking", enabled: false, reason: "why"}) { feature { name } } }`, "2", "999"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			foreign := shared().ask(t, c.viewer, fmt.Sprintf(c.query, c.foreign), nil)
			nobodys := shared().ask(t, c.viewer, fmt.Sprintf(c.query, c.nobodys), nil)
			if !bytes.Equal(foreign.body, nobodys.body) || foreign.status != nobodys.status {
				t.Errorf("%s\nis not\n%s", foreign.body, nobodys.body)
			}
			if diff := cmp.Diff(nobodys.header, foreign.header); diff != "" {
				t.Errorf("headers: %s", diff)
			}
		})
	}
}

// TestAnotherAccountsIDsDoExist keeps the cases above honest: somebody is shown what they stand for.
func TestAnotherAccountsIDsDoExist(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ viewer, query string }{
		{"stranger", `{ account(id: "2") { contact(id: "301") { id } } }`},
		{"masked", `{ account(id: "1") { conversation(displayId: "100") { id } } }`},
		{"admin", `{ account(id: "1") { conversation(displayId: "71") { id } } }`},
		{"exempt", `{ account(id: "1") { conversation(displayId: "1") { id } } }`},
		{"masked", `{ account(id: "1") { lookupContact(input: {email: "henrik.ulyanova.088@example.com"}) { id } } }`},
		{"masked", `{ account(id: "1") { lookupContact(input: {phoneNumber: "+15552010013"}) { id } } }`},
		{"stranger", `{ account(id: "2") { conversations(first: 1, filter: {inboxId: "11"}) { nodes { id } } } }`},
	} {
		answer := shared().ask(t, c.viewer, c.query, nil)
		answer.data(t, new(any))
		if !bytes.Contains(answer.body, []byte(`"id":"`)) {
			t.Errorf("%s as %s: %s", c.query, c.viewer, answer.body)
		}
	}
}

// TestForeignCursors takes a cursor where it does not belong: another account, list, order, direction or thread.
func TestForeignCursors(t *testing.T) {
	t.Parallel()
	const contacts, conversations = `list: contacts(first: 2`, `list: conversations(first: 2`
	cursor := func(t *testing.T, account, list string) string {
		t.Helper()
		answer := shared().ask(t, "root", fmt.Sprintf(`{ account(id: "%s") { %s) { pageInfo { hasNextPage endCursor } } } }`, account, list), nil)
		return *pageOf(t, answer).EndCursor
	}
	cases := []struct{ name, fromAccount, from, toAccount, to string }{
		{"account", "1", contacts, "2", contacts},
		{"account, conversations", "2", conversations, "1", conversations},
		{"list", "1", contacts, "1", conversations},
		{"list, the other way", "1", conversations, "1", contacts},
		{"order", "1", contacts, "1", contacts + `, orderBy: {field: NAME, direction: DESC}`},
		{"order of conversations", "1", conversations, "1", conversations + `, orderBy: {field: PRIORITY, direction: DESC}`},
		{"direction", "1", contacts, "1", contacts + `, orderBy: {field: LAST_ACTIVITY_AT, direction: ASC}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			after := cursor(t, c.fromAccount, c.from)
			answer := shared().ask(t, "root", fmt.Sprintf(`{ account(id: "%s") { %s, after: "%s") { pageInfo { endCursor } } } }`, c.toAccount, c.to, after), nil)
			if code, field := fault(t, answer); code != "INVALID" || field != "after" || bytes.Contains(answer.body, []byte(after)) {
				t.Errorf("code %q, field %q: %s", code, field, answer.body)
			}
		})
	}
	t.Run("thread", func(t *testing.T) {
		t.Parallel()
		const thread = `query ($d: ID!, $b: String) { account(id: "1") { conversation(displayId: $d) { messages(last: 2, before: $b) { pageInfo { startCursor } } } } }`
		var first struct {
			Account struct {
				Conversation struct{ Messages struct{ PageInfo pageInfo } }
			}
		}
		shared().ask(t, "masked", thread, map[string]any{"d": "1"}).data(t, &first)
		answer := shared().ask(t, "masked", thread, map[string]any{"d": "2", "b": first.Account.Conversation.Messages.PageInfo.StartCursor})
		if code, field := fault(t, answer); code != "INVALID" || field != "before" {
			t.Errorf("code %q, field %q: %s", code, field, answer.body)
		}
	})
}
