package graph_test

import (
	"fmt"
	"go/ast"
	"go/types"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// reviewedCode is every function that has to do with a personal value in clear, by what it does and where, each with the
// reason. A new line here is a new place from which a value can escape: look for a way without one first.
var reviewedCode = map[string]string{
	// The words: what a value is, and the rows' own values, which stand in the schema behind a gate.
	"chat.PII.Reveal reveals":                    "it is the one way on purpose",
	"chat.PII.Reveal hands out":                  "it is the one way on purpose",
	"chat.PII.MarshalGQL reveals":                "it writes a GraphQL answer, behind @pii",
	"chat.NewValue hands out":                    "it makes a value that redacts itself of JSON that does not",
	"chat.Values.Get hands out":                  "it opens one value of a row, which redacts itself",
	"chat.Values.Text reveals":                   "texts are history, or behind @piiText",
	"chat.Values.Text hands out":                 "texts are history, or behind @piiText",
	"chat.Values.Object reveals":                 "an object is read to be made into attributes, which redact themselves",
	"chat.Values.Object hands out":               "an object is read to be made into attributes, which redact themselves",
	"chat.Contact.Email hands out":               "behind @pii",
	"chat.Contact.PhoneNumber hands out":         "behind @pii",
	"chat.Contact.Identifier hands out":          "behind @pii",
	"chat.Contact.FullName reveals":              "masking.Name asks for it, once it has decided",
	"chat.Contact.FullName hands out":            "masking.Name asks for it, once it has decided",
	"chat.Contact.CustomAttributes reveals":      "its values are behind @pii; keys go through masking.Attributes",
	"chat.Contact.Profile reveals":               "its texts are behind @piiText, the rest behind @pii",
	"chat.ContactInbox.SourceID hands out":       "behind @pii",
	"chat.Conversation.CustomAttributes reveals": "its values are behind @pii; keys go through masking.Attributes",
	"chat.Note.Content reveals":                  "behind @piiText",
	"chat.Note.Content hands out":                "behind @piiText",
	"chat.Message.Content reveals":               "history, or behind @piiText",
	"chat.Message.Content hands out":             "history, or behind @piiText",
	"chat.Message.Email reveals":                 "headers are read to be made into addresses, which redact themselves",
	"chat.Attachment.Title hands out":            "behind @pii",
	"chat.Attachment.FileName reveals":           "behind @piiText",
	"chat.Attachment.FileName hands out":         "behind @piiText",
	"chat.Attachment.Meta reveals":               "its values are behind @pii; keys go through masking.Attributes",
	"chat.ContactOrderField.Norm reveals":        "an order is compared in clear, for viewers who may see the kind: @piiArg",
	"chat.ContactOrderField.Norm hands out":      "an order is compared in clear, for viewers who may see the kind: @piiArg",

	"chat.ContactOrderField.TextIn reveals":   "an order is compared in clear, for viewers who may see the kind: @piiArg",
	"chat.ContactOrderField.TextIn hands out": "an order is compared in clear, for viewers who may see the kind: @piiArg",

	// Third parties' credentials, for services alone.
	"chat.Secret.Reveal reveals":                     "it is the one way on purpose",
	"chat.Secret.Reveal hands out":                   "it is the one way on purpose",
	"chat.Secret.MarshalGQL reveals":                 "it writes a GraphQL answer, behind @serviceOnly",
	"vault.encodeCredential reveals":                 "what is sealed next",
	"vault.checkStored reveals":                      "it is looked at for what is no text",
	"proof.NewKey hands out":                         "a signer's key, for the file that keeps it",
	"proof.ParseKey reveals":                         "a signer's key is read from the file that keeps it",
	"cmd/cloakroom.createAuditKey reveals":           "a signer's key is written to the file that keeps it, and nowhere else",
	"proof.verifierOf reveals":                       "what a signer's key is verified with",
	"provider.Providers.Refresh reveals":             "a refresh token is presented to its provider, and the client's secret with it",
	"provider.configured.revocation reveals":         "a token is revoked at its provider, and the client signs in with its secret",
	"provider/providertest.Server.rotate reveals":    "a server of tests answers with tokens of its own making",
	"provider/providertest.Server.Current hands out": "a token of a test server's own making",
	"provider/providertest.Server.Revoked hands out": "tokens of a test server's own making",
	"vault.openToken opens":                          "a credential that is given to a service, or presented to its provider",
	"vault.Vault.ask reveals":                        "what a provider gave, which is sealed next",
	"vault.storable reveals":                         "what a provider gave is looked at for its form",
	"vault.Vault.openSpooled opens":                  "a grant that could not be written, which is sealed into its row next",
	"vault.resealToken opens":                        "what is sealed again under another generation is opened once more, to see that it does",
	"cmd/cloakroom.readGrant reveals":                "what is stored next",
	"keyring.RailsKeys.Open reveals":                 "what Rails has sealed is opened, to be sealed here",
	"keyring.RailsKeys.Open hands out":               "what Rails has sealed is opened, to be sealed here",
	"vault.Vault.eachCredential opens":               "what Chatwoot's tables hold is read, to be sealed here or compared",
	"chatwoot.credentialReader.text reveals":         "a column that says what a credential is for",
	"chatwoot.credentialReader.object reveals":       "a JSON column is read, in which credentials lie beside what they are for",
	"chatwoot.credentialReader.grant reveals":        "what is known of an access token beside it: its type, scopes and expiry",
	"cmd/cloakroom.VaultRetrieveCmd.Run reveals":     "the operator asks for it with --reveal, on record",

	// What is asked for: words and operands of the viewer's own, held against values that are open, or made into tokens.
	"search.likeAny reveals":                     "an operand is held against a value",
	"search.passesText reveals":                  "operands are held against a value",
	"search.PassesAttribute reveals":             "operands are held against a value",
	"store.compareDay reveals":                   "a day is bound to a statement about a column that is plain in every account",
	"store.reveal reveals":                       "operands are bound to a statement about columns that are plain in every account, or of an account that is read plain",
	"vault.operandIsAddress reveals":             "an operand is looked at for the form of an address",
	"vault.filtering.candidates reveals":         "an operand is made into its blind index",
	"vault.filtering.attributeTags reveals":      "an operand is made into its tag",
	"vault.filtering.row opens":                  "what conditions are held against",
	"vault.contactSearch.ask reveals":            "a query is made into tokens and blind indexes",
	"vault.contactSearch.matchesPart reveals":    "what tokens have found is compared with what was asked for",
	"vault.contactSearch.matchesWhole reveals":   "what an index has found is compared with what was asked for",
	"vault.contactSearch.matchesName reveals":    "what was found is compared with what was asked for",
	"vault.contactSearch.matchesCompany reveals": "what tokens have found is compared with what was asked for",
	"vault.ContactSearchList reveals":            "a query becomes a SHA-256, which binds a cursor to it and is kept nowhere",
	"vault.ContactSearchList hands out":          "a query becomes a SHA-256, which binds a cursor to it and is kept nowhere",
	"vault.duplicates.facts reveals":             "values of one contact are made into what is asked of others",
	"vault.duplicates.candidates reveals":        "values of two contacts are compared; the answer says why they are alike, and no value",
	"vault.duplicates.askSealed reveals":         "a value is made into tokens and its blind index",
	"vault.duplicates.askPlain reveals":          "a value of an account that is read plain is bound to a statement",

	// The rule: whether a name is an address is seen by comparing it with the contact's own.
	"masking.NameIsListed reveals": "it compares with the contact's own addresses",

	// The encrypted store: where ciphertext becomes a value, and a value ciphertext.
	"vault.reader.open opens":                     "every value that is read",
	"vault.orderKeys.text opens":                  "the texts that an order compares, for viewers who may see the kind: @piiArg",
	"vault.cache.getOrder opens":                  "an order's list as Redis holds it: ids, sealed",
	"vault.openDetails opens":                     "the audit trail's details, which hold no value",
	"vault.Cursors.Open opens":                    "places in lists",
	"vault.Vault.LookupContact reveals":           "a whole value is made into its blind index",
	"vault.Vault.confirm reveals":                 "what an index has found is compared with what was asked for",
	"vault.checkChange reveals":                   "an object is checked to be one before it is sealed",
	"vault.putting.values reveals":                "what is sealed next",
	"vault.putting.values opens":                  "what is sealed again with what has changed",
	"vault.CheckContact reveals":                  "what is given is held against Chatwoot's rules before it is sealed",
	"vault.CheckContact hands out":                "what was given, which redacts itself",
	"vault.AttributesOf hands out":                "what was given, which redacts itself",
	"vault.Vault.CreateContact reveals":           "what is sealed next",
	"vault.mergeValue reveals":                    "two objects are made into one before it is sealed",
	"vault.merging.resealRow opens":               "what is sealed again under another contact's key",
	"vault.resealRow opens":                       "what is sealed again under another generation is opened once more, to see that it does",
	"vault.deriveTags opens":                      "addresses are made into blind indexes of a new generation",
	"vault.companyIn reveals":                     "a company is made into tokens, or compared with what was asked for",
	"vault.attributesIn reveals":                  "searchable attributes are made into tags",
	"vault.openedAttributes reveals":              "an object is read, and what is given is merged into it before it is sealed",
	"vault.conversing.open opens":                 "what is sealed again with what has changed",
	"vault.openIndexedRow opens":                  "what is made into tokens and tags",
	"vault.exporting.value reveals":               "a contact's own data, for the contact: the command line, on record before the first byte",
	"vault.exporting.open opens":                  "a contact's own data, for the contact: the command line, on record before the first byte",
	"keyring.Subject.Reseal opens":                "a value goes from one generation to another within the room of keys",
	"keyring.OpenMasterKey opens":                 "no value: it opens a key service",
	"cmd/cloakroom.App.openVault opens":           "no value: it opens a key service",
	"cmd/cloakroom.KeysCreateMasterCmd.Run opens": "no value: it opens a key service",
	"resolvers.guesses reveals":                   "the digits of a name that is given are counted",
	"resolvers.planWriter.pii reveals":            "it writes a GraphQL answer; the plan asks the policy as @pii does",
	"resolvers.planWriter.value reveals":          "it writes a GraphQL answer; the plan asks the policy as @pii does",
}

func TestS14ValuesAreRevealedInFewPlaces(t *testing.T) {
	t.Parallel()
	house := load(t)
	found := make(map[string]bool)
	for _, p := range house.rooms {
		for _, place := range exposed(p) {
			if found[place] = true; reviewedCode[place] == "" {
				t.Errorf("%s, which nobody has reviewed: find a way without it, or give a reason in the test", place)
			}
		}
	}
	for place := range reviewedCode {
		if !found[place] {
			t.Errorf("%s is reviewed and is not so any more", place)
		}
	}
	const head = "package leak\nimport (\"fmt\"; \"io\"; \"" + module + "chat\"; \"" + module + "keyring\")\nvar _ = fmt.Sprint\nvar _ io.Writer\nvar _ keyring.Place\nvar _ chat.PII\n"
	for source, want := range map[string][]string{
		`func f(p chat.PII) int { return len(p.Reveal()) }`:                                                {"leak.f reveals"},
		`func (t *T) f(p *chat.PII) { fmt.Print(p.Reveal()) }; type T struct{}`:                            {"leak.T.f reveals"},
		`func f(s chat.Secret) int { return len(s.Reveal()) }`:                                             {"leak.f reveals"},
		`func f(v chat.Value) int { return len(v.Reveal()) }`:                                              {"leak.f reveals"},
		`func f(p chat.PII) func() string { return p.Reveal }`:                                             {"leak.f reveals"},
		`var f = func(p chat.PII) string { return p.Reveal() }`:                                            {"leak reveals"},
		`func f(p chat.PII) { fmt.Print(string(p)) }`:                                                      {"leak.f reveals"},
		`func f(p chat.PII) { fmt.Print([]byte(p)) }`:                                                      {"leak.f reveals"},
		`func f(p []chat.PII) { type s string; fmt.Print(s(p[0])) }`:                                       {"leak.f reveals"},
		`func f(v *chat.Values) { fmt.Print(v.Text(chat.FieldName)) }`:                                     {"leak.f reveals"},
		`func f(v chat.Values) { fmt.Print(v.Object(chat.FieldProfile)) }`:                                 {"leak.f reveals"},
		`func f(c *chat.Contact) { e, _ := c.Email(); fmt.Print(string(*e)) }`:                             {"leak.f reveals"},
		`func f(p chat.PII) { for _, r := range p { fmt.Print(r) } }`:                                      {"leak.f reveals"},
		`func f(p chat.PII) { fmt.Print(p[0]) }`:                                                           {"leak.f reveals"},
		`func f(p chat.PII, w io.Writer) { p.MarshalGQL(w) }`:                                              {"leak.f reveals"},
		`func f(m interface{ MarshalGQL(io.Writer) }, w io.Writer) { m.MarshalGQL(w) }`:                    {"leak.f reveals"},
		`func F(p string) chat.PII { return chat.PII(p) }`:                                                 {"leak.F hands out"},
		`func (T) F() (map[string][]*chat.Value, error) { return nil, nil }; type T struct{}`:              {"leak.T.F hands out"},
		`func F(p chat.PII) string { return p.Reveal() }`:                                                  {"leak.F reveals", "leak.F hands out"},
		`func F(p chat.PII) any { return []byte(p) }`:                                                      {"leak.F reveals", "leak.F hands out"},
		`func f(s *keyring.Subject, p keyring.Place) { b, _ := s.Open(p, nil); fmt.Print(b) }`:             {"leak.f opens"},
		`func f(a *keyring.Account, p keyring.Place) { b, _ := a.OpenAudit(p, nil); _ = b }`:               {"leak.f opens"},
		`func f(p *chat.PII) { fmt.Print(p, *p, len(*p), *p == "") }; func g() (p chat.PII) { return }`:    nil,
		`type r struct{}; func (r) Reveal() string { return "" }; func F() string { return r{}.Reveal() }`: nil,
	} {
		got := exposed(house.check(t, module+"leak", map[string]string{"leak.go": head + source}))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: what it does (-), and what is found (+):\n%s", source, diff)
		}
	}
}

// exposed finds the functions of a room that reveal a personal value, those that open a sealed one, and the exported ones
// that hand one out; the resolvers' own hand it to the gate's other side.
func exposed(p *room) []string {
	var list []string
	for _, file := range p.files {
		if ast.IsGenerated(file) {
			continue
		}
		for _, decl := range file.Decls {
			where := p.name
			f, isFunc := decl.(*ast.FuncDecl)
			if isFunc {
				where += "." + receiver(f) + f.Name.Name
			}
			reveals, opens := p.inClear(decl)
			if reveals {
				list = append(list, where+" reveals")
			}
			if opens {
				list = append(list, where+" opens")
			}
			if isFunc && f.Name.IsExported() && p.name != "resolvers" && p.handsOut(f, reveals) {
				list = append(list, where+" hands out")
			}
		}
	}
	return slices.Compact(list)
}

func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	typ := f.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if name, ok := typ.(*ast.Ident); ok {
		return name.Name + "."
	}
	return fmt.Sprintf("%T.", typ)
}

// inClear says that there is code in a declaration which makes text of a personal value, and which opens a sealed one.
func (p *room) inClear(decl ast.Decl) (reveals, opens bool) {
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			method, ok := p.info.Uses[n.Sel].(*types.Func)
			if !ok || method.Signature().Recv() == nil {
				break
			}
			of := method.Signature().Recv().Type()
			reveals = reveals || method.Name() == "MarshalGQL" || method.Name() == "Reveal" && isPersonal(of) ||
				slices.Contains([]string{"Text", "Object"}, method.Name()) && of.String() == "*"+module+"chat.Values"
			opens = opens || strings.HasPrefix(method.Name(), "Open") && strings.HasPrefix(strings.TrimPrefix(of.String(), "*"), module+"keyring.")
		case *ast.CallExpr:
			converts := p.info.Types[n.Fun].IsType() && len(n.Args) == 1
			reveals = reveals || converts && isPersonal(p.info.TypeOf(n.Args[0])) && !isPersonal(p.info.TypeOf(n))
		case *ast.IndexExpr:
			reveals = reveals || isPersonal(p.info.TypeOf(n.X))
		case *ast.RangeStmt:
			reveals = reveals || isPersonal(p.info.TypeOf(n.X))
		}
		return true
	})
	return reveals, opens
}

// handsOut says that a function returns personal values; or, where it reveals some, anything that can hold their text.
func (p *room) handsOut(f *ast.FuncDecl, reveals bool) bool {
	results := p.info.Defs[f.Name].(*types.Func).Signature().Results()
	for i := range results.Len() {
		if holdsText(results.At(i).Type(), reveals) {
			return true
		}
	}
	return false
}

func holdsText(t types.Type, plain bool) bool {
	if isPersonal(t) {
		return true
	}
	switch t := t.Underlying().(type) {
	case *types.Pointer:
		_, named := types.Unalias(t.Elem()).Underlying().(*types.Struct)
		return isPersonal(t.Elem()) || !named && holdsText(t.Elem(), plain)
	case *types.Slice:
		return holdsText(t.Elem(), plain) || plain && t.Elem() == types.Typ[types.Byte]
	case *types.Array:
		return holdsText(t.Elem(), plain)
	case *types.Map:
		return holdsText(t.Key(), plain) || holdsText(t.Elem(), plain)
	case *types.Basic:
		return plain && t.Info()&types.IsString != 0
	case *types.Interface:
		return plain && t.NumMethods() == 0
	}
	return false
}

// isPersonal says that a type is chat.PII, chat.Value or chat.Secret, or a pointer to one.
func isPersonal(t types.Type) bool {
	if t == nil {
		return false
	}
	if pointer, ok := t.(*types.Pointer); ok {
		t = pointer.Elem()
	}
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == module+"chat" && slices.Contains([]string{"PII", "Value", "Secret"}, named.Obj().Name())
}
