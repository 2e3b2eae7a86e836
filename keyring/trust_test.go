package keyring

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
)

// TestTrust follows a replica that hears of changes for a while and then does not.
func TestTrust(t *testing.T) {
	t.Parallel()
	k, sets, service, c := cachedKeyring(t)
	read := func() int { return sets.listed() }
	mustAccount(t, k, 1)
	k.Trust(c.now().Add(15 * time.Second))
	c.move(14 * time.Second)
	if mustAccount(t, k, 1); read() != 0 {
		t.Error("keys were read again while they were trusted")
	}
	c.move(time.Second)
	for i := 1; i <= 3; i++ { // each use asks anew: what was read a moment ago is not trusted either
		if mustAccount(t, k, 1); read() != i || sets.epochLists != i {
			t.Errorf("after trust ended use %d read the account %d and the epochs %d times", i, read(), sets.epochLists)
		}
	}
	first := mustAccount(t, k, 1)
	service.change(func(s *keyService) { s.down = errDown })
	before := read()
	for range 5 {
		if a, err := k.Account(t.Context(), 1); err != nil || a != first {
			t.Fatalf("while reading fails the keys of before are not used: %v", err)
		}
	}
	if got := read() - before; got != 1 {
		t.Errorf("within five seconds a failing reading was tried %d times, want once", got)
	}
	c.move(defaultHardLimit)
	if _, err := k.Account(t.Context(), 1); !errors.Is(err, errDown) {
		t.Errorf("after the hard limit the error is %v", err)
	}
	service.change(func(s *keyService) { s.down = nil })
	mustAccount(t, k, 1)
	k.Trust(c.now().Add(15 * time.Second))
	before = read()
	if mustAccount(t, k, 1); read() != before {
		t.Error("keys are trusted again and were read again")
	}
	k.Trust(time.Time{})
	c.move(time.Minute)
	if mustAccount(t, k, 1); read() != before {
		t.Error("with nobody who says until when, the TTL does not decide alone")
	}
}

// TestDistrustedWaits proves that nobody goes on with keys that are not trusted while another one reads them.
func TestDistrustedWaits(t *testing.T) {
	t.Parallel()
	k, sets, _, c := cachedKeyring(t)
	first := mustAccount(t, k, 1)
	k.Trust(c.now())
	gate, began := make(chan struct{}), make(chan struct{})
	sets.change(func(m *memory) { m.gate, m.began = gate, began })
	got := make(chan *Account)
	ask := func() {
		a, err := k.Account(context.Background(), 1)
		if err != nil {
			t.Error(err)
		}
		got <- a
	}
	go ask()
	<-began
	sets.change(func(m *memory) { m.began = nil })
	go ask()
	select {
	case <-got:
		t.Error("a request went on with keys that are not trusted")
	case <-time.After(20 * time.Millisecond):
	}
	close(gate)
	for range 2 {
		if a := <-got; a == first {
			t.Error("a request got the keys of before")
		}
	}
}

// TestSlowKeyService blocks the key service: one request waits, the others go on, and a new account fails in its time.
func TestSlowKeyService(t *testing.T) {
	t.Parallel()
	k, _, service, c := cachedKeyring(t)
	first := mustAccount(t, k, 1)
	gate, began := make(chan struct{}), make(chan struct{}, 16)
	service.change(func(s *keyService) { s.gate, s.began = gate, began })
	c.move(defaultTTL)
	got := make(chan *Account)
	go func() {
		a, err := k.Account(context.Background(), 1)
		if err != nil {
			t.Error(err)
		}
		got <- a
	}()
	<-began
	for range 100 {
		if mustAccount(t, k, 1) != first {
			t.Fatal("while one request reads, another one did not go on with the keys of before")
		}
	}
	late, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := k.Account(late, 2); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a new account gave error %v", err)
	}
	close(gate)
	if a := <-got; a == first {
		t.Error("the request that waited got the keys of before")
	}
}

// TestFirstLoadDown says which key could not be used, and tries again at the next request.
func TestFirstLoadDown(t *testing.T) {
	t.Parallel()
	sets, service := &memory{}, newService()
	mustAccount(t, replicaOf(t, service, sets), 1)
	k := replicaOf(t, service, sets)
	service.change(func(s *keyService) { s.down = errDown })
	for range 2 {
		if a, err := k.Account(t.Context(), 1); a != nil || !errors.Is(err, errDown) || !strings.Contains(err.Error(), testMaster) {
			t.Errorf("the error is %v, want the cause and the master key's name", err)
		}
	}
	service.change(func(s *keyService) { s.down = nil })
	mustAccount(t, k, 1)
	if s := k.Stats(); s.Reloads != 6 || s.ReloadErrors < 2 || s.UnwrapErrors < 2 || s.ServedStale != 0 {
		t.Errorf("%+v", s)
	}
}

// TestCheapRefresh counts what is unwrapped when nothing changed, and when something did.
func TestCheapRefresh(t *testing.T) {
	t.Parallel()
	all := len(chat.KeysetPurposes)
	for name, try := range map[string]struct {
		change func(*testing.T, *Keyring, *memory)
		want   int // unwrapped, beside the epoch
	}{
		"nothing": {func(*testing.T, *Keyring, *memory) {}, 1},
		"a pending generation": {func(t *testing.T, k *Keyring, m *memory) {
			ks, err := k.NewGeneration(t.Context(), 1, chat.KeysetData, 2)
			if err != nil {
				t.Fatal(err)
			}
			m.rows = append(m.rows, ks)
		}, all + 1},
		"another wrap": {func(t *testing.T, k *Keyring, m *memory) {
			row := m.find(1, chat.KeysetData, 1)
			o, err := k.openKeyset(t.Context(), *row)
			if err != nil {
				t.Fatal(err)
			}
			if row.Wrapped, err = k.wrap(t.Context(), k.head(), o.handle, wrapContext(row)); err != nil {
				t.Fatal(err)
			}
		}, all},
		"a state": {func(t *testing.T, k *Keyring, m *memory) {
			ks, err := k.makeKeyset(t.Context(), 1, chat.KeysetData, 2, chat.KeysetActive)
			if err != nil {
				t.Fatal(err)
			}
			m.find(1, chat.KeysetData, 1).State = chat.KeysetRefused
			m.rows = append(m.rows, ks)
		}, all},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, sets, service, c := cachedKeyring(t)
			try.change(t, k, sets)
			for round, want := range []int{try.want, 1} {
				c.move(defaultTTL)
				service.change(func(s *keyService) { s.opens, s.looks = 0, 0 })
				mustAccount(t, k, 1)
				service.change(func(s *keyService) {
					if s.looks != 0 {
						t.Errorf("round %d: %d keys were looked for that had been opened", round, s.looks)
					}
				})
				if got := service.opened(); got != want+1 {
					t.Errorf("round %d: %d keys were unwrapped, want %d", round, got, want+1)
				}
			}
			service.change(func(s *keyService) { s.down = errDown })
			c.move(defaultHardLimit)
			if _, err := k.Account(t.Context(), 1); !errors.Is(err, errDown) {
				t.Errorf("a master key that does not grant any more gave error %v", err)
			}
		})
	}
}

// TestForgetAll proves that after it nothing of before is used, whoever began to read when, and that memory is empty.
func TestForgetAll(t *testing.T) {
	t.Parallel()
	k, sets, service, _ := cachedKeyring(t)
	one, two := mustAccount(t, k, 1), mustAccount(t, k, 2)
	_, wrapped, err := one.NewSubject(42, 5)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.Subject(42, 5, wrapped); err != nil {
		t.Fatal(err)
	}
	k.ForgetAll()
	if got := k.budget.used.Load(); got != 0 {
		t.Errorf("%d subject keys are in memory", got)
	}
	epochLists := sets.epochLists
	if mustAccount(t, k, 1) == one || mustAccount(t, k, 2) == two || sets.epochLists != epochLists+1 {
		t.Errorf("keys of before are in use, or the epochs were read %d times", sets.epochLists-epochLists)
	}
	k.ForgetAll()
	service.change(func(s *keyService) { s.down = errDown })
	if _, err := k.Account(t.Context(), 1); !errors.Is(err, errDown) {
		t.Errorf("what was forgotten still serves: %v", err)
	}
}

// TestForgetAllBeatsFlight proves that nobody joins a reading that began before.
func TestForgetAllBeatsFlight(t *testing.T) {
	t.Parallel()
	k, sets, _, _ := cachedKeyring(t)
	k.Forget(1)
	gate, began := make(chan struct{}), make(chan struct{})
	sets.change(func(m *memory) { m.gate, m.began = gate, began })
	before := make(chan *Account)
	go func() {
		a, err := k.Account(context.Background(), 1)
		if err != nil {
			t.Error(err)
		}
		before <- a
	}()
	<-began
	sets.change(func(m *memory) { m.gate, m.began = nil, nil })
	k.ForgetAll()
	late := mustAccount(t, k, 1) // would wait for ever if it joined
	close(gate)
	if old := <-before; old == late || mustAccount(t, k, 1) != late {
		t.Error("keys read before ForgetAll were kept after it")
	}
}

func TestStats(t *testing.T) {
	t.Parallel()
	k, _, service, c := cachedKeyring(t)
	before := k.Stats()
	if before.Unwraps != uint64(len(chat.KeysetPurposes)+1) || before.Reloads != 2 || before.LastUnwrap.IsZero() {
		t.Errorf("after the first use %+v", before)
	}
	service.change(func(s *keyService) { s.down = errDown })
	c.move(defaultTTL)
	mustAccount(t, k, 1)
	mustAccount(t, k, 1)
	s := k.Stats()
	if s.ReloadErrors != 2 || s.UnwrapErrors != s.Unwraps-before.Unwraps || s.ServedStale < 2 || !s.LastUnwrap.Equal(before.LastUnwrap) {
		t.Errorf("after an outage %+v", s)
	}
}
