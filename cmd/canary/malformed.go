package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
)

// malformed makes requests that are wrong in every place where a value can be given, with a planted value there:
// none may come back, and none may be written down.
func (q *questions) malformed(demo schema.Data) error {
	for _, value := range probes(demo) {
		in := filler(value)
		for _, name := range slices.Sorted(maps.Keys(oddBodies)) {
			q.addOdd(name, in.Replace(oddBodies[name]), nil)
		}
		for _, name := range slices.Sorted(maps.Keys(oddDocuments)) {
			text := in.Replace(oddDocuments[name])
			if strings.Contains(text, "asked by") && strings.Trim(value, "+0123456789") != "" && !strings.Contains(value, "@") {
				continue // a reason may hold what is no address, and the trail keeps it sealed
			}
			q.addOdd(name, `{"query": `+encoded(text)+`}`, nil)
		}
		for _, name := range slices.Sorted(maps.Keys(oddHeaders)) {
			q.addOdd("header "+name, sound, map[string]string{name: in.Replace(oddHeaders[name])})
		}
		q.oddVariables(value)
		for _, r := range oddRequests {
			r.name, r.odd = fmt.Sprintf("malformed: %s %s", r.method, r.path), true
			r.path, r.body = in.Replace(r.path), []byte(in.Replace(string(r.body)))
			q.odd = append(q.odd, r)
		}
	}
	return nil
}

// probes are a value of each sort.
func probes(demo schema.Data) []string {
	wanted := []string{"P01 contacts.email", "P02 contacts.phone_number", "P03 contacts.identifier", "P05 additional_attributes.social_profiles"}
	var list []string
	for _, carrier := range wanted {
		i := slices.IndexFunc(demo.Canaries(), func(c schema.Canary) bool { return c.Carrier == carrier && c.AccountID == schema.Acme })
		list = append(list, demo.Canaries()[i].Value)
	}
	return list
}

func (q *questions) addOdd(name, body string, headers map[string]string) {
	q.odd = append(q.odd, request{name: "malformed: " + name, method: http.MethodPost, path: "/graphql", body: []byte(body), headers: headers, odd: true})
}

// filler puts a value into a template: «raw», «quoted» as JSON and GraphQL have strings, in a «path», a «query» and in
// «base64». Where only a name can stand none of them can: names that a client makes up are told back to it.
func filler(v string) *strings.Replacer {
	return strings.NewReplacer("«raw»", v, "«quoted»", encoded(v), "«path»", url.PathEscape(v), "«query»", url.QueryEscape(v),
		"«base64»", base64.StdEncoding.EncodeToString([]byte(v)), "«much»", strings.Repeat(v+" ", 70<<10/len(v)), "«deep»", strings.Repeat(`{"a":`, 200), "«back»", strings.Repeat("}", 200))
}

func encoded(v string) string {
	text, _ := json.Marshal(v) // a string always encodes
	return string(text)
}

// oddVariables gives values of the wrong type for variables of every type.
func (q *questions) oddVariables(v string) {
	for _, declared := range slices.Sorted(maps.Keys(oddTypes)) {
		text := `query ($v: ` + declared + `) { account(id: "1") { ` + oddTypes[declared] + ` } }`
		key := v + "@" // no name: those that a client makes up are told back to it
		for _, given := range []any{v, []any{v}, map[string]any{key: v}, map[string]any{"email": v, "x": map[string]any{"y": v}}, map[string]any{"email": []any{v}}} {
			body, _ := json.Marshal(map[string]any{"query": text, "variables": map[string]any{"v": given, key: given}}) // made of strings
			q.addOdd("variable of type "+declared, string(body), nil)
		}
	}
}

const sound = `{"query": "{ viewer { kind } }"}`

var oddBodies = map[string]string{
	"cut short": `{"query": "«raw»`, "a list": `[{"query": «quoted»}]`, "a string": `«quoted»`, "bare": `«raw»`,
	"query of the wrong type":           `{"query": {"a": «quoted»}}`,
	"operationName of the wrong type":   `{"query": "{ viewer { kind } }", "operationName": [«quoted»]}`,
	"variables of the wrong type":       `{"query": "{ viewer { kind } }", "variables": «quoted»}`,
	"extensions of the wrong type":      `{"query": "{ viewer { kind } }", "extensions": «quoted»}`,
	"an unknown parameter":              `{«quoted»: «quoted», "query": "{ viewer { kind } }"}`,
	"an operation of another name":      `{"query": "query A { viewer { kind } } query B { viewer { kind } }", "operationName": «quoted»}`,
	"a document by a hash that is none": `{"documentId": «quoted»}`,
	"a persisted query":                 `{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": «quoted»}}}`,
	"a persisted query to be kept":      `{"query": "{ viewer { kind } }", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": «quoted»}}}`,
	"a key twice":                       `{"query": "{ viewer { kind } }", "query": «quoted»}`,
	"variables with a key twice":        `{"query": "{ viewer { kind } }", "variables": {«quoted»: 1, «quoted»: 2}}`,
	"nul bytes":                         "{\"query\": \"\x00«raw»\"}",
	"bad UTF-8":                         "{\"query\": \"\xff«raw»\"}",
	"deep variables":                    `{"query": "{ viewer { kind } }", "variables": «deep»«quoted»«back»}`,
	"more after the body":               `{"query": "{ viewer { kind } }"} «quoted»`,
	"a body beyond the limit":           `{"query": "«much»"}`,
	"a number beyond all":               `{"query": "{ viewer { kind } }", "variables": {"a": 1e999, "b": «quoted»}}`,
	"half a character":                  `{"query": "{ viewer { kind } }", "operationName": "\ud800«raw»"}`,
}

var oddDocuments = map[string]string{
	"a bare value": `«raw»`, "an open string": `{ account(id: "«raw»`, "a value for a field": `{ «quoted» }`,
	"an unknown field": `{ no_such_name }`, "an unknown field of an object": `{ viewer { no_such_name } }`,
	"an unknown argument": `{ account(no_such_name: «quoted») { id } }`, "an unknown directive": `{ viewer @no_such_name(a: «quoted») { kind } }`,
	"an unknown fragment": `{ viewer { ...no_such_name } }`, "an unknown type": `{ viewer { ... on no_such_name { kind } } }`,
	"an object for an id":     `{ account(id: {a: «quoted»}) { id } }`,
	"a text for a number":     `{ account(id: "1") { contacts(first: «quoted») { nodes { id } } } }`,
	"an unknown account":      `{ account(id: «quoted») { id } }`,
	"an unknown contact":      `{ account(id: "1") { contact(id: «quoted») { id } } }`,
	"an unknown conversation": `{ account(id: "1") { conversation(displayId: «quoted») { id } } }`,
	"a cursor":                `{ account(id: "1") { contacts(after: «quoted») { nodes { id } } conversations(before: «quoted») { nodes { id } } } }`,
	"a cursor in base64":      `{ account(id: "1") { contacts(after: "«base64»") { nodes { id } } } }`,
	"an enum value":           `{ account(id: "1") { contacts(orderBy: {field: no_such_name}) { nodes { id } } } }`,
	"a text for an enum":      `{ account(id: "1") { contacts(orderBy: {field: «quoted»}) { nodes { id } } } }`,
	"an unknown input field":  `{ account(id: "1") { contacts(filter: {no_such_name: «quoted»}) { nodes { id } } } }`,
	"a text for a date":       `{ account(id: "1") { contacts(filter: {createdSince: «quoted»}) { nodes { id } } } }`,
	"labels":                  `{ account(id: "1") { contacts(filter: {labels: [«quoted»]}) { nodes { id } } conversations(filter: {labels: [«quoted»]}) { nodes { id } } } }`,
	"orders by addresses":     `{ account(id: "1") { a: contacts(orderBy: {field: EMAIL}) { nodes { id } } b: contacts(orderBy: {field: PHONE_NUMBER}) { nodes { id } } } }`,
	"two values in a look-up": `{ account(id: "1") { lookupContact(input: {email: «quoted», identifier: «quoted»}) { id name email } } }`,
	"look-ups": `{ account(id: "1") { a: lookupContact(input: {email: «quoted»}) { id name email } b: lookupContact(input: {phoneNumber: «quoted»}) ` +
		`{ id name phoneNumber } c: lookupContact(input: {identifier: «quoted»}) { id name identifier } } }`,
	"a condition of the wrong type":   `{ viewer @include(if: «quoted») { kind } }`,
	"a role elsewhere":                `{ viewer { user { role(accountId: «quoted») } masked(accountId: «quoted») } }`,
	"masking, an address for reason":  `mutation { setPiiMasking(input: {agentId: "6", masked: true, expectedVersion: 7, reason: "asked by «raw»"}) { agent { id } } }`,
	"masking of nobody":               `mutation { setPiiMasking(input: {agentId: «quoted», masked: true, expectedVersion: 0, reason: "as agreed"}) { agent { id } } }`,
	"a flag of no name":               `mutation { setFeatureFlag(input: {accountId: "1", name: «quoted», enabled: true, reason: "as agreed"}) { account { id } } }`,
	"a flag, an address for reason":   `mutation { setFeatureFlag(input: {accountId: "2", name: "contact_pii_masking", enabled: true, reason: "asked by «raw»"}) { account { id } } }`,
	"a comment":                       `{ viewer { kind } } # «raw»`,
	"a block string":                  `{ account(id: """«raw» """) { id } }`,
	"a schema":                        `type no_such_name { a: String }`,
	"a subscription":                  `subscription { no_such_name }`,
	"a name read of the schema":       `{ __type(name: «quoted») { name } }`,
	"a default of the wrong type":     `query ($n: Int = «quoted») { account(id: "1") { contacts(first: $n) { nodes { id } } } }`,
	"an escape that is none":          `{ account(id: "\q«raw»") { id } }`,
	"a conflict of fields":            `{ account(id: "1") { a: contact(id: «quoted») { id } a: contact(id: "2") { id } } }`,
	"a variable that is not declared": `{ account(id: $no_such_name) { id } }`,
}

// oddTypes are types of variables and where one of that type can stand.
var oddTypes = map[string]string{
	"Int": `contacts(first: $v) { nodes { id } }`, "ID!": `contact(id: $v) { id }`, "String": `contacts(after: $v) { nodes { id } }`,
	"DateTime": `contacts(filter: {createdSince: $v}) { nodes { id } }`, "Boolean": `contacts(filter: {blocked: $v}) { nodes { id } }`,
	"ContactFilter": `contacts(filter: $v) { nodes { id } }`, "ContactOrderField!": `contacts(orderBy: {field: $v}) { nodes { id } }`,
	"ConversationStatus!": `conversations(filter: {status: [$v]}) { nodes { id } }`, "[String!]": `contacts(filter: {labels: $v}) { nodes { id } }`,
	"LookupContactInput!": `lookupContact(input: $v) { id name email phoneNumber }`, "EmailAddress": `id`, "Nothing": `id`,
}

var oddHeaders = map[string]string{
	"Content-Type": "text/plain; «raw»", "Accept": "«raw»", "Origin": "https://«path»", "Referer": "https://example.test/?q=«query»", "User-Agent": "«raw»",
	"X-Request-Id": "«raw»", "Traceparent": "«raw»", "Tracestate": "who=«query»", "Baggage": "who=«query»", "X-Forwarded-For": "«raw»", "Cookie": "who=«query»",
	"Authorization": "Bearer «raw»", "api_access_token": "«raw»", "access-token": "«raw»", "uid": "«raw»", "client": "«raw»", "X-Purpose": "«raw»",
	"Content-Encoding": "«raw»", "Accept-Encoding": "«raw»", "If-None-Match": "«raw»", "Sec-Fetch-Site": "«raw»",
}

var oddRequests = []request{
	{method: http.MethodPost, path: "/«path»", body: []byte(sound)}, {method: http.MethodPost, path: "/graphql/«path»", body: []byte(sound)},
	{method: http.MethodGet, path: "/graphql?query=«query»"}, {method: http.MethodPost, path: "/graphql?«query»", body: []byte(sound)},
	{method: http.MethodPut, path: "/graphql?v=«query»", body: []byte(sound)}, {method: http.MethodGet, path: "/metrics?v=«query»"},
	{method: http.MethodGet, path: "/readyz/«path»"}, {method: http.MethodGet, path: "/console/«path»"}, {method: http.MethodDelete, path: "/auth/sign_out?uid=«query»"},
	{method: http.MethodPost, path: "/auth/sign_in", body: []byte(`{"email": «quoted», "password": «quoted»}`)},
	{method: http.MethodPost, path: "/auth/sign_in", body: []byte(`{"email": {"a": «quoted»}}`)}, {method: http.MethodPost, path: "/auth/sign_in", body: []byte(`«raw»`)},
}
