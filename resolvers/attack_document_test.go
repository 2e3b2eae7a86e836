package resolvers_test

import (
	"strings"
	"testing"
	"time"
)

// TestAttacksByDocument sends documents that are made to cost more than they should, or to be answered at length.
func TestAttacksByDocument(t *testing.T) {
	e := newEdge(t)
	for name, attacks := range map[string][]attack{
		"repeated": repeated, "many": many, "fragments": fragments, "deep": deep, "errors": erroneous, "long": longNames,
	} {
		t.Run(name, func(t *testing.T) { launchAll(t, e, attacks) })
	}
}

// repeated holds documents in which every field has to be compared with every other.
var repeated = []attack{
	{name: "10,000 fields", query: "{" + again(10_000, "hello") + "}", code: "LIMITED"},
	{name: "990 fields", query: "{" + again(990, "viewer") + "}", code: "LIMITED"},
	{name: "990 fields below", query: "{ viewer {" + again(990, "kind") + "} }", code: "LIMITED"},
	{name: "in an unused fragment", query: "{ viewer { kind } } fragment a on Viewer {" + again(980, "kind") + "}", code: "LIMITED"},
	{name: "in a fragment of a name that is taken", query: "{ viewer { ...a } } fragment a on Viewer { kind } fragment a on Viewer {" + again(970, "kind") + "}", code: "LIMITED"},
	{name: "in inline fragments", query: "{ viewer {" + again(130, "... on Viewer { kind kind }") + "} }", code: "LIMITED"},
	{name: "with arguments", query: "{ viewer {" + again(160, `masked(accountId: "1")`) + "} }", code: "LIMITED"},
	{name: "by the product of two levels", query: "{" + again(5, "viewer {"+again(150, "kind")+"}") + "}", code: "LIMITED"},
	{name: "in two fragments of many operations", query: numbered(60, "query q%d { viewer { ...a ...b } } ") +
		"fragment a on Viewer {" + again(48, "kind") + "} fragment b on Viewer {" + again(48, "kind") + "}", code: "LIMITED"},
	{name: "in a fragment of many operations", query: numbered(100, "query q%d { ...a } ") + `fragment a on Query { account(id: "1") { contact(id: "1") {` + again(27, "id alias name email emailState phoneNumber phoneState identifier identifierState blocked labels createdAt") + "} } }", code: "LIMITED"},
	{name: "up to the limit in several operations", query: numbered(9, "query q%d { viewer {"+again(95, "kind")+"} } "), code: "LIMITED"},
}

// many holds documents with too many of a thing, each just below the limit of tokens or just above a limit of ours.
var many = []attack{
	{name: "150 aliases", query: "{" + numbered(150, "a%d: __typename ") + "}", code: "LIMITED"},
	{name: "16 aliases", query: "{ viewer {" + numbered(16, "a%d: kind ") + "} }", code: "LIMITED"},
	{name: "15 aliases", query: "{ viewer {" + numbered(15, "a%d: kind ") + "} }"},
	{name: "16 aliases in another operation", query: "query a { viewer { kind } } query b { viewer {" + numbered(16, "a%d: kind ") + "} }", code: "LIMITED"},
	{name: "16 aliases by spreading", query: "{ viewer { accounts { ...f } } account(id: \"1\") { ...f } } fragment f on Account {" + numbered(8, "a%d: id ") + "}", code: "LIMITED"},
	{name: "6 root fields", query: "{" + again(6, "viewer { kind }") + "}", code: "LIMITED"},
	{name: "6 root fields in fragments", query: "{ ...a ... {" + again(3, "__typename") + "} } fragment a on Query {" + again(3, "viewer { kind }") + "}", code: "LIMITED"},
	{name: "6 mutations", viewer: "root", query: "mutation {" + numbered(6, `a%d: setPiiMasking(input: {agentId: "3", masked: true, reason: "why", expectedVersion: 0}) { agent { id } } `) + "}", code: "LIMITED"},
	{name: "8 KB of unknown directives", query: "{ viewer " + again(1300, "@nope1") + "{ kind } }", code: "LIMITED"},
	{name: "unknown directives within the limit of tokens", query: "{ viewer " + again(480, "@nope1") + "{ kind } }", code: "LIMITED"},
	{name: "different unknown directives", query: "{ viewer " + numbered(480, "@a%d ") + "{ kind } }", code: "LIMITED"},
	{name: "20 unknown directives", query: "{ viewer " + again(20, "@nope1") + "{ kind } }", code: "INVALID", most: errorsMost},
	{name: "known directives", query: "{ viewer " + again(160, "@skip(if: false)") + "{ kind } }", code: "LIMITED"},
	{name: "directives on variables", query: "query (" + numbered(100, "$a%d: Int @nope ") + ") { viewer { kind } }", code: "LIMITED"},
	{name: "directives on an unused fragment", query: "{ viewer { kind } } fragment a on Viewer " + again(400, "@nope") + "{ kind }", code: "LIMITED"},
	{name: "directives on an operation", query: "query " + again(400, "@nope") + "{ viewer { kind } }", code: "LIMITED"},
	{name: "190 operations", query: numbered(190, "query q%d { __typename } "), code: "INVALID", field: "operationName"},
	{name: "5,000 comments", query: "{ viewer { kind } }" + strings.Repeat("#\n", 5_000), code: "LIMITED"},
	{name: "a long comment", query: "{ viewer { kind } } #" + long("a")},
}

// fragments holds documents that grow when they are spread.
var fragments = []attack{
	{name: "3,000 spreads", query: "{" + again(3000, "...a") + "} fragment a on Query { viewer { kind } }", code: "LIMITED"},
	{name: "480 spreads", query: "{ viewer {" + again(480, "...a") + "} } fragment a on Viewer { kind }", code: "LIMITED"},
	{name: "480 spreads of what is not there", query: "{" + again(480, "...a") + "}", code: "INVALID", most: errorsMost},
	{name: "a cycle", query: "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }", code: "INVALID"},
	{name: "a cycle of itself", query: "{ ...a } fragment a on Query { ...a }", code: "INVALID"},
	{name: "a cycle with fields between", query: `{ account(id: "1") { ...a } } fragment a on Account { contact(id: "1") { ...b } } fragment b on Contact { conversations { nodes { contact { ...b } } } }`, code: "INVALID"},
	{name: "a cycle among the unused", query: `{ viewer { kind } } fragment a on Viewer { ...b } fragment b on Viewer { ...a }`, code: "INVALID"},
	{name: "many cycles", query: "{ ...f0 }" + numbered(120, "fragment f%d on Query { ...f0 } "), code: "INVALID", most: errorsMost},
	{name: "a cycle of many", query: "{ ...f0 }" + doubling(120, "fragment f%d on Query { ...f%d } ", "fragment f%d on Query { ...f0 }"), code: "INVALID", most: errorsMost},
	{name: "a bomb", query: "{ viewer { ...f0 } } " + doubling(60, "fragment f%d on Viewer { ...f%[2]d ...f%[2]d } ", "fragment f%d on Viewer { kind }"), code: "LIMITED"},
	{name: "a bomb of aliases", query: "{ viewer { ...f0 } } " + doubling(60, "fragment f%d on Viewer { a%[2]d: kind ...f%[2]d ...f%[2]d } ", "fragment f%d on Viewer { kind }"), code: "LIMITED"},
	{name: "a bomb of fields", query: `{ account(id: "1") { contact(id: "1") { ...f0 } } } ` + doubling(40, "fragment f%d on Contact { conversations { nodes { contact { ...f%[2]d } } } ...f%[2]d } ", "fragment f%d on Contact { id }"), code: "LIMITED"},
	{name: "a bomb that is not used", query: "{ viewer { kind } } " + doubling(60, "fragment f%d on Viewer { ...f%[2]d ...f%[2]d } ", "fragment f%d on Viewer { kind }"), code: "LIMITED"},
	{name: "unused ones", query: "{ viewer { kind } }" + numbered(140, "fragment f%d on Viewer { kind } "), code: "INVALID", most: errorsMost},
}

// deep holds documents whose parts lie in one another.
var deep = []attack{
	{name: "500 fields", query: "{" + strings.Repeat("a {", 499) + "b" + strings.Repeat("}", 500), code: "LIMITED"},
	{name: "300 fields", query: "{" + strings.Repeat("a {", 299) + "b" + strings.Repeat("}", 300), code: "LIMITED"},
	{name: "11 fields", query: `{ account(id: "1") { contact(id: "1") { conversations(first: 1) { nodes { contact { conversations(first: 1) { nodes { contact { conversations(first: 1) { nodes { id } } } } } } } } } } }`, code: "LIMITED"},
	{name: "11 fields in fragments", query: `{ ...a } fragment a on Query { account(id: "1") { contact(id: "1") { ...b } } } fragment b on Contact { conversations { nodes { contact { conversations { nodes { contact { ...c } } } } } } } fragment c on Contact { conversations { nodes { id } } }`, code: "LIMITED"},
	{name: "10 fields", query: `{ account(id: "1") { contact(id: "1") { conversations(first: 1) { nodes { contact { conversations(first: 1) { nodes { contact { inboxes: contactInboxes { canReply } } } } } } } } } }`, within: 40 * time.Millisecond},
	{name: "300 inline fragments", query: "{ viewer {" + strings.Repeat("... {", 240) + "kind" + strings.Repeat("}", 242), within: 15 * time.Millisecond},
	{name: "30,000 braces", query: strings.Repeat("{", 30_000), code: "INVALID"},
	{name: "30,000 braces that belong to fields", query: strings.Repeat("{a", 15_000), code: "LIMITED"},
	{name: "30,000 lists", query: "{ account(id: " + strings.Repeat("[", 30_000), code: "LIMITED"},
	{name: "400 lists", query: inAccount("contacts(filter: {labels: " + strings.Repeat("[", 400) + strings.Repeat("]", 400) + "}) { nodes { id } }"), code: "INVALID"},
	{name: "300 objects", query: inAccount("contacts(filter: " + strings.Repeat("{a: ", 240) + "1" + strings.Repeat("}", 240) + ") { nodes { id } }"), code: "INVALID", most: errorsMost},
	{name: "a type of 400 lists", query: "query ($a: " + strings.Repeat("[", 400) + "Int" + strings.Repeat("]", 400) + ") { viewer { kind } }", code: "INVALID"},
}

// erroneous holds documents with as many faults as fit.
var erroneous = []attack{
	{name: "990 unknown fields", query: "{ viewer {" + numbered(990, "a%d ") + "} }", code: "INVALID", most: errorsMost},
	{name: "unknown arguments", query: "{ viewer { masked(" + numbered(300, "a%d: 1 ") + ") } }", code: "INVALID", most: errorsMost},
	{name: "unknown variables", query: "{ viewer { masked(" + numbered(240, "a%d: $b%[1]d ") + ") } }", code: "INVALID", most: errorsMost},
	{name: "unused variables", query: "query (" + numbered(240, "$a%d: Int ") + ") { viewer { kind } }", code: "INVALID", most: errorsMost},
	{name: "required variables", query: "query (" + numbered(195, "$a%d: Int! ") + ") { viewer { kind } }", code: "INVALID", most: errorsMost},
	{name: "variables of unknown types", query: "query (" + numbered(195, "$a%d: B%[1]d! ") + ") { viewer { kind } }", code: "INVALID", most: errorsMost},
	{name: "wrong values", query: inAccount("conversations(filter: {status: [" + again(900, badWord) + "]}) { nodes { id } }"), code: "INVALID", most: errorsMost, within: 15 * time.Millisecond},
	{name: "wrong values in variables' defaults", query: "query (" + numbered(120, `$a%d: Int = "`+badMail+`" `) + ") { viewer { kind } }", code: "INVALID", most: errorsMost},
	{name: "fields that conflict", query: "{ viewer {" + again(40, `masked(accountId: "1")`) + again(40, `masked(accountId: "2")`) + "} }", code: "INVALID", most: errorsMost},
	{name: "a subscription", query: "subscription { viewer { kind } }", code: "INVALID"},
	{name: "a part for later", query: `{ account(id: "1") { ... @defer { agents { id } } } }`, code: "INVALID"},
	{name: "a part for later in a fragment", query: `{ viewer { ...a @defer(label: "` + badWord + `") } } fragment a on Viewer { kind }`, code: "INVALID"},
	{name: "a list for later", query: `{ viewer { accounts @stream(initialCount: 0) { id } } }`, code: "INVALID"},
	{name: "a typing error in a field", query: "{ viewer { kindd } }", code: "INVALID"},
	{name: "a typing error in an argument", query: `{ account(idd: "1") { id } }`, code: "INVALID", most: errorsMost},
	{name: "a typing error in a type", query: "{ viewer { ... on Viewerr { kind } } }", code: "INVALID"},
	{name: "a typing error in an enum's value", query: inAccount("conversations(filter: {status: OPENN}) { nodes { id } }"), code: "INVALID"},
	{name: "a typing error in an input's field", query: inAccount("conversations(filter: {statuss: OPEN}) { nodes { id } }"), code: "INVALID", most: errorsMost},
	{name: "a typing error in a directive", query: "{ viewer @skipp(if: true) { kind } }", code: "INVALID"},
	{name: "a typing error in a variable's type", query: "query ($a: ContactFilterr) { account(id: \"1\") { contacts(filter: $a) { nodes { id } } } }", code: "INVALID", most: errorsMost},
	{name: "a directive of the schema's own", query: "{ viewer @pii(kind: EMAIL) { kind } }", code: "INVALID", most: errorsMost},
	{name: "an error in every row", query: inAccount(`conversations(first: 90) { nodes { contact { conversations(first: 1000) { nodes { id } } } } }`), code: "INVALID", field: "first", most: 8000, within: 60 * time.Millisecond},
	{name: "an error in every field of every row", query: inAccount(`agents { ` + numbered(15, `a%d: role(accountId: "`+badMail+`") `) + `}`), code: "INVALID", field: "accountId", most: 8000, within: 40 * time.Millisecond},
	{name: "a number of 10,000 digits", query: inAccount("contacts(first: " + long("9") + ") { nodes { id } }"), code: "INVALID"},
	{name: "a number with a huge exponent", query: inAccount("contacts(first: 1e999999999) { nodes { id } }"), code: "INVALID", most: errorsMost},
	{name: "a negative number beyond numbers", query: inAccount("contacts(first: -" + long("9") + ") { nodes { id } }"), code: "INVALID"},
	{name: "a fraction", query: inAccount("contacts(first: 1.0) { nodes { id } }"), code: "INVALID", most: errorsMost},
}

// longNames holds documents with names that would come back many times over.
var longNames = []attack{
	{name: "a document", query: "{ viewer { kind } } #" + strings.Repeat("a", 33_000), code: "LIMITED"},
	{name: "a field", query: "{" + long("a") + "}", code: "INVALID"},
	{name: "an alias in every row", query: inAccount("agents { " + long("a") + ": id }"), code: "LIMITED"},
	{name: "an alias in every error", query: inAccount("agents { " + long("a") + `: role(accountId: "x") }`), code: "LIMITED"},
	{name: "an alias of 101 letters", query: "{ viewer { " + strings.Repeat("a", 101) + ": kind } }", code: "LIMITED"},
	{name: "an alias of 100 letters", query: "{ viewer { " + strings.Repeat("a", 100) + ": kind } }"},
	{name: "an argument", query: "{ viewer { masked(" + long("a") + ": 1) } }", code: "INVALID"},
	{name: "a variable", query: "query ($" + long("a") + ": Int!) { viewer { kind } }", code: "INVALID"},
	{name: "a variable that is needed", query: "query ($" + long("a") + ": ID!) { account(id: $" + long("a") + ") { id } }", code: "INVALID"},
	{name: "a fragment", query: "{ ..." + long("a") + "}", code: "INVALID"},
	{name: "a cycle of fragments", query: "{ ..." + long("a") + "} fragment " + long("a") + " on Query { ..." + long("a") + "}", code: "INVALID"},
	{name: "an operation twice", query: "query " + long("a") + "{ viewer { kind } } query " + long("a") + " { viewer { kind } }", code: "INVALID"},
	{name: "a directive", query: "{ viewer @" + long("a") + " { kind } }", code: "INVALID"},
	{name: "a type", query: "query ($a: " + long("a") + ") { viewer { kind } }", code: "INVALID"},
	{name: "a fragment's type", query: "{ ... on " + long("a") + " { id } }", code: "INVALID"},
	{name: "an input's field", query: inAccount("contacts(filter: {" + long("a") + ": 1}) { nodes { id } }"), code: "INVALID"},
	{name: "an enum's value", query: inAccount("contacts(filter: {contactType: " + long("A") + "}) { nodes { id } }"), code: "INVALID"},
	{name: "a literal", query: `{ account(id: "` + long(badWord) + `") { id } }`, code: "INVALID", field: "id"},
	{name: "a block string", query: `{ account(id: """` + long(badWord+"\n") + `""") { id } }`, code: "INVALID", field: "id"},
	{name: "a syntax error", query: "{ viewer { kind " + long(badWord), code: "INVALID"},
}
