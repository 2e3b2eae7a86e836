package vault

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

func aService() *chat.Viewer {
	return &chat.Viewer{Service: &chat.Service{TokenID: "abcd1234", Scopes: []chat.Scope{chat.ScopeContactLookup}}}
}

// TestLookupsByServicesAreOnRecord: hit and miss, by look-up and by search, with kinds and ids and never a value; one that
// cannot be put on record has no answer.
func TestLookupsByServicesAreOnRecord(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	account := r.account(schema.Acme)
	byText := func(text string) func() (*chat.Contact, error) {
		return func() (*chat.Contact, error) {
			return r.SearchByService(t.Context(), aService(), account, chat.PII(text), []chat.Field{chat.FieldEmail, chat.FieldIdentifier})
		}
	}
	byValue := func(text string) func() (*chat.Contact, error) {
		return func() (*chat.Contact, error) {
			return r.LookupByService(t.Context(), aService(), account, byEmail(text))
		}
	}
	known := r.email(1)
	for i, c := range []struct {
		ask     func() (*chat.Contact, error)
		found   bool
		details map[string]any
	}{
		{byValue(known), true, map[string]any{"kind": "EMAIL", "result": "hit"}},
		{byValue("nobody@example.com"), false, map[string]any{"kind": "EMAIL", "result": "miss"}},
		{byText(known), true, map[string]any{"kind": []any{"EMAIL", "IDENTIFIER"}, "by": "search", "result": "hit"}},
		{byText("nobody@example.com"), false, map[string]any{"kind": []any{"EMAIL", "IDENTIFIER"}, "by": "search", "result": "miss"}},
	} {
		found, err := c.ask()
		if err != nil && !errors.Is(err, chat.ErrNotFound) || (found != nil) != c.found {
			t.Fatalf("%d: found %t, %v", i, found != nil, err)
		}
		entries, err := r.Entries(t.Context(), schema.Acme, time.Time{}, 1)
		if err != nil || len(entries) != 1 {
			t.Fatal(err)
		}
		e, id := entries[0], "none"
		if c.found {
			id = "1"
		}
		if diff := cmp.Diff(c.details, e.Details); diff != "" || e.EntityID != id || e.Action != chat.ContactLookedUp ||
			e.Actor != (chat.Actor{Kind: "SERVICE", ID: "abcd1234"}) {
			t.Errorf("%d: %+v\n%s", i, e, diff)
		}
	}
	storetest.Exec(t, r.store, `ALTER TABLE cloakroom.audit_entries ADD CONSTRAINT full_disk CHECK (false) NOT VALID`)
	for i, ask := range []func() (*chat.Contact, error){byValue(known), byText(known), byText("nobody@example.com")} {
		if found, err := ask(); found != nil || err == nil {
			t.Errorf("%d: an answer that is not on record: %t, %v", i, found != nil, err)
		}
	}
}

// TestEntryIDs: an id is nobody else's, whoever asks at once, and a hundred cost one statement.
func TestEntryIDs(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.New(t), nil)
	other := newReplica(t, r.store, nil)
	ids := make(chan int64, 600)
	done := make(chan error, 4)
	for i := range 4 {
		replica := []*replica{r, other}[i%2]
		go func() {
			for range 150 {
				id, err := replica.entryIDs.take(t.Context(), r.store)
				if err != nil {
					done <- err
					return
				}
				ids <- id
			}
			done <- nil
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	close(ids)
	seen := make(map[int64]bool)
	for id := range ids {
		if seen[id] || id < 1 {
			t.Fatalf("id %d was given twice", id)
		}
		seen[id] = true
	}
	if last := storetest.Value[string](t, r.store, `SELECT last_value::text FROM cloakroom.audit_entries_entry_id_seq`); len(seen) != 600 || last > fmt.Sprint(1000) && len(last) > 3 {
		t.Errorf("%d ids, of %s that were reserved", len(seen), last)
	}
}
