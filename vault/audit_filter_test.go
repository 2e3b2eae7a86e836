package vault

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestFiltersByServicesAreOnRecord: a list by a whole address answers what a look-up does, and so it is on record, by kinds
// and without the value, whether or not anybody has it; a list by anything else is not. Users list by right.
func TestFiltersByServicesAreOnRecord(t *testing.T) {
	t.Parallel()
	r := namedRoom(t)
	account := r.account(filterRoom)
	service := aService()
	service.Service.Scopes = chat.Scopes
	service.Service.Accounts = []chat.Account{*account}
	for name, c := range map[string]struct {
		conditions []*chat.Condition
		kinds      []any // nil where nothing is on record
	}{
		"an email":                   {[]*chat.Condition{by("EMAIL", chat.EqualTo, "ann@hidden.example")}, []any{"EMAIL"}},
		"an email that nobody has":   {[]*chat.Condition{by("EMAIL", chat.EqualTo, "nobody@hidden.example")}, []any{"EMAIL"}},
		"all but an email":           {[]*chat.Condition{by("EMAIL", chat.NotEqualTo, "ann@hidden.example")}, []any{"EMAIL"}},
		"a phone number":             {[]*chat.Condition{by("PHONE_NUMBER", chat.StartsWith, "+15550001111")}, []any{"PHONE"}},
		"an identifier and an email": {[]*chat.Condition{by("IDENTIFIER", chat.EqualTo, "a1"), by("EMAIL", chat.EqualTo, "ann@hidden.example")}, []any{"EMAIL", "IDENTIFIER"}},
		"a part that is a whole one": {[]*chat.Condition{by("EMAIL", chat.Contains, "ann@hidden.example")}, []any{"EMAIL"}},
		"whoever lacks a whole one":  {[]*chat.Condition{by("PHONE_NUMBER", chat.DoesNotContain, "15550001111")}, []any{"PHONE"}},
		"a part":                     {[]*chat.Condition{by("EMAIL", chat.Contains, "hidden.ex")}, nil},
		"something else":             {[]*chat.Condition{by("CITY", chat.EqualTo, "Porto")}, nil},
		"nothing":                    {nil, nil},
	} {
		filter := chat.ContactFilter{Conditions: c.conditions}
		if _, err := r.contactsPassing(roomAdmin(account), account, filter); err != nil || r.audited(chat.ContactLookedUp) != 0 {
			t.Errorf("%s, by an administrator: %v, %d entries", name, err, r.audited(chat.ContactLookedUp))
		}
		if _, err := r.contactsPassing(service, account, filter); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		entries, err := r.Entries(t.Context(), filterRoom, time.Time{}, 10)
		if err != nil {
			t.Fatal(err)
		}
		var kinds []any
		for _, e := range entries {
			if e.Action != chat.ContactLookedUp {
				continue
			}
			kinds, _ = e.Details["kind"].([]any)
			if e.Details["by"] != "filter" || len(e.Details) != 2 || e.Actor != (chat.Actor{Kind: "SERVICE", ID: "abcd1234"}) || e.EntityID != "none" {
				t.Errorf("%s: %+v", name, e)
			}
		}
		if diff := cmp.Diff(c.kinds, kinds); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		storetest.Exec(t, r.store, `DELETE FROM cloakroom.audit_entries WHERE account_id = $1 AND action = $2`, filterRoom, string(chat.ContactLookedUp))
	}
	storetest.Exec(t, r.store, `ALTER TABLE cloakroom.audit_entries ADD CONSTRAINT full_disk CHECK (false) NOT VALID`)
	if ids, err := r.contactsPassing(service, account, chat.ContactFilter{Conditions: []*chat.Condition{by("EMAIL", chat.EqualTo, "ann@hidden.example")}}); err == nil {
		t.Errorf("a list that is not on record: %v", ids)
	}
}
