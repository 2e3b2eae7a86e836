package keyring

import (
	"bytes"
	"testing"
)

// speed is what the benchmarks and the allocation test do, on a value of 200 bytes.
func speed(t testing.TB) map[string]struct {
	allocs int
	do     func() error
} {
	t.Helper()
	k := newKeyring(t, &memory{})
	a := mustAccount(t, k, 1)
	s, wrapped, err := a.NewSubject(42, 5)
	if err != nil {
		t.Fatal(err)
	}
	value := bytes.Repeat([]byte("x"), 200)
	p := Place{TableMessages, FieldMessageContent, 42, 1}
	sealed, err := s.Seal(p, value)
	if err != nil {
		t.Fatal(err)
	}
	ofAccount, err := a.Seal(p, value)
	if err != nil {
		t.Fatal(err)
	}
	words, err := a.MessageTokens(1, 202601, FromContact)
	if err != nil {
		t.Fatal(err)
	}
	email := []byte("ann.example@example.com")
	return map[string]struct {
		allocs int
		do     func() error
	}{
		"Subject.Open":   {1, func() error { _, err := s.Open(p, sealed); return err }},
		"Subject.Seal":   {1, func() error { _, err := s.Seal(p, value); return err }},
		"Account.Open":   {2, func() error { _, err := a.Open(p, ofAccount); return err }},
		"Account.Seal":   {3, func() error { _, err := a.Seal(p, value); return err }},
		"Subject/cached": {0, func() error { _, err := a.Subject(42, 5, wrapped); return err }},
		"Subject/cold": {10, func() error {
			_, err := a.Subject(42, 5, wrapped)
			a.subjects.mu.Lock()
			a.subjects.kept.remove(5)
			a.subjects.budget.used.Add(-1)
			a.subjects.mu.Unlock()
			return err
		}},
		"Rewrap":         {13, func() error { _, err := a.Rewrap(42, 5, wrapped); return err }},
		"Reseal":         {2, func() error { _, err := s.Reseal(p, sealed); return err }},
		"Account/cached": {0, func() error { _, err := k.Account(t.Context(), 1); return err }},
		"Tag":            {8, func() error { _, err := a.Tag(FieldEmail, email); return err }},
		"AttributeTag":   {10, func() error { _, err := a.AttributeTag(1, "CONTACT", "plan", "TEXT", "gold"); return err }},
		"Token":          {0, func() error { words.Of("hello"); return nil }},
		"MessageTokens":  {15, func() error { _, err := a.MessageTokens(1, 202601, FromContact); return err }},
		"Alias":          {12, func() error { _, err := a.Alias(42); return err }},
	}
}

// TestAllocations holds the hot paths to what they need: opening a value allocates the value.
func TestAllocations(t *testing.T) { // not parallel: it counts everything that allocates meanwhile
	for name, c := range speed(t) {
		got := testing.AllocsPerRun(200, func() {
			if err := c.do(); err != nil {
				t.Fatal(err)
			}
		})
		if int(got) > c.allocs {
			t.Errorf("%s allocates %v times, want at most %d", name, got, c.allocs)
		}
	}
}

func Benchmark(b *testing.B) {
	for name, c := range speed(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := c.do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkParallel asks from every core at once, as loaders do.
func BenchmarkParallel(b *testing.B) {
	for _, name := range []string{"Subject.Open", "Subject/cached", "Account/cached"} {
		c := speed(b)[name]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := c.do(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkFirstUse reads and unwraps all keysets of an account, with the master key in memory.
func BenchmarkFirstUse(b *testing.B) {
	k := newKeyring(b, &memory{})
	mustAccount(b, k, 1)
	b.ReportAllocs()
	for b.Loop() {
		k.Forget(1)
		mustAccount(b, k, 1)
	}
}
