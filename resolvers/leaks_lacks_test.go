package resolvers_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cloakroom/cloakroom/graph"
)

// lacks are the rows of docs/leaks.md that are closed because there is no such thing, by the words that its name would
// have. A word stands by itself in a name's words in small letters.
var lacks = []struct{ rows, words string }{
	{"L07 P07 P23", "avatar avatars thumbnail thumbnails gravatar picture pictures hash"},
	{"L13 P68", "total totals count counts sum facet facets aggregate aggregates statistics stats group groups"},
	{"L19 P08", "domain domains companies"},
	{"L17 L10 P60", "autocomplete suggest suggestions mention mentions picker recent"},
	{"L22 P29 P45", "notification notifications push"},
	{"L23 P50 P51 P53 P65 P90", "export exports import imports csv download downloads print report reports"},
	{"L24 P54 P81", "webhook webhooks integration integrations hook hooks"},
	{"L25 P91", "url urls uri link links href blob blobs mailto vcard"},
	{"L26 P80 P81", "canned macro macros liquid render rendered placeholder placeholders"},
	{"L35", "event events"},
	{"L41 P12", "impersonate impersonation token tokens pubsub credential credentials"},
	{"P17 P18 P19", "processed translation translations html params quoted"},
	{"P20", "changes"},
	{"P21 P25 P46", "transcript transcribed recording call calls caller"},
	{"P22 P24", "referer referrer uuid"},
	{"P26 P88", "shopify"},
	{"P30 P47 P89", "copilot captain assistant ai"},
	{"P31", "draft drafts segment segments"},
	{"P51", "csat survey surveys feedback"},
	{"P52 P82", "transcripts"},
}

// knownNames have such a word in their name and are something else, each with the reason.
var knownNames = map[string]string{
	"Conversation.unreadCount": "messages of the conversation it stands in, at most ten",

	"Query.auditReport": "ids, states and reasons of the audit trail, for administrators: entries hold no customer's value",

	// The token vault: credentials of the account's own with third parties, for services alone; nothing of a contact's.
	"VaultToken": "what is known of a credential", "VaultTokenKind": "a sort of credential", "VaultTokenState": "where a credential stands",
	"StoredToken": "a credential, for services", "StoredToken.token": "what is known of it", "StoredToken.accessToken": "for services",
	"StoredToken.tokenType": "such as Bearer", "Account.token": "for services", "Account.vaultTokens": "what is known of credentials",
	"Mutation.storeToken": "for services", "Mutation.revokeToken": "for services",
	"StoreTokenInput": "what services store", "StoreTokenInput.accessToken": "what services store", "StoreTokenInput.refreshToken": "what services store",
	"StoreTokenInput.tokenType": "such as Bearer", "StoreTokenPayload": "what is known of it", "StoreTokenPayload.token": "what is known of it",
	"Mutation.refreshToken": "for services", "RefreshTokenInput": "which to refresh", "RefreshTokenPayload": "what is known of it",
	"RefreshTokenPayload.token": "what is known of it",
	"RevokeTokenInput":          "which to delete", "RevokeTokenPayload": "what is known of it", "RevokeTokenPayload.token": "what is known of it",
	"RevokeTokenPayload.atProvider": "what became of it there", "AtProvider": "what became of a credential at its provider",
}

// mutationsThereAre are those of this release: none writes a message or anything a contact is sent.
var mutationsThereAre = []string{"createContact", "eraseContact", "mergeContacts", "refreshToken", "revokeToken", "setAttributePolicy", "setContactOrdering", "setFeatureFlag", "setPiiMasking",
	"setSearchMode", "storeToken", "updateContact", "updateContactAttributes", "updateConversationAttributes"}

// whatIsThere finds what docs/leaks.md says there is not: types, fields, arguments and inputs by their names,
// mutations beside those that are known, and subscriptions.
func whatIsThere(s *ast.Schema) (findings []string) {
	look := func(where, name string) {
		words := wordsOf(name)
		for _, l := range lacks {
			for _, word := range strings.Fields(l.words) {
				if slices.Contains(words, word) && knownNames[where] == "" {
					findings = append(findings, l.rows+": "+where)
				}
			}
		}
	}
	for _, def := range s.Types {
		if def.BuiltIn {
			continue
		}
		look(def.Name, def.Name)
		for _, f := range def.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			look(def.Name+"."+f.Name, f.Name)
			for _, a := range f.Arguments {
				look(fmt.Sprintf("%s.%s(%s)", def.Name, f.Name, a.Name), a.Name)
			}
			if def == s.Mutation && !slices.Contains(mutationsThereAre, f.Name) {
				findings = append(findings, "L16 P64 P67 P80 P83 P87: Mutation."+f.Name)
			}
		}
	}
	if s.Subscription != nil {
		findings = append(findings, "L20 P40: "+s.Subscription.Name)
	}
	slices.Sort(findings)
	return findings
}

var hump = regexp.MustCompile(`([a-z0-9])([A-Z])`)

func wordsOf(name string) []string {
	return strings.Split(strings.ToLower(hump.ReplaceAllString(name, "${1}_$2")), "_")
}

// TestWhatThisReleaseLacks holds the rows of docs/leaks.md that say "not in this release". Whoever brings such a thing
// closes its rows and names their tests there, and only then takes its words away here.
func TestWhatThisReleaseLacks(t *testing.T) {
	t.Parallel()
	for _, finding := range whatIsThere(graph.NewExecutableSchema(graph.Config{}).Schema()) {
		t.Errorf("docs/leaks.md says of these rows that there is no such thing: %s", finding)
	}
	for sdl, want := range map[string][]string{
		`type Query { id: ID }`: {},
		`type Query { contact: Contact } type Contact { avatarUrl: String }`:                    {"L07 P07 P23: Contact.avatarUrl", "L25 P91: Contact.avatarUrl"},
		`type Query { contacts: ContactPage } type ContactPage { totalCount: Int account: ID }`: {"L13 P68: ContactPage.totalCount", "L13 P68: ContactPage.totalCount"},
		`type Query { id(suggest: String): ID }`:                                                {"L17 L10 P60: Query.id(suggest)"},
		`type Query { id(in: Export): ID } input Export { csv: Boolean }`:                       {"L23 P50 P51 P53 P65 P90: Export", "L23 P50 P51 P53 P65 P90: Export.csv"},
		`type Query { id: ID } type Mutation { sendMessage: ID setPiiMasking: ID }`:             {"L16 P64 P67 P80 P83 P87: Mutation.sendMessage"},
		`type Query { id: ID } type Subscription { contactChanged: ID }`:                        {"L20 P40: Subscription"},
	} {
		s, err := gqlparser.LoadSchema(&ast.Source{Input: sdl})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, append([]string{}, whatIsThere(s)...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", sdl, diff)
		}
	}
	for where := range knownNames {
		typ, field, of := strings.Cut(where, ".")
		if def := graph.NewExecutableSchema(graph.Config{}).Schema().Types[typ]; def == nil || of && def.Fields.ForName(field) == nil {
			t.Errorf("%s is known and is not there", where)
		}
	}
}
