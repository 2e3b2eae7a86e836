package keyring

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
)

// TestTokensAreOfTheirPlace: equal words of one place have one token, and nothing else ever shares one.
func TestTokensAreOfTheirPlace(t *testing.T) {
	t.Parallel()
	_, k := loadVectors(t)
	tokens, tags := make(map[int64]string), make(map[string]string)
	for range 2 {
		for _, c := range someTokens() {
			here := fmt.Sprintf("%+v", c)
			got := mustToken(t, mustAccount(t, k, c.Account), c)
			if before, ok := tokens[got]; ok && before != here {
				t.Errorf("%s and %s share a token", here, before)
			}
			tokens[got] = here
		}
		for _, c := range someAttributes() {
			here := fmt.Sprintf("%+v", c)
			got := mustAttributeTag(t, mustAccount(t, k, c.Account), c)
			if before, ok := tags[got]; ok && before != here {
				t.Errorf("%s and %s share a tag", here, before)
			}
			tags[got] = here
		}
	}
	if len(tokens) != len(someTokens()) || len(tags) != len(someAttributes()) {
		t.Errorf("%d tokens and %d tags, want %d and %d: the same thing has several", len(tokens), len(tags), len(someTokens()), len(someAttributes()))
	}
	one, err := mustAccount(t, k, 1).ContactTokens(1, FieldName)
	if err != nil {
		t.Fatal(err)
	}
	if first := one.Of("ab"); one.Of("abc") == first || one.Of("ab") != first {
		t.Error("what was asked before changes a token")
	}
}

// TestAttributeTagsDoNotRunTogether: no letter can be moved from one part of what a tag is made of to the next.
func TestAttributeTagsDoNotRunTogether(t *testing.T) {
	t.Parallel()
	a := mustAccount(t, newKeyring(t, &memory{}), 1)
	seen := make(map[string]bool)
	for _, parts := range [][4]string{{"ab", "c", "d", "e"}, {"a", "bc", "d", "e"}, {"ab", "cd", "", "e"}, {"ab", "c", "de", ""}, {"", "abc", "d", "e"}, {"ab", "", "cd", "e"}} {
		seen[mustAttributeTag(t, a, attributeCase{Generation: 1, Model: parts[0], Key: parts[1], Kind: parts[2], Value: parts[3]})] = true
	}
	if len(seen) != 6 {
		t.Errorf("%d tags of 6 that must differ", len(seen))
	}
}

// TestTokensOfGenerationsInUse: tokens are made under what is written or read and under nothing else.
func TestTokensOfGenerationsInUse(t *testing.T) {
	t.Parallel()
	sets := &memory{}
	k := newKeyring(t, sets)
	mustAccount(t, k, 1)
	rotate(t, k, sets, 1, chat.KeysetIndex)
	for state, usable := range map[string]bool{chat.KeysetPending: true, chat.KeysetActive: true, chat.KeysetRetired: true,
		chat.KeysetRefused: false, chat.KeysetDestroyed: false} {
		sets.change(func(m *memory) { m.find(1, chat.KeysetIndex, 1).State = state })
		k.Forget(1)
		a := mustAccount(t, k, 1)
		for generation, want := range map[int]bool{1: usable, 2: true, 3: false, 0: false, -1: false, 1 << 16: false, 1<<16 + 2: false} {
			_, message := a.MessageTokens(generation, 202601, FromAgent)
			_, contact := a.ContactTokens(generation, FieldName)
			_, tag := a.AttributeTag(generation, "CONTACT", "plan", "TEXT", "gold")
			for _, err := range []error{message, contact, tag} {
				if (err == nil) != want {
					t.Errorf("generation %d, while the first is %s: %v", generation, state, err)
				}
			}
		}
	}
	if _, err := mustAccount(t, k, 1).ContactTokens(2, 0); err == nil {
		t.Error("a field that is not in the registry has tokens")
	}
}

// TestPadTokens: a row holds all its tokens, each once and in order, and does not say how many it has.
func TestPadTokens(t *testing.T) {
	t.Parallel()
	for n := range 40 {
		tokens := make([]int64, 0, 2*n)
		for i := range n {
			tokens = append(tokens, int64(i*7919%41-20), int64(i*7919%41-20)) // unordered, and each twice
		}
		given := slices.Clone(tokens)
		padded := PadTokens(tokens)
		if want := (n + 7) / 8 * 8; len(padded) != want {
			t.Errorf("%d tokens become %d, want %d", n, len(padded), want)
		}
		if !slices.IsSorted(padded) || len(slices.Compact(slices.Clone(padded))) != len(padded) {
			t.Errorf("%d tokens become %v, which are not in order or not distinct", n, padded)
		}
		for _, token := range tokens {
			if !slices.Contains(padded, token) {
				t.Errorf("of %d tokens %d is lost", n, token)
			}
		}
		if !cmp.Equal(given, tokens) {
			t.Errorf("the caller's %d tokens were changed", n)
		}
		if n%8 != 0 && cmp.Equal(padded, PadTokens(tokens)) {
			t.Errorf("%d tokens are filled up with the same ones twice", n)
		}
	}
}
