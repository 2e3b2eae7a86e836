package keyring

import (
	"bytes"
	"encoding/hex"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// epochVectors are frozen like vectors: two master keys of which one follows the other, two epochs, and subject keys
// wrapped once and twice.
type epochVectors struct {
	Service     map[string][]byte `json:"service"` // the key service's keys by URI: Tink keysets, binary, in clear; they guard nothing
	Keysets     []chat.Keyset     `json:"keysets"`
	Epochs      []chat.Epoch      `json:"epochs"`
	Successions []chat.Succession `json:"successions"`
	Subjects    []wrappedCase     `json:"subjects"`
}

type wrappedCase struct {
	Account, Contact, ID int64
	Generation, Epoch    int
	Wrapped              []byte
	AADs                 []string // of the inner layer, and of the outer one
	Place                Place
	Plaintext            string
	Sealed               []byte // under the subject key
}

func loadEpochVectors(t testing.TB) (epochVectors, *Keyring) {
	t.Helper()
	var v epochVectors
	readJSON(t, filepath.Join("testdata", "epochs.json"), &v)
	service := newService()
	for uri, clear := range v.Service {
		service.keys[uri] = readMasterV2(t, clear)
	}
	return v, replicaOf(t, service, &memory{rows: v.Keysets, epochs: v.Epochs, successions: v.Successions})
}

func makeEpochVectors(t *testing.T) *epochVectors {
	t.Helper()
	v, sets, service := &epochVectors{}, &memory{}, newService()
	newYear := WithClock(func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) })
	v.wrap(t, replicaOf(t, service, sets, newYear, WithoutEpochs()), 1, 8)
	k := replicaOf(t, service, sets, newYear)
	v.wrap(t, k, 1, 9)
	rotate(t, k, sets, 1, chat.KeysetData)
	v.wrap(t, k, 1, 10)
	succeed(t, k, sets, secondMaster)
	turnEpoch(t, k, sets)
	v.wrap(t, k, 1, 11)
	v.wrap(t, k, 2, 11) // an account of the second master key
	v.Service, v.Keysets, v.Epochs, v.Successions = service.clear, sets.rows, sets.epochs, sets.successions
	return v
}

func (v *epochVectors) wrap(t *testing.T, k *Keyring, account, id int64) {
	t.Helper()
	a := mustAccount(t, k, account)
	s, wrapped, err := a.NewSubject(42, id)
	if err != nil {
		t.Fatal(err)
	}
	c := wrappedCase{Account: account, Contact: 42, ID: id, Generation: a.Generation(), Epoch: a.Epoch(), Wrapped: wrapped, Place: emailPlace, Plaintext: "ann@example.com"}
	if c.Sealed, err = s.Seal(c.Place, []byte(c.Plaintext)); err != nil {
		t.Fatal(err)
	}
	c.AADs = c.aads()
	v.Subjects = append(v.Subjects, c)
}

func (c *wrappedCase) aads() []string {
	h, _ := parseWrapped(c.Wrapped)
	return []string{hex.EncodeToString(h.aad(kindSubjectKey, c.Account, c.Contact, c.ID)), hex.EncodeToString(h.aad(kindWrappedKey, c.Account, c.Contact, c.ID))}
}

// TestFreezeEpochs makes testdata/epochs.json when it is run with -freeze and the file is missing, and checks otherwise
// that the frozen file has a case of every sort.
func TestFreezeEpochs(t *testing.T) {
	if *freeze {
		writeOnce(t, filepath.Join("testdata", "epochs.json"), makeEpochVectors(t))
	}
	v, _ := loadEpochVectors(t)
	seen := map[[2]int]bool{}
	for _, c := range v.Subjects {
		seen[[2]int{c.Generation, c.Epoch}] = true
	}
	for _, want := range [][2]int{{1, 0}, {1, 1}, {2, 1}, {2, 2}} {
		if !seen[want] {
			t.Errorf("no frozen key is wrapped under generation %d and epoch %d", want[0], want[1])
		}
	}
	if len(v.Service) != 4 || len(v.Successions) != 1 || len(v.Epochs) != 2 {
		t.Errorf("there are %d keys, %d successions, %d epochs", len(v.Service), len(v.Successions), len(v.Epochs))
	}
}

func TestEpochVectorsOpen(t *testing.T) {
	t.Parallel()
	v, k := loadEpochVectors(t)
	for i, c := range v.Subjects {
		a := mustAccount(t, k, c.Account)
		s, err := a.Subject(c.Contact, c.ID, c.Wrapped)
		if err != nil {
			t.Fatalf("key %d: %v", i, err)
		}
		if got, err := s.Open(c.Place, c.Sealed); err != nil || string(got) != c.Plaintext {
			t.Errorf("key %d opens to %d bytes: %v", i, len(got), err)
		}
		if g, e, ok := a.WrappedUnder(c.Wrapped); !ok || g != c.Generation || e != c.Epoch {
			t.Errorf("key %d is wrapped under generation %d and epoch %d", i, g, e)
		}
		for layer, got := range c.aads() {
			if got != c.AADs[layer] {
				t.Errorf("associated data of key %d, layer %d, is\n%s, want\n%s", i, layer, got, c.AADs[layer])
			}
		}
		refuseEveryMutation(t, c.Wrapped, asBytes(func(b []byte) (*Subject, error) { return a.Subject(c.Contact, c.ID, b) }))
	}
	if k.MasterURI() != secondMaster {
		t.Errorf("the head of the frozen chain is %s", k.MasterURI())
	}
}

// TestSecondImplementationOfEpochs opens a key wrapped twice with the standard library alone.
func TestSecondImplementationOfEpochs(t *testing.T) {
	t.Parallel()
	v, k := loadEpochVectors(t)
	keyOf := func(handle *keyset.Handle) []byte {
		entry, err := handle.Primary()
		if err != nil {
			t.Fatal(err)
		}
		return entry.Key().(*aesgcm.Key).KeyBytes().Data(insecuresecretdataaccess.Token{})
	}
	serviceKey := func(uri string) []byte {
		handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(v.Service[uri])))
		if err != nil {
			t.Fatal(err)
		}
		return keyOf(handle)
	}
	c, e, record := v.Subjects[1], v.Epochs[0], v.Successions[0]
	if c.Epoch != 1 || c.Generation != 1 {
		t.Fatal("the second frozen key is not of the first generation and epoch")
	}
	var generation opened
	for _, ks := range v.Keysets {
		if ks.AccountID == c.Account && ks.Purpose == chat.KeysetData && ks.Generation == c.Generation {
			o, err := k.openKeyset(t.Context(), ks)
			if err != nil {
				t.Fatal(err)
			}
			generation = o
		}
	}
	// A Tink EncryptedKeyset is field 2, of the ciphertext; the key in it is read by Tink.
	if e.Wrapped[0] != 0x12 {
		t.Fatal("a wrapped epoch does not begin with its ciphertext")
	}
	handle, err := k.unwrap(t.Context(), masterOver(readMasterV2(t, v.Service[e.MasterKey+"-"+e.Name]), "x"), e.Wrapped, epochContext(&e))
	if err != nil {
		t.Fatal(err)
	}
	hand := func(k kind) []byte {
		b := handAAD(k, Place{TableSubjectKeys, 0, c.Contact, 0}, c.ID, uint16(c.Generation))
		b[45] = 2
		return append(b, 0, 0, 0, 2, 0, byte(c.Epoch))
	}
	inner := openGCM(t, keyOf(handle), c.Wrapped[5+5:], hand(7))
	subjectKey := openGCM(t, keyOf(generation.handle), inner[5:], hand(4))
	if got := openGCM(t, subjectKey, c.Sealed[12:], handAAD(kindSubjectValue, c.Place, c.ID, uint16(c.Generation))); string(got) != c.Plaintext {
		t.Error("a value opened to something else")
	}
	aad := "\x00\x00\x00\x19succession of master keys" + string(appendPrefixed(appendPrefixed(nil, record.MasterKey), record.Successor))
	note := openGCM(t, serviceKey(record.MasterKey), record.Sealed[5:], []byte(aad))
	if got := openGCM(t, serviceKey(record.Successor), note[5:], []byte(aad)); string(got) != "succeeds" {
		t.Errorf("a record holds %q", got)
	}
}

// FuzzWrappedTwice holds the decoder of keys wrapped twice to the rule of the others, and its head to one reading.
func FuzzWrappedTwice(f *testing.F) {
	v, k := loadEpochVectors(f)
	a := mustAccount(f, k, 1)
	var known [][]byte
	for _, c := range v.Subjects {
		f.Add(c.Wrapped, c.ID)
		if c.Account == 1 {
			known = append(known, c.Wrapped)
		}
	}
	f.Add([]byte{2, 0, 1, 0, 1}, int64(9))
	f.Fuzz(func(t *testing.T, wrapped []byte, id int64) {
		fuzzOpen(t, known, wrapped, asBytes(func(b []byte) (*Subject, error) { return a.Subject(42, id, b) }))
		if h, ok := parseWrapped(wrapped); ok && !bytes.HasPrefix(wrapped, h.put(nil)) {
			t.Errorf("the head of %x reads as %x", wrapped, h.put(nil))
		}
		if again, err := a.Rewrap(42, id, wrapped); err != nil {
			if !errors.Is(err, chat.ErrUnreadable) || again != nil {
				t.Errorf("%x was wrapped again to %d bytes, error %v", wrapped, len(again), err)
			}
		} else if g, e, ok := a.WrappedUnder(again); !ok || g != a.Generation() || e != a.Epoch() {
			t.Errorf("wrapped again under generation %d and epoch %d", g, e)
		}
	})
}
