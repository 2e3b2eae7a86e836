package resolvers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/resolvers"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// setPolicy has the super admin decide about an attribute of Acme.
func setPolicy(t testing.TB, e *edge, model, key string, personal bool, version int) {
	t.Helper()
	e.ask(t, "root", fmt.Sprintf(`mutation { setAttributePolicy(input: {accountId: "1", model: %s, key: %q, personal: %t, searchable: false, expectedVersion: %d, reason: "as agreed"}) { definition { key } } }`,
		model, key, personal, version), nil).data(t, new(any))
}

// attributesAsked asks for every attribute that a contact and its conversation have.
const attributesAsked = `{ account(id: "1") {
  contact(id: "1") { customAttributes { ...shown } additionalAttributes { socialProfiles { ...shown } others { ...shown } } }
  conversation(displayId: "1") { customAttributes { ...shown } }
} }
fragment shown on Attribute { key value valueState }`

type attributeShown struct {
	Key        string
	Value      json.RawMessage
	ValueState string
}

// attributesOf gives what a viewer is shown, by place and key: a value, or why there is none.
func attributesOf(t testing.TB, e *edge, viewer string) map[string]string {
	t.Helper()
	var answer struct {
		Account struct {
			Contact struct {
				CustomAttributes     []attributeShown
				AdditionalAttributes struct{ SocialProfiles, Others []attributeShown }
			}
			Conversation struct{ CustomAttributes []attributeShown }
		}
	}
	e.ask(t, viewer, attributesAsked, nil).data(t, &answer)
	shown := make(map[string]string)
	c := answer.Account.Contact
	for place, list := range map[string][]attributeShown{"contact": c.CustomAttributes, "social": c.AdditionalAttributes.SocialProfiles,
		"profile": c.AdditionalAttributes.Others, "conversation": answer.Account.Conversation.CustomAttributes} {
		for _, a := range list {
			if (string(a.Value) != "null") != (a.ValueState == "VISIBLE") {
				t.Errorf("%s: %s has state %s and a value: %t", viewer, a.Key, a.ValueState, string(a.Value) != "null")
			}
			shown[place+" "+a.Key] = a.ValueState
			if a.ValueState == "VISIBLE" {
				shown[place+" "+a.Key] = string(a.Value)
			}
		}
	}
	return shown
}

// newAttributes gives a demo in which some attributes of contact and conversation 1 are not personal, and one of them
// holds a phone number all the same.
func newAttributes(t *testing.T) *edge {
	t.Helper()
	e := newEdge(t)
	e.ask(t, "admin", `mutation {
  a: updateContactAttributes(input: {accountId: "1", contactId: "1", remove: ["billing", "score"], attributes: [{key: "plan", value: "gold"}, {key: "orders", value: "7"},
    {key: "second_phone", value: "+1 555 301 0001"}, {key: "tax_id"}, {key: "facebook", value: "mine"}, {key: "ann@example.com", value: "x"}]}) { contact { id } }
  b: updateConversationAttributes(input: {accountId: "1", displayId: "1", attributes: [{key: "order_value", value: "5550100"}, {key: "plan", value: "gold"}, {key: "gift", value: "true"}]}) { conversation { id } }
}`, nil).data(t, new(any))
	for _, p := range [][2]string{{"CONTACT", "plan"}, {"CONTACT", "second_phone"}, {"CONTACT", "tax_id"}, {"CONVERSATION", "order_value"}, {"CONVERSATION", "gift"}} {
		setPolicy(t, e, p[0], p[1], false, 0)
	}
	return e
}

// TestAttributesByViewer: who sees attributes sees all. Everybody else sees those that are not personal and hold nothing
// that looks like an address, of custom attributes of that very model, and both ways of answering agree.
func TestAttributesByViewer(t *testing.T) {
	t.Parallel()
	e := newAttributes(t)
	slow := e.with(t, resolvers.Settings{Open: true, FieldByField: true})
	hidden := map[string]string{"contact plan": `"gold"`, "contact orders": "HIDDEN", "contact newsletter": "HIDDEN", "contact second_phone": "HIDDEN", "contact tax_id": "ABSENT",
		"contact private_email": "HIDDEN", "contact facebook": "HIDDEN", "conversation order_value": "HIDDEN", "conversation plan": "HIDDEN", "conversation gift": "true"}
	all := map[string]string{"contact plan": `"gold"`, "contact orders": "7", "contact second_phone": `"+1 555 301 0001"`, "contact tax_id": "ABSENT", "contact ann@example.com": `"x"`,
		"conversation order_value": "5550100", "conversation plan": `"gold"`, "conversation gift": "true"}
	asked := func(state string, sees map[string]bool) {
		t.Helper()
		for viewer, everything := range sees {
			shown := attributesOf(t, e, viewer)
			if diff := cmp.Diff(shown, attributesOf(t, slow, viewer)); diff != "" {
				t.Errorf("%s, %s (-plan +executor):\n%s", state, viewer, diff)
			}
			want := hidden
			if everything {
				want = all
			}
			for key, value := range want {
				if shown[key] != value {
					t.Errorf("%s, %s: %s is %s, want %s", state, viewer, key, shown[key], value)
				}
			}
			for key, value := range shown {
				ofProfile := strings.HasPrefix(key, "social ") || strings.HasPrefix(key, "profile ")
				if !everything && (ofProfile && value != "HIDDEN" && value != "ABSENT" || strings.Contains(key, "@")) {
					t.Errorf("%s, %s: %s is %s", state, viewer, key, value)
				}
			}
		}
	}
	asked("the flag is on", map[string]bool{"masked": false, "reader-service": false, "exempt": true, "admin": true, "everything": true})
	setFlag(t, e, schema.Acme, false)
	asked("the flag is off", map[string]bool{"masked": true, "reader-service": false, "exempt": true})
}

// TestAttributePolicyIsInForce: an answer after the decision obeys it, on every replica.
func TestAttributePolicyIsInForce(t *testing.T) {
	t.Parallel()
	for name, told := range manners {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, there, inForce := replicas(t, told)
			sees := func(e *edge) bool { return attributesOf(t, e, "masked")["contact plan"] == `"gold"` }
			for version, personal := range []bool{false, true, false} {
				if sees(here) == !personal || sees(there) == !personal {
					t.Fatalf("decision %d: what is shown is wrong before", version)
				}
				setPolicy(t, here, "CONTACT", "plan", personal, version)
				if sees(here) == personal {
					t.Errorf("decision %d: the next answer goes by the last", version)
				}
				inForce(fmt.Sprintf("decision %d", version), func() bool { return sees(there) != personal })
			}
		})
	}
}

// TestAttributesAreReadWhereAsked takes the columns of attributes away: whoever asks for none of them does not notice.
func TestAttributesAreReadWhereAsked(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	const without = `{ account(id: "1") {
  contacts(first: 20) { nodes { id name email phoneNumber } }
  conversations(first: 20) { nodes { id contact { name email } lastMessage { content } } }
  contact(id: "1") { email } conversation(displayId: "1") { contact { name } messages(last: 5) { nodes { content sender { ... on Contact { name } } } } }
} }`
	storetest.Exec(t, e.store, `ALTER TABLE cloakroom.contacts RENAME COLUMN custom_attributes_sealed TO gone;
 ALTER TABLE cloakroom.contacts RENAME COLUMN profile_sealed TO gone_too; ALTER TABLE cloakroom.conversations RENAME COLUMN custom_attributes_sealed TO gone;
 ALTER TABLE cloakroom.conversations RENAME COLUMN additional_attributes_sealed TO gone_too`)
	for _, way := range []*edge{e, e.with(t, resolvers.Settings{Open: true, FieldByField: true})} {
		way.ask(t, "exempt", without, nil).data(t, new(any))
		for _, with := range []string{`contacts(first: 3) { nodes { customAttributes { key } } }`, `conversation(displayId: "1") { customAttributes { key } }`} {
			if answer := way.ask(t, "exempt", `{ account(id: "1") { `+with+` } }`, nil); !strings.Contains(string(answer.body), `"errors"`) {
				t.Errorf("%s is answered without the columns", with)
			}
		}
	}
}
