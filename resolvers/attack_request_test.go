package resolvers_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const fineBody = `{"query": "{ viewer { kind } }"}`

// TestAttacksByBody sends bodies that parse differently for different readers, or cost more to read than to send.
func TestAttacksByBody(t *testing.T) {
	launchAll(t, newEdge(t), []attack{
		{name: "a batch", raw: "[" + fineBody + "," + fineBody + "]", status: 400, code: "INVALID"},
		{name: "a batch of 1,800", raw: "[" + strings.Repeat(fineBody+",", 1800) + fineBody + "]", status: 400, code: "INVALID"},
		{name: "5 MB", raw: `{"query": "{ viewer { kind } }", "variables": {"a": "` + strings.Repeat(badWord, 5<<20/len(badWord)) + `"}}`, status: 413, code: "LIMITED"},
		{name: "a literal of 5 MB", raw: `{"query": "{ account(id: \"` + strings.Repeat(badWord, 5<<20/len(badWord)) + `\") { id } }"}`, status: 413, code: "LIMITED"},
		{name: "60,000 lists", raw: strings.Repeat("[", 60_000), status: 400, code: "INVALID"},
		{name: "60,000 lists in variables", raw: `{"query": "{ viewer { kind } }", "variables": {"a": ` + strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000) + "}}", status: 400, code: "INVALID"},
		{name: "10,000 objects in variables", raw: `{"query": "{ viewer { kind } }", "variables": {"a": ` + strings.Repeat(`{"a":`, 9000) + "1" + strings.Repeat("}", 9000) + "}}", status: 400, code: "INVALID"},
		{name: "33 lists in extensions", raw: `{"query": "{ viewer { kind } }", "extensions": {"a": ` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + "}}", status: 400, code: "INVALID"},
		{name: "two queries", raw: `{"query": "{ viewer { kind } }", "query": "{ viewer { user { email } } }"}`, status: 400, code: "INVALID"},
		{name: "two queries, one escaped", raw: `{"query": "{ viewer { kind } }", "qu\u0065ry": "{ viewer { user { email } } }"}`, status: 400, code: "INVALID"},
		{name: "two queries that differ in case", raw: `{"query": "{ viewer { kind } }", "QUERY": "{ viewer { user { email } } }"}`},
		{name: "a query in capitals", raw: `{"Query": "{ viewer { kind } }"}`, status: 400, code: "INVALID", field: "query"},
		{name: "two lots of variables", raw: `{"query": "{ viewer { kind } }", "variables": {}, "variables": {"a": 1}}`, status: 400, code: "INVALID"},
		{name: "two variables of one name", raw: `{"query": "query ($id: ID!) { account(id: $id) { id } }", "variables": {"id": "1", "id": "` + badMail + `"}}`, status: 400, code: "INVALID"},
		{name: "two fields of one name", raw: `{"query": "{ viewer { kind } }", "variables": {"a": [{"b": 1, "b": 2}]}}`, status: 400, code: "INVALID"},
		{name: "two hashes", raw: `{"documentId": "a", "documentId": "b"}`, status: 400, code: "INVALID"},
		{name: "a NUL in the document", raw: `{"query": "{ viewer\u0000 { kind } } # ` + badMail + `"}`, code: "INVALID"},
		{name: "a NUL in the body", raw: "{\"query\": \"{ viewer\x00 { kind } }\"}", status: 400, code: "INVALID"},
		{name: "NULs behind the body", raw: fineBody + "\x00\x00", status: 400, code: "INVALID"},
		{name: "a NUL in the operation's name", raw: `{"query": "{ viewer { kind } }", "operationName": "` + badWord + `\u0000"}`, code: "INVALID", field: "operationName"},
		{name: "half a letter", raw: "{\"query\": \"{ viewer { kind } } # \xc3\"}", status: 400, code: "INVALID"},
		{name: "an overlong letter", raw: "{\"query\": \"{ viewer { kind } } # \xc0\xaf\"}", status: 400, code: "INVALID"},
		{name: "half a surrogate in a key", raw: `{"query": "{ viewer { kind } }", "variables": {"\ud800": 1, "\udfff": 2}}`, status: 400, code: "INVALID"},
		{name: "UTF-16", raw: "\xff\xfe{\x00}\x00", status: 400, code: "INVALID"},
		{name: "a mark of UTF-8", raw: "\ufeff" + fineBody, status: 400, code: "INVALID"},
		{name: "a number that is none", raw: `{"query": "{ viewer { kind } }", "variables": {"a": NaN}}`, status: 400, code: "INVALID"},
		{name: "comments", raw: `/* ` + badMail + ` */` + fineBody, status: 400, code: "INVALID"},
		{name: "a comma too many", raw: `{"query": "{ viewer { kind } }",}`, status: 400, code: "INVALID"},
		{name: "6,000 variables", raw: `{"query": "{ viewer { kind } }", "variables": {` + numbered(6000, `"%d":1,`) + `"a":1}}`, within: 15 * time.Millisecond},
		{name: "10,000 variables", raw: `{"query": "{ viewer { kind } }", "variables": {` + numbered(10_000, `"%d":1,`) + `"a":1}}`, status: 413, code: "LIMITED"},
		{name: "6,000 parameters", raw: `{"query": "{ viewer { kind } }"` + numbered(6000, `,"%d":1`) + "}", within: 15 * time.Millisecond},
		{name: "an operation's name", raw: `{"query": "query A { viewer { kind } }", "operationName": "` + badMail + `"}`, code: "INVALID", field: "operationName"},
		{name: "an operation's name of 10 KB", raw: `{"query": "query A { viewer { kind } }", "operationName": "` + long(badWord) + `"}`, code: "INVALID", field: "operationName"},
		{name: "tracing", raw: `{"query": "{ viewer { kind } }", "extensions": {"tracing": true, "queryPlan": true, "debug": true, "explain": "` + badWord + `"}}`},
		{name: "tracing of an error", raw: `{"query": "{ account(id: \"` + badMail + `\") { id } }", "extensions": {"tracing": {"version": 1}, "debug": true}}`, code: "INVALID", field: "id"},
	})
}

// TestAttacksByVariables moves into variables, and into their defaults, what is refused in the document.
func TestAttacksByVariables(t *testing.T) {
	const pages = `{ account(id: "1") { conversations(first: $n) { nodes { contact { conversations(first: $n) { nodes { messages(first: $n) { nodes { id } } } } } } } } }`
	const two = `{ account(id: "1") { conversations(first: $n) { nodes { messages(last: $n) { nodes { id } } } } } }`
	const contacts = `query ($n: Int, $f: ContactFilter) { account(id: "1") { contacts(first: $n, filter: $f) { nodes { id } } } }`
	launchAll(t, newEdge(t), []attack{
		{name: "a page of 101", query: contacts, variables: `{"n": 101}`, code: "INVALID", field: "first"},
		{name: "a page of 101 by default", query: strings.Replace(contacts, "$n: Int", "$n: Int = 101", 1), code: "INVALID", field: "first"},
		{name: "a page of 2,147,483,647", query: contacts, variables: `{"n": 2147483647}`, code: "INVALID", field: "first"},
		{name: "a page of -2,147,483,648", query: contacts, variables: `{"n": -2147483648}`, code: "INVALID", field: "first"},
		{name: "a page of 10,000 digits", query: contacts, variables: `{"n": ` + long("9") + `}`, code: "INVALID", field: "n"},
		{name: "a page with a huge exponent", query: contacts, variables: `{"n": 1e999999999}`, code: "INVALID", field: "n"},
		{name: "a page as text", query: contacts, variables: `{"n": "` + badPhone + `"}`, code: "INVALID", field: "first"},
		{name: "an id with a huge exponent", query: "query ($n: ID!) { account(id: $n) { id } }", variables: `{"n": 1e999999999}`, code: "INVALID", field: "id"},
		{name: "an id of 10,000 digits", query: "query ($n: ID!) { account(id: $n) { id } }", variables: `{"n": ` + long("9") + `}`, code: "INVALID", field: "id"},
		{name: "pages within the limit", query: "query ($n: Int) " + two, variables: `{"n": 2}`, within: 60 * time.Millisecond},
		{name: "two pages of 100", query: "query ($n: Int) " + two, variables: `{"n": 100}`, code: "LIMITED"},
		{name: "two pages of 100 by default", query: "query ($n: Int = 100) " + two, code: "LIMITED"},
		{name: "two pages of 100 as text", query: "query ($n: Int) " + two, variables: `{"n": "100"}`, code: "LIMITED"},
		{name: "two pages of 100 by a fragment", query: "query ($n: Int) { ...a } fragment a on Query " + two, variables: `{"n": 100}`, code: "LIMITED"},
		{name: "two pages of 100 by last", query: "query ($n: Int) " + strings.Replace(two, "(first: $n)", "(first: null, last: $n)", 1), variables: `{"n": 100}`, code: "LIMITED"},
		{name: "two pages of 100 that are skipped by a variable left out", query: "query ($n: Int, $s: Boolean = false) " + strings.Replace(two, "nodes { messages", "nodes @skip(if: $s) { messages", 1), variables: `{"n": 100}`, code: "LIMITED"},
		{name: "a default of many lists", query: "query ($f: ContactFilter = {labels: " + strings.Repeat("[", 300) + strings.Repeat("]", 300) + "}) { account(id: \"1\") { contacts(filter: $f) { nodes { id } } } }", code: "INVALID", most: errorsMost},
		{name: "a default of many values", query: "query ($f: ContactFilter = {labels: [" + again(900, `"`+badWord+`"`) + "]}) { account(id: \"1\") { contacts(filter: $f) { nodes { id } } } }", code: "INVALID", field: "filter.labels", within: 20 * time.Millisecond},
		{name: "a default of a long text", query: "query ($i: ID! = \"" + long(badWord) + "\") { account(id: $i) { id } }", code: "INVALID", field: "id"},
		{name: "a default beyond numbers", query: strings.Replace(contacts, "$n: Int", "$n: Int = "+long("9"), 1), code: "INVALID"},
		{name: "pages of pages", query: "query ($n: Int) " + pages, variables: `{"n": 100}`, code: "LIMITED"},
		{name: "pages of pages by default", query: "query ($n: Int = 100) " + pages, code: "LIMITED"},
		{name: "pages of pages by no number at all", query: "query ($n: Int) " + pages, code: "LIMITED"},
		{name: "pages of pages by null", query: "query ($n: Int) " + pages, variables: `{"n": null}`, code: "LIMITED"},
		{name: "pages of pages in the document", query: strings.ReplaceAll(pages, "$n", "100"), code: "LIMITED"},
		{name: "pages of pages behind a variable that includes them", query: "query ($n: Int, $b: Boolean!) " + strings.Replace(pages, "nodes { messages", "nodes @include(if: $b) { messages", 1), variables: `{"n": 100, "b": true}`, code: "LIMITED"},
		{name: "a key that is a value", query: contacts, variables: `{"f": {"` + badMail + `": 1}}`, code: "INVALID", field: "f"},
		{name: "a key of 10 KB", query: contacts, variables: `{"f": {"` + long(badWord) + `": 1}}`, code: "INVALID", field: "f"},
		{name: "6,000 keys", query: contacts, variables: `{"f": {` + numbered(6000, `"%d":1,`) + `"1 ": 1}}`, code: "INVALID", field: "f", within: 15 * time.Millisecond},
		{name: "20,000 labels", query: contacts, variables: `{"f": {"labels": [` + strings.Repeat(`"",`, 20_000) + `""]}}`, code: "INVALID", field: "filter.labels", within: 40 * time.Millisecond},
		{name: "101 states", query: strings.NewReplacer("contacts", "conversations", "ContactFilter", "ConversationFilter").Replace(contacts), variables: `{"f": {"status": [` + strings.Repeat(`"OPEN",`, 100) + `"OPEN"]}}`, code: "INVALID", field: "filter.status"},
		{name: "101 labels", query: contacts, variables: `{"f": {"labels": [` + strings.Repeat(`"",`, 100) + `""]}}`, code: "INVALID", field: "filter.labels"},
		{name: "9,000 states", query: "query ($f: ConversationFilter) { account(id: \"1\") { conversations(filter: $f, first: 1) { nodes { id } } } }", variables: `{"f": {"status": [` + strings.Repeat(`"OPEN",`, 9000) + `"OPEN"]}}`, code: "INVALID", field: "filter.status", within: 60 * time.Millisecond},
		{name: "20,000 wrong values", query: "query ($f: ConversationFilter) { account(id: \"1\") { conversations(filter: $f) { nodes { id } } } }", variables: `{"f": {"status": [` + strings.Repeat(`"",`, 20_000) + `""]}}`, code: "INVALID", field: "f.status[0]", within: 60 * time.Millisecond},
	})
}

// TestAttacksByHeaders asks in ways that another site's page, a cache or an older server would answer.
func TestAttacksByHeaders(t *testing.T) {
	header := func(pairs ...string) func(*http.Request) {
		return func(r *http.Request) {
			for i := 0; i < len(pairs); i += 2 {
				r.Header.Set(pairs[i], pairs[i+1])
			}
		}
	}
	method := func(name, query string) func(*http.Request) {
		return func(r *http.Request) {
			r.Method, r.URL.RawQuery = name, query
			r.Header.Set("X-Http-Method-Override", http.MethodPost)
		}
	}
	const upload = "--x\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n" + fineBody + "\r\n--x\r\nContent-Disposition: form-data; name=\"map\"\r\n\r\n{}\r\n--x--\r\n"
	const mutation = `{"query": "mutation { setPiiMasking(input: {agentId: \"3\", masked: false, reason: \"why\", expectedVersion: 1}) { agent { id } } }"}`
	launchAll(t, newEdge(t), []attack{
		{name: "GET", raw: fineBody, dress: method(http.MethodGet, "query=%7Bviewer%7Bkind%7D%7D"), status: 405, code: "INVALID"},
		{name: "GET of a mutation", viewer: "root", raw: mutation, dress: method(http.MethodGet, "query=mutation+"+badWord), status: 405, code: "INVALID"},
		{name: "HEAD", raw: fineBody, dress: method(http.MethodHead, ""), status: 405, code: "INVALID"},
		{name: "OPTIONS", raw: fineBody, dress: method(http.MethodOptions, ""), status: 405, code: "INVALID"},
		{name: "PUT", raw: fineBody, dress: method(http.MethodPut, ""), status: 405, code: "INVALID"},
		{name: "a method of its own", raw: fineBody, dress: method(badWord, ""), status: 405, code: "INVALID"},
		{name: "a query in the URL", raw: `{}`, dress: method(http.MethodPost, "query=%7Bviewer%7Bkind%7D%7D"), status: 400, code: "INVALID", field: "query"},
		{name: "a form", raw: "query={viewer{kind}}", dress: header("Content-Type", "application/x-www-form-urlencoded"), status: 415, code: "INVALID"},
		{name: "a mutation in a form", viewer: "root", raw: "query=mutation{a}", dress: header("Content-Type", "application/x-www-form-urlencoded"), status: 415, code: "INVALID"},
		{name: "text", viewer: "root", raw: mutation, dress: header("Content-Type", "text/plain"), status: 415, code: "INVALID"},
		{name: "an upload", raw: upload, dress: header("Content-Type", "multipart/form-data; boundary=x"), status: 415, code: "INVALID"},
		{name: "a bare document", raw: "{ viewer { kind } }", dress: header("Content-Type", "application/graphql"), status: 415, code: "INVALID"},
		{name: "text that says it is JSON", raw: fineBody, dress: header("Content-Type", "text/plain; application/json"), status: 415, code: "INVALID"},
		{name: "two types", raw: fineBody, dress: header("Content-Type", "text/plain, application/json"), status: 415, code: "INVALID"},
		{name: "another JSON", raw: fineBody, dress: header("Content-Type", "text/json"), status: 415, code: "INVALID"},
		{name: "another character set", raw: fineBody, dress: header("Content-Type", "application/json; charset=utf-7"), status: 415, code: "INVALID"},
		{name: "a type of 60 KB", raw: fineBody, dress: header("Content-Type", "application/json"+numbered(6000, "; a%d=b"))},
		{name: "60,000 types to accept", raw: fineBody, dress: header("Accept", strings.Repeat(",", 60_000)), within: 20 * time.Millisecond},
		{name: "2,500 types to accept", raw: fineBody, dress: header("Accept", strings.Repeat("application/json;q=0.1,", 2500)), within: 20 * time.Millisecond},
		{name: "a type that is not offered", raw: fineBody, dress: header("Accept", "text/event-stream;"+badWord)},
		{name: "a compressed body", raw: "\x1f\x8b\x08\x00", dress: header("Content-Encoding", "gzip"), status: 400, code: "INVALID"},
		{name: "another site", raw: fineBody, dress: header("Origin", "https://"+badWord+".example"), status: 403, code: "FORBIDDEN"},
		{name: "a site without a name", raw: fineBody, dress: header("Origin", "null"), status: 403, code: "FORBIDDEN"},
		{name: "a fetch across sites", raw: fineBody, dress: header("Sec-Fetch-Site", "cross-site"), status: 403, code: "FORBIDDEN"},
		{name: "a fetch from a neighbour", raw: fineBody, dress: header("Sec-Fetch-Site", "same-site"), status: 403, code: "FORBIDDEN"},
		{name: "a mutation across sites", viewer: "root", raw: mutation, dress: header("Sec-Fetch-Site", "cross-site", "Content-Type", "text/plain"), status: 403, code: "FORBIDDEN"},
		{name: "a service's token in a browser", viewer: "everything", raw: fineBody, dress: header("Sec-Fetch-Site", "same-origin"), status: 401, code: "UNAUTHENTICATED"},
		{name: "tracing", raw: fineBody, dress: header("X-Apollo-Tracing", "1", "Apollo-Query-Plan-Experimental", "1", "X-Debug", badWord)},
		{name: "another path", raw: fineBody, dress: header("X-Original-Url", "/"+badWord, "X-Forwarded-For", badWord)},
	})
}
