package resolvers_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/leaktest"
	"github.com/cloakroom/cloakroom/store/storetest"
)

const wholeContact = `contact { id alias name email emailState phoneNumber phoneState identifier identifierState
 customAttributes { key value valueState } additionalAttributes { city } contactInboxes { sourceId sourceIdState } notes { content } }`

func creation(values string) string {
	return `mutation { m: createContact(input: {accountId: "1", ` + values + `}) { ` + wholeContact + ` } }`
}

func updating(contact int64, values string) string {
	return fmt.Sprintf(`mutation { m: updateContact(input: {accountId: "1", contactId: "%d", %s}) { %s } }`, contact, values, wholeContact)
}

func mergeOf(base, mergee string) string {
	return fmt.Sprintf(`mutation { m: mergeContacts(input: {accountId: "1", baseContactId: "%s", mergeeContactId: "%s"}) { %s } }`, base, mergee, wholeContact)
}

// id gives the contact that a mutation answered with.
func (r reply) id(t testing.TB) string {
	t.Helper()
	var answer struct {
		M struct{ Contact struct{ ID string } }
	}
	r.data(t, &answer)
	return answer.M.Contact.ID
}

// without takes what tells two contacts apart by itself out of an answer: id and alias.
func (r reply) without(id string) string {
	return strings.ReplaceAll(aliasText.ReplaceAllString(string(r.body), "<alias>"), `"id":"`+id+`"`, `"id":"<id>"`)
}

// TestWritesTellNothing has a masked agent write what is there already, what is another's and what is nobody's: the
// answers are the same but for the one conflict, which does not say of which value, or whose it is (L16, P64, P87).
func TestWritesTellNothing(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	hidden := hiddenValues(t)
	typed := leaktest.NewNeedles()
	for _, value := range []string{"ines.moura.001@example.com", "+15552010001", "crm-9001"} {
		typed.Plant("typed", value)
	}
	ask := func(query string) reply {
		t.Helper()
		forgetLookups(t, e, schema.Max)
		answer := e.ask(t, "masked", query, nil)
		mustBeClean(t, hidden, query, answer.body)
		return answer
	}
	same := ask(updating(1, `email: "Ines.Moura.001@example.com", phoneNumber: "+15552010001", identifier: "crm-9001"`))
	if same.id(t) != "1" {
		t.Fatalf("%s", same.body)
	}
	if other := ask(updating(1, `email: "some.body.else@example.net", phoneNumber: "+351911111111", identifier: "nobody-s"`)); other.without("1") != same.without("1") {
		t.Errorf("to the value that is there: %s\nto another: %s", same.body, other.body)
	}
	e.ask(t, "exempt", updating(1, `email: "ines.moura.001@example.com", phoneNumber: "+15552010001", identifier: "crm-9001"`), nil).data(t, new(any))
	conflicts := make(map[string]bool)
	for _, values := range []string{`email: "INES.moura.001@example.com"`, `phoneNumber: "+15552010001"`, `identifier: "crm-9001"`,
		`email: "free.one@example.net", phoneNumber: "+15552010001"`, `phoneNumber: "+15552010013"`} {
		for _, query := range []string{creation(values), updating(schema.ContactOfCompany, values)} {
			answer := ask(query)
			wantFault(t, answer, string(chat.Conflict), "")
			conflicts[string(answer.body)] = true
		}
	}
	if len(conflicts) != 1 {
		t.Errorf("%d kinds of conflicts", len(conflicts))
	}
	mustBeClean(t, typed, "the log", e.log.bytes())
	if entries := fmt.Sprint(e.vault.Entries(t.Context(), schema.Acme, time.Now().Add(-time.Hour), 100)); len(typed.Find([]byte(entries))) > 0 {
		t.Errorf("on record: %s", entries)
	}
}

// TestMergesTellNothing has a masked agent make contacts, merge them into one whose values are hidden, and it into them:
// what the answer shows does not depend on what the two held, but for whether there is something (P69).
func TestMergesTellNothing(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	hidden := hiddenValues(t)
	ask := func(query string) reply {
		t.Helper()
		forgetLookups(t, e, schema.Max)
		answer := e.ask(t, "masked", query, nil)
		mustBeClean(t, hidden, query, answer.body)
		return answer
	}
	for _, pair := range []struct{ what, one, other string }{
		{"an attribute that is equal, and one that is not", `customAttributes: [{key: "plan", value: "gold"}]`, `customAttributes: [{key: "plan", value: "lead"}]`},
		{"another e-mail address, and none", `email: "typed.one@example.net", phoneNumber: "+351911111112"`, `identifier: "typed-1"`},
	} {
		first := ask(mergeOf("1", ask(creation(`name: "Typed", `+pair.one)).id(t)))
		if second := ask(mergeOf("1", ask(creation(`name: "Typed", `+pair.other)).id(t))); first.id(t) != "1" || second.without("1") != first.without("1") {
			t.Errorf("%s: %s\n%s", pair.what, first.body, second.body)
		}
	}
	// A name that was hidden because it is part of an address stays hidden when the address is another, or the contact is.
	const named = schema.ContactNamedByLocalPart
	base := ask(creation(`email: "typed.two@example.net"`)).id(t)
	for _, query := range []string{updating(named, `email: "typed.three@example.net"`), updating(named, `email: null`), mergeOf(base, chat.FormatID(named))} {
		if answer := ask(query); !aliasText.Match(bytes.SplitN(answer.body, []byte(`"name":`), 2)[1][:25]) {
			t.Errorf("%s: the name is shown: %s", query, answer.body)
		}
	}
	// No name that holds six digits of a phone number is tried, whoever's it is.
	for _, query := range []string{updating(1, `name: "Ines 555201"`), updating(1, `name: "5a5b5c2d0e1"`), creation(`name: "x@y"`)} {
		wantFault(t, ask(query), string(chat.Invalid), "input.name")
	}
	e.ask(t, "exempt", updating(1, `name: "Ines 555201"`), nil).data(t, new(any))
}

// TestWritesCostLookUps holds what a masked agent could learn from a write against their budget for looking contacts up,
// and puts it on record, whatever becomes of the write and whether look-ups are switched on or not.
func TestWritesCostLookUps(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	lookedUp := func() int64 {
		return storetest.Value[int64](t, e.store, `SELECT count(*) FROM cloakroom.audit_entries WHERE action = 'contact_looked_up'`)
	}
	e.ask(t, "root", `mutation { setFeatureFlag(input: {accountId: "1", name: "masked_contact_lookup", enabled: false, reason: "as agreed"}) { feature { name } } }`, nil).data(t, new(any))
	cost := 0
	for _, c := range []struct {
		query string
		costs int
		code  chat.Code
	}{
		{creation(`email: "a@example.net", phoneNumber: "+351911111113", identifier: "a-1"`), 3, ""},
		{creation(`name: "Costs Nothing", customAttributes: [{key: "a", value: "b"}]`), 0, ""},
		{creation(`email: "ines.moura.001@example.com"`), 1, chat.Conflict},
		{creation(`email: "no address"`), 0, chat.Invalid},
		{updating(1, `name: "Costs One", email: null, phoneNumber: ""`), 1, ""},
		{updating(1, `email: "ines.moura.001@example.com", name: null`), 1, ""},
		{updating(999_999, `email: "b@example.net"`), 1, chat.NotFound},
		{mergeOf("60", "61"), 1, ""}, {mergeOf("60", "61"), 1, chat.NotFound},
	} {
		before := lookedUp()
		code, _ := fault(t, e.ask(t, "masked", c.query, nil))
		if n := lookedUp() - before; code != string(c.code) || n != int64(c.costs) {
			t.Errorf("%s: code %q, %d look-ups on record; want %q and %d", c.query, code, n, c.code, c.costs)
		}
		cost += c.costs
	}
	for n := cost; n < 20; n++ {
		e.ask(t, "masked", updating(85, fmt.Sprintf(`identifier: "n-%d"`, n)), nil).data(t, new(any))
	}
	before := storetest.Value[string](t, e.store, `SELECT count(*) || ' ' || sum(row_version) FROM cloakroom.contacts`)
	for _, query := range []string{creation(`email: "c@example.net"`), updating(85, `name: "A"`), mergeOf("60", "62")} {
		wantFault(t, e.ask(t, "masked", query, nil), string(chat.Limited), "")
	}
	if after := storetest.Value[string](t, e.store, `SELECT count(*) || ' ' || sum(row_version) FROM cloakroom.contacts`); after != before {
		t.Errorf("without a budget something was written: %s, then %s", before, after)
	}
	e.ask(t, "masked", updating(85, `email: null`), nil).data(t, new(any)) // no guess
	had := lookedUp()
	for i := range 25 {
		e.ask(t, "exempt", updating(85, fmt.Sprintf(`name: "N%d", identifier: "e-%d"`, i, i)), nil).data(t, new(any))
	}
	if n := lookedUp() - had; n != 0 {
		t.Errorf("%d writes of a viewer who sees the values are on record as look-ups", n)
	}
}
