package keyring

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/google/go-cmp/cmp"
)

func mustTag(t testing.TB, a *Account, f Field, value string) []byte {
	t.Helper()
	tag, err := a.Tag(f, []byte(value))
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

// TestTags proves that equal values are found and that nothing else ever shares a tag: not another
// field, not another account.
func TestTags(t *testing.T) {
	t.Parallel()
	k := newKeyring(t, &memory{})
	seen := map[string]string{}
	for _, account := range []int64{0, 1, 2} {
		a := mustAccount(t, k, account)
		for f := range fields {
			for _, value := range []string{"", "ann@example.com", "ann@example.co", "mann@example.com"} {
				tag := mustTag(t, a, f, value)
				if len(tag) != 16 || !bytes.Equal(tag, mustTag(t, a, f, value)) {
					t.Fatalf("the tag of one value is %x, then something else", tag)
				}
				here := f.String() + " " + value
				if before, ok := seen[string(tag)]; ok {
					t.Errorf("%s of account %d shares a tag with %s", here, account, before)
				}
				seen[string(tag)] = here
			}
		}
		if _, err := a.Tag(999, []byte("x")); err == nil {
			t.Error("a field that is not in the registry has a tag")
		}
		if _, err := a.Tags(0, []byte("x")); err == nil {
			t.Error("a field that is not in the registry has tags")
		}
	}
}

// TestTagsWhileRotating follows an index key through its phases: there is a tag for each generation that
// must be written, and look-ups use the active one.
func TestTagsWhileRotating(t *testing.T) {
	t.Parallel()
	sets := &memory{}
	k := newKeyring(t, sets)
	first := mustTag(t, mustAccount(t, k, 1), FieldEmail, "ann")
	rotate(t, k, sets, 1, chat.KeysetIndex)
	state := func(generation int, s string) {
		sets.change(func(m *memory) { m.find(1, chat.KeysetIndex, generation).State = s })
		k.Forget(1)
	}
	for _, phase := range []struct {
		name          string
		first, second string
		read          int
		write         []int
	}{
		{"dual", chat.KeysetActive, chat.KeysetPending, 1, []int{1, 2}},
		{"switched", chat.KeysetRetired, chat.KeysetActive, 2, []int{1, 2}},
		{"interrupted", chat.KeysetActive, chat.KeysetActive, 2, []int{1, 2}},
		{"shrunk", chat.KeysetRefused, chat.KeysetActive, 2, []int{2}},
		{"destroyed", chat.KeysetDestroyed, chat.KeysetActive, 2, []int{2}},
	} {
		state(1, phase.first)
		state(2, phase.second)
		a := mustAccount(t, k, 1)
		tags, err := a.Tags(FieldEmail, []byte("ann"))
		if err != nil {
			t.Fatal(err)
		}
		var written []int
		for _, tag := range tags {
			written = append(written, tag.Generation)
			if (tag.Generation == 1) != bytes.Equal(tag.Value, first) {
				t.Errorf("%s: generation %d has the wrong tag", phase.name, tag.Generation)
			}
			if tag.Generation == phase.read && !bytes.Equal(tag.Value, mustTag(t, a, FieldEmail, "ann")) {
				t.Errorf("%s: look-up does not use generation %d", phase.name, phase.read)
			}
		}
		if a.IndexGeneration() != phase.read || !cmp.Equal(written, phase.write) {
			t.Errorf("%s: reads %d, writes %v, want %d and %v", phase.name, a.IndexGeneration(), written, phase.read, phase.write)
		}
	}
}

func TestAlias(t *testing.T) {
	t.Parallel()
	k := newKeyring(t, &memory{})
	a, other := mustAccount(t, k, 1), mustAccount(t, k, 2)
	form := regexp.MustCompile(`^Customer [0-9A-HJKMNP-TV-Z]{3}-[0-9A-HJKMNP-TV-Z]{2}$`)
	seen, same := map[string]bool{}, 0
	for id := int64(1); id <= 200; id++ {
		got, err := a.Alias(id)
		if err != nil || !form.MatchString(got) {
			t.Fatalf("alias of contact %d is %q, error %v", id, got, err)
		}
		again, err := a.Alias(id)
		if err != nil || again != got {
			t.Errorf("alias of contact %d is %q, then %q", id, got, again)
		}
		elsewhere, err := other.Alias(id)
		if err != nil {
			t.Fatal(err)
		}
		if elsewhere == got {
			same++
		}
		seen[got] = true
	}
	if len(seen) < 198 || same > 1 { // of 33 million each: a chance below one in ten thousand
		t.Errorf("200 contacts have %d aliases, %d of them shared with another account", len(seen), same)
	}
}
