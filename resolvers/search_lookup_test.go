package resolvers_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
)

// TestMaskedAgentsFindByWholeAddressesAlone asks for every beginning, end and middle of each address, as often as it takes.
func TestMaskedAgentsFindByWholeAddressesAlone(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	for field, address := range addresses {
		var parts []string
		for n := 1; n < len(address); n++ {
			parts = append(parts, address[:n], address[n:])
			if n > 2 {
				parts = append(parts, address[1:n])
			}
		}
		parts = append(parts, "%"+address[2:]+"%", address[:4]+"%", strings.Repeat("_", len(address)), address+"0", address+" x")
		seen := 0
		for _, part := range parts {
			if strings.Contains("inês moura", strings.ToLower(part)) || strings.Trim(part, "+") == "" || field == "phoneNumber" && digitsOf(part) == digitsOf(address) {
				continue // of the name, or the whole number without its plus
			}
			forgetLookups(t, e, schema.Max)
			if got := finds(t, e, "masked", part); slices.Contains(got, "1") {
				t.Errorf("%s: %q is found by a masked agent", field, part)
			}
			if slices.Contains(finds(t, e, "exempt", part), "1") {
				seen++
			}
		}
		if seen < len(parts)/3 {
			t.Errorf("%s: an exempted agent finds the contact by %d of %d parts", field, seen, len(parts))
		}
		for _, whole := range []string{address, " " + address + " ", map[string]string{"email": strings.ToUpper(address), "phoneNumber": "1 (555) 201-0001"}[field]} {
			if whole == "" {
				continue
			}
			forgetLookups(t, e, schema.Max)
			if got := finds(t, e, "masked", whole); len(got) == 0 || got[0] != "1" {
				t.Errorf("%s: a masked agent finds %v by %q", field, got, whole)
			}
		}
	}
}

func digitsOf(s string) string { return chat.Digits(s) }

// TestSearchesByMaskedAgentsCostLookUps: the text that may be a whole address costs one, hit or miss, and is on record.
func TestSearchesByMaskedAgentsCostLookUps(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	for range 25 { // no name costs anything
		finds(t, e, "masked", "moura")
	}
	finds(t, e, "masked", "nobody@example.com")
	wantEntry(t, newest(t, e, schema.Acme), chat.ContactLookedUp, chat.FormatID(schema.Max), "contact", "none", map[string]any{"kind": "EMAIL", "result": "miss", "by": "search"})
	finds(t, e, "masked", "+15552010001")
	wantEntry(t, newest(t, e, schema.Acme), chat.ContactLookedUp, chat.FormatID(schema.Max), "contact", "1", map[string]any{"kind": []any{"PHONE", "IDENTIFIER"}, "result": "hit", "by": "search"})
	for range 18 {
		finds(t, e, "masked", "crm-9001")
	}
	for _, text := range []string{"ines.moura.001@example.com", "nobody@example.com"} {
		answer := e.ask(t, "masked", searchOne, map[string]any{"q": text})
		if code, field := fault(t, answer); code != string(chat.Limited) || field != "" || strings.Contains(string(answer.body), text) {
			t.Errorf("the 21st: code %q, field %q: %s", code, field, answer.body)
		}
	}
	if got := finds(t, e, "masked", "moura"); len(got) == 0 {
		t.Error("a name is not found once the budget is spent")
	}
	for _, viewer := range []string{"exempt", "admin"} {
		for range 25 {
			finds(t, e, viewer, "ines.moura.001@example.com")
		}
	}
	count := make(map[chat.Action]int)
	entries, err := e.vault.Entries(t.Context(), schema.Acme, time.Now().Add(-time.Hour), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		count[entry.Action]++
		text, _ := json.Marshal(entry)
		for _, address := range addresses {
			if strings.Contains(string(text), address) {
				t.Errorf("on record is %s", text)
			}
		}
	}
	if count[chat.ContactLookedUp] != 20 || count[chat.LookupRefused] != 1 {
		t.Errorf("on record are %v, want 20 look-ups and 1 refusal", count)
	}
}

// TestPagesAfterALookUpAreFree: a hit comes on the first page, and no page after it costs or shows it again.
func TestPagesAfterALookUpAreFree(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	page := func(text string, first int, after *string) (s searched) {
		t.Helper()
		e.ask(t, "masked", searchOne, map[string]any{"q": text, "n": first, "c": after}).data(t, &s)
		return s
	}
	first := page("crm-9001", 1, nil)
	if diff := cmp.Diff([]string{"1"}, first.ids()); diff != "" || first.Account.SearchContacts.PageInfo.EndCursor == nil {
		t.Fatal(diff)
	}
	if again := page("crm-9001", 50, first.Account.SearchContacts.PageInfo.EndCursor); slices.Contains(again.ids(), "1") {
		t.Error("the hit is there twice")
	}
	if n := len(lookUps(t, e)); n != 1 {
		t.Errorf("two pages cost %d look-ups", n)
	}
	answer := e.ask(t, "masked", searchOne, map[string]any{"q": "moura", "c": first.Account.SearchContacts.PageInfo.EndCursor})
	if code, field := fault(t, answer); code != string(chat.Invalid) || field != "after" {
		t.Errorf("the cursor of another question: code %q, field %q", code, field)
	}
	answer = e.ask(t, "exempt", searchOne, map[string]any{"q": "crm-9001", "c": first.Account.SearchContacts.PageInfo.EndCursor})
	if code, field := fault(t, answer); code != string(chat.Invalid) || field != "after" {
		t.Errorf("the cursor of a viewer who sees less: code %q, field %q", code, field)
	}
}

func lookUps(t *testing.T, e *edge) (found []*chat.AuditEntry) {
	t.Helper()
	entries, err := e.vault.Entries(t.Context(), schema.Acme, time.Now().Add(-time.Hour), 100)
	if err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		if entries[i].Action == chat.ContactLookedUp && entries[i].Actor.Kind != string(chat.KindService) {
			found = append(found, &chat.AuditEntry{})
		}
	}
	return found
}

// TestSearchWithoutLookUps: the account forbids them; a search by names goes on, and costs nothing.
func TestSearchWithoutLookUps(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.ask(t, "root", `mutation { setFeatureFlag(input: {accountId: "1", name: "masked_contact_lookup", enabled: false, reason: "as agreed"}) { feature { name } } }`, nil).data(t, new(any))
	for _, address := range addresses {
		if got := finds(t, e, "masked", address); len(got) > 0 {
			t.Errorf("%q finds %v", address, got)
		}
		if got := finds(t, e, "exempt", address); !slices.Contains(got, "1") {
			t.Errorf("%q finds %v for who sees it", address, got)
		}
	}
	if got := finds(t, e, "masked", "moura"); !slices.Contains(got, "1") {
		t.Errorf("a name finds %v", got)
	}
	if n := len(lookUps(t, e)); n != 0 {
		t.Errorf("%d look-ups are on record", n)
	}
}
