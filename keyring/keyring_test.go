package keyring

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/google/go-cmp/cmp"
)

// TestFirstUse makes every keyset of an account, once, and never again.
func TestFirstUse(t *testing.T) {
	t.Parallel()
	sets := &memory{}
	master := newMaster(t)
	k, err := New(master, sets)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, account := range []int64{0, 1} {
			if a := mustAccount(t, k, account); a.ID() != account || a.Generation() != 1 || a.IndexGeneration() != 1 || a.AuditGeneration() != 1 {
				t.Errorf("account %d is %d with generations %d, %d, %d", account, a.ID(), a.Generation(), a.IndexGeneration(), a.AuditGeneration())
			}
			k.Forget(account)
		}
	}
	if len(sets.rows) != 2*len(chat.KeysetPurposes) {
		t.Fatalf("there are %d keysets, want %d", len(sets.rows), 2*len(chat.KeysetPurposes))
	}
	for i, row := range sets.rows {
		want := chat.Keyset{
			AccountID: int64(i / 6), Purpose: chat.KeysetPurposes[i%6], Generation: 1, Wrapped: row.Wrapped,
			MasterKey: testMaster, State: chat.KeysetActive, CreatedAt: row.CreatedAt, ActivatedAt: row.CreatedAt,
		}
		if diff := cmp.Diff(want, row); diff != "" || len(row.Wrapped) < 100 || time.Since(row.CreatedAt) > time.Hour {
			t.Errorf("keyset %d: %s", i, diff)
		}
	}
	if _, err := k.Account(t.Context(), -1); err == nil {
		t.Error("an account below 0 has keys")
	}
}

// TestReplicasRace lets ten processes use a new account at once: all end up with the same keys.
func TestReplicasRace(t *testing.T) {
	t.Parallel()
	sets, master := &memory{}, newMaster(t)
	var done sync.WaitGroup
	tags := make([]string, 10)
	for i := range tags {
		done.Go(func() {
			k, err := New(master, sets)
			if err != nil {
				t.Error(err)
				return
			}
			a, err := k.Account(t.Context(), 1)
			if err != nil {
				t.Error(err)
				return
			}
			tag, err := a.Tag(FieldEmail, []byte("ann"))
			if err != nil {
				t.Error(err)
			}
			tags[i] = string(tag)
		})
	}
	done.Wait()
	for _, tag := range tags {
		if tag != tags[0] {
			t.Fatal("two replicas have different keys")
		}
	}
}

// TestRotatedData follows what was sealed under the first data keyset through the states of that keyset.
func TestRotatedData(t *testing.T) {
	t.Parallel()
	sets := &memory{}
	k := newKeyring(t, sets)
	a := mustAccount(t, k, 1)
	s, wrapped, err := a.NewSubject(42, 5)
	if err != nil {
		t.Fatal(err)
	}
	ofSubject, err := s.Seal(emailPlace, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	ofAccount, err := a.Seal(emailPlace, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	rotate(t, k, sets, 1, chat.KeysetData)
	a = mustAccount(t, k, 1)
	if a.Generation() != 2 {
		t.Fatalf("after rotation the generation is %d", a.Generation())
	}
	_, rewrapped, err := a.NewSubject(42, 6)
	if err != nil {
		t.Fatal(err)
	}
	if wrapped[2] != 1 || rewrapped[2] != 2 {
		t.Errorf("wrapped keys name generations %d and %d, want 1 and 2", wrapped[2], rewrapped[2])
	}
	s, err = a.Subject(42, 5, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(emailPlace, ofSubject); err != nil {
		t.Errorf("a retired generation does not open: %v", err)
	}
	if _, err := a.Open(emailPlace, ofAccount); err != nil {
		t.Errorf("a retired generation does not open: %v", err)
	}
	resealed, err := s.Seal(emailPlace, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	sets.change(func(m *memory) { m.find(1, chat.KeysetData, 1).State = chat.KeysetRefused })
	k.Forget(1)
	refused := mustAccount(t, k, 1)
	refuse(t, "a refused generation", ofAccount, func(b []byte) ([]byte, error) { return refused.Open(emailPlace, b) })
	refuse(t, "a key of a refused generation", wrapped, asBytes(func(b []byte) (*Subject, error) { return refused.Subject(42, 5, b) }))
	late := Subject{id: s.id, account: refused, gcm: s.gcm}
	refuse(t, "an old value of a key that was wrapped again", ofSubject, func(b []byte) ([]byte, error) { return late.Open(emailPlace, b) })
	if _, err := late.Open(emailPlace, resealed); err != nil {
		t.Errorf("a value sealed again does not open: %v", err)
	}
}

// TestDamagedKeysets changes the rows of an account; none of them may give keys.
func TestDamagedKeysets(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(*memory, *Keyring){
		"account of another": func(m *memory, _ *Keyring) {
			m.find(1, chat.KeysetData, 1).Wrapped = m.find(2, chat.KeysetData, 1).Wrapped
		},
		"another purpose": func(m *memory, _ *Keyring) {
			m.find(1, chat.KeysetData, 1).Wrapped = m.find(1, chat.KeysetAudit, 1).Wrapped
		},
		"another generation": func(m *memory, _ *Keyring) { m.find(1, chat.KeysetData, 1).Generation = 2 },
		"a changed byte":     func(m *memory, _ *Keyring) { m.find(1, chat.KeysetData, 1).Wrapped[40] ^= 1 },
		"nothing in it":      func(m *memory, _ *Keyring) { m.find(1, chat.KeysetData, 1).Wrapped = nil },
		"generation 0":       func(m *memory, _ *Keyring) { m.find(1, chat.KeysetData, 1).Generation = 0 },
		"generation 65536":   func(m *memory, _ *Keyring) { m.find(1, chat.KeysetData, 1).Generation = 65536 },
		"unknown state":      func(m *memory, _ *Keyring) { m.find(1, chat.KeysetData, 1).State = "" },
		"a key of another sort": func(m *memory, k *Keyring) {
			row := m.find(1, chat.KeysetData, 1)
			*row = wrapped(t, k, row, chat.KeysetIndex)
		},
		"an AEAD as index": func(m *memory, k *Keyring) {
			row := m.find(1, chat.KeysetIndex, 1)
			*row = wrapped(t, k, row, chat.KeysetData)
		},
	} {
		sets := &memory{}
		k := newKeyring(t, sets)
		mustAccount(t, k, 1)
		mustAccount(t, k, 2)
		damage(sets, k)
		k.Forget(1)
		if a, err := k.Account(t.Context(), 1); err == nil || a != nil {
			t.Errorf("%s: the account has keys", name)
		}
	}
}

// wrapped makes a keyset of one purpose in the place of another, as only a holder of the master key can.
func wrapped(t *testing.T, k *Keyring, row *chat.Keyset, as chat.KeysetPurpose) chat.Keyset {
	t.Helper()
	b, err := k.wrapNew(t.Context(), k.head(), template(as), wrapContext(row))
	if err != nil {
		t.Fatal(err)
	}
	ks := *row
	ks.Wrapped = b
	return ks
}

func TestWrongMasterKey(t *testing.T) {
	t.Parallel()
	sets := &memory{}
	mustAccount(t, newKeyring(t, sets), 1)
	k, err := New(newService().master(t, "local-file:///other"), sets)
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Account(t.Context(), 1)
	if err == nil || !strings.Contains(err.Error(), `"local-file:///test"`) || !strings.Contains(err.Error(), `"local-file:///other"`) {
		t.Errorf("the error does not name the two master keys: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	master := newMaster(t)
	for name, try := range map[string]struct {
		master MasterKey
		sets   Keysets
		opt    Option
	}{
		"no master":                 {nil, &memory{}, WithTTL(time.Minute)},
		"no keysets":                {master, nil, WithTTL(time.Minute)},
		"no TTL":                    {master, &memory{}, WithTTL(0)},
		"TTL over an hour":          {master, &memory{}, func(k *Keyring) { WithTTL(61 * time.Minute)(k); WithHardLimit(2 * time.Hour)(k) }},
		"hard limit below TTL":      {master, &memory{}, WithHardLimit(time.Minute)},
		"no accounts in memory":     {master, &memory{}, WithMaxAccounts(0)},
		"no subject keys in memory": {master, &memory{}, WithMaxSubjects(0)},
		"no clock":                  {master, &memory{}, WithClock(nil)},
	} {
		if k, err := New(try.master, try.sets, try.opt); err == nil || k != nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := New(nil, nil); err == nil || !strings.Contains(err.Error(), "no master key") || !strings.Contains(err.Error(), "keep keysets") {
		t.Errorf("the error leaves a problem out: %v", err)
	}
}
