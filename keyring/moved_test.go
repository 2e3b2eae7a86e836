package keyring

import (
	"errors"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
)

// TestMovedMasterKey proves that a key may be restored under another name: what it opens, it wrapped.
func TestMovedMasterKey(t *testing.T) {
	t.Parallel()
	sets, service := &memory{}, newService()
	tag := tagOf(t, mustAccount(t, replicaOf(t, service, sets), 1))
	moved := newService()
	for name, key := range service.keys { // the epoch's too
		moved.keys[strings.Replace(name, testMaster, "local-file:///moved", 1)] = key
	}
	k, err := New(moved.master(t, "local-file:///moved"), sets, WithFollower(moved.open))
	if err != nil {
		t.Fatal(err)
	}
	if a := mustAccount(t, k, 1); tagOf(t, a) != tag || a.Epoch() != 1 {
		t.Error("the keys are others")
	}
	after, err := k.Rewrap(t.Context(), sets.rows[0])
	if err != nil || after.MasterKey != "local-file:///moved" {
		t.Errorf("rewrapped under %s: %v", after.MasterKey, err)
	}
	delete(moved.keys, "local-file:///moved-"+sets.epochs[0].Name)
	k.ForgetAll()
	if _, err := k.Account(t.Context(), 1); !errors.Is(err, errElsewhere) || !strings.Contains(err.Error(), testMaster) {
		t.Errorf("an epoch whose key was not moved along counts as destroyed: %v", err)
	}
	if err := errors.Join(k.FindEpoch(t.Context(), sets.epochs[0]), k.DestroyEpoch(t.Context(), sets.epochs[0])); err != nil {
		t.Errorf("its key, which is gone, cannot be destroyed: %v", err)
	}
}

// TestMasterKeyMovesOn: where MASTER_KEY is another one by now, an epoch beside the one of then stops nobody, and nobody
// says that its key was destroyed.
func TestMasterKeyMovesOn(t *testing.T) {
	t.Parallel()
	sets, service := &memory{}, newService()
	mustAccount(t, replicaOf(t, service, sets), 1)
	service.keys[secondMaster] = newKey(t)
	old := sets.epochs[0]
	for i := range sets.rows { // as the rotation of the master key leaves them
		k := replicaOf(t, service, sets)
		s, err := k.Succeed(t.Context(), secondMaster)
		if err != nil {
			t.Fatal(err)
		}
		sets.successions = []chat.Succession{s}
		if err := k.Follow(t.Context()); err != nil {
			t.Fatal(err)
		}
		if sets.rows[i], err = k.Rewrap(t.Context(), sets.rows[i]); err != nil {
			t.Fatal(err)
		}
		sets.successions = nil
	}
	k, err := New(service.master(t, secondMaster), sets, WithFollower(service.open))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Account(t.Context(), 1); !errors.Is(err, errElsewhere) {
		t.Errorf("under an active epoch of another master key: %v", err)
	}
	sets.epochs[0].State = chat.KeysetRetired
	if _, err := k.Account(t.Context(), 1); err != nil {
		t.Errorf("beside a retired epoch of another master key: %v", err)
	}
	for what, err := range map[string]error{"found": k.FindEpoch(t.Context(), old), "destroyed": k.DestroyEpoch(t.Context(), old)} {
		if !errors.Is(err, errElsewhere) || !strings.Contains(err.Error(), testMaster) {
			t.Errorf("the key of an epoch that cannot be had is %s: %v", what, err)
		}
	}
	if service.keys[testMaster+"-"+old.Name] == nil {
		t.Error("it is gone all the same")
	}
}
