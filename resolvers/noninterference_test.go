package resolvers_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/search"
	"github.com/cloakroom/cloakroom/store/storetest"
	"github.com/cloakroom/cloakroom/vault"
)

// TestHiddenValuesDoNotInterfere asks two worlds that differ in nothing but what is hidden from a masked agent: in the
// other world every e-mail address, phone number, identifier and personal attribute is another one, and equal values
// stay equal. Whatever part of a value the agent searches for, filters, orders or compares by, as often as they like,
// both worlds give the same answer to the byte: so nothing but the equality of whole values can be learnt (L10 to L13,
// P60 to P69). Who may see the values tells the worlds apart by the same questions, or the test would show nothing.
func TestHiddenValuesDoNotInterfere(t *testing.T) {
	t.Parallel()
	for _, w := range []world{
		{account: schema.Acme, masked: "masked", sees: "exempt", change: changeSealed},
		{account: schema.Borealis, masked: "stranger", sees: "everything", change: changePlain},
	} {
		t.Run(chat.FormatID(w.account), func(t *testing.T) {
			t.Parallel()
			here, there := newEdge(t), newEdge(t)
			setFlag(t, here, schema.Borealis, true)
			setFlag(t, there, schema.Borealis, true)
			w.change(t, here, func(text string) string { return text })
			w.change(t, there, otherText)
			told := 0
			questions := w.questions(append(w.values(t, here), w.values(t, there)...))
			for _, q := range questions {
				a, b := here.ask(t, w.masked, q, nil), there.ask(t, w.masked, q, nil)
				if string(a.body) != string(b.body) {
					t.Fatalf("%s\nhere:  %.400s\nthere: %.400s", q, a.body, b.body)
				}
				if string(here.ask(t, w.sees, q, nil).body) != string(there.ask(t, w.sees, q, nil).body) {
					told++
				}
			}
			if told < 30 {
				t.Errorf("who may see the values tells the worlds apart by %d of %d questions: they ask nothing", told, len(questions))
			}
		})
	}
}

// world is an account, and viewers from whom its values are hidden and who see them.
type world struct {
	account      int64
	masked, sees string
	change       func(t *testing.T, e *edge, other func(string) string)
}

// otherText makes another text of the same kind, and of equal texts equal ones: letters go half round the alphabet, digits
// half round theirs.
func otherText(text string) string {
	turn := func(r, first rune, n int32) rune { return first + (r-first+n/2)%n }
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return turn(r, 'a', 26)
		case 'A' <= r && r <= 'Z':
			return turn(r, 'A', 26)
		case '0' <= r && r <= '9':
			return turn(r, '0', 10)
		}
		return r
	}, text)
}

// otherObject does the same to every value of a JSON object.
func otherObject(t *testing.T, text string, other func(string) string) string {
	t.Helper()
	var object map[string]any
	decode(t, []byte(text), &object)
	for key, value := range object {
		switch value := value.(type) {
		case string:
			object[key] = other(value)
		case float64:
			n, err := strconv.ParseFloat(other(strconv.FormatFloat(value, 'f', -1, 64)), 64)
			if err != nil {
				t.Fatal(err)
			}
			object[key] = n
		}
	}
	made, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(made)
}

// addressFields are a contact's whole addresses.
var addressFields = []chat.Field{chat.FieldEmail, chat.FieldPhone, chat.FieldIdentifier}

// changeSealed writes contacts' addresses and attributes anew through the vault, but for addresses that two have: nobody
// could take one of these.
func changeSealed(t *testing.T, e *edge, other func(string) string) {
	t.Helper()
	policy, err := e.store.ReadPolicy(t.Context(), 0, []int64{schema.Acme})
	if err != nil {
		t.Fatal(err)
	}
	account := &chat.Account{ID: schema.Acme, Settings: policy.Settings[schema.Acme]}
	held := make(map[string]int)
	contacts := make([]map[chat.Field]string, 300)
	for id := range contacts {
		contacts[id] = make(map[chat.Field]string)
		c, err := e.vault.FindContact(t.Context(), account, int64(id+1))
		if err != nil {
			continue // erased, or of another account
		}
		for _, f := range addressFields {
			if value, err := c.Values.Get(f); err != nil {
				t.Fatal(err)
			} else if value != nil {
				contacts[id][f] = value.Reveal()
				held[vault.Normalise(f, value.Reveal())]++
			}
		}
	}
	for id := int64(1); id <= 60; id++ {
		change := make(map[chat.Field]*chat.PII)
		for f, value := range contacts[id-1] {
			if p := chat.PII(other(value)); held[vault.Normalise(f, value)] == 1 {
				change[f] = &p
			}
		}
		attributes := chat.PII(otherObject(t, fmt.Sprintf(`{"plan": "Gold%d", "orders": %d, "second_phone": "+1555%d"}`, id%7, 11+id, 70000+id), other))
		change[chat.FieldCustomAttributes] = &attributes
		if err := e.vault.PutContact(t.Context(), account, id, change); err != nil {
			t.Fatal(err)
		}
	}
}

// changePlain does the same to Chatwoot's own columns. A name that holds its contact's own address is hidden because of
// that address, so names are others as well, the same in both worlds.
func changePlain(t *testing.T, e *edge, other func(string) string) {
	t.Helper()
	letters, turned := "abcdefghijklmnopqrstuvwxyz0123456789", other("abcdefghijklmnopqrstuvwxyz0123456789")
	storetest.Exec(t, e.store, `UPDATE contacts SET name = 'Person ' || translate(id::text, '0123456789', 'abcdefghij'),
 email = translate(lower(email), $1, $2), phone_number = translate(phone_number, $1, $2), identifier = translate(lower(identifier), $1, $2),
 custom_attributes = jsonb_build_object('plan', translate('gold' || id % 7, $1, $2), 'second_phone', translate('+1555' || 70000 + id, $1, $2))
 WHERE account_id = 2`, letters, turned)
	storetest.Exec(t, e.store, `INSERT INTO custom_attribute_definitions (attribute_display_name, attribute_key, attribute_display_type, attribute_model, account_id, created_at, updated_at)
 VALUES ('Plan', 'plan', 0, 1, 2, now(), now()), ('Second phone', 'second_phone', 0, 1, 2, now(), now())`)
}

// values are some contacts' hidden values, as who may see them sees them.
func (w world) values(t *testing.T, e *edge) (values []string) {
	t.Helper()
	var answer struct {
		Account struct {
			Contacts struct {
				Nodes []struct{ Email, PhoneNumber, Identifier *string }
			}
		}
	}
	e.ask(t, w.sees, fmt.Sprintf(`{ account(id: "%d") { contacts(first: 100, orderBy: {field: CREATED_AT, direction: ASC}) { nodes { email phoneNumber identifier } } } }`, w.account), nil).data(t, &answer)
	for _, c := range answer.Account.Contacts.Nodes {
		for _, value := range []*string{c.Email, c.PhoneNumber, c.Identifier} {
			if value != nil && len(values) < 6 {
				values = append(values, *value)
			}
		}
	}
	if len(values) < 6 {
		t.Fatalf("%d values: there is nothing to guess", len(values))
	}
	return values
}

// parts are what an agent tries who guesses a value letter by letter, from either end, and what many values share. None
// looks like a whole address: those cost a look-up, and are tested with the budget.
func parts(values []string) (list []string) {
	list = []string{"a", "e", "+", "@", "@example.com", "example", ".com", "+1", "+15", "00", "1", "5", "a@", "%", "_", "a%b", "ne", "ex"}
	for _, value := range values {
		name, domain, mail := strings.Cut(value, "@")
		if mail {
			list = append(list, name, "@"+domain, "@"+domain[:3])
		}
		for _, n := range []int{1, 2, 4} {
			if len(name) > n {
				list = append(list, name[:n], name[len(name)-n:])
			}
		}
	}
	list = slices.DeleteFunc(list, func(part string) bool { return len(search.WholeAddresses(part)) > 0 })
	slices.Sort(list)
	return slices.Compact(list)
}

const shown = ` { pageInfo { hasNextPage hasPreviousPage } partial nodes { id name emailState phoneState additionalAttributes { city companyName } } }`

// questions are the ways to ask by a value or a part of it.
func (w world) questions(values []string) (list []string) {
	add := func(format string, args ...any) {
		list = append(list, fmt.Sprintf(`{ account(id: "%d") { `+format+` } }`, append([]any{w.account}, args...)...))
	}
	for i, part := range parts(values) {
		add(`searchContacts(query: %q, first: 50)`+shown, part)
		for _, attribute := range []string{"attribute: EMAIL", "attribute: PHONE_NUMBER", "attribute: IDENTIFIER", "attribute: NAME",
			`customAttribute: "plan"`, `customAttribute: "second_phone"`} {
			operators := []string{"CONTAINS", "DOES_NOT_CONTAIN", "EQUAL_TO", "NOT_EQUAL_TO", "STARTS_WITH", "IS_GREATER_THAN", "IS_LESS_THAN"}
			add(`contacts(first: 100, filter: {conditions: [{%s, operator: %s, values: [%q]}]})`+shown, attribute, operators[i%len(operators)], part)
		}
	}
	for _, value := range values {
		for _, attribute := range []string{"EMAIL", "PHONE_NUMBER", "IDENTIFIER"} {
			add(`contacts(first: 100, filter: {conditions: [{attribute: NAME, operator: NOT_EQUAL_TO, values: ["x"], joinedBy: OR}, {attribute: %s, operator: EQUAL_TO, values: [%q]}]})`+shown, attribute, value)
		}
	}
	for _, field := range []string{"LAST_ACTIVITY_AT", "CREATED_AT", "NAME", "EMAIL", "PHONE_NUMBER", "COMPANY", "CITY", "COUNTRY"} {
		for _, direction := range []string{"ASC", "DESC"} {
			add(`contacts(first: 100, orderBy: {field: %s, direction: %s})`+shown, field, direction)
		}
	}
	for id := 1; id <= 40; id++ {
		add(`duplicateCandidates(contactId: "%d") { contact { id name } reasons }`, id)
	}
	for id := 1; id <= 8; id++ {
		add(`savedViews { id name kind } contacts(first: 100, filter: {savedViewId: "%d"})`+shown, id)
	}
	return list
}
