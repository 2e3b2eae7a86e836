package keyring

import (
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/google/go-cmp/cmp"
)

// TestStates holds every state of a generation to what it may do, for every purpose that seals or derives.
func TestStates(t *testing.T) {
	t.Parallel()
	sets := &memory{}
	k := newKeyring(t, sets)
	a := mustAccount(t, k, 1)
	s, wrapped, err := a.NewSubject(42, 5)
	if err != nil {
		t.Fatal(err)
	}
	// One generation of everything is made in turn; what it sealed while it was active is kept.
	purposes := []chat.KeysetPurpose{chat.KeysetData, chat.KeysetVault, chat.KeysetCursor, chat.KeysetAudit, chat.KeysetIndex}
	context := []byte("here")
	seals := func(a *Account, s *Subject) map[string][]byte {
		made := map[string][]byte{"wrapped": wrapped}
		for name, seal := range map[string]func() ([]byte, error){
			"subject": func() ([]byte, error) { return s.Seal(emailPlace, []byte("x")) },
			"account": func() ([]byte, error) { return a.Seal(emailPlace, []byte("x")) },
			"audit":   func() ([]byte, error) { return a.SealAudit(emailPlace, []byte("x")) },
			"cursor":  func() ([]byte, error) { return a.SealCursor(context, []byte("x")) },
			"token":   func() ([]byte, error) { return a.SealToken(shopPlace, []byte("x")) },
			"tag":     func() ([]byte, error) { return a.TagUnder(a.IndexGeneration(), FieldEmail, []byte("ann")) },
		} {
			b, err := seal()
			if err != nil {
				t.Fatal(err)
			}
			made[name] = b
		}
		return made
	}
	first := seals(a, s)
	for _, p := range purposes { // the second generation opens and does not seal
		ks, err := k.NewGeneration(t.Context(), 1, p, 2)
		if err != nil {
			t.Fatal(err)
		}
		sets.change(func(m *memory) { m.rows = append(m.rows, ks) })
	}
	for _, step := range []struct {
		one, two string
		seals    int
		opens    map[int]bool
	}{
		{chat.KeysetActive, chat.KeysetPending, 1, map[int]bool{1: true, 2: true}},
		{chat.KeysetRetired, chat.KeysetActive, 2, map[int]bool{1: true, 2: true}},
		{chat.KeysetRefused, chat.KeysetActive, 2, map[int]bool{1: false, 2: true}},
		{chat.KeysetDestroyed, chat.KeysetActive, 2, map[int]bool{1: false, 2: true}},
	} {
		sets.change(func(m *memory) {
			for _, p := range purposes {
				m.find(1, p, 1).State, m.find(1, p, 2).State = step.one, step.two
				if step.one == chat.KeysetDestroyed {
					m.find(1, p, 1).Wrapped = nil
				}
			}
		})
		k.Forget(1)
		a := mustAccount(t, k, 1)
		want := map[chat.KeysetPurpose]int{chat.KeysetAlias: 1}
		for _, p := range purposes {
			want[p] = step.seals
		}
		if diff := cmp.Diff(want, a.Generations()); diff != "" {
			t.Errorf("%s, %s: the generations that seal: %s", step.one, step.two, diff)
		}
		live := []int{1, 2}
		if !step.opens[1] {
			live = []int{2}
		}
		if got := a.IndexGenerations(); !cmp.Equal(got, live) {
			t.Errorf("%s, %s: tags are written under %v, want %v", step.one, step.two, got, live)
		}
		opensAsTold(t, a, s, first, step.one, step.opens[1])
		if step.opens[1] {
			reseals(t, a, first, step.seals)
		}
	}
}

// opensAsTold tries everything that the first generation sealed.
func opensAsTold(t *testing.T, a *Account, s *Subject, sealed map[string][]byte, state string, opens bool) {
	t.Helper()
	context := []byte("here")
	subject := &Subject{id: s.id, account: a, gcm: s.gcm}
	for name, open := range map[string]func([]byte) ([]byte, error){
		"wrapped": asBytes(func(b []byte) (*Subject, error) { return a.Subject(42, 5, b) }),
		"subject": func(b []byte) ([]byte, error) { return subject.Open(emailPlace, b) },
		"account": func(b []byte) ([]byte, error) { return a.Open(emailPlace, b) },
		"audit":   func(b []byte) ([]byte, error) { return a.OpenAudit(emailPlace, b) },
		"cursor":  func(b []byte) ([]byte, error) { return a.OpenCursor(context, b) },
		"token":   func(b []byte) ([]byte, error) { return a.OpenToken(shopPlace, b) },
	} {
		if !opens {
			refuse(t, name+" of a generation that is "+state, sealed[name], open)
		} else if _, err := open(sealed[name]); err != nil {
			t.Errorf("%s of a generation that is %s: %v", name, state, err)
		}
	}
	tag, err := a.TagUnder(1, FieldEmail, []byte("ann"))
	if opens != (err == nil) || opens && !cmp.Equal(tag, sealed["tag"]) {
		t.Errorf("a tag of a generation that is %s: %x, %v", state, tag, err)
	}
}

// reseals moves a value and its key to the generation that seals now.
func reseals(t *testing.T, a *Account, sealed map[string][]byte, want int) {
	t.Helper()
	s, err := a.Subject(42, 5, sealed["wrapped"])
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Reseal(emailPlace, sealed["subject"])
	if err != nil {
		t.Fatal(err)
	}
	if h, _, _ := parseEnvelope(again); int(h.generation) != want {
		t.Errorf("sealed again under generation %d, want %d", h.generation, want)
	}
	if got, err := s.Open(emailPlace, again); err != nil || string(got) != "x" {
		t.Errorf("sealed again it opens to %q: %v", got, err)
	}
	other := emailPlace
	other.Version++
	refuse(t, "a value of another version", sealed["subject"], func(b []byte) ([]byte, error) { return s.Reseal(other, b) })
	wrapped, err := a.Rewrap(42, 5, sealed["wrapped"])
	if err != nil {
		t.Fatal(err)
	}
	if g, _, ok := a.WrappedUnder(wrapped); !ok || g != want {
		t.Errorf("wrapped again under generation %d, want %d", g, want)
	}
}
