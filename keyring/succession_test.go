package keyring

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
)

const secondMaster, thirdMaster = "local-file:///second", "local-file:///third"

// replicaOf gives a keyring with the first master key, which may follow.
func replicaOf(t testing.TB, service *keyService, sets *memory, opts ...Option) *Keyring {
	t.Helper()
	k, err := New(service.master(t, testMaster), sets, append([]Option{WithFollower(service.open)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// succeed names the next master key and stores the record.
func succeed(t testing.TB, k *Keyring, sets *memory, uri string) chat.Succession {
	t.Helper()
	s, err := k.Succeed(t.Context(), uri)
	if err != nil {
		t.Fatal(err)
	}
	sets.change(func(m *memory) { m.successions = append(m.successions, s) })
	return s
}

// TestSuccession follows two successions: on another replica without a word, after a restart with the old MASTER_KEY,
// and with the new one.
func TestSuccession(t *testing.T) {
	t.Parallel()
	sets, service := &memory{}, newService()
	k, other := replicaOf(t, service, sets), replicaOf(t, service, sets)
	tag := tagOf(t, mustAccount(t, k, 1))
	tagOf(t, mustAccount(t, other, 1))
	succeed(t, k, sets, secondMaster)
	if k.MasterURI() != testMaster {
		t.Error("the new key wraps before its record was met")
	}
	if err := k.Follow(t.Context()); err != nil || k.MasterURI() != secondMaster {
		t.Fatalf("the head is %s: %v", k.MasterURI(), err)
	}
	succeed(t, k, sets, thirdMaster)
	if err := k.Follow(t.Context()); err != nil || k.MasterURI() != thirdMaster {
		t.Fatalf("the head is %s: %v", k.MasterURI(), err)
	}
	for i := range sets.rows {
		after, err := k.Rewrap(t.Context(), sets.rows[i])
		if err != nil || after.MasterKey != thirdMaster || slices.Equal(after.Wrapped, sets.rows[i].Wrapped) {
			t.Fatalf("rewrapped under %s: %v", after.MasterKey, err)
		}
		sets.change(func(m *memory) { m.rows[i] = after })
	}
	other.Forget(1)
	if tagOf(t, mustAccount(t, other, 1)) != tag || other.MasterURI() != thirdMaster {
		t.Error("another replica has other keys, or did not follow")
	}
	late := replicaOf(t, service, sets)
	if ks, err := late.NewGeneration(t.Context(), 1, chat.KeysetData, 2); err != nil || ks.MasterKey != thirdMaster || ks.State != chat.KeysetPending || !ks.ActivatedAt.IsZero() {
		t.Errorf("a generation made after a restart is %s, under %s: %v", ks.State, ks.MasterKey, err)
	}
	e, err := late.NewEpoch(t.Context(), 2)
	if err != nil || e.MasterKey != thirdMaster || !service.names()[thirdMaster+"-"+e.Name] {
		t.Errorf("an epoch made after a restart lies beside %s: %v", e.MasterKey, err)
	}
	mustAccount(t, late, 2)
	if ks := sets.find(2, chat.KeysetData, 1); ks.MasterKey != thirdMaster {
		t.Errorf("a new account's keys are wrapped under %s", ks.MasterKey)
	}
	fresh, err := New(service.master(t, thirdMaster), sets, WithoutEpochs())
	if err != nil {
		t.Fatal(err)
	}
	sets.change(func(m *memory) { m.epochs = nil }) // those of the old master key must have been turned before
	if tagOf(t, mustAccount(t, fresh, 1)) != tag {
		t.Error("with the new MASTER_KEY the keys are others")
	}
	if again, err := k.Rewrap(t.Context(), sets.rows[0]); err != nil || !slices.Equal(again.Wrapped, sets.rows[0].Wrapped) {
		t.Errorf("what lies under the head already was wrapped again: %v", err)
	}
}

func tagOf(t testing.TB, a *Account) string {
	t.Helper()
	tag, err := a.Tag(FieldEmail, []byte("ann"))
	if err != nil {
		t.Fatal(err)
	}
	return string(tag)
}

// TestForgedSuccessions changes the records as a writer to the database can; none of them may make a master key.
func TestForgedSuccessions(t *testing.T) {
	t.Parallel()
	for name, try := range map[string]struct {
		forge func(*testing.T, *memory, *keyService)
		want  string
	}{
		"another successor named": {func(_ *testing.T, m *memory, s *keyService) {
			m.successions[0].Successor = "local-file:///mallory"
		}, "mallory"},
		"sealed by another key": {func(t *testing.T, m *memory, s *keyService) {
			mallory := newService()
			k, err := New(mallory.master(t, testMaster), &memory{}, WithFollower(mallory.open))
			if err != nil {
				t.Fatal(err)
			}
			m.successions[0] = succeed(t, k, &memory{}, secondMaster)
		}, secondMaster},
		"another key at that place": {func(t *testing.T, m *memory, s *keyService) {
			s.keys[secondMaster] = newKey(t)
		}, secondMaster},
		"another predecessor named": {func(_ *testing.T, m *memory, _ *keyService) {
			m.successions[1].MasterKey = secondMaster
			m.successions[1].Successor = "local-file:///fourth"
		}, "local-file:///fourth"},
		"no record":             {func(_ *testing.T, m *memory, _ *keyService) { m.successions[0].Sealed = nil }, secondMaster},
		"a fork":                {func(_ *testing.T, m *memory, _ *keyService) { m.successions = append(m.successions, m.successions[0]) }, "two successors"},
		"a circle":              {func(_ *testing.T, m *memory, _ *keyService) { m.successions[1].Successor = testMaster }, "circle"},
		"a key that is missing": {func(_ *testing.T, _ *memory, s *keyService) { delete(s.keys, thirdMaster) }, thirdMaster},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sets, service := &memory{}, newService()
			k := replicaOf(t, service, sets)
			mustAccount(t, k, 1)
			for _, uri := range []string{secondMaster, thirdMaster} {
				succeed(t, k, sets, uri)
				if err := k.Follow(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			try.forge(t, sets, service)
			late := replicaOf(t, service, sets)
			if err := late.Follow(t.Context()); err == nil || !strings.Contains(err.Error(), try.want) || late.MasterURI() != testMaster {
				t.Errorf("the head is %s, error %v, want one with %s", late.MasterURI(), err, try.want)
			}
			mustAccount(t, late, 1) // what lies under a key that is trusted still opens
			if _, err := late.NewGeneration(t.Context(), 1, chat.KeysetData, 2); err == nil {
				t.Error("a generation was made, though who wraps it is not known")
			}
			if _, err := late.Account(t.Context(), 2); err == nil {
				t.Error("an account's keys were made, though who wraps them is not known")
			}
		})
	}
}

// TestSuccessionMutations flips every bit of a record and of what it names.
func TestSuccessionMutations(t *testing.T) {
	t.Parallel()
	sets, service := &memory{}, newService()
	record := succeed(t, replicaOf(t, service, sets), sets, secondMaster)
	eachMutation(record.Sealed, func(changed []byte) {
		sets.successions = []chat.Succession{{MasterKey: record.MasterKey, Successor: record.Successor, Sealed: changed}}
		k := replicaOf(t, service, sets)
		if err := k.Follow(t.Context()); err == nil || k.MasterURI() != testMaster {
			t.Fatalf("a changed record was followed to %s", k.MasterURI())
		}
	})
}

func TestSucceedRefuses(t *testing.T) {
	t.Parallel()
	sets, service := &memory{}, newService()
	k := replicaOf(t, service, sets)
	if _, err := k.Succeed(t.Context(), testMaster); chat.CodeOf(err) != chat.Conflict {
		t.Errorf("a key succeeds itself: %v", err)
	}
	careless := newService()
	careless.unkept = true
	k.follower = careless.open
	if _, err := k.Succeed(t.Context(), secondMaster); err == nil || !strings.Contains(err.Error(), "associated data") {
		t.Errorf("a key that forgets the associated data was accepted: %v", err)
	}
	careless.down = errDown
	if _, err := k.Succeed(t.Context(), secondMaster); !errors.Is(err, errDown) {
		t.Errorf("a key service that is down: %v", err)
	}
	k.follower = nil
	if _, err := k.Succeed(t.Context(), secondMaster); err == nil || !strings.Contains(err.Error(), "MASTER_KEY") {
		t.Errorf("without a follower: %v", err)
	}
	k.follower = service.open
	succeed(t, k, sets, secondMaster)
	k.follower = nil
	if err := k.Follow(t.Context()); err == nil || !strings.Contains(err.Error(), secondMaster) || !strings.Contains(err.Error(), "MASTER_KEY") {
		t.Errorf("without a follower: %v", err)
	}
	k.follower = func(ctx context.Context, _ string, create bool) (MasterKey, error) {
		return service.open(ctx, thirdMaster, true)
	}
	if err := k.Follow(t.Context()); err == nil || !strings.Contains(err.Error(), thirdMaster) {
		t.Errorf("a follower that opens another key: %v", err)
	}
	sets.change(func(m *memory) { m.err = errDown })
	if err := k.Follow(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("a store that is down: %v", err)
	}
}

// TestRewrapKeysetRefuses proves that no wrap is given that was not opened again.
func TestRewrapKeysetRefuses(t *testing.T) {
	t.Parallel()
	sets, service := &memory{}, newService()
	k := replicaOf(t, service, sets)
	mustAccount(t, k, 1)
	succeed(t, k, sets, secondMaster)
	if err := k.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := sets.rows[0]
	damaged := before
	damaged.Wrapped = slices.Clone(before.Wrapped)
	damaged.Wrapped[40] ^= 1
	if got, err := k.Rewrap(t.Context(), damaged); err == nil || got.MasterKey != testMaster {
		t.Error("a damaged keyset was wrapped again")
	}
	destroyed := before
	destroyed.State, destroyed.Wrapped = chat.KeysetDestroyed, nil
	if got, err := k.Rewrap(t.Context(), destroyed); err != nil || got.MasterKey != testMaster {
		t.Errorf("a destroyed keyset was touched: %v", err)
	}
	service.change(func(s *keyService) { s.down = errDown })
	if got, err := k.Rewrap(t.Context(), before); !errors.Is(err, errDown) || got.MasterKey != testMaster {
		t.Errorf("a key service that is down: %v", err)
	}
}
