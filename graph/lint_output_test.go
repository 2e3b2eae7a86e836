package graph_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/masking"
)

func TestS1PersonalFieldsCanBeNull(t *testing.T) {
	t.Parallel()
	hold(t, neverNull,
		mistake{`extend type Contact { email: EmailAddress! }`, []string{"Contact.email"}},
		mistake{`extend type Contact { email: String! @pii(kind: EMAIL) }`, []string{"Contact.email"}},
		mistake{`extend type Contact { city: String! @piiText }`, []string{"Contact.city"}},
		mistake{`extend type Contact { to: [EmailAddress]! }`, []string{"Contact.to"}},
		mistake{`extend type Contact { email: EmailAddress to: [EmailAddress!] }`, nil}, // the gate nulls the whole list
	)
	n := 0
	outputs(schema(), func(_ *ast.Definition, f *ast.FieldDefinition) {
		if personal(schema(), f) {
			n++
		}
	})
	if n < 20 {
		t.Errorf("%d personal fields: the rules look in the wrong place", n)
	}
}

func neverNull(s *ast.Schema) (findings []string) {
	outputs(s, func(def *ast.Definition, f *ast.FieldDefinition) {
		if personal(s, f) && f.Type.NonNull {
			findings = append(findings, fmt.Sprintf("%s.%s: is never null, so hiding it takes its parent away", def.Name, f.Name))
		}
	})
	return findings
}

func TestS2InterfacesProtectNothing(t *testing.T) {
	t.Parallel()
	const reachable = `extend interface Reachable { email: String @pii(kind: EMAIL) } interface Reachable { id: ID! } `
	hold(t, onlyOnInterfaces,
		mistake{reachable + `type Lead implements Reachable { id: ID! email: String }`, []string{"Lead.email"}},
		mistake{reachable + `type Lead implements Reachable { id: ID! email: String @pii(kind: NAME) }`, []string{"Lead.email"}},
		mistake{reachable + `type Lead implements Reachable { id: ID! email: String @pii(kind: EMAIL) }`, nil},
		mistake{`interface Reachable { email: EmailAddress } type Lead implements Reachable { email: EmailAddress }`, nil},
		mistake{`interface Told { text: String @piiText } type Note implements Told { text: String }`, []string{"Note.text"}},
		mistake{`interface Told { text: String @scope(any: "a") } type Note implements Told { text: String @scope(any: "a b") }`, []string{"Note.text"}},
	)
}

// onlyOnInterfaces finds fields whose interface has a gate that they have not: the generator calls directives of
// interface fields for nobody.
func onlyOnInterfaces(s *ast.Schema) (findings []string) {
	for _, def := range ours(s) {
		if def.Kind != ast.Interface {
			continue
		}
		for _, f := range def.Fields {
			for _, implementer := range s.PossibleTypes[def.Name] {
				if implementer.Kind != ast.Object {
					continue
				}
				has := gates(s, implementer.Fields.ForName(f.Name))
				for _, gate := range gates(s, f) {
					if !slices.Contains(has, gate) {
						findings = append(findings, fmt.Sprintf("%s.%s: %s stands on interface %s alone, where it protects nothing", implementer.Name, f.Name, gate, def.Name))
					}
				}
			}
		}
	}
	return findings
}

// gates are what guards an output field, by itself and by its scalar, as it is written in a schema.
func gates(s *ast.Schema, f *ast.FieldDefinition) []string {
	var list []string
	for _, kind := range kinds(s, f) {
		list = append(list, "@pii(kind: "+kind+")")
	}
	if f.Directives.ForName("piiText") != nil {
		list = append(list, "@piiText")
	}
	if d := f.Directives.ForName("hasRole"); d != nil {
		list = append(list, "@hasRole(role: "+argument(d, "role")+")")
	}
	if d := f.Directives.ForName("scope"); d != nil {
		list = append(list, fmt.Sprintf("@scope(any: %q)", argument(d, "any")))
	}
	if d := f.Directives.ForName("serviceOnly"); d != nil {
		list = append(list, fmt.Sprintf("@serviceOnly(scope: %q)", argument(d, "scope")))
	}
	return list
}

// addressLike are words in names of what holds addresses in one system or another, names being in_small_letters.
var addressLike = regexp.MustCompile(`e?mail|phone|mobile|msisdn|whats_?app|source_?id|identifier|address|reply_?to|sender|recipient|(^|_)b?cc(_|$)`)

// small gives a name's words in small letters, with _ between them.
func small(name string) string {
	return strings.ToLower(regexp.MustCompile(`([a-z0-9])([A-Z])`).ReplaceAllString(name, "${1}_$2"))
}

// reviewed are output fields with such a name that hold no contact's address, each with the reason.
var reviewed = map[string]string{
	"User.email": "a colleague's address, which colleagues may see (P32 of the list of leaks)",
}

func TestS3FieldsNamedLikeAddressesHaveAPersonalScalar(t *testing.T) {
	t.Parallel()
	var broken []mistake
	for _, name := range []string{"email", "replyToMail", "workPhone", "mobile", "msisdn", "whatsapp", "whatsAppNumber", "sourceId", "source_id",
		"identifier", "ipAddress", "cc", "bccList", "mailCc", "replyTo", "sender", "senderName", "recipients"} {
		broken = append(broken, mistake{"extend type Contact { " + name + ": String }", []string{"Contact." + name}})
	}
	hold(t, plainAddresses, append(broken,
		mistake{`extend type Contact { emails: [String!]! }`, []string{"Contact.emails"}},
		mistake{`extend type Contact { phone: Int }`, []string{"Contact.phone"}},
		mistake{`extend type Contact { sender: ID }`, []string{"Contact.sender"}},
		mistake{`scalar JSON extend type Contact { email: JSON }`, []string{"Contact.email"}},
		mistake{`extend type Contact { address: String @piiText }`, []string{"Contact.address"}}, // hidden only where it looks like one
		mistake{`extend type Contact { email: EmailAddress phone: String @pii(kind: PHONE) }`, nil},
		mistake{`extend type Contact { account: String success: String message: String emailIsKnown: Boolean }`, nil},
	)...)
	for name := range reviewed {
		typ, field, _ := strings.Cut(name, ".")
		if def := schema().Types[typ]; def == nil || def.Fields.ForName(field) == nil {
			t.Errorf("%s is reviewed and is not there", name)
		}
	}
}

func plainAddresses(s *ast.Schema) (findings []string) {
	outputs(s, func(def *ast.Definition, f *ast.FieldDefinition) {
		typ, name := s.Types[f.Type.Name()], def.Name+"."+f.Name
		if addressLike.MatchString(small(f.Name)) && typ.Kind == ast.Scalar && typ.Name != "Boolean" && len(kinds(s, f)) == 0 && reviewed[name] == "" {
			findings = append(findings, fmt.Sprintf("%s: is a plain %s; give it a personal scalar, or a reason in the test", name, typ.Name))
		}
	})
	return findings
}

// plainTexts are the texts of types that hang off a contact which go through no gate, each with the reason.
var plainTexts = map[string]string{
	"Contact.alias":           "made from the id",
	"Contact.name":            "the resolver gives the alias where the name is an address",
	"Contact.labels":          "names that the account has given",
	"Conversation.labels":     "names that the account has given",
	"Attribute.key":           "the resolver leaves out keys that look like an address",
	"Attachment.extension":    "a few letters that Chatwoot takes from the file's name",
	"Attachment.contentType":  "a media type",
	"ContactEdge.cursor":      "sealed",
	"ConversationEdge.cursor": "sealed",
	"MessageEdge.cursor":      "sealed",
	"PageInfo.startCursor":    "sealed",
	"PageInfo.endCursor":      "sealed",
}

// colleagues are types that hang off a conversation and tell of the account's own people and places.
var colleagues = []string{"User", "AgentBot", "Inbox", "Team"}

func TestS3TextsAroundTheHistoryGoThroughAGate(t *testing.T) {
	t.Parallel()
	hold(t, plainTextsOfContacts,
		mistake{`extend type Contact { city: String }`, []string{"Contact.city"}},
		mistake{`extend type Contact { visits: [Visit!] } type Visit { place: [String!] }`, []string{"Visit.place"}},
		mistake{`extend type Contact { city: String @piiText email: EmailAddress agent: User } type User { name: String! }`, nil},
	)
	for name := range plainTexts {
		typ, field, _ := strings.Cut(name, ".")
		if def := schema().Types[typ]; def == nil || def.Fields.ForName(field) == nil || personal(schema(), def.Fields.ForName(field)) {
			t.Errorf("%s is reviewed and is no plain text", name)
		}
	}
}

func plainTextsOfContacts(s *ast.Schema) (findings []string) {
	of := make(map[string]bool)
	for _, name := range colleagues {
		of[name] = true // where the search stops
	}
	for _, name := range []string{"Contact", "Conversation", "Message"} {
		within(s, name, of)
	}
	outputs(s, func(def *ast.Definition, f *ast.FieldDefinition) {
		name := def.Name + "." + f.Name
		if of[def.Name] && !slices.Contains(colleagues, def.Name) && f.Type.Name() == "String" && !personal(s, f) && plainTexts[name] == "" {
			findings = append(findings, name+": is a text that goes through no gate; give it @piiText, or a reason in the test")
		}
	})
	return findings
}

// plainScalars are the scalars that hold no personal value.
var plainScalars = []string{"ID", "String", "Int", "Float", "Boolean", "DateTime"}

func TestS4NothingIsABlob(t *testing.T) {
	t.Parallel()
	hold(t, blobs,
		mistake{`scalar JSON extend type Contact { everything: JSON }`, []string{"JSON"}},
		mistake{`scalar Map`, []string{"Map"}}, mistake{`scalar Any`, []string{"Any"}}, mistake{`scalar HTML`, []string{"HTML"}},
		mistake{`scalar AttributeValue @pii(kind: ATTRIBUTE)`, nil},
	)
}

// blobs finds scalars of neither sort, wherever they are used: free JSON, HTML and the like have no place in the schema.
func blobs(s *ast.Schema) (findings []string) {
	for _, def := range ours(s) {
		if def.Kind == ast.Scalar && !slices.Contains(plainScalars, def.Name) && def.Name != "Secret" && def.Directives.ForName("pii") == nil {
			findings = append(findings, def.Name+": is a scalar that has no kind and is not known to be plain")
		}
	}
	return findings
}

func TestS12PersonalFieldsSayTheirKindAndWhoSeesThem(t *testing.T) {
	t.Parallel()
	hold(t, untold,
		mistake{`extend type Contact { "The address." email: EmailAddress }`, []string{"Contact.email"}},
		mistake{`extend type Contact { "The address (kind EMAIL)." email: EmailAddress }`, []string{"Contact.email"}},
		mistake{`extend type Contact { "The address: for services with contact:pii.email." email: EmailAddress }`, []string{"Contact.email"}},
		mistake{`extend type Contact { "An id (kind CHANNEL_ADDRESS): for channel:address." identifier: ChannelAddress @pii(kind: IDENTIFIER) }`, []string{"Contact.identifier"}},
		mistake{`extend type Contact { "The city." city: String @piiText }`, []string{"Contact.city"}},
		mistake{`extend type Contact { "The address (kind EMAIL): for services with contact:pii.email." email: EmailAddress }`, nil},
	)
}

// untold finds personal fields whose description does not say the kind that decides, and the scope that masking takes
// for it; or, of a text, that it can be hidden.
func untold(s *ast.Schema) (findings []string) {
	outputs(s, func(def *ast.Definition, f *ast.FieldDefinition) {
		name := def.Name + "." + f.Name
		if list := kinds(s, f); len(list) > 0 {
			for _, say := range append(scopesThatShow(chat.Kind(list[0])), "kind "+list[0]+")") {
				if !strings.Contains(f.Description, say) {
					findings = append(findings, fmt.Sprintf("%s: its description does not say %q", name, say))
				}
			}
		} else if personal(s, f) && !strings.Contains(f.Description, "hidden from the viewer") {
			findings = append(findings, name+": its description does not say when it is hidden from the viewer")
		}
	})
	return findings
}

// scopesThatShow asks the policy itself which scopes a service needs to see a kind: those without which it is hidden.
func scopesThatShow(kind chat.Kind) []string {
	var list []string
	for i, scope := range chat.Scopes {
		others := slices.Delete(slices.Clone(chat.Scopes), i, i+1)
		service := &chat.Viewer{Service: &chat.Service{Scopes: others, Accounts: []chat.Account{{ID: 1}}}}
		if masking.Decide(service, 1, kind) == masking.Hide {
			list = append(list, string(scope))
		}
	}
	return list
}
