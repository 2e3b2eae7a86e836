package resolvers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// change is how one mutation of the schema is asked for, and what it leaves on record.
type change struct {
	before        string // what is asked for first, to have something to change
	viewer, input string // the input without braces
	shown         string // what is asked of the payload
	account       int64
	action        chat.Action
}

// changes are the mutations of the schema. One that is not here fails the test: whoever adds a mutation says what it
// leaves on record.
var changes = map[string]change{
	"setPiiMasking":                {"", "root", `agentId: "4", masked: true, reason: "r", expectedVersion: 1`, "agent { id }", 0, chat.MaskingSet},
	"setFeatureFlag":               {"", "root", `accountId: "1", name: "contact_pii_masking", enabled: false, reason: "r"`, "feature { name }", 1, chat.FlagSet},
	"createContact":                {"", "exempt", `accountId: "1", name: "Zita", email: "zita@example.net"`, "contact { id }", 1, chat.ContactCreated},
	"updateContact":                {"", "exempt", `accountId: "1", contactId: "60", email: "new@example.net"`, "contact { id }", 1, chat.ContactUpdated},
	"mergeContacts":                {"", "exempt", `accountId: "1", baseContactId: "81", mergeeContactId: "1"`, "contact { id }", 1, chat.ContactsMerged},
	"eraseContact":                 {"", "admin", `accountId: "1", contactId: "1", reason: "r"`, "erasure { contactId }", 1, chat.ContactErased},
	"updateContactAttributes":      {"", "exempt", `accountId: "1", contactId: "1", attributes: [{key: "plan", value: "silver"}]`, "contact { id }", 1, chat.ContactUpdated},
	"updateConversationAttributes": {"", "exempt", `accountId: "1", displayId: "1", attributes: [{key: "gift", value: "true"}]`, "conversation { id }", 1, chat.ConversationUpdated},
	"setAttributePolicy":           {"", "root", `accountId: "1", model: CONTACT, key: "plan", personal: false, searchable: false, expectedVersion: 0, reason: "r"`, "definition { key }", 1, chat.AttributePolicySet},
	"setSearchMode":                {"", "root", `accountId: "1", mode: SCAN, reason: "r"`, "account { id }", 1, chat.SearchModeSet},
	"storeToken":                   {"", "everything", aCredential, "token { id }", 1, chat.VaultTokenStored},
	"refreshToken":                 {"", "everything", `accountId: "1", provider: "acme", subject: "hook/1"`, "token { id }", 1, chat.VaultTokenRefreshed},
	"revokeToken":                  {"storeToken", "everything", `accountId: "1", provider: "shopify", subject: "hook/1", reason: "r"`, "token { id }", 1, chat.VaultTokenRevoked},
	"setContactOrdering":           {"", "root", `accountId: "1", field: COMPANY, labels: true, reason: "r"`, "account { id }", 1, chat.ContactOrderingSet},
}

const aCredential = `accountId: "1", provider: "shopify", subject: "hook/1", kind: STATIC, accessToken: $secret`

// made asks for a change; a secret is taken as a variable alone.
func (c change) made(t *testing.T, e *edge, name string) reply {
	t.Helper()
	query := fmt.Sprintf("{ %s(input: {%s}) { %s } }", name, c.input, c.shown)
	if strings.Contains(c.input, "$secret") {
		return e.ask(t, c.viewer, "mutation($secret: Secret!) "+query, map[string]any{"secret": "shpat_on_record"})
	}
	return e.ask(t, c.viewer, "mutation "+query, nil)
}

// TestEveryMutationIsOnRecord makes each change: one that cannot be put on record changes nothing, in no table; one that
// can leaves an entry by whoever made it.
func TestEveryMutationIsOnRecord(t *testing.T) {
	t.Parallel()
	for _, f := range graph.NewExecutableSchema(graph.Config{}).Schema().Mutation.Fields {
		c, known := changes[f.Name]
		if !known {
			t.Errorf("nothing says what %s leaves on record", f.Name)
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			e := newEdge(t)
			if f.Name == "refreshToken" {
				plantGrant(t, e)
			}
			if first, needed := changes[c.before]; needed {
				first.made(t, e, c.before).data(t, new(any))
			}
			storetest.Exec(t, e.store, `ALTER TABLE cloakroom.audit_entries ADD CONSTRAINT full_disk CHECK (false) NOT VALID`)
			before := everyTable(t, e)
			if code, _ := fault(t, c.made(t, e, f.Name)); code != string(chat.Internal) {
				t.Errorf("without its entry: code %q", code)
			}
			if diff := cmp.Diff(before, everyTable(t, e)); diff != "" {
				t.Errorf("what is not on record was done:\n%s", diff)
			}
			storetest.Exec(t, e.store, `ALTER TABLE cloakroom.audit_entries DROP CONSTRAINT full_disk`)
			c.made(t, e, f.Name).data(t, new(any))
			if diff := cmp.Diff(before, everyTable(t, e)); diff == "" {
				t.Error("nothing was done")
			}
			entries := recorded(t, e, chat.FormatID(c.account), c.action)
			if len(entries) == 0 || !madeBy(entries[0], c.viewer) || entries[0].EntityID == "" {
				t.Errorf("on record: %+v", entries)
			}
		})
	}
}

// madeBy says that an entry names a viewer.
func madeBy(entry chat.AuditEntry, viewer string) bool {
	if id, user := users[viewer]; user {
		return entry.Actor.ID == chat.FormatID(id)
	}
	token, _ := tokens.Load(viewer)
	text, _ := token.(string)
	return entry.Actor.Kind == string(chat.KindService) && strings.Contains(text, "_svc_"+entry.Actor.ID+"_")
}

// everyTable gives a sum of each table's rows, but of service tokens: those say when they were last used.
func everyTable(t testing.TB, e *edge) map[string]string {
	t.Helper()
	names := storetest.Value[string](t, e.store, `SELECT string_agg(format('%I.%I', schemaname, tablename), ' ') FROM pg_tables
		WHERE schemaname IN ('public', 'cloakroom') AND tablename <> 'service_tokens'`)
	sums := make(map[string]string)
	for name := range strings.FieldsSeq(names) {
		sums[name] = storetest.Value[string](t, e.store, `SELECT coalesce(md5(string_agg(r::text, '|' ORDER BY r::text)), '') FROM `+name+` r`)
	}
	return sums
}
