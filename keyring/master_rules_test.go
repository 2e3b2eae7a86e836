package keyring

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMasterKeys holds every kind of key service to the same rules.
func TestMasterKeys(t *testing.T) {
	t.Parallel()
	rules := map[string]func(*testing.T, place){
		"one place": wrapsForOnePlace, "another key": refusesOthers, "sizes": wrapsSizes, "children": hasChildren,
		"names": wantsNames, "missing": tellsMissing, "cancelled": obeysCancel, "slow": obeysDeadline, "down": saysDown,
	}
	for kind, open := range places(t) {
		for rule, hold := range rules {
			t.Run(kind+"/"+rule, func(t *testing.T) {
				t.Parallel()
				hold(t, open(t))
			})
		}
	}
}

func (p place) open(t *testing.T) MasterKey {
	t.Helper()
	master, err := p.settings.Open(t.Context(), p.uri, false)
	if err != nil {
		t.Fatal(err)
	}
	if master.URI() != p.uri {
		t.Errorf("the key calls itself %s, not %s", master.URI(), p.uri)
	}
	return master
}

func wrap(t *testing.T, key MasterKey, plaintext, associatedData string) []byte {
	t.Helper()
	wrapped, err := key.EncryptWithContext(t.Context(), []byte(plaintext), []byte(associatedData))
	if err != nil {
		t.Fatal(err)
	}
	return wrapped
}

// refused says that key does not open wrapped, and that the error is one that trying again does not mend.
func refused(t *testing.T, what string, key MasterKey, wrapped []byte, associatedData string) {
	t.Helper()
	if got, err := key.DecryptWithContext(t.Context(), wrapped, []byte(associatedData)); !errors.Is(err, ErrRefused) || got != nil {
		t.Errorf("%s: it opens as %q, error %v; want ErrRefused", what, got, err)
	}
}

func wrapsForOnePlace(t *testing.T, p place) {
	master, again := p.open(t), p.open(t)
	for _, associatedData := range []string{"data | 7 | 1", ""} {
		wrapped := wrap(t, master, "keyset", associatedData)
		if bytes.Contains(wrapped, []byte("keyset")) || bytes.Equal(wrapped, wrap(t, master, "keyset", associatedData)) {
			t.Error("what is wrapped can be read, or is the same twice")
		}
		if got, err := again.DecryptWithContext(t.Context(), wrapped, []byte(associatedData)); err != nil || string(got) != "keyset" {
			t.Errorf("for %q it opens as %q, error %v", associatedData, got, err)
		}
		refused(t, "for another account", again, wrapped, "data | 8 | 1")
		refused(t, "for "+associatedData+" and more", again, wrapped, associatedData+"x")
		if associatedData != "" {
			refused(t, "for no place", again, wrapped, "")
		}
		for i := range wrapped {
			flipped := bytes.Clone(wrapped)
			flipped[i] ^= 1
			got, err := again.DecryptWithContext(t.Context(), flipped, []byte(associatedData))
			if err == nil || got != nil {
				t.Errorf("with byte %d of %d changed it opens as %q, error %v", i, len(wrapped), got, err)
			}
		}
		refused(t, "without its last byte", again, wrapped[:len(wrapped)-1], associatedData)
		refused(t, "nothing at all", again, nil, associatedData)
	}
}

func refusesOthers(t *testing.T, p place) {
	master := p.open(t)
	child, err := master.Child(t.Context(), "epoch-1", true)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "the master key's under the child", child, wrap(t, master, "keyset", "here"), "here")
	refused(t, "the child's under the master key", master, wrap(t, child, "keyset", "here"), "here")
}

func wrapsSizes(t *testing.T, p place) {
	master := p.open(t)
	for _, size := range []int{1, 4096, 64 << 10} {
		plaintext := strings.Repeat("k", size)
		wrapped, err := master.EncryptWithContext(t.Context(), []byte(plaintext), []byte("here"))
		if p.limit > 0 && size > p.limit {
			if err == nil || !strings.Contains(err.Error(), "too many") {
				t.Errorf("%d bytes, above the limit, gave error %v", size, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%d bytes: %v", size, err)
			continue
		}
		if got, err := master.DecryptWithContext(t.Context(), wrapped, []byte("here")); err != nil || string(got) != plaintext {
			t.Errorf("%d bytes open as %d, error %v", size, len(got), err)
		}
	}
}

func hasChildren(t *testing.T, p place) {
	master := p.open(t)
	if _, err := master.Child(t.Context(), "epoch-2", false); !errors.Is(err, ErrNoKey) {
		t.Errorf("a child that is not there gave error %v, want ErrNoKey", err)
	}
	var made sync.WaitGroup
	children := make([]MasterKey, 4)
	for i := range children { // processes that start together
		made.Go(func() {
			var err error
			if children[i], err = master.Child(t.Context(), "epoch-2", true); err != nil {
				t.Error(err)
			}
		})
	}
	made.Wait()
	if t.Failed() {
		return
	}
	wrapped := wrap(t, children[0], "epoch", "here")
	for _, child := range children {
		if got, err := child.DecryptWithContext(t.Context(), wrapped, []byte("here")); err != nil || string(got) != "epoch" {
			t.Errorf("the children are not one key: %q, error %v", got, err)
		}
	}
	byName, err := p.settings.Open(t.Context(), children[0].URI(), false)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := byName.DecryptWithContext(t.Context(), wrapped, []byte("here")); err != nil || string(got) != "epoch" {
		t.Errorf("the child opened by its URI opens %q, error %v", got, err)
	}
	for _, again := range []MasterKey{children[0], children[1], children[0]} {
		if err := again.Destroy(t.Context()); err != nil {
			t.Errorf("destroying it, or a destroyed one: %v", err)
		}
	}
	staysGone(t, master, children[0], wrapped)
	wrap(t, master, "and the master key", "is as before")
}

// staysGone says that child, which has been destroyed, opens and wraps nothing, and is not found again.
func staysGone(t *testing.T, master, child MasterKey, wrapped []byte) {
	t.Helper()
	if got, err := child.DecryptWithContext(t.Context(), wrapped, []byte("here")); !errors.Is(err, ErrNoKey) {
		t.Errorf("a destroyed key opens %q, error %v; want ErrNoKey", got, err)
	}
	if _, err := child.EncryptWithContext(t.Context(), []byte("x"), nil); err == nil {
		t.Error("a destroyed key wraps")
	}
	if _, err := master.Child(t.Context(), "epoch-2", false); !errors.Is(err, ErrNoKey) {
		t.Errorf("opening a destroyed child gave error %v, want ErrNoKey", err)
	}
}

func wantsNames(t *testing.T, p place) {
	master := p.open(t)
	for _, name := range []string{"", "-", "a-", "A", "../a", "a/b", "a_b", "a b", "ä", strings.Repeat("a", 41)} {
		if _, err := master.Child(t.Context(), name, true); err == nil || !strings.Contains(err.Error(), "a-z") {
			t.Errorf("a child %q gave error %v, want one that says what names are", name, err)
		}
	}
}

func tellsMissing(t *testing.T, p place) {
	_, err := p.settings.Open(t.Context(), p.absent, false)
	if !errors.Is(err, ErrNoKey) || !strings.Contains(err.Error(), p.absent) || !strings.Contains(err.Error(), "restore it") {
		t.Errorf("a missing key gave error %v", err)
	}
	if _, err := p.settings.Open(t.Context(), p.absent, true); err != nil {
		t.Errorf("making it: %v", err)
	}
	if _, err := p.settings.Open(t.Context(), p.absent, false); err != nil {
		t.Errorf("opening what was made: %v", err)
	}
}

func obeysCancel(t *testing.T, p place) {
	master := p.open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err1 := master.EncryptWithContext(ctx, []byte("x"), nil)
	_, err2 := master.DecryptWithContext(ctx, []byte("x"), nil)
	_, err3 := master.Child(ctx, "epoch-3", true)
	_, err4 := p.settings.Open(ctx, p.uri, false)
	for i, err := range []error{err1, err2, err3, master.Destroy(ctx), err4} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("call %d after the context's end gave error %v", i, err)
		}
	}
}

func obeysDeadline(t *testing.T, p place) {
	if p.slow == nil {
		return
	}
	master := p.open(t)
	p.slow.delay.Store(int64(300 * time.Millisecond))
	wrap(t, master, "slow is not down", "here")
	p.slow.delay.Store(int64(5 * time.Second))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := master.EncryptWithContext(ctx, []byte("x"), nil)
	if took := time.Since(began); took > 2*time.Second || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "reached from here") {
		t.Errorf("a deadline of 200 ms ended after %v with error %v", took, err)
	}
}

func saysDown(t *testing.T, p place) {
	if p.stop == nil {
		return
	}
	master := p.open(t)
	p.stop()
	asks := []func(context.Context) error{
		func(ctx context.Context) error {
			_, err := master.DecryptWithContext(ctx, []byte("vault:v1:AAAA"), nil)
			return err
		},
		func(ctx context.Context) error { _, err := p.settings.Open(ctx, p.uri, true); return err },
	}
	for _, ask := range asks {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		err := ask(ctx)
		cancel()
		if err == nil || errors.Is(err, ErrNoKey) || errors.Is(err, ErrRefused) {
			t.Fatalf("a service that is down gave error %v", err)
		}
		text := err.Error()
		if !strings.Contains(text, p.uri) || !strings.Contains(text, "see whether") || strings.Contains(text, "hvs.") {
			t.Errorf("the error lacks the key, or what to do, or shows a credential: %s", text)
		}
	}
}
