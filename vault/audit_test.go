package vault

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

func root() *chat.Viewer {
	return &chat.Viewer{User: &chat.User{ID: schema.Root}, SuperAdmin: true}
}

func (r *replica) masking(user int64) chat.Masking {
	r.t.Helper()
	p, err := r.store.ReadPolicy(r.t.Context(), user, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return p.Masking
}

func TestSetMaskingIsOnRecord(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.WithDemo(t), nil)
	begin := time.Now().Add(-time.Hour)
	ctx := WithRequestID(t.Context(), "req-1")
	change := MaskingChange{AgentID: schema.Ivy, Masked: true, Reason: "asked for by legal"}
	if err := r.SetMasking(ctx, root(), change); err != nil {
		t.Fatal(err)
	}
	if got := r.masking(schema.Ivy); got != (chat.Masking{Masked: true, Version: 1}) {
		t.Errorf("%+v", got)
	}
	change.ExpectedVersion, change.Masked = 1, false
	if err := r.SetMasking(ctx, root(), change); err != nil {
		t.Fatal(err)
	}
	entries, err := r.Entries(t.Context(), 0, begin, 10)
	if err != nil || len(entries) != 2 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	e := entries[0]
	if e.Action != chat.MaskingSet || e.EntityType != "user" || e.EntityID != "5" || e.Actor != (chat.Actor{Kind: "SUPER_ADMIN", ID: "1"}) || e.RequestID != "req-1" {
		t.Errorf("%+v", e)
	}
	if e.Details["before"] != true || e.Details["masked"] != false || e.Details["reason"] != "asked for by legal" || e.Details["version"] != 2.0 ||
		entries[1].Details["before"] != "never set" {
		t.Errorf("%v, before it %v", e.Details, entries[1].Details)
	}
	sealed := storetest.Value[[]byte](t, r.store, `SELECT details_sealed FROM cloakroom.audit_entries WHERE entry_id = $1`, e.ID)
	if strings.Contains(string(sealed), "legal") {
		t.Error("the reason is not sealed")
	}
	for what, c := range map[string]MaskingChange{
		"a stale version": {AgentID: schema.Ivy, Reason: "x", ExpectedVersion: 1}, "no reason": {AgentID: schema.Ivy, Reason: " \n", ExpectedVersion: 2},
		"a long reason": {AgentID: schema.Ivy, Reason: strings.Repeat("é", 501), ExpectedVersion: 2}, "nobody": {AgentID: 999, Reason: "x"},
		"an address in the reason":        {AgentID: schema.Ivy, Reason: "for ann@customer.example", ExpectedVersion: 2},
		"a phone number in the reason":    {AgentID: schema.Ivy, Reason: "asked by +1 (555) 201-0001", ExpectedVersion: 2},
		"a number's digits in the reason": {AgentID: schema.Ivy, Reason: "asked by 15552010001", ExpectedVersion: 2},
	} {
		if err := r.SetMasking(ctx, root(), c); chat.CodeOf(err) == chat.Internal || err == nil || strings.Contains(err.Error(), "ann@") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if n := r.audited(chat.MaskingSet); n != 2 || r.masking(schema.Ivy).Version != 2 {
		t.Errorf("%d entries, setting %+v, after changes that were refused", n, r.masking(schema.Ivy))
	}
}

// A reason may name days and tickets.
func TestReasonNamesNoAddress(t *testing.T) {
	t.Parallel()
	for reason, good := range map[string]bool{
		"as agreed on 2026-11-22 at 12:30, ticket 4711023": true, "for legal, 22.11.2026 - 24.11.2026": true, "C++ 4 of 7": true,
		"asked by ann@customer.example": false, "asked by +15552010001": false, "asked by +44 7700 900007": false, "asked by 15552010001": false,
	} {
		if err := checkReason(reason); (err == nil) != good {
			t.Errorf("%q: %v", reason, err)
		}
	}
}

// TestChangeIsAtomic: neither a change without its entry, nor an entry without its change.
func TestChangeIsAtomic(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.WithDemo(t), nil)
	entry := func() *chat.AuditEntry {
		return &chat.AuditEntry{Action: chat.MaskingSet, EntityType: "user", EntityID: "5"}
	}
	failed := errors.New("changed my mind")
	err := r.Change(t.Context(), entry(), func(tx *store.Store) error {
		if _, err := tx.SetMasking(t.Context(), schema.Ivy, true, 0, schema.Root); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) || r.audited(chat.MaskingSet) != 0 || r.masking(schema.Ivy).Set() {
		t.Errorf("a change that failed: %v, %d entries, %+v", err, r.audited(chat.MaskingSet), r.masking(schema.Ivy))
	}
	storetest.Exec(t, r.store, `ALTER TABLE cloakroom.audit_entries ADD CONSTRAINT full_disk CHECK (false) NOT VALID`)
	if err := r.SetMasking(t.Context(), root(), MaskingChange{AgentID: schema.Ivy, Masked: true, Reason: "x"}); err == nil {
		t.Error("a change that cannot be put on record was made")
	}
	if _, err := r.SetFlag(t.Context(), root(), schema.Acme, chat.FlagContactPIIMasking, true, "x"); err == nil {
		t.Error("a flag that cannot be put on record was set")
	}
	if r.masking(schema.Ivy).Set() || r.account(schema.Acme).Settings.ContactPIIMasking {
		t.Error("a change stands that is not on record")
	}
	if err := r.SetPhase(t.Context(), schema.Acme, chat.Contacts, chat.DualWrite); err == nil || r.account(schema.Acme).Settings.Phases[chat.Contacts] != chat.Off {
		t.Errorf("a phase that cannot be put on record: %v", err)
	}
	if err := r.Record(t.Context(), *entry()); err == nil {
		t.Error("an entry was written into nothing")
	}
}

func TestSetFlagAndPhase(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.WithDemo(t), nil)
	for _, enabled := range []bool{true, true, false} {
		account, err := r.SetFlag(t.Context(), root(), schema.Acme, chat.FlagContactPIIMasking, enabled, "trial")
		if err != nil || account.Settings.ContactPIIMasking != enabled || account.Name == "" {
			t.Errorf("%+v, %v", account, err)
		}
	}
	if _, err := r.SetFlag(t.Context(), root(), schema.Acme, "no_such_flag", true, "x"); chat.CodeOf(err) != chat.Invalid {
		t.Errorf("%v", err)
	}
	if _, err := r.SetFlag(t.Context(), root(), 999, chat.FlagContactPIIMasking, true, "x"); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("%v", err)
	}
	for _, d := range chat.Datasets {
		before := r.account(schema.Acme).Settings.CacheEpoch
		if err := r.SetPhase(t.Context(), schema.Acme, d, chat.ReadSealed); err != nil {
			t.Fatal(err)
		}
		if s := r.account(schema.Acme).Settings; s.Phases[d] != chat.ReadSealed || s.CacheEpoch == before {
			t.Errorf("%s: %+v", d, s)
		}
	}
	entries, err := r.Entries(t.Context(), schema.Acme, time.Now().Add(-time.Hour), 100)
	if err != nil || len(entries) != 6 || entries[0].Actor != chat.Operator || entries[0].Details["phase"] != "read-sealed" || entries[0].Details["before"] != "off" {
		t.Errorf("%d entries, %v", len(entries), err)
	}
	if none, err := r.Entries(t.Context(), schema.Acme, time.Now().Add(time.Hour), 100); err != nil || len(none) != 0 {
		t.Errorf("%d entries of the future, %v", len(none), err)
	}
	if some, err := r.Entries(t.Context(), schema.Acme, time.Time{}, 2); err != nil || len(some) != 2 {
		t.Errorf("%d entries, want the newest 2, %v", len(some), err)
	}
}

// TestEntriesAreBoundToTheirPlace: what was written about one thing cannot be moved to another entry.
func TestEntriesAreBoundToTheirPlace(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.WithDemo(t), nil)
	for _, id := range []string{"1", "2"} {
		entry := chat.AuditEntry{AccountID: schema.Acme, Action: chat.Refused, EntityType: "user", EntityID: id, Details: map[string]any{"id": id}}
		if err := r.Record(WithActor(t.Context(), chat.Actor{Kind: "AGENT", ID: "3"}), entry); err != nil {
			t.Fatal(err)
		}
	}
	storetest.Exec(t, r.store, `UPDATE cloakroom.audit_entries a SET details_sealed = b.details_sealed FROM cloakroom.audit_entries b
		WHERE a.entity_id = '1' AND b.entity_id = '2'`)
	if _, err := r.Entries(t.Context(), schema.Acme, time.Time{}, 10); !errors.Is(err, chat.ErrUnreadable) {
		t.Errorf("%v", err)
	}
	if u, err := r.FindUser(t.Context(), schema.Ivy); err != nil || u.ID != schema.Ivy {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := r.FindUser(t.Context(), 999); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("%v", err)
	}
}
