package keyring

import (
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
)

// TestDestroyedEpoch proves that with an epoch the keys wrapped under it are gone, in a restored database too, and that
// those that were wrapped again live on.
func TestDestroyedEpoch(t *testing.T) {
	t.Parallel()
	for name, destroy := range map[string]func(*testing.T, *Keyring, *memory){
		"row": func(_ *testing.T, _ *Keyring, m *memory) {
			m.epochs[0].State, m.epochs[0].Wrapped = chat.KeysetDestroyed, nil
		},
		"key service": func(t *testing.T, k *Keyring, m *memory) { destroyEpoch(t, k, m.epochs[0]) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sets := &memory{}
			k := newKeyring(t, sets)
			_, left, err := mustAccount(t, k, 1).NewSubject(42, 5)
			if err != nil {
				t.Fatal(err)
			}
			turnEpoch(t, k, sets)
			a := mustAccount(t, k, 1)
			if _, err := a.Subject(42, 5, left); err != nil { // into memory
				t.Fatal(err)
			}
			saved, err := a.Rewrap(42, 5, left)
			if err != nil {
				t.Fatal(err)
			}
			destroy(t, k, sets)
			k.ForgetAll()
			a = mustAccount(t, k, 1)
			refuse(t, "a key of the epoch", left, asBytes(func(b []byte) (*Subject, error) { return a.Subject(42, 5, b) }))
			refuse(t, "a key of the epoch, to be wrapped again", left, func(b []byte) ([]byte, error) { return a.Rewrap(42, 5, b) })
			if _, err := a.Subject(42, 5, saved); err != nil {
				t.Errorf("a key that was wrapped again: %v", err)
			}
		})
	}
}

func destroyEpoch(t *testing.T, k *Keyring, e chat.Epoch) {
	t.Helper()
	for range 2 { // the second time it is gone already
		if err := k.DestroyEpoch(t.Context(), e); err != nil {
			t.Error(err)
		}
	}
}

// TestActiveEpochGone is a backup older than the erasure horizon: nothing of its epoch opens, nothing is wrapped once
// only for it, and a new epoch puts it right.
func TestActiveEpochGone(t *testing.T) {
	t.Parallel()
	sets := &memory{}
	k := newKeyring(t, sets)
	_, wrapped, err := mustAccount(t, k, 1).NewSubject(42, 5)
	if err != nil {
		t.Fatal(err)
	}
	destroyEpoch(t, k, sets.epochs[0])
	k.ForgetAll()
	a := mustAccount(t, k, 1)
	refuse(t, "a key of the epoch", wrapped, asBytes(func(b []byte) (*Subject, error) { return a.Subject(42, 5, b) }))
	if _, _, err := a.NewSubject(43, 6); err == nil || !strings.Contains(err.Error(), "rotate the epoch") || a.Epoch() != 0 {
		t.Errorf("a subject key was wrapped under epoch %d, error %v", a.Epoch(), err)
	}
	turnEpoch(t, k, sets)
	if _, _, err := mustAccount(t, k, 1).NewSubject(43, 6); err != nil {
		t.Error(err)
	}
}

// TestEpochChangeEmptiesMemory proves that what was unwrapped under an epoch does not outlive it in memory, though the
// account itself is not read again.
func TestEpochChangeEmptiesMemory(t *testing.T) {
	t.Parallel()
	k, sets, _, _ := cachedKeyring(t)
	a := mustAccount(t, k, 1)
	_, wrapped, err := a.NewSubject(42, 5)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Subject(42, 5, wrapped); err != nil {
		t.Fatal(err)
	}
	sets.change(func(m *memory) { m.epochs[0].State, m.epochs[0].Wrapped = chat.KeysetDestroyed, nil })
	k.mu.Lock()
	k.epochs.expire()
	k.mu.Unlock()
	late := mustAccount(t, k, 1)
	if sets.listed() != 0 || late == a {
		t.Fatalf("the account was read %d times", sets.listed())
	}
	refuse(t, "a key of the destroyed epoch", wrapped, asBytes(func(b []byte) (*Subject, error) { return late.Subject(42, 5, b) }))
	if got := k.budget.used.Load(); got != 0 {
		t.Errorf("%d subject keys are in memory", got)
	}
}
