package keyring

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
)

// turnEpoch makes the next epoch the active one.
func turnEpoch(t testing.TB, k *Keyring, sets *memory) {
	t.Helper()
	e, err := k.NewEpoch(t.Context(), len(sets.epochs)+1)
	if err != nil {
		t.Fatal(err)
	}
	if e.State != chat.KeysetPending || !e.ActivatedAt.IsZero() || e.CreatedAt.IsZero() {
		t.Errorf("a new epoch is %s, active since %v", e.State, e.ActivatedAt)
	}
	sets.change(func(m *memory) {
		for i := range m.epochs {
			m.epochs[i].State = chat.KeysetRetired
		}
		e.State = chat.KeysetActive
		m.epochs = append(m.epochs, e)
	})
	k.ForgetAll()
}

// TestFirstEpoch makes one epoch for all accounts, on first use, and reads it once.
func TestFirstEpoch(t *testing.T) {
	t.Parallel()
	sets, service := &memory{}, newService()
	k, err := New(service.master(t, testMaster), sets)
	if err != nil {
		t.Fatal(err)
	}
	for account := range int64(5) {
		if a := mustAccount(t, k, account); a.Epoch() != 1 {
			t.Errorf("account %d wraps under epoch %d", account, a.Epoch())
		}
	}
	if len(sets.epochs) != 1 || sets.epochLists != 2 { // one found none, one looked who had won
		t.Fatalf("there are %d epochs, listed %d times", len(sets.epochs), sets.epochLists)
	}
	e := sets.epochs[0]
	if e.Number != 1 || e.State != chat.KeysetActive || e.MasterKey != testMaster || e.ActivatedAt.IsZero() || !epochName.MatchString(e.Name) {
		t.Errorf("the first epoch is %+v", e)
	}
	if names := service.names(); len(names) != 2 || !names[testMaster+"-"+e.Name] {
		t.Errorf("the key service has %v", names)
	}
	for account := int64(10); account < 20; account++ {
		mustAccount(t, k, account)
	}
	if sets.epochLists != 2 {
		t.Errorf("ten accounts cost %d statements for the epochs", sets.epochLists-2)
	}
}

// TestEpochRace lets ten processes make the first epoch at once: one stands, and the others' keys are taken back.
func TestEpochRace(t *testing.T) {
	t.Parallel()
	sets, service := &memory{}, newService()
	master := service.master(t, testMaster)
	var done sync.WaitGroup
	wraps := make([][]byte, 10)
	keyrings := make([]*Keyring, 10)
	for i := range wraps {
		done.Go(func() {
			var err error
			if keyrings[i], err = New(master, sets); err != nil {
				t.Error(err)
				return
			}
			a, err := keyrings[i].Account(t.Context(), 1)
			if err != nil {
				t.Error(err)
				return
			}
			if _, wraps[i], err = a.NewSubject(42, 5); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	for i, k := range keyrings {
		for j, wrapped := range wraps {
			if _, err := mustAccount(t, k, 1).Subject(42, 5, wrapped); err != nil {
				t.Fatalf("replica %d does not open what replica %d wrapped: %v", i, j, err)
			}
		}
	}
	if names := service.names(); len(sets.epochs) != 1 || len(names) != 2 {
		t.Errorf("there are %d epochs, and the key service has %v", len(sets.epochs), names)
	}
}

func TestWithoutEpochs(t *testing.T) {
	t.Parallel()
	sets, service := &memory{}, newService()
	k, err := New(service.master(t, testMaster), sets, WithoutEpochs())
	if err != nil {
		t.Fatal(err)
	}
	a := mustAccount(t, k, 1)
	_, wrapped, err := a.NewSubject(42, 5)
	if err != nil {
		t.Fatal(err)
	}
	if g, e, ok := a.WrappedUnder(wrapped); a.Epoch() != 0 || g != 1 || e != 0 || !ok || wrapped[0] != envelopeVersion {
		t.Errorf("wrapped under generation %d and epoch %d", g, e)
	}
	if len(sets.epochs) != 0 || len(service.names()) != 1 {
		t.Error("an epoch was made")
	}
	turnEpoch(t, k, sets) // whoever wants one can have it
	again, err := mustAccount(t, k, 1).Rewrap(42, 5, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	if g, e, ok := a.WrappedUnder(again); g != 1 || e != 1 || !ok {
		t.Errorf("wrapped again under generation %d and epoch %d", g, e)
	}
}

// TestRewrap takes a subject key through two generations and two epochs.
func TestRewrap(t *testing.T) {
	t.Parallel()
	sets := &memory{}
	k := newKeyring(t, sets)
	a := mustAccount(t, k, 1)
	s, wrapped, err := a.NewSubject(42, 5)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := s.Seal(emailPlace, []byte("ann@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	turnEpoch(t, k, sets)
	rotate(t, k, sets, 1, chat.KeysetData)
	a = mustAccount(t, k, 1)
	again, err := a.Rewrap(42, 5, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		wrapped           []byte
		generation, epoch int
	}{"before": {wrapped, 1, 1}, "after": {again, 2, 2}} {
		if g, e, ok := a.WrappedUnder(c.wrapped); g != c.generation || e != c.epoch || !ok {
			t.Errorf("%s: wrapped under generation %d and epoch %d", name, g, e)
		}
		same, err := a.Subject(42, 5, c.wrapped)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := same.Open(emailPlace, sealed); err != nil || string(got) != "ann@example.com" {
			t.Errorf("%s: the key is another one: %v", name, err)
		}
	}
	for name, ids := range map[string][2]int64{"contact": {43, 5}, "id": {42, 6}} {
		refuse(t, "another "+name, wrapped, func(b []byte) ([]byte, error) { return a.Rewrap(ids[0], ids[1], b) })
	}
	refuse(t, "another account", wrapped, func(b []byte) ([]byte, error) { return mustAccount(t, k, 2).Rewrap(42, 5, b) })
}

// TestDamagedEpochs changes the rows of the epochs; none of them may give keys, and no name may lead a key service
// astray.
func TestDamagedEpochs(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(e, other *chat.Epoch){
		"a changed byte":       func(e, _ *chat.Epoch) { e.Wrapped[40] ^= 1 },
		"nothing in it":        func(e, _ *chat.Epoch) { e.Wrapped = nil },
		"another number":       func(e, _ *chat.Epoch) { e.Number = 3 },
		"number 0":             func(e, _ *chat.Epoch) { e.Number = 0 },
		"number 65537":         func(e, _ *chat.Epoch) { e.Number = 1<<16 + 1 },
		"unknown state":        func(e, _ *chat.Epoch) { e.State = chat.KeysetRefused },
		"another epoch's wrap": func(e, other *chat.Epoch) { e.Wrapped = other.Wrapped },
		"another epoch's name": func(e, other *chat.Epoch) { e.Name = other.Name },
		"another epoch's key":  func(e, other *chat.Epoch) { e.Wrapped, e.Name = other.Wrapped, other.Name },
		"a path for a name":    func(e, _ *chat.Epoch) { e.Name = "epoch-../../../etc/abcd" },
		"a longer name":        func(e, _ *chat.Epoch) { e.Name += "a" },
		"a newline":            func(e, _ *chat.Epoch) { e.Name += "\n" },
		"no name":              func(e, _ *chat.Epoch) { e.Name = "" },
		"an unknown master":    func(e, _ *chat.Epoch) { e.MasterKey, e.Name = "local-file:///elsewhere", newEpochName() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sets := &memory{}
			k := newKeyring(t, sets)
			mustAccount(t, k, 1)
			turnEpoch(t, k, sets)
			sets.change(func(m *memory) { damage(&m.epochs[1], &m.epochs[0]) })
			k.ForgetAll()
			if a, err := k.Account(t.Context(), 1); err == nil || a != nil || errors.Is(err, chat.ErrUnreadable) {
				t.Errorf("the account has keys, error %v", err)
			}
		})
	}
}

func TestEpochRefused(t *testing.T) {
	t.Parallel()
	sets, service := &memory{}, newService()
	k, err := New(service.master(t, testMaster), sets)
	if err != nil {
		t.Fatal(err)
	}
	for _, number := range []int{-1, 0, 1 << 16} {
		if _, err := k.NewEpoch(t.Context(), number); err == nil {
			t.Errorf("epoch %d was made", number)
		}
	}
	if _, err := k.NewGeneration(t.Context(), 1, chat.KeysetData, 1<<16); err == nil {
		t.Error("generation 65536 was made")
	}
	e, err := k.NewEpoch(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	stranger := e
	stranger.MasterKey, stranger.Name = "local-file:///elsewhere", newEpochName()
	if err := k.DestroyEpoch(t.Context(), stranger); err == nil || !strings.Contains(err.Error(), stranger.MasterKey) {
		t.Errorf("a key beside an unknown master key counts as destroyed: %v", err)
	}
	service.change(func(s *keyService) { s.down = errDown })
	for name, try := range map[string]func() error{
		"NewEpoch":      func() error { _, err := k.NewEpoch(t.Context(), 8); return err },
		"DestroyEpoch":  func() error { return k.DestroyEpoch(t.Context(), e) },
		"NewGeneration": func() error { _, err := k.NewGeneration(t.Context(), 1, chat.KeysetData, 2); return err },
		"Account":       func() error { _, err := k.Account(t.Context(), 1); return err },
	} {
		if err := try(); !errors.Is(err, errDown) || !strings.Contains(err.Error(), testMaster) {
			t.Errorf("%s: error %v, want the cause and the master key's name", name, err)
		}
	}
}
