package leaktest

import (
	"regexp"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// deviation is a way in which the server's verdict differs from graphql-js's, and may.
type deviation struct {
	name     string
	laxer    bool // ours takes what graphql-js refuses; else the other way round
	examples []string
	is       func(d disagreement) bool
}

// disagreement is a document that is valid for one and not for the other.
type disagreement struct {
	schema       *ast.Schema
	query        string
	ours, theirs verdict
}

// deviations are published in docs/validation.md, name by name.
var deviations = []deviation{
	{
		"lone surrogates", true, []string{`{ account(id: "\uD800") { id } }`, `{ account(id: "\uDE00\uD83D") { id } }`},
		func(d disagreement) bool {
			return d.theirs.syntax("Invalid Unicode escape sequence") && surrogate.MatchString(d.query)
		},
	},
	{
		"quotes that end a block string", true, []string{`{ account(id: """1"""") { id } }`, `{ account(id: """""""""") { id } }`},
		func(d disagreement) bool { return d.theirs.syntax("") && manyQuotes.MatchString(d.query) },
	},
	{
		"names right after numbers", true, []string{`{ account(id: 1) { contacts(first: 2orderBy: {}) { nodes { id } } } }`},
		func(d disagreement) bool {
			return d.theirs.syntax("Invalid number, expected digit but got") && nameAfterNumber.MatchString(d.query)
		},
	},
	{
		"too many equal fields", true, []string{"{ viewer { " + strings.Repeat("kind ", 1500) + "} }"},
		func(d disagreement) bool { return d.theirs.Message == "Validation aborted." },
	},
	{
		"nesting beyond 1,000", false, []string{strings.Repeat("{ ...", 1001) + "{ __typename }" + strings.Repeat("}", 1001)},
		func(d disagreement) bool { return d.ours.syntax("exceeded maximum nesting depth of 1000") },
	},
	{
		"subscriptions", false, []string{"subscription { x }"},
		func(d disagreement) bool { return d.ours.refusedOnlyBy("KnownRootType") },
	},
	{
		"integers beyond 64 bits", false, []string{`{ account(id: 99999999999999999999) { id } }`},
		func(d disagreement) bool {
			return d.ours.refusedOnlyBy("ValuesOfCorrectType") && strings.Contains(d.ours.Message, "ID cannot represent") && longNumber.MatchString(d.query)
		},
	},
	{
		"the type of __typename", false, []string{"{ account(id: 1) { conversation(displayId: 1) { lastMessage { sender { ... on User { x: __typename } ... on Contact { x: id } } } } } }"},
		func(d disagreement) bool {
			return d.ours.refusedOnlyBy("OverlappingFieldsCanBeMerged") && strings.Contains(d.ours.Message, "they return conflicting types") &&
				strings.Contains(d.query, "__typename")
		},
	},
	{
		"secrets in the document", false, []string{`mutation($i: StoreTokenInput = {accountId: 1, provider: "a", subject: "b", kind: STATIC, accessToken: "c"}) { storeToken(input: $i) { token { id } } }`},
		// A document may have a subscription beside it.
		func(d disagreement) bool { return d.ours.refusedOnlyBy("LiteralsOfSecrets", "KnownRootType") },
	},
	{
		"control characters", false, []string{"{ account(id: \"\x01\") { id } }"},
		func(d disagreement) bool {
			without := ours(d.schema, controls.ReplaceAllString(d.query, " "))
			return d.ours.syntax("") && (without.Valid || without.refusedOnlyBy("KnownRootType", "LiteralsOfSecrets"))
		},
	},
}

var (
	nameAfterNumber = regexp.MustCompile(`[0-9][A-Za-z_]`)
	surrogate       = regexp.MustCompile(`\\u[dD][89a-fA-F]`)
	manyQuotes      = regexp.MustCompile(`"{4}`)
	longNumber      = regexp.MustCompile(`[0-9]{19}`)
	controls        = regexp.MustCompile(`[\x00-\x08\x0b\x0c\x0e-\x1f]`)
)

// syntax says that a document was refused because it does not parse, with such a message.
func (v verdict) syntax(message string) bool {
	return slices.Equal(v.Rules, []string{"Syntax"}) && strings.Contains(v.Message, message)
}
