package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

const oldMaster, newMaster = "local-file:///old", "local-file:///new"

// keysetTimes names the times that are set.
func keysetTimes(k chat.Keyset) map[string]bool {
	set := map[string]bool{}
	for name, at := range map[string]time.Time{"created": k.CreatedAt, "activated": k.ActivatedAt, "retired": k.RetiredAt,
		"refused": k.RefusedAt, "destroyed": k.DestroyedAt} {
		if !at.IsZero() {
			set[name] = true
		}
	}
	return set
}

// TestKeysetStates takes a keyset from its making to its destruction, and tries every way back.
func TestKeysetStates(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	pending := chat.Keyset{AccountID: 4, Purpose: chat.KeysetData, Generation: 2, Wrapped: []byte("x"), MasterKey: oldMaster, State: chat.KeysetPending}
	if err := s.CreateKeysets(t.Context(), []chat.Keyset{pending}); err != nil {
		t.Fatal(err)
	}
	times := map[string]bool{"created": true}
	states := []string{chat.KeysetPending, chat.KeysetActive, chat.KeysetRetired, chat.KeysetRefused, chat.KeysetDestroyed}
	stamps := []string{"", "activated", "retired", "refused", "destroyed"}
	for i, state := range states {
		if i > 0 {
			if err := s.SetKeysetState(t.Context(), 4, chat.KeysetData, 2, states[i-1], state); err != nil {
				t.Fatal(err)
			}
			times[stamps[i]] = true
		}
		got, err := s.ListKeysets(t.Context(), 4)
		if err != nil || len(got) != 1 || got[0].State != state || !cmp.Equal(keysetTimes(got[0]), times) {
			t.Fatalf("%s: %+v, %v", state, got, err)
		}
		if empty := len(got[0].Wrapped) == 0; empty != (state == chat.KeysetDestroyed) {
			t.Errorf("a %s keyset has %d bytes", state, len(got[0].Wrapped))
		}
		for j := range states[:i+1] {
			if err := s.SetKeysetState(t.Context(), 4, chat.KeysetData, 2, state, states[j]); err == nil {
				t.Errorf("a %s keyset was made %s", state, states[j])
			}
			if i == j || i+1 == len(states) {
				continue
			}
			if err := s.SetKeysetState(t.Context(), 4, chat.KeysetData, 2, states[j], states[i+1]); chat.CodeOf(err) != chat.Conflict {
				t.Errorf("a %s keyset that was thought %s was changed: %v", state, states[j], err)
			}
		}
	}
	if err := s.SetKeysetState(t.Context(), 4, chat.KeysetData, 3, chat.KeysetPending, chat.KeysetActive); chat.CodeOf(err) != chat.Conflict {
		t.Errorf("a keyset that is not there: %v", err)
	}
}

// TestReplaceKeyset lets only him replace a wrap who has read the one that is there.
func TestReplaceKeyset(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	before := chat.Keyset{AccountID: 4, Purpose: chat.KeysetData, Generation: 1, Wrapped: []byte("old"), MasterKey: oldMaster, State: chat.KeysetActive}
	if err := s.CreateKeysets(t.Context(), []chat.Keyset{before}); err != nil {
		t.Fatal(err)
	}
	after := before
	after.Wrapped, after.MasterKey = []byte("new"), newMaster
	for i, want := range []bool{true, false} {
		if done, err := s.ReplaceKeyset(t.Context(), before, after); err != nil || done != want {
			t.Errorf("attempt %d: %v, %v", i, done, err)
		}
	}
	got, err := s.ListKeysets(t.Context(), 4)
	if err != nil || len(got) != 1 || string(got[0].Wrapped) != "new" || got[0].MasterKey != newMaster {
		t.Errorf("%+v, %v", got, err)
	}
	other := after
	other.AccountID = 5
	if _, err := s.ReplaceKeyset(t.Context(), before, other); err == nil {
		t.Error("the wrap of another keyset was accepted")
	}
}

// TestKeysetsNotUnder walks the live keysets of another master key in pages of two.
func TestKeysetsNotUnder(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	type key struct {
		Account    int64
		Purpose    chat.KeysetPurpose
		Generation int
	}
	var want []key
	for account := range int64(2) {
		for _, p := range []chat.KeysetPurpose{chat.KeysetAudit, chat.KeysetData} {
			for generation, state := range []string{chat.KeysetRefused, chat.KeysetRetired, chat.KeysetActive, chat.KeysetPending, chat.KeysetDestroyed} {
				k := chat.Keyset{AccountID: account, Purpose: p, Generation: generation + 1, Wrapped: []byte("x"), MasterKey: oldMaster, State: state}
				if account == 1 && p == chat.KeysetAudit {
					k.MasterKey = newMaster
				} else if state != chat.KeysetRefused && state != chat.KeysetDestroyed {
					want = append(want, key{account, p, generation + 1})
				}
				if err := s.CreateKeysets(t.Context(), []chat.Keyset{k}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	got, last := []key{}, chat.Keyset{AccountID: -1}
	for {
		page, err := s.ListKeysetsNotUnder(t.Context(), newMaster, last.AccountID, string(last.Purpose), last.Generation, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, k := range page {
			got = append(got, key{k.AccountID, k.Purpose, k.Generation})
		}
		last = page[len(page)-1]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n, err := s.CountKeysetsNotUnder(t.Context(), newMaster); err != nil || n != int64(len(want)) {
		t.Errorf("%d are counted, want %d: %v", n, len(want), err)
	}
}

func TestEpochs(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	first := chat.Epoch{Number: 1, Name: "epoch-a", MasterKey: oldMaster, Wrapped: []byte("x"), State: chat.KeysetActive}
	late := first
	late.Name = "epoch-b"
	second := chat.Epoch{Number: 2, Name: "epoch-c", MasterKey: newMaster, Wrapped: []byte("y"), State: chat.KeysetPending}
	for _, e := range []chat.Epoch{first, late, second} { // where two replicas race the first one stands
		if err := s.CreateEpoch(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SetEpochState(t.Context(), 2, chat.KeysetPending, chat.KeysetActive); err == nil {
		t.Error("two epochs are active")
	}
	err := s.InTx(t.Context(), func(tx *store.Store) error {
		if err := tx.SetEpochState(t.Context(), 1, chat.KeysetActive, chat.KeysetRetired); err != nil {
			return err
		}
		return tx.SetEpochState(t.Context(), 2, chat.KeysetPending, chat.KeysetActive)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetEpochState(t.Context(), 1, chat.KeysetRetired, chat.KeysetDestroyed); err != nil {
		t.Fatal(err)
	}
	if err := s.SetEpochState(t.Context(), 1, chat.KeysetRetired, chat.KeysetDestroyed); chat.CodeOf(err) != chat.Conflict {
		t.Errorf("an epoch was destroyed twice: %v", err)
	}
	for _, to := range []string{chat.KeysetPending, chat.KeysetRefused, "lost"} {
		if err := s.SetEpochState(t.Context(), 2, chat.KeysetActive, to); err == nil {
			t.Errorf("an epoch is %s", to)
		}
	}
	first.State, first.Wrapped = chat.KeysetDestroyed, []byte{}
	second.State = chat.KeysetActive
	got, err := s.ListEpochs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]chat.Epoch{first, second}, got, cmpopts.IgnoreTypes(time.Time{})); diff != "" {
		t.Error(diff)
	}
	if e := got[0]; e.CreatedAt.IsZero() || e.ActivatedAt.IsZero() || e.RetiredAt.IsZero() || e.DestroyedAt.IsZero() {
		t.Errorf("a time is missing: %+v", e)
	}
	if e := got[1]; e.ActivatedAt.IsZero() || !e.RetiredAt.IsZero() || !e.DestroyedAt.IsZero() {
		t.Errorf("a time is wrong: %+v", e)
	}
}

func TestSuccessions(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	one := chat.Succession{MasterKey: oldMaster, Successor: newMaster, Sealed: []byte("x")}
	fork := chat.Succession{MasterKey: oldMaster, Successor: "local-file:///third", Sealed: []byte("y")}
	if err := s.CreateSuccession(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateSuccession(t.Context(), fork); chat.CodeOf(err) != chat.Conflict {
		t.Errorf("a master key has two successors: %v", err)
	}
	if got, err := s.ListSuccessions(t.Context()); err != nil || !cmp.Equal(got, []chat.Succession{one}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestSubjectKeyEpochs(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	want := []store.SubjectKey{{ID: 1, ContactID: 11, KeyID: 2, Epoch: 0, Wrapped: []byte("a")}, {ID: 2, ContactID: 12, KeyID: 3, Epoch: 7, Wrapped: []byte("b")}}
	if err := s.CreateSubjectKeys(t.Context(), 4, want); err != nil {
		t.Fatal(err)
	}
	got, err := s.SubjectKeysOf(t.Context(), 4, []int64{11, 12})
	if diff := cmp.Diff(want, got, cmpopts.SortSlices(func(x, y store.SubjectKey) bool { return x.ID < y.ID })); diff != "" || err != nil {
		t.Errorf("%s, %v", diff, err)
	}
}

// TestKeyTablesDown says what failed when the database does not answer.
func TestKeyTablesDown(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, ask := range map[string]func() error{
		"epochs":      func() error { _, err := s.ListEpochs(gone); return err },
		"epoch":       func() error { return s.CreateEpoch(gone, chat.Epoch{Number: 1}) },
		"epoch state": func() error { return s.SetEpochState(gone, 1, chat.KeysetActive, chat.KeysetRetired) },
		"successions": func() error { _, err := s.ListSuccessions(gone); return err },
		"succession":  func() error { return s.CreateSuccession(gone, chat.Succession{}) },
		"state": func() error {
			return s.SetKeysetState(gone, 1, chat.KeysetData, 1, chat.KeysetActive, chat.KeysetRetired)
		},
		"replace": func() error { _, err := s.ReplaceKeyset(gone, chat.Keyset{}, chat.Keyset{}); return err },
		"others":  func() error { _, err := s.ListKeysetsNotUnder(gone, "", -1, "", 0, 1); return err },
		"count":   func() error { _, err := s.CountKeysetsNotUnder(gone, ""); return err },
	} {
		if err := ask(); err == nil || chat.CodeOf(err) != chat.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
}
