package resolvers_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// What bad input holds, in the forms in which it could come back.
const (
	badMail  = "canary.value@example.com"
	badWord  = "CANARYVALUE"
	badPhone = "15557770001"
)

// mustNotEcho fails where an answer or the log holds what was sent.
func mustNotEcho(t *testing.T, e *edge, answer reply) {
	t.Helper()
	var header bytes.Buffer
	_ = answer.header.Write(&header) // a buffer takes everything
	for where, text := range map[string][]byte{"body": answer.body, "headers": header.Bytes(), "log": e.log.bytes()} {
		for _, sent := range []string{badMail, badWord, badPhone, "canary.value"} {
			if bytes.Contains(bytes.ToLower(text), []byte(strings.ToLower(sent))) {
				t.Errorf("the %s echoes what was sent: %.400s", where, text)
			}
		}
	}
}

func wantFault(t *testing.T, answer reply, code, field string) {
	t.Helper()
	gotCode, gotField := fault(t, answer)
	if gotCode != code || gotField != field {
		t.Errorf("code %q, field %q, want %q, %q: %.400s", gotCode, gotField, code, field, answer.body)
	}
}

// inAccount wraps a field of account 1.
func inAccount(field string) string { return `{ account(id: "1") { ` + field + ` } }` }

// TestBadDocuments sends values in the document itself.
func TestBadDocuments(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, query, code, field string }{
		{"syntax", `{ account(id: "` + badMail + `" { id } }`, "INVALID", ""},
		{"an unterminated string", `{ account(id: "` + badMail + ` }`, "INVALID", ""},
		{"an id that is no number", inAccount(`contact(id: "` + badMail + `") { id }`), "INVALID", "id"},
		{"an id that is too large", inAccount(`contact(id: "1555777000115557770001") { id }`), "INVALID", "id"},
		{"an id with a NUL", inAccount(`contact(id: "1\u0000") { id }`), "INVALID", "id"},
		{"a negative id", inAccount(`contact(id: "-15557770001") { id }`), "INVALID", "id"},
		{"id zero", inAccount(`contact(id: "0") { id }`), "INVALID", "id"},
		{"an unknown id", inAccount(`contact(id: "15557770001") { id }`), "NOT_FOUND", "id"},
		{"an unknown account", `{ account(id: "15557770001") { id } }`, "NOT_FOUND", "id"},
		{"an account that is no number", `{ account(id: "` + badMail + `") { id } }`, "INVALID", "id"},
		{"an unknown display id", inAccount(`conversation(displayId: "15557770001") { id }`), "NOT_FOUND", "displayId"},
		{"a display id that is no number", inAccount(`conversation(displayId: "` + badMail + `") { id }`), "INVALID", "displayId"},
		{"no page", inAccount(`contacts(first: 0) { nodes { id } }`), "INVALID", "first"},
		{"a negative page", inAccount(`contacts(first: -1) { nodes { id } }`), "INVALID", "first"},
		{"too large a page", inAccount(`contacts(first: 101) { nodes { id } }`), "INVALID", "first"},
		{"a huge page", inAccount(`conversations(first: 2147483647) { nodes { id } }`), "INVALID", "first"},
		{"a page beyond numbers", inAccount(`conversations(first: 15557770001155577700011555777000) { nodes { id } }`), "INVALID", ""},
		{"a negative page from the end", inAccount(`conversations(last: -5) { nodes { id } }`), "INVALID", "last"},
		{"both ends", inAccount(`contacts(first: 1, last: 1) { nodes { id } }`), "INVALID", "last"},
		{"after from the other end", inAccount(`contacts(last: 1, after: "` + badWord + `") { nodes { id } }`), "INVALID", "after"},
		{"before from the other end", inAccount(`contacts(first: 1, before: "` + badWord + `") { nodes { id } }`), "INVALID", "before"},
		{"a page of messages", inAccount(`conversation(displayId: "1") { messages(first: 1000) { nodes { id } } }`), "INVALID", "first"},
		{"a page of a contact's", inAccount(`contact(id: "1") { conversations(first: -1) { nodes { id } } }`), "INVALID", "first"},
		{"a cursor of garbage", inAccount(`contacts(first: 1, after: "` + badMail + `") { nodes { id } }`), "INVALID", "after"},
		{"a cursor of base64", inAccount(`conversations(first: 1, after: "` + badWord + badWord + badWord + `") { nodes { id } }`), "INVALID", "after"},
		{"a long cursor", inAccount(`contacts(first: 1, after: "` + strings.Repeat(badWord, 1000) + `") { nodes { id } }`), "INVALID", "after"},
		{"a cursor of a thread", inAccount(`conversation(displayId: "1") { messages(last: 1, before: "` + badWord + `") { nodes { id } } }`), "INVALID", "before"},
		{"an unknown enum value", inAccount(`conversations(filter: {status: [` + badWord + `]}) { nodes { id } }`), "INVALID", ""},
		{"an enum as a string", inAccount(`conversations(filter: {status: ["` + badMail + `"]}) { nodes { id } }`), "INVALID", ""},
		{"an order by identifiers", inAccount(`contacts(orderBy: {field: IDENTIFIER, direction: ASC}) { nodes { id } }`), "INVALID", ""},
		{"a cursor of garbage in an order by addresses", inAccount(`contacts(orderBy: {field: EMAIL}, first: 1, after: "` + badMail + `") { nodes { id } }`), "INVALID", "after"},
		{"a filter by addresses", inAccount(`contacts(filter: {email: "` + badMail + `"}) { nodes { id } }`), "INVALID", ""},
		{"a bad time", inAccount(`contacts(filter: {createdSince: "` + badMail + `"}) { nodes { id } }`), "INVALID", "filter.createdSince"},
		{"a wrong type", inAccount(`contacts(first: "` + badMail + `") { nodes { id } }`), "INVALID", ""},
		{"a look-up of an object", inAccount(`lookupContact(input: {email: {a: "` + badMail + `"}}) { id }`), "INVALID", ""},
		{"a look-up of two", inAccount(`lookupContact(input: {email: "` + badMail + `", identifier: "` + badWord + `"}) { id }`), "INVALID", "input"},
		{"a look-up with a NUL", inAccount(`lookupContact(input: {identifier: "` + badWord + `\u0000"}) { id }`), "INVALID", "input.identifier"},
		{"a long look-up", inAccount(`lookupContact(input: {email: "` + strings.Repeat(badWord, 40) + `"}) { id }`), "INVALID", "input.email"},
		{"an unknown filter's id", inAccount(`conversations(filter: {inboxId: "` + badMail + `"}) { nodes { id } }`), "INVALID", "filter.inboxId"},
		{"a filter's id beyond Chatwoot's", inAccount(`conversations(filter: {inboxId: "15557770001", teamId: "15557770001", assigneeId: "15557770001"}) { nodes { id } }`), "", ""},
		{"a missing argument", inAccount(`contact { id }`), "INVALID", ""},
		{"an unknown argument", inAccount(`contacts(search: "` + badMail + `") { nodes { id } }`), "INVALID", ""},
		{"a fragment that contains itself", `{ account(id: "1") { ...a } } fragment a on Account { id ...a }`, "INVALID", ""},
		{"an undefined variable", `{ account(id: $id) { id } }`, "INVALID", ""},
		{"too many tokens", `{ ` + strings.Repeat(`viewer { kind } `, 400) + `}`, "LIMITED", ""},
		{"an object for a condition", `{ viewer { kind @include(if: {a: "` + badMail + `"}) } }`, "INVALID", ""},
		{"an object for an id", `{ account(id: {a: "` + badMail + `"}) { id } }`, "INVALID", ""},
		{"a number beyond 32 bits", inAccount(`contacts(first: 15557770001) { nodes { id } }`), "INVALID", ""},
		{"nothing", ` `, "INVALID", ""},
	}
	e := newEdge(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			answer := e.ask(t, "exempt", c.query, nil)
			wantFault(t, answer, c.code, c.field)
			mustNotEcho(t, e, answer)
		})
	}
}

// TestBadVariables sends values beside the document.
func TestBadVariables(t *testing.T) {
	t.Parallel()
	const contacts = `query ($first: Int, $after: String, $filter: ContactFilter) { account(id: "1") { contacts(first: $first, after: $after, filter: $filter) { nodes { id } } } }`
	const conversations = `query ($filter: ConversationFilter, $orderBy: ConversationOrder) { account(id: "1") { conversations(filter: $filter, orderBy: $orderBy) { nodes { id } } } }`
	const contact = `query ($id: ID!) { account(id: "1") { contact(id: $id) { id } } }`
	const lookup = `query ($input: LookupContactInput!) { account(id: "1") { lookupContact(input: $input) { id } } }`
	cases := []struct{ name, query, variables, code, field string }{
		{"text for a number", contacts, `{"first": "` + badMail + `"}`, "INVALID", "first"},
		{"a fraction for a number", contacts, `{"first": 1555777.0001}`, "INVALID", "first"},
		{"a number beyond numbers", contacts, `{"first": 15557770001155577700011555777000}`, "INVALID", "first"},
		{"an object for text", contacts, `{"after": {"a": "` + badMail + `"}}`, "INVALID", "after"},
		{"a list for a filter", contacts, `{"filter": ["` + badMail + `"]}`, "INVALID", "filter"},
		{"an unknown field", contacts, `{"filter": {"email": "` + badMail + `"}}`, "INVALID", "filter.email"},
		{"a bad time", contacts, `{"filter": {"createdSince": "` + badMail + `"}}`, "INVALID", "filter.createdSince"},
		{"a time as a number", contacts, `{"filter": {"createdSince": 15557770001}}`, "INVALID", "filter.createdSince"},
		{"an unknown enum value", contacts, `{"filter": {"contactType": "` + badWord + `"}}`, "INVALID", "filter.contactType"},
		{"an unknown enum value in a list", conversations, `{"filter": {"status": ["OPEN", "` + badWord + `"]}}`, "INVALID", "filter.status[1]"},
		{"an unknown order", conversations, `{"orderBy": {"field": "` + badWord + `", "direction": "ASC"}}`, "INVALID", "orderBy.field"},
		{"a NUL among labels", conversations, `{"filter": {"labels": ["` + badWord + `\u0000"]}}`, "INVALID", "filter.labels"},
		{"a NUL among a contact's labels", contacts, `{"filter": {"labels": ["` + badWord + `\u0000"]}}`, "INVALID", "filter.labels"},
		{"an id that is no number", contact, `{"id": "` + badMail + `"}`, "INVALID", "id"},
		{"an id of a list", contact, `{"id": ["` + badMail + `"]}`, "INVALID", "id"},
		{"a missing id", contact, `{}`, "INVALID", "id"},
		{"an id of null", contact, `{"id": null}`, "INVALID", "id"},
		{"null for a condition", `query ($yes: Boolean = true) { viewer { kind @include(if: $yes) } }`, `{"yes": null}`, "INVALID", "yes"},
		{"a look-up of nothing", lookup, `{"input": {}}`, "INVALID", "input"},
		{"a look-up of another field", lookup, `{"input": {"name": "` + badMail + `"}}`, "INVALID", "input.name"},
	}
	e := newEdge(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			body := `{"query": ` + quoted(t, c.query) + `, "variables": ` + c.variables + `}`
			answer := e.send(t.Context(), rawRequest(t, "exempt", strings.NewReader(body)))
			wantFault(t, answer, c.code, c.field)
			mustNotEcho(t, e, answer)
		})
	}
}

func quoted(t testing.TB, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestBadMutations sends what only a super admin's mutation reads.
func TestBadMutations(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	for reason, field := range map[string]string{
		"asked by " + badMail: "input.reason", strings.Repeat(badWord, 50): "input.reason", " ": "input.reason",
	} {
		answer := e.ask(t, "root", `mutation ($r: String!) { setPiiMasking(input: {agentId: "4", masked: true, reason: $r, expectedVersion: 1}) { agent { id } } }`,
			map[string]any{"r": reason})
		wantFault(t, answer, "INVALID", field)
		mustNotEcho(t, e, answer)
	}
	answer := e.ask(t, "root", `mutation { setFeatureFlag(input: {accountId: "1", name: "`+badMail+`", enabled: true, reason: "why"}) { feature { name } } }`, nil)
	wantFault(t, answer, "INVALID", "input.name")
	mustNotEcho(t, e, answer)
	answer = e.ask(t, "root", `mutation { setPiiMasking(input: {agentId: "15557770001", masked: true, reason: "why", expectedVersion: 0}) { agent { id } } }`, nil)
	wantFault(t, answer, "NOT_FOUND", "input.agentId")
	mustNotEcho(t, e, answer)
	answer = e.ask(t, "root", `mutation { setPiiMasking(input: {agentId: "4", masked: true, reason: "why", expectedVersion: 1555777000}) { agent { id } } }`, nil)
	wantFault(t, answer, "CONFLICT", "input.expectedVersion")
	mustNotEcho(t, e, answer)
	answer = e.ask(t, "root", `mutation { setFeatureFlag(input: {accountId: "15557770001", name: "contact_pii_masking", enabled: true, reason: "why"}) { feature { name } } }`, nil)
	wantFault(t, answer, "NOT_FOUND", "input.accountId")
	mustNotEcho(t, e, answer)
}
