package graph_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
)

// places is where each directive that guards something can stand. With SCALAR alone, or without it, the generator makes
// no call for fields of a personal scalar, and says nothing.
var places = map[string][]ast.DirectiveLocation{
	"pii":         {ast.LocationFieldDefinition, ast.LocationScalar},
	"piiText":     {ast.LocationFieldDefinition},
	"hasRole":     {ast.LocationFieldDefinition},
	"scope":       {ast.LocationFieldDefinition},
	"serviceOnly": {ast.LocationFieldDefinition},
	"piiArg":      {ast.LocationArgumentDefinition, ast.LocationInputFieldDefinition, ast.LocationEnumValue},
}

func TestS7DirectivesHaveTheirShape(t *testing.T) {
	t.Parallel()
	hold(t, misshapen)
	for _, m := range []struct {
		where string
		edits []string // of the words: each old text and what is there instead
	}{
		{"@pii", []string{"FIELD_DEFINITION | SCALAR", "SCALAR"}},
		{"@pii", []string{"FIELD_DEFINITION | SCALAR", "FIELD_DEFINITION", " @pii(kind: EMAIL)", "", " @pii(kind: PHONE)", "", " @pii(kind: CHANNEL_ADDRESS)", ""}},
		{"@pii", []string{"FIELD_DEFINITION | SCALAR", "FIELD_DEFINITION | SCALAR | INTERFACE"}},
		{"@pii", []string{"on FIELD_DEFINITION | SCALAR", "repeatable on FIELD_DEFINITION | SCALAR"}},
		{"@pii", []string{"@pii(kind: PiiKind!)", "@pii(kind: PiiKind)"}},
		{"@pii", []string{"@pii(kind: PiiKind!)", "@pii(kind: PiiKind! = NAME)"}},
		{"@piiText", []string{"@piiText on FIELD_DEFINITION", "@piiText on FIELD_DEFINITION | OBJECT"}},
		{"@hasRole", []string{"role: ViewerKind!", "role: ViewerKind"}},
		{"@scope", []string{"directive @scope(", "directive @scoped("}},
		{"@serviceOnly", []string{"@serviceOnly(scope: String!)", "@serviceOnly(scope: String)"}},
		{"@piiArg", []string{"INPUT_FIELD_DEFINITION | ", ""}},
	} {
		if got := misshapen(alone(t, strings.NewReplacer(m.edits...).Replace(words))); len(got) != 1 || !strings.HasPrefix(got[0], m.where+": ") {
			t.Errorf("%v: found %q, want one thing in %s", m.edits, got, m.where)
		}
	}
}

func misshapen(s *ast.Schema) (findings []string) {
	for _, name := range slices.Sorted(maps.Keys(places)) {
		d := s.Directives[name]
		if d == nil {
			findings = append(findings, fmt.Sprintf("@%s: is not declared", name))
			continue
		}
		if !slices.Equal(slices.Sorted(slices.Values(d.Locations)), slices.Sorted(slices.Values(places[name]))) {
			findings = append(findings, fmt.Sprintf("@%s: is declared on %v, not on %v", name, d.Locations, places[name]))
		}
		if d.IsRepeatable {
			findings = append(findings, fmt.Sprintf("@%s: can be repeated; which one would count?", name))
		}
		for _, a := range d.Arguments {
			if !a.Type.NonNull || a.DefaultValue != nil {
				findings = append(findings, fmt.Sprintf("@%s: may lack its %s", name, a.Name))
			}
		}
	}
	return findings
}

func TestS9SubscriptionsCarryIDs(t *testing.T) {
	t.Parallel()
	const changed = `type Subscription { contactChanged: Changed! } `
	hold(t, tellingEvents,
		mistake{changed + `type Changed { contact: Contact! id: ID! at: DateTime! name: String! }`, []string{"Changed.name"}},
		mistake{changed + `type Changed { email: EmailAddress }`, []string{"Changed.email"}},
		mistake{changed + `type Changed { inner: [Inner!] } type Inner { text: String @piiText }`, []string{"Inner.text"}},
		mistake{`type Subscription { changed: Any! } union Any = Contact | Gone type Gone { name: String }`, []string{"Gone.name"}},
		mistake{`type Subscription { emailChanged: EmailAddress }`, []string{"Subscription.emailChanged"}},
		mistake{`type Subscription { typed: String! }`, []string{"Subscription.typed"}},
		mistake{`type Subscription { changed(of: EmailAddress!): ID! }`, []string{"Subscription.changed(of)"}},
		mistake{`type Subscription { changed(email: String @piiArg(policy: EXACT_LOOKUP, kind: EMAIL)): ID! }`, []string{"Subscription.changed(email)"}},
		mistake{`type Subscription { changed(filter: F): ID! } input F { inner: G } input G { phone: String }`, []string{"Subscription.changed(filter)"}},
		mistake{changed + `type Changed { id: ID! contact: Contact kind: PiiKind! count: Int! } extend type Contact { name: String email: EmailAddress }`, nil},
		mistake{`type Subscription { contactChanged(id: ID!): Contact! }`, nil},
	)
}

// tellingEvents finds what an event holds beside ids and types that queries give as well, whose fields are resolved for
// each subscriber when the event arrives; and arguments that tell by silence whether a value exists.
func tellingEvents(s *ast.Schema) (findings []string) {
	if s.Subscription == nil {
		return nil
	}
	asked, told := make(map[string]bool), make(map[string]bool)
	within(s, s.Query.Name, asked)
	within(s, s.Subscription.Name, told)
	outputs(s, func(def *ast.Definition, f *ast.FieldDefinition) {
		typ, name := s.Types[f.Type.Name()], def.Name+"."+f.Name
		plain := typ.Kind != ast.Scalar || slices.Contains([]string{"ID", "Int", "Boolean", "DateTime"}, typ.Name)
		if told[def.Name] && !asked[def.Name] && (!plain || personal(s, f)) {
			findings = append(findings, name+": an event carries ids, times and types that queries give as well; this is a value")
		}
		for _, a := range f.Arguments {
			if def == s.Subscription && takesAddress(s, a.Name, a.Type.Name(), make(map[string]bool)) {
				findings = append(findings, fmt.Sprintf("%s(%s): an event comes or stays out, which tells whether a value exists", name, a.Name))
			}
		}
	})
	return findings
}

// takesAddress says that an argument, or anything in it, is a personal value.
func takesAddress(s *ast.Schema, name, typ string, seen map[string]bool) bool {
	if addressLike.MatchString(small(name)) || s.Types[typ].Directives.ForName("pii") != nil {
		return true
	}
	if seen[typ] {
		return false
	}
	seen[typ] = true
	return slices.ContainsFunc(s.Types[typ].Fields, func(f *ast.FieldDefinition) bool { return takesAddress(s, f.Name, f.Type.Name(), seen) })
}

func TestS10MutationsSayWhoMay(t *testing.T) {
	t.Parallel()
	const parts = `input MuteInput { id: ID! } type MutePayload { contact: Contact } `
	hold(t, openMutations,
		mistake{parts + `type Mutation { mute(input: MuteInput!): MutePayload! }`, []string{"Mutation.mute"}},
		mistake{parts + `type Mutation { mute(input: MuteInput!): MutePayload! @piiText }`, []string{"Mutation.mute"}},
		mistake{parts + `type Mutation { mute(id: ID!): MutePayload! @hasRole(role: AGENT) }`, []string{"Mutation.mute"}},
		mistake{parts + `type Mutation { mute(input: MuteInput): MutePayload! @hasRole(role: AGENT) }`, []string{"Mutation.mute"}},
		mistake{parts + `type Mutation { mute(input: MuteInput!): Contact @hasRole(role: AGENT) }`, []string{"Mutation.mute"}},
		mistake{parts + `type Mutation { mute(input: MuteInput!): MutePayload! @hasRole(role: AGENT) }`, nil},
		mistake{parts + `type Mutation { mute(input: MuteInput!): MutePayload! @scope(any: "contact:write") }`, nil},
		mistake{parts + `type Mutation { mute(input: MuteInput!): MutePayload! @serviceOnly(scope: "contact:write") }`, nil},
	)
}

func openMutations(s *ast.Schema) (findings []string) {
	if s.Mutation == nil {
		return nil
	}
	for _, f := range s.Mutation.Fields {
		if strings.HasPrefix(f.Name, "__") {
			continue
		}
		if f.Directives.ForName("hasRole") == nil && f.Directives.ForName("scope") == nil && f.Directives.ForName("serviceOnly") == nil {
			findings = append(findings, "Mutation."+f.Name+": is open to everybody; it takes @hasRole, @scope or @serviceOnly")
		}
		input, title := f.Arguments.ForName("input"), strings.ToUpper(f.Name[:1])+f.Name[1:]
		if input == nil || len(f.Arguments) > 1 || input.Type.String() != title+"Input!" || f.Type.String() != title+"Payload!" {
			findings = append(findings, fmt.Sprintf("Mutation.%s: is not %s(input: %sInput!): %sPayload!", f.Name, f.Name, title, title))
		}
	}
	return findings
}
