package resolvers_test

import (
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/google/go-cmp/cmp"
)

// newest gives the newest entry of an account, 0 being the installation.
func newest(t testing.TB, e *edge, account int64) chat.AuditEntry {
	t.Helper()
	entries, err := e.vault.Entries(t.Context(), account, time.Now().Add(-time.Hour), 1)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	return entries[0]
}

func TestChangesAreOnRecord(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	setMasking(t, e, schema.Eve, true, 1)
	wantEntry(t, newest(t, e, 0), chat.MaskingSet, "1", "user", "4",
		map[string]any{"before": false, "masked": true, "reason": "as agreed", "version": 2.0})
	setMasking(t, e, schema.Ivy, false, 0)
	wantEntry(t, newest(t, e, 0), chat.MaskingSet, "1", "user", "5",
		map[string]any{"before": "never set", "masked": false, "reason": "as agreed", "version": 1.0})
	setFlag(t, e, schema.Acme, false)
	wantEntry(t, newest(t, e, schema.Acme), chat.FlagSet, "1", "account", "1",
		map[string]any{"flag": "contact_pii_masking", "before": true, "enabled": false, "reason": "as agreed"})
	e.ask(t, "root", `mutation { setSearchMode(input: {accountId: "1", mode: SCAN, reason: "as agreed"}) { account { id } } }`, nil).data(t, new(any))
	wantEntry(t, newest(t, e, schema.Acme), chat.SearchModeSet, "1", "account", "1",
		map[string]any{"before": "TOKENS", "mode": "SCAN", "reason": "as agreed", "job": 1.0})
}

func TestRefusalsAreOnRecord(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	mutations := map[string]string{
		"setPiiMasking":  `mutation { unmaskMe: setPiiMasking(input: {agentId: "3", masked: false, reason: "I say so", expectedVersion: 1}) { agent { id } } }`,
		"setFeatureFlag": `mutation { setFeatureFlag(input: {accountId: "1", name: "contact_pii_masking", enabled: false, reason: "I say so"}) { feature { name } } }`,
		"setSearchMode":  `mutation { setSearchMode(input: {accountId: "1", mode: SCAN, reason: "I say so"}) { account { id } } }`,
	}
	actors := map[string]string{"masked": "3", "exempt": "4", "admin": "2", "stranger": "11", "everything": ""}
	for name, mutation := range mutations {
		for viewer, id := range actors {
			code, _ := fault(t, e.ask(t, viewer, mutation, nil))
			if code != string(chat.Forbidden) {
				t.Errorf("%s by %s: code %q", name, viewer, code)
			}
			wantEntry(t, newest(t, e, 0), chat.Refused, id, "mutation", name, map[string]any{"mutation": name, "count": 1.0})
		}
	}
	if sees(t, e, "masked") {
		t.Error("a refused mutation was carried out")
	}
}

// TestRefusedFieldsAreOnRecord: by the schema's name whatever the client calls them, the first within a minute at once and
// the others together.
func TestRefusedFieldsAreOnRecord(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	for range 30 {
		answer := e.ask(t, "reader-service", `{ account(id: "1") { mine: lookupContact(input: {email: "a@example.com"}) { id } } }`, nil)
		if code, _ := fault(t, answer); code != string(chat.Forbidden) {
			t.Fatalf("code %q", code)
		}
	}
	wantEntry(t, newest(t, e, 0), chat.Refused, "", "field", "Account.lookupContact", map[string]any{"field": "Account.lookupContact", "count": 1.0})
	if n := len(recorded(t, e, "0", chat.Refused)); n != 1 {
		t.Errorf("%d entries while the minute lasts", n)
	}
	e.vault.Settle()
	entries := recorded(t, e, "0", chat.Refused)
	if len(entries) != 2 || entries[0].Details["count"] != 29.0 || entries[0].Actor.Kind != string(chat.KindService) {
		t.Errorf("%+v", entries)
	}
}

func wantEntry(t *testing.T, got chat.AuditEntry, action chat.Action, actor, entity, id string, details map[string]any) {
	t.Helper()
	if got.Action != action || actor != "" && got.Actor.ID != actor || got.EntityType != entity || got.EntityID != id {
		t.Errorf("on record is %s of %s %s by %v, want %s of %s %s by %s", got.Action, got.EntityType, got.EntityID, got.Actor, action, entity, id, actor)
	}
	if diff := cmp.Diff(details, got.Details); diff != "" {
		t.Errorf("details (-want +got):\n%s", diff)
	}
	if got.RequestID != "request-of-a-test" {
		t.Errorf("request id %q", got.RequestID)
	}
}
