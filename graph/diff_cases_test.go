package graph_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestS13ChangesAreClassified(t *testing.T) {
	t.Parallel()
	contact := func(fields string) string { return "extend type Contact { " + fields + " } " }
	ask := func(arguments string) string { return "extend type Query { ask(" + arguments + "): ID } " }
	mutate := func(gate string) string { return "type Mutation { mute(id: ID!): ID " + gate + " } " }
	const by = `extend type Query { list(by: By): ID } enum By { ID EMAIL `
	for _, c := range []struct {
		name, old, now string
		want           []string
	}{
		{"nothing", contact("email: EmailAddress"), contact("email: EmailAddress"), nil},
		{"words in a description", contact(`"A." a: ID`), contact(`"B." a: ID`), nil},

		// What was guarded is not.
		{"a personal scalar becomes plain", contact("email: EmailAddress"), contact("email: String"), []string{
			"LOST PROTECTION: Contact.email: @pii(kind: EMAIL)", "BREAKING: Contact.email: was EmailAddress and is String"}},
		{"in a list", contact("cc: [EmailAddress!]"), contact("cc: [String!]"), []string{
			"LOST PROTECTION: Contact.cc: @pii(kind: EMAIL)", "BREAKING: Contact.cc: was [EmailAddress!] and is [String!]"}},
		{"an object around a plain value", contact("email: EmailAddress"), contact("email: Box") + "type Box { value: String }", []string{
			"LOST PROTECTION: Contact.email: @pii(kind: EMAIL)", "BREAKING: Contact.email: was EmailAddress and is Box", "addition: Box: is new"}},
		{"a field loses its own gate", contact("email: String @pii(kind: EMAIL)"), contact("email: String"), []string{
			"LOST PROTECTION: Contact.email: @pii(kind: EMAIL)"}},
		{"a field loses its own gate and keeps its scalar's", contact("id2: ChannelAddress @pii(kind: IDENTIFIER)"), contact("id2: ChannelAddress"), []string{
			"LOST PROTECTION: Contact.id2: @pii(kind: IDENTIFIER)"}},
		{"another kind", contact("email: String @pii(kind: EMAIL)"), contact("email: String @pii(kind: NAME)"), []string{
			"LOST PROTECTION: Contact.email: @pii(kind: EMAIL)", "addition: Contact.email: @pii(kind: NAME) is new"}},
		{"a scalar loses its gate", "scalar Fax @pii(kind: PHONE) " + contact("fax: Fax"), "scalar Fax " + contact("fax: Fax"), []string{
			"LOST PROTECTION: Contact.fax: @pii(kind: PHONE)", "LOST PROTECTION: Fax: @pii(kind: PHONE)"}},
		{"a text loses its gate", contact("city: String @piiText"), contact("city: String"), []string{"LOST PROTECTION: Contact.city: @piiText"}},
		{"a text under a gate for other viewers", contact("city: String @piiText"), contact("city: String @pii(kind: EMAIL)"), []string{
			"LOST PROTECTION: Contact.city: @piiText", "addition: Contact.city: @pii(kind: EMAIL) is new"}},
		{"an argument loses its policy", ask("email: String @piiArg(policy: EXACT_LOOKUP, kind: EMAIL)"), ask("email: String"), []string{
			"LOST PROTECTION: Query.ask(email): @piiArg(policy: EXACT_LOOKUP, kind: EMAIL)"}},
		{"a weaker policy", ask("email: String @piiArg(policy: PRIVILEGED, kind: EMAIL)"), ask("email: String @piiArg(policy: EXACT_LOOKUP, kind: EMAIL)"), []string{
			"LOST PROTECTION: Query.ask(email): @piiArg(policy: PRIVILEGED, kind: EMAIL)", "addition: Query.ask(email): @piiArg(policy: EXACT_LOOKUP, kind: EMAIL) is new"}},
		{"a policy for another kind", ask("a: String @piiArg(policy: PRIVILEGED, kind: EMAIL)"), ask("a: String @piiArg(policy: PRIVILEGED, kind: NAME)"), []string{
			"LOST PROTECTION: Query.ask(a): @piiArg(policy: PRIVILEGED, kind: EMAIL)", "addition: Query.ask(a): @piiArg(policy: PRIVILEGED, kind: NAME) is new"}},
		{"an input field loses its policy", ask("a: A") + "input A { email: ID @piiArg(policy: WRITE, kind: EMAIL) }", ask("a: A") + "input A { email: ID }", []string{
			"LOST PROTECTION: A.email: @piiArg(policy: WRITE, kind: EMAIL)"}},
		{"a personal argument becomes plain", ask("a: EmailAddress"), ask("a: String"), []string{
			"LOST PROTECTION: Query.ask(a): @pii(kind: EMAIL)", "BREAKING: Query.ask(a): was EmailAddress and is String"}},
		{"an order loses its policy", by + "@piiArg(policy: PRIVILEGED, kind: EMAIL) }", by + "}", []string{
			"LOST PROTECTION: By.EMAIL: @piiArg(policy: PRIVILEGED, kind: EMAIL)"}},
		{"a role", mutate("@hasRole(role: SUPER_ADMIN)"), mutate(""), []string{"LOST PROTECTION: Mutation.mute: @hasRole(role: SUPER_ADMIN)"}},
		{"a lower role", mutate("@hasRole(role: SUPER_ADMIN)"), mutate("@hasRole(role: ADMINISTRATOR)"), []string{
			"LOST PROTECTION: Mutation.mute: @hasRole(role: SUPER_ADMIN)", "addition: Mutation.mute: @hasRole(role: ADMINISTRATOR) is new"}},
		{"a role that nobody is below", mutate("@hasRole(role: AGENT)"), mutate("@hasRole(role: SERVICE)"), []string{
			"LOST PROTECTION: Mutation.mute: @hasRole(role: AGENT)", "addition: Mutation.mute: @hasRole(role: SERVICE) is new"}},
		{"a scope", mutate(`@scope(any: "a")`), mutate(""), []string{`LOST PROTECTION: Mutation.mute: @scope(any: "a")`}},
		{"one scope more that will do", mutate(`@scope(any: "a")`), mutate(`@scope(any: "a b")`), []string{
			`LOST PROTECTION: Mutation.mute: @scope(any: "a")`, `addition: Mutation.mute: @scope(any: "a b") is new`}},
		{"fewer places for a directive", "directive @scopes on OBJECT | FIELD_DEFINITION", "directive @scopes on OBJECT", []string{
			"BREAKING: @scopes: on FIELD_DEFINITION"}},

		// What is guarded more.
		{"a gate", contact("city: String"), contact("city: String @piiText"), []string{"addition: Contact.city: @piiText is new"}},
		{"a gate instead of one for texts", contact("city: String @piiText"), contact("city: String @pii(kind: ATTRIBUTE)"), []string{
			"addition: Contact.city: @pii(kind: ATTRIBUTE) is new"}},
		{"a higher role", mutate("@hasRole(role: AGENT)"), mutate("@hasRole(role: SUPER_ADMIN)"), []string{"addition: Mutation.mute: @hasRole(role: SUPER_ADMIN) is new"}},
		{"a scope less that will do", mutate(`@scope(any: "a b")`), mutate(`@scope(any: "b")`), []string{`addition: Mutation.mute: @scope(any: "b") is new`}},
		{"a stricter policy", ask("a: ID @piiArg(policy: WRITE, kind: NAME)"), ask("a: ID @piiArg(policy: PRIVILEGED, kind: NAME)"), []string{
			"addition: Query.ask(a): @piiArg(policy: PRIVILEGED, kind: NAME) is new"}},

		// What breaks documents.
		{"a personal field goes", contact("email: EmailAddress"), "", []string{"BREAKING: Contact.email: is gone"}},
		{"a type goes", "scalar A", "", []string{"BREAKING: A: is gone"}},
		{"another type", contact("a: ID"), contact("a: [ID]"), []string{"BREAKING: Contact.a: was ID and is [ID]"}},
		{"it can be null", contact("a: [ID!]!"), contact("a: [ID]!"), []string{"BREAKING: Contact.a: was [ID!]! and is [ID]!"}},
		{"an argument goes", ask("a: ID b: ID"), ask("a: ID"), []string{"BREAKING: Query.ask(b): is gone"}},
		{"an argument is required", ask("a: ID"), ask("a: ID!"), []string{"BREAKING: Query.ask(a): was ID and is ID!"}},
		{"a required argument", ask("a: ID"), ask("a: ID b: ID!"), []string{"BREAKING: Query.ask(b): is new and required"}},
		{"another value when left out", ask("a: Int = 1"), ask("a: Int = 2"), []string{"BREAKING: Query.ask(a): was 1 when left out and is 2"}},
		{"a required input field", ask("a: A") + "input A { b: ID }", ask("a: A") + "input A { b: ID c: ID! }", []string{"BREAKING: A.c: is new and required"}},
		{"an input that takes one", ask("a: A") + "input A { b: ID }", ask("a: A") + "input A @oneOf { b: ID }", []string{"BREAKING: A: takes exactly one of its fields"}},
		{"a value goes", by + "}", "extend type Query { list(by: By): ID } enum By { ID }", []string{"BREAKING: By.EMAIL: is gone"}},
		{"a member goes", "type A { a: ID } union U = A | Contact", "type A { a: ID } union U = Contact", []string{"BREAKING: U: A is gone"}},
		{"another sort of type", "scalar A", "type A { a: ID }", []string{"BREAKING: A: was SCALAR and is OBJECT", "addition: A.a: is new"}},

		// What does not.
		{"a plain field", "", contact("email: String"), []string{"addition: Contact.email: is new"}}, // S3 finds it
		{"never null", contact("a: ID"), contact("a: ID!"), []string{"addition: Contact.a: was ID and is ID!"}},
		{"an argument", ask("a: ID"), ask("a: ID b: ID c: ID! = 1"), []string{"addition: Query.ask(b): is new", "addition: Query.ask(c): is new"}},
		{"an argument can be null", ask("a: ID!"), ask("a: ID"), []string{"addition: Query.ask(a): was ID! and is ID"}},
		{"a value, a type and a directive", by + "}", by + "NAME } scalar A directive @a on FIELD", []string{
			"addition: @a: is new", "addition: A: is new", "addition: By.NAME: is new"}},
	} {
		var got []string
		for _, change := range differences(alone(t, words+c.old), alone(t, words+c.now)) {
			got = append(got, change.String())
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: wanted (-), found (+):\n%s", c.name, diff)
		}
	}
}

func TestS13DeclarationsOfGuards(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		old, now string
		want     string
	}{
		{"PRIVILEGED WRITE }", "PRIVILEGED }", "BREAKING: PiiArgPolicy.WRITE: is gone"},
		{"directive @piiText on FIELD_DEFINITION\n", "", "LOST PROTECTION: @piiText: its declaration"},
		{"INPUT_FIELD_DEFINITION | ", "", "LOST PROTECTION: @piiArg: on INPUT_FIELD_DEFINITION"},
		{"on FIELD_DEFINITION | SCALAR", "repeatable on FIELD_DEFINITION | SCALAR", "LOST PROTECTION: @pii: not repeatable"},
		{"@pii(kind: PiiKind!)", "@pii(kind: PiiKind)", "LOST PROTECTION: @pii: kind: PiiKind!"},
		{"scalar PhoneNumber @pii(kind: PHONE)", "scalar PhoneNumber", "LOST PROTECTION: PhoneNumber: @pii(kind: PHONE)"},
	} {
		got := differences(alone(t, words), alone(t, strings.Replace(words, c.old, c.now, 1)))
		if len(got) != 1 || got[0].String() != c.want {
			t.Errorf("%q instead of %q: %v, want %s", c.now, c.old, got, c.want)
		}
	}
}
