package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestSetMaskingRace has twenty callers who all read one version: exactly one of them is served, for each version.
func TestSetMaskingRace(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	for version := range 5 {
		var won, lost atomic.Int64
		var callers sync.WaitGroup
		for i := range 20 {
			callers.Go(func() {
				err := s.InTx(t.Context(), func(tx *store.Store) error {
					before, err := tx.SetMasking(t.Context(), schema.Ivy, i%2 == 0, version, schema.Root)
					if err == nil && before.Version != version {
						t.Errorf("version %d before, want %d", before.Version, version)
					}
					return err
				})
				switch {
				case err == nil:
					won.Add(1)
				case chat.CodeOf(err) == chat.Conflict:
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		callers.Wait()
		if won.Load() != 1 || lost.Load() != 19 {
			t.Errorf("version %d: %d won, %d lost", version, won.Load(), lost.Load())
		}
	}
	p, err := s.ReadPolicy(t.Context(), schema.Ivy, nil)
	if err != nil || p.Masking.Version != 5 {
		t.Errorf("%+v, %v", p, err)
	}
	for name, c := range map[string]struct {
		agent   int64
		version int
		code    chat.Code
	}{"nobody": {999, 0, chat.NotFound}, "the past": {schema.Ivy, 4, chat.Conflict}, "the future": {schema.Ivy, 6, chat.Conflict}, "never set": {schema.Max, 1, chat.Conflict}, "negative": {schema.Max, -1, chat.Conflict}} {
		if _, err := s.SetMasking(t.Context(), c.agent, true, c.version, schema.Root); chat.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSetFlagInOrder(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	if _, err := s.SetFlag(t.Context(), 999, chat.FlagContactPIIMasking, true); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("an account that is not there: %v", err)
	}
	// Each caller turns the flag over: with the row locked, what each saw before is what the one before it left.
	var turns atomic.Int64
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for _, to := range []bool{true, false} {
				err := s.InTx(t.Context(), func(tx *store.Store) error {
					before, err := tx.SetFlag(t.Context(), schema.Acme, chat.FlagContactPIIMasking, to)
					if before != to {
						turns.Add(1)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
	version := storetest.Value[int64](t, s, `SELECT version FROM cloakroom.account_flags WHERE account_id = 1`)
	if version != 1+16 || turns.Load()%2 != 0 {
		t.Errorf("version %d after 16 changes, %d of them turns", version, turns.Load())
	}
}

// TestFlagDefaults sets flags for the first time: what they were before is what an account without a row has.
func TestFlagDefaults(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	for flag, standing := range map[chat.Flag]bool{chat.FlagContactPIIMasking: false, chat.FlagMaskedContactLookup: true} {
		for i, want := range []bool{standing, false, true} {
			before, err := s.SetFlag(t.Context(), schema.Acme, flag, i == 1)
			if err != nil || before != want {
				t.Errorf("%s, change %d: it was %t, want %t, %v", flag, i+1, before, want, err)
			}
		}
	}
}

func TestAuditRows(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	var ids []int64
	for range 2 {
		more, err := s.ReserveAuditIDs(t.Context(), 3)
		if err != nil || len(more) != 3 {
			t.Fatalf("ids %v, %v", more, err)
		}
		ids = append(ids, more...)
	}
	if slices.Sort(ids); len(slices.Compact(slices.Clone(ids))) != 6 {
		t.Fatalf("ids %v", ids)
	}
	for i, id := range ids {
		row := store.AuditRow{KeyID: 3, DetailsSealed: []byte{byte(i)}, AuditEntry: chat.AuditEntry{AccountID: int64(i % 2), ID: id,
			Actor: chat.Actor{Kind: "AGENT", ID: "7"}, Action: chat.Refused, EntityType: "user", EntityID: fmt.Sprint(i), RequestID: "r"}}
		if err := s.CreateAuditEntry(t.Context(), row); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if err := s.CreateAuditEntry(t.Context(), row); !errors.Is(err, chat.ErrDuplicate) {
				t.Errorf("an entry was written twice: %v", err)
			}
		}
	}
	rows, err := s.ListAuditEntries(t.Context(), 1, time.Now().Add(-time.Hour), 2)
	if err != nil || len(rows) != 2 || rows[0].EntityID != "5" || rows[1].EntityID != "3" {
		t.Fatalf("%+v, %v", rows, err)
	}
	rows[0].OccurredAt, rows[0].ID = time.Time{}, 0
	want := store.AuditRow{KeyID: 3, DetailsSealed: []byte{5}, AuditEntry: chat.AuditEntry{AccountID: 1, Actor: chat.Actor{Kind: "AGENT", ID: "7"},
		Action: chat.Refused, EntityType: "user", EntityID: "5", RequestID: "r"}}
	if diff := cmp.Diff(want, rows[0]); diff != "" {
		t.Error(diff)
	}
	if rows, err := s.ListAuditEntries(t.Context(), 1, time.Now().Add(time.Hour), 9); err != nil || len(rows) != 0 {
		t.Errorf("%d entries of the future, %v", len(rows), err)
	}
}

func TestStandings(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	if _, err := s.SetMasking(t.Context(), schema.Max, true, 0, schema.Root); err != nil {
		t.Fatal(err)
	}
	list, err := s.StandingsByIDs(t.Context(), []int64{schema.Root, schema.Max, schema.Bob, 999, schema.Max})
	if err != nil || len(list) != 3 {
		t.Fatalf("%d standings, %v", len(list), err)
	}
	root, max, bob := list[0], list[1], list[2]
	if root.UserID != schema.Root || len(root.Places) != 2 || *root.RoleIn(schema.Acme) != chat.Administrator || root.Masking.Set() {
		t.Errorf("%+v", root)
	}
	if max.Masking != (chat.Masking{Masked: true, Version: 1}) || *max.RoleIn(schema.Acme) != chat.Agent || max.RoleIn(schema.Borealis) != nil {
		t.Errorf("%+v", max)
	}
	if bob.RoleIn(schema.Acme) != nil || *bob.AvailabilityIn(schema.Borealis) != chat.Busy {
		t.Errorf("%+v", bob)
	}
}

func TestKeysets(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	set := chat.Keyset{AccountID: 4, Purpose: chat.KeysetData, Generation: 1, Wrapped: []byte("first"), MasterKey: "local-file://k", State: chat.KeysetActive}
	second := set
	second.Wrapped = []byte("second")
	for _, k := range []chat.Keyset{set, second} { // where two replicas race the first one stands
		if err := s.CreateKeysets(t.Context(), []chat.Keyset{k}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.ListKeysets(t.Context(), 4)
	if err != nil || len(got) != 1 || !bytes.Equal(got[0].Wrapped, set.Wrapped) || got[0].CreatedAt.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	second.Generation, second.Purpose = 2, "no such purpose"
	third := set
	third.Generation = 3
	if err := s.CreateKeysets(t.Context(), []chat.Keyset{third, second}); err == nil {
		t.Error("a purpose nobody knows was stored")
	}
	if got, _ := s.ListKeysets(t.Context(), 4); len(got) != 1 {
		t.Errorf("half of the keysets were stored: %d", len(got))
	}
	if none, err := s.ListKeysets(t.Context(), 5); err != nil || len(none) != 0 {
		t.Errorf("%v, %v", none, err)
	}
}

func TestInTx(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	failed := errors.New("no")
	err := s.InTx(t.Context(), func(tx *store.Store) error {
		if _, err := tx.SetMasking(t.Context(), schema.Max, true, 0, schema.Root); err != nil {
			return err
		}
		inner := tx.InTx(t.Context(), func(sp *store.Store) error {
			_, err := sp.SetMasking(t.Context(), schema.Eve, true, 0, schema.Root)
			return errors.Join(err, failed)
		})
		if !errors.Is(inner, failed) {
			t.Errorf("%v", inner)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for user, set := range map[int64]bool{schema.Max: true, schema.Eve: false} {
		if p, err := s.ReadPolicy(t.Context(), user, nil); err != nil || p.Masking.Set() != set {
			t.Errorf("user %d: %+v, %v", user, p, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = s.InTx(ctx, func(tx *store.Store) error {
		_, err := tx.SetMasking(t.Context(), schema.Pia, true, 0, schema.Root)
		cancel()
		return err
	})
	if p, _ := s.ReadPolicy(t.Context(), schema.Pia, nil); err == nil || p.Masking.Set() {
		t.Errorf("a change whose asker went away: %v, %+v", err, p)
	}
}
