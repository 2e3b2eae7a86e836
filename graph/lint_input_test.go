package graph_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cloakroom/cloakroom/chat"
)

// partly are names of inputs that look for a part of something: an address can be guessed letter by letter through them.
var partly = regexp.MustCompile(`^(query|search|term|text|q|like)$|(^|_)(contains|starts_with|ends_with|prefix|suffix|matches)$`)

// reviewedInputs are inputs with a telling name that find nothing by an address, each with the reason.
var reviewedInputs = map[string]string{
	"Account.searchMessages(query)":      "it goes over the texts of messages, which masked viewers read in the thread (P01); of what the system wrote with an address in it they find nothing",
	"Conversation.searchMessages(query)": "as Account.searchMessages(query), in one thread",
}

func TestS5InputsWithPersonalValuesHaveAPolicy(t *testing.T) {
	t.Parallel()
	hold(t, freeInputs,
		mistake{`extend type Query { find(value: EmailAddress!): Contact }`, []string{"Query.find(value)"}},
		mistake{`extend type Query { find(values: [EmailAddress!]): Contact }`, []string{"Query.find(values)"}},
		mistake{`extend type Query { find(phoneNumber: String): Contact }`, []string{"Query.find(phoneNumber)"}},
		mistake{`extend type Query { find(sourceId: ID!): Contact }`, []string{"Query.find(sourceId)"}},
		mistake{`extend type Query { contacts(filter: F): Contact } input F { email: Text } input Text { eq: String }`, []string{"F.email"}},
		mistake{`extend type Query { contacts(filter: F): Contact } input F { hasEmail: Boolean }`, []string{"F.hasEmail"}},
		mistake{`extend type Query { contacts(filter: F): Contact } input F { name: Text } input Text { startsWith: String }`, []string{"Text.startsWith"}},
		mistake{`extend type Query { searchContacts(query: String!): Contact }`, []string{"Query.searchContacts(query)"}},
		mistake{`type Mutation { create(input: C!): Contact } input C { email: String }`, []string{"C.email"}},
		mistake{`extend type Contact { lists(recipient: String): Boolean }`, []string{"Contact.lists(recipient)"}},
		// a policy that does not fit
		mistake{`extend type Query { find(email: EmailAddress! @piiArg(policy: WRITE, kind: EMAIL)): Contact }`, []string{"Query.find(email)"}},
		mistake{`extend type Query { find(input: C!): Contact } type Mutation { create(input: C!): Contact } input C { email: String @piiArg(policy: WRITE, kind: EMAIL) }`, []string{"C.email"}},
		mistake{`extend type Query { find(input: O!): Contact } input O { inner: C } input C { email: String @piiArg(policy: WRITE, kind: EMAIL) }`, []string{"C.email"}},
		mistake{`extend type Query { find(email: EmailAddress! @piiArg(policy: PRIVILEGED, kind: NAME)): Contact }`, []string{"Query.find(email)"}},
		// and ones that do
		mistake{`extend type Query { find(email: EmailAddress! @piiArg(policy: EXACT_LOOKUP, kind: EMAIL)): Contact }`, nil},
		mistake{`extend type Query { find(identifier: ChannelAddress! @piiArg(policy: EXACT_LOOKUP, kind: IDENTIFIER)): Contact }`, nil},
		mistake{`extend type Query { searchContacts(query: String! @piiArg(policy: PRIVILEGED, kind: NAME)): Contact }`, nil},
		mistake{`type Mutation { create(input: C!): Contact } input C { email: String @piiArg(policy: WRITE, kind: EMAIL) }`, nil},
	)
	for where := range reviewedInputs {
		if !slices.ContainsFunc(inputs(schema()), func(in input) bool { return in.where == where }) {
			t.Errorf("%s is reviewed and is not there", where)
		}
	}
}

func freeInputs(s *ast.Schema) (findings []string) {
	for _, in := range inputs(s) {
		scalar, name := s.Types[in.typ.Name()].Directives.ForName("pii"), small(in.name)
		policy := in.directives.ForName("piiArg")
		switch {
		case policy != nil && in.reads && argument(policy, "policy") == string(chat.WriteValue):
			findings = append(findings, in.where+": answers a question, so everybody may not give a value: WRITE is for mutations")
		case policy != nil && scalar != nil && !fits(argument(policy, "kind"), argument(scalar, "kind")):
			findings = append(findings, fmt.Sprintf("%s: says kind %s of a %s", in.where, argument(policy, "kind"), in.typ.Name()))
		case policy == nil && reviewedInputs[in.where] == "" && (scalar != nil || addressLike.MatchString(name) || partly.MatchString(name)):
			findings = append(findings, in.where+": takes a personal value without @piiArg, which asks whether it may be given")
		}
	}
	return findings
}

// fits says that a value of a scalar's kind may be guarded as the kind an input says: an identifier is a ChannelAddress.
func fits(said, scalar string) bool {
	return said == scalar || said == string(chat.Identifier) && scalar == string(chat.ChannelAddress)
}

// reviewedValues are values of enums of inputs which are named like a personal field and tell nothing of it, each with
// the reason.
var reviewedValues = map[string]string{
	"ContactOrderField.COMPANY":          shownTexts,
	"ContactOrderField.CITY":             shownTexts,
	"ContactOrderField.COUNTRY":          shownTexts,
	"ContactAttribute.COMPANY_NAME":      shownTexts,
	"ContactAttribute.CITY":              shownTexts,
	"ContactAttribute.COUNTRY_CODE":      shownTexts,
	"ConversationAttribute.MAIL_SUBJECT": shownTexts,
}

// shownTexts is why a text behind @piiText may be compared and ordered by: only where it is shown to the viewer.
const shownTexts = "compared and ordered only as it is shown to the viewer: one that looks like an address counts as absent for whom addresses are hidden"

func TestS6OrdersByPersonalValuesHaveAPolicy(t *testing.T) {
	t.Parallel()
	const order = `extend type Query { contacts(orderBy: O): Contact } input O { field: By! } extend type Contact { city: String @piiText companyName: String @piiText email: EmailAddress nickname: String @pii(kind: NAME) } `
	hold(t, freeOrders,
		mistake{order + `enum By { ID EMAIL }`, []string{"By.EMAIL"}},
		mistake{order + `enum By { ID NICKNAME }`, []string{"By.NICKNAME"}}, // named as a personal field
		mistake{order + `enum By { ID CITY }`, []string{"By.CITY"}},
		mistake{order + `enum By { ID COMPANY }`, []string{"By.COMPANY"}}, // the first word of companyName
		mistake{order + `enum By { PHONE_NUMBER @piiArg(policy: EXACT_LOOKUP, kind: PHONE) }`, []string{"By.PHONE_NUMBER"}},
		mistake{`extend type Query { count(by: [By!]): Int } enum By { EMAIL_DOMAIN }`, []string{"By.EMAIL_DOMAIN"}},
		mistake{`extend type Query { count(by: By): Int } enum By { IDENTIFIER SOURCE_ID }`, []string{"By.IDENTIFIER", "By.SOURCE_ID"}},
		mistake{order + `enum By { CREATED_AT NAME EMAIL @piiArg(policy: PRIVILEGED, kind: EMAIL) }`, nil},
		mistake{order + `enum By { ID } extend type Contact { type: Asked! } enum Asked { INPUT_EMAIL }`, nil}, // it can only be answered
	)
	for where := range reviewedValues {
		if !slices.ContainsFunc(inputValues(schema()), func(v enumValue) bool { return v.where == where }) {
			t.Errorf("%s is reviewed and is not there", where)
		}
	}
}

type enumValue struct {
	where string
	*ast.EnumValueDefinition
}

// inputValues are the values of enums that can be given.
func inputValues(s *ast.Schema) []enumValue {
	var list []enumValue
	seen := make(map[string]bool)
	for _, in := range inputs(s) {
		def := s.Types[in.typ.Name()]
		if seen[def.Name] {
			continue
		}
		seen[def.Name] = true
		for _, v := range def.EnumValues {
			list = append(list, enumValue{def.Name + "." + v.Name, v})
		}
	}
	return list
}

func freeOrders(s *ast.Schema) (findings []string) {
	var names []string
	outputs(s, func(_ *ast.Definition, f *ast.FieldDefinition) {
		if personal(s, f) {
			names = append(names, small(f.Name))
		}
	})
	for _, v := range inputValues(s) {
		name := strings.ToLower(v.Name)
		named := slices.ContainsFunc(names, func(n string) bool { return n == name || strings.HasPrefix(n, name+"_") })
		policy := v.Directives.ForName("piiArg")
		switch {
		case policy != nil && argument(policy, "policy") != string(chat.Privileged):
			findings = append(findings, v.where+": is open to viewers from whom the value is hidden; an order shows its neighbours")
		case policy == nil && (named || addressLike.MatchString(name)) && reviewedValues[v.where] == "":
			findings = append(findings, v.where+": names a personal value and lacks @piiArg(policy: PRIVILEGED)")
		}
	}
	return findings
}
