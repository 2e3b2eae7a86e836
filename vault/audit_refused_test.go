package vault

import (
	"fmt"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store/storetest"
)

func refusedTry(actor, field string) chat.AuditEntry {
	return chat.AuditEntry{Actor: chat.Actor{Kind: "AGENT", ID: actor}, Action: chat.Refused, EntityType: "field", EntityID: field,
		Details: map[string]any{"field": field}}
}

// TestRefusalsAreCounted: whoever asks on is on record twice, with how often, and not once for each time.
func TestRefusalsAreCounted(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.New(t), nil)
	ctx := WithFrom(t.Context(), "192.0.2.7")
	for range 500 {
		for _, actor := range []string{"3", "4"} {
			if err := r.RecordRefused(ctx, refusedTry(actor, "Account.token")); err != nil {
				t.Fatal(err)
			}
		}
	}
	counts := func() (list []any) {
		entries, err := r.Entries(t.Context(), 0, time.Time{}, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Details["from"] != "192.0.2.7" || e.Details["field"] != "Account.token" {
				t.Errorf("%+v", e)
			}
			list = append(list, e.Details["count"])
		}
		return list
	}
	if got := fmt.Sprint(counts()); got != "[1 1]" {
		t.Errorf("while the minute lasts: %s", got)
	}
	r.Settle()
	if got := fmt.Sprint(counts()); got != "[499 499 1 1]" {
		t.Errorf("when it is over: %s", got)
	}
	if err := r.RecordRefused(ctx, refusedTry("3", "Account.token")); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(counts()); got != "[1 499 499 1 1]" {
		t.Errorf("in the next minute: %s", got)
	}
}

// TestRefusalsAreBounded: those who try ever another thing share one entry beyond a number.
func TestRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.New(t), nil)
	r.tries.windows = make(map[try]*window)
	for i := range maxTries {
		r.tries.windows[try{entityID: fmt.Sprint(i)}] = &window{timer: time.NewTimer(time.Hour)}
	}
	for i := range 50 {
		if err := r.RecordRefused(t.Context(), refusedTry(fmt.Sprint(i), "Account.token")); err != nil {
			t.Fatal(err)
		}
	}
	r.Settle()
	entries, err := r.Entries(t.Context(), 0, time.Time{}, 1000)
	if err != nil || len(entries) != 2 || entries[0].Details["count"] != 49.0 || entries[0].EntityID != several || entries[0].Actor.ID != several {
		t.Errorf("%+v, %v", entries, err)
	}
}
