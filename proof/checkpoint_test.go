package proof

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/cloakroom/cloakroom/chat"
)

// A key of note's own documentation's form, made once, so that the form of a note can be held against bytes.
func newSigner(t testing.TB) (*Key, Trusted) {
	t.Helper()
	private, public, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseKey(private + "\n")
	if err != nil || key.Verifier() != public {
		t.Fatalf("%v, %v", key, err)
	}
	trusted, err := ParseTrusted("# old ones stay\n\n" + public + "\n" + public + "\n")
	if err != nil {
		t.Fatal(err)
	}
	return key, trusted
}

func exampleCheckpoint() Checkpoint {
	return Checkpoint{AccountID: 1, Number: 3, Size: 120, Root: Hash{1, 2, 3}, SignedAt: time.Date(2026, 11, 22, 19, 30, 0, 0, time.UTC)}
}

func TestCheckpointIsSigned(t *testing.T) {
	t.Parallel()
	key, trusted := newSigner(t)
	text, err := key.Sign(exampleCheckpoint())
	if err != nil {
		t.Fatal(err)
	}
	want := "cloakroom/1\n120\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\ncheckpoint 3 of 2026-11-22T19:30:00Z\n\n— cloakroom-audit "
	if !strings.HasPrefix(text, want) {
		t.Errorf("%q", text)
	}
	if got, err := OpenCheckpoint(text, trusted); err != nil || got != exampleCheckpoint() {
		t.Errorf("%+v, %v", got, err)
	}
	for i := range len(text) {
		for bit := range 8 {
			changed := []byte(text)
			changed[i] ^= 1 << bit
			if got, err := OpenCheckpoint(string(changed), trusted); err == nil {
				t.Errorf("bit %d of byte %d was changed and it opens: %+v", bit, i, got)
			}
		}
	}
	other, othersTrust := newSigner(t)
	if _, err := OpenCheckpoint(text, othersTrust); !errors.Is(err, ErrUntrusted) {
		t.Errorf("somebody else's key: %v", err)
	}
	both, err := ParseTrusted(key.Verifier() + "\n" + other.Verifier())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenCheckpoint(text, both); err != nil {
		t.Errorf("a key among others: %v", err)
	}
}

// TestSignedNonsense: a signature of ours makes no checkpoint of a text that is none.
func TestSignedNonsense(t *testing.T) {
	t.Parallel()
	key, trusted := newSigner(t)
	good := exampleCheckpoint().text()
	for name, c := range map[string][2]string{
		"another origin": {"cloakroom/1\n", "elsewhere/1\n"}, "an account with a sign": {"cloakroom/1\n", "cloakroom/+1\n"},
		"less than no account": {"cloakroom/1\n", "cloakroom/-1\n"}, "no entries": {"\n120\n", "\n0\n"}, "a zero before": {"\n120\n", "\n0120\n"},
		"a short root": {"AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AQID"}, "another line": {"Z\n", "Z\nmore\n"}, "no number": {"checkpoint 3 of ", ""},
		"number zero": {"checkpoint 3", "checkpoint 0"}, "another zone": {"19:30:00Z", "19:30:00+01:00"}, "no time": {"2026-11-22T19:30:00Z", "noon"},
		"parts of a second": {"00Z", "00.5Z"}, "bits that say nothing": {"AAA=", "AAB="},
	} {
		text := strings.Replace(good, c[0], c[1], 1)
		signed, err := note.Sign(&note.Note{Text: text}, key.signer)
		if err != nil || text == good {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := OpenCheckpoint(string(signed), trusted); err == nil || errors.Is(err, ErrUntrusted) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := OpenCheckpoint(strings.Repeat("a", maxNote+1), trusted); err == nil {
		t.Error("a long text is a checkpoint")
	}
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	private, public, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"nothing": "", "a public one": public, "a short one": private.Reveal()[:40], "two": private.Reveal() + private.Reveal()} {
		if _, err := ParseKey(chat.Secret(text)); err == nil || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{"nothing": "", "remarks": "# none\n", "a private one": private.Reveal(), "a second that is none": public + "\nkey"} {
		if _, err := ParseTrusted(text); err == nil || strings.Contains(err.Error(), private.Reveal()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// frozen is a checkpoint as it was once signed, and the trust in who did; its private key is nowhere.
func frozen(t testing.TB) (text string, trusted Trusted) {
	t.Helper()
	signed, err := os.ReadFile("testdata/checkpoint.note")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := os.ReadFile("testdata/trusted.keys")
	if err != nil {
		t.Fatal(err)
	}
	if trusted, err = ParseTrusted(string(keys)); err != nil {
		t.Fatal(err)
	}
	return string(signed), trusted
}

// TestFrozenCheckpoint: what was signed once opens for ever.
func TestFrozenCheckpoint(t *testing.T) {
	t.Parallel()
	text, trusted := frozen(t)
	if got, err := OpenCheckpoint(text, trusted); err != nil || got != exampleCheckpoint() {
		t.Errorf("%+v, %v", got, err)
	}
}

// FuzzCheckpoint: whatever is read is written the same again, nothing opens but what was signed, and nothing panics. The
// corpus in testdata holds the frozen note and what comes near to it.
func FuzzCheckpoint(f *testing.F) {
	signed, trusted := frozen(f)
	f.Add(signed)
	f.Add("cloakroom/0\n1\n" + strings.Repeat("A", 43) + "=\ncheckpoint 1 of 2026-01-01T00:00:00Z\n")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := parseCheckpoint(text); err == nil && c.text() != text {
			t.Errorf("%q is written as %q", text, c.text())
		}
		if c, err := OpenCheckpoint(text, trusted); err == nil && c != exampleCheckpoint() {
			t.Errorf("%q was never signed and opens", text)
		}
	})
}
