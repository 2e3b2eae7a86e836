package resolvers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
)

const lookupOne = `query ($e: String!) { account(id: "1") { lookupContact(input: {email: $e}) { id } } }`

var knownEmail = map[string]any{"e": "ines.moura.001@example.com"}

// lookupsInOne is a document of many look-ups under aliases, hits and misses in turn.
func lookupsInOne(n int) string {
	var fields strings.Builder
	for i := range n {
		fmt.Fprintf(&fields, ` l%d: lookupContact(input: {email: "%s"}) { id }`, i, []string{"ines.moura.001@example.com", "nobody@example.com"}[i%2])
	}
	return `{ account(id: "1") {` + fields.String() + ` } }`
}

// codes gives the codes of an answer's errors, each with how often it is there.
func codes(t *testing.T, answer reply) map[string]int {
	t.Helper()
	var body struct {
		Errors []struct {
			Extensions struct{ Code string }
		}
	}
	decode(t, answer.body, &body)
	found := make(map[string]int)
	for _, e := range body.Errors {
		found[e.Extensions.Code]++
	}
	return found
}

// TestLookupBudget has a masked agent look up until the budget is spent. Those who see the value have none;
// of these, services are on record.
func TestLookupBudget(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	for i := range 20 {
		value := knownEmail
		if i%2 == 1 {
			value = map[string]any{"e": "nobody@example.com"}
		}
		e.ask(t, "masked", lookupOne, value).data(t, new(any))
	}
	for _, value := range []string{"ines.moura.001@example.com", "nobody@example.com"} {
		answer := e.ask(t, "masked", lookupOne, map[string]any{"e": value})
		if code, field := fault(t, answer); code != string(chat.Limited) || field != "" {
			t.Errorf("the 21st: code %q, field %q", code, field)
		}
		if !strings.Contains(string(answer.body), "try again in ") || strings.Contains(string(answer.body), value) {
			t.Errorf("the 21st: %s", answer.body)
		}
	}
	for _, viewer := range []string{"exempt", "admin", "pii-service", "everything"} {
		for range 25 {
			e.ask(t, viewer, lookupOne, knownEmail).data(t, new(any))
		}
	}
	e.ask(t, "unset", lookupOne, knownEmail).data(t, new(any)) // masked too, and not held to Max's budget
	entries, err := e.vault.Entries(t.Context(), schema.Acme, time.Now().Add(-time.Hour), 200)
	if err != nil {
		t.Fatal(err)
	}
	count := make(map[chat.Action]int)
	for _, entry := range entries {
		count[entry.Action]++
		text, _ := json.Marshal(entry)
		if strings.Contains(string(text), "example.com") {
			t.Errorf("on record is %s", text)
		}
	}
	if count[chat.ContactLookedUp] != 21+2*25 || count[chat.LookupRefused] != 1 {
		t.Errorf("on record are %v, want 21 look-ups, 50 of services and 1 refusal", count)
	}
}

// TestLookupBudgetCountsAliases holds that many look-ups in one document are many.
func TestLookupBudgetCountsAliases(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.ask(t, "masked", lookupsInOne(15), nil).data(t, new(any))
	answer := e.ask(t, "masked", lookupsInOne(15), nil)
	if found := codes(t, answer); len(found) != 1 || found[string(chat.Limited)] != 10 {
		t.Errorf("after 15 look-ups 15 more gave %v, want 10 that are LIMITED", found)
	}
}

// TestLookupSwitchedOff has the account forbid it, which holds from the next request, and allow it again.
func TestLookupSwitchedOff(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	set := func(on bool) {
		t.Helper()
		e.ask(t, "root", fmt.Sprintf(`mutation { setFeatureFlag(input: {accountId: "1", name: "masked_contact_lookup", enabled: %t, reason: "as agreed"}) { feature { name } } }`, on), nil).data(t, new(any))
	}
	set(false)
	wantEntry(t, newest(t, e, schema.Acme), chat.FlagSet, "1", "account", "1",
		map[string]any{"flag": "masked_contact_lookup", "before": true, "enabled": false, "reason": "as agreed"})
	for argument, value := range map[string]string{"email": "ines.moura.001@example.com", "phoneNumber": "+15552010001", "identifier": "crm-9001"} {
		query := fmt.Sprintf(`{ account(id: "1") { lookupContact(input: {%s: "%s"}) { id } } }`, argument, value)
		if code, field := fault(t, e.ask(t, "masked", query, nil)); code != string(chat.PIIFilterRejected) || field != "input."+argument {
			t.Errorf("%s: code %q, field %q", argument, code, field)
		}
		e.ask(t, "exempt", query, nil).data(t, new(any))
	}
	set(true)
	e.ask(t, "masked", lookupOne, knownEmail).data(t, new(any))
}
