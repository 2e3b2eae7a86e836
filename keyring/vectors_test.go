package keyring

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/google/go-cmp/cmp"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/prf/hmacprf"
)

// vectors are frozen: whatever the code becomes, it must go on to open and derive exactly these.
type vectors struct {
	Master     []byte         `json:"master"` // Tink keyset, binary, in clear; it guards nothing
	MasterURI  string         `json:"master_uri"`
	Keysets    []chat.Keyset  `json:"keysets"`
	Subjects   []subjectCase  `json:"subjects"`
	AADs       []aadCase      `json:"aads"`
	Envelopes  []envelopeCase `json:"envelopes"`
	Cursors    []contextCase  `json:"cursors"`
	Tokens     []contextCase  `json:"tokens"`
	Tags       []tagCase      `json:"tags"`
	Aliases    []aliasCase    `json:"aliases"`
	Generation int            `json:"generation"` // of account 1's data keyset
}

type subjectCase struct {
	Account, Contact, ID int64
	Wrapped              []byte
}

type aadCase struct {
	Kind       kind
	Account    int64
	Place      Place
	SubjectKey int64
	Generation uint16
	Hex        string
}

type envelopeCase struct {
	Kind      kind
	Account   int64
	Subject   int // index into Subjects, for subject values
	Place     Place
	Plaintext string
	Sealed    []byte
}

type contextCase struct {
	Account            int64
	Context, Plaintext string
	Sealed             []byte
}

type tagCase struct {
	Account    int64
	Field      Field
	Value      string
	Generation int
	Hex        string
}

type aliasCase struct {
	Account, Contact int64
	Alias            string
}

func loadVectors(t testing.TB) (vectors, *Keyring) {
	t.Helper()
	var v vectors
	readJSON(t, filepath.Join("testdata", "vectors.json"), &v)
	return v, vectorKeyring(t, &v)
}

func TestVectorsOpen(t *testing.T) {
	t.Parallel()
	v, k := loadVectors(t)
	for i, c := range v.Envelopes {
		got, err := v.open(t, k, c, c.Sealed)
		if err != nil || string(got) != c.Plaintext {
			t.Errorf("envelope %d: opened to %d bytes, error %v", i, len(got), err)
		}
		refuseEveryMutation(t, c.Sealed, func(b []byte) ([]byte, error) { return v.open(t, k, c, b) })
	}
	for i, c := range v.Cursors {
		got, err := mustAccount(t, k, c.Account).OpenCursor([]byte(c.Context), c.Sealed)
		if err != nil || string(got) != c.Plaintext {
			t.Errorf("cursor %d: opened to %d bytes, error %v", i, len(got), err)
		}
	}
	for i, c := range v.Tokens {
		got, err := openVaultContext(mustAccount(t, k, c.Account), c.Context, c.Sealed)
		if err != nil || string(got) != c.Plaintext {
			t.Errorf("token %d: opened to %d bytes, error %v", i, len(got), err)
		}
	}
}

func (v *vectors) open(t testing.TB, k *Keyring, c envelopeCase, sealed []byte) ([]byte, error) {
	t.Helper()
	a := mustAccount(t, k, c.Account)
	switch c.Kind {
	case kindSubjectValue:
		sc := v.Subjects[c.Subject]
		s, err := a.Subject(sc.Contact, sc.ID, sc.Wrapped)
		if err != nil {
			t.Fatal(err)
		}
		return s.Open(c.Place, sealed)
	case kindAudit:
		return a.OpenAudit(c.Place, sealed)
	}
	return a.Open(c.Place, sealed)
}

func TestVectorsDerive(t *testing.T) {
	t.Parallel()
	v, k := loadVectors(t)
	if got := mustAccount(t, k, 1).Generation(); got != v.Generation {
		t.Errorf("generation of account 1 is %d, want %d", got, v.Generation)
	}
	for i, c := range v.AADs {
		b := make([]byte, aadLen)
		putAAD(b, c.Kind, c.Account, c.Place, c.SubjectKey, newHead(c.Generation))
		if got := hex.EncodeToString(b); got != c.Hex {
			t.Errorf("associated data %d is\n%s, want\n%s", i, got, c.Hex)
		}
	}
	for i, c := range v.Tags {
		tags, err := mustAccount(t, k, c.Account).Tags(c.Field, []byte(c.Value))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, tag := range tags {
			found = found || (tag.Generation == c.Generation && hex.EncodeToString(tag.Value) == c.Hex)
		}
		if !found {
			t.Errorf("tag %d is none of %v", i, tags)
		}
	}
	for _, c := range v.Aliases {
		got, err := mustAccount(t, k, c.Account).Alias(c.Contact)
		if err != nil || got != c.Alias {
			t.Errorf("alias of contact %d is %q, want %q, error %v", c.Contact, got, c.Alias, err)
		}
	}
}

// TestLayouts writes the formats out by hand, so that the documentation, the code and the vectors cannot
// all be wrong in the same way.
func TestLayouts(t *testing.T) {
	t.Parallel()
	got := make([]byte, aadLen)
	putAAD(got, kindSubjectValue, 0x0102030405060708, Place{TableContacts, FieldEmail, 0x1112131415161718, 3}, 0x2122232425262728, newHead(0x3132))
	want := "636c6f616b" + "01" + "01" + "0102030405060708" + "0001" + "1112131415161718" + "0001" +
		"0000000000000003" + "0001" + "2122232425262728" + "0100" + "3132"
	if hex.EncodeToString(got) != want {
		t.Errorf("associated data is\n%x, want\n%s", got, want)
	}
	if got, want := hex.EncodeToString(tagInput(TableContacts, FieldPhoneNumber, []byte("+49"))),
		"00000002"+"6571"+"00000002"+"0001"+"00000002"+"0002"+"00000003"+"2b3439"; got != want {
		t.Errorf("input of a tag is %s, want %s", got, want)
	}
	ks := chat.Keyset{AccountID: 258, Purpose: chat.KeysetData, Generation: 3}
	if got, want := hex.EncodeToString(wrapContext(&ks)),
		"00000004"+"64617461"+"00000008"+"0000000000000102"+"00000002"+"0003"; got != want {
		t.Errorf("context of a keyset is %s, want %s", got, want)
	}
}

// TestSecondImplementation opens frozen data with the standard library alone.
func TestSecondImplementation(t *testing.T) {
	t.Parallel()
	v, k := loadVectors(t)
	find := func(p chat.KeysetPurpose, generation int) opened {
		for _, ks := range v.Keysets {
			if ks.AccountID == 1 && ks.Purpose == p && ks.Generation == generation {
				o, err := k.openKeyset(t.Context(), ks)
				if err != nil {
					t.Fatal(err)
				}
				return o
			}
		}
		t.Fatalf("there is no frozen %s keyset of generation %d", p, generation)
		return opened{}
	}
	sc := v.Subjects[0]
	generation := binary.BigEndian.Uint16(sc.Wrapped[1:])
	entry, err := find(chat.KeysetData, int(generation)).handle.Primary()
	if err != nil {
		t.Fatal(err)
	}
	data := entry.Key().(*aesgcm.Key).KeyBytes().Data(insecuresecretdataaccess.Token{})
	aad := append(handAAD(kindSubjectKey, Place{TableSubjectKeys, 0, sc.Contact, 0}, sc.ID, generation), 0, 0, 0, 0)
	subjectKey := openGCM(t, data, sc.Wrapped[3+5:], aad)
	c := v.Envelopes[slices.IndexFunc(v.Envelopes, func(c envelopeCase) bool { return c.Kind == kindSubjectValue && c.Subject == 0 })]
	generation = binary.BigEndian.Uint16(c.Sealed[2:])
	if got := openGCM(t, subjectKey, c.Sealed[12:], handAAD(kindSubjectValue, c.Place, sc.ID, generation)); string(got) != c.Plaintext {
		t.Error("an envelope opened to something else")
	}
	tag := v.Tags[slices.IndexFunc(v.Tags, func(c tagCase) bool { return c.Account == 1 })]
	entry, err = find(chat.KeysetIndex, tag.Generation).handle.Primary()
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, entry.Key().(*hmacprf.Key).KeyBytes().Data(insecuresecretdataaccess.Token{}))
	mac.Write(tagInput(tag.Field.Table(), tag.Field, []byte(tag.Value)))
	if got := hex.EncodeToString(mac.Sum(nil)[:16]); got != tag.Hex {
		t.Errorf("the tag is %s, want %s", got, tag.Hex)
	}
}

func handAAD(k kind, p Place, subjectKey int64, generation uint16) []byte {
	var b bytes.Buffer
	b.WriteString("cloak\x01")
	for _, v := range []any{k, uint64(1), uint16(p.Table), uint64(p.Row), uint16(p.Field), uint64(p.Version),
		uint16(1), uint64(subjectKey), uint16(0x0100), generation} {
		_ = binary.Write(&b, binary.BigEndian, v) // to a bytes.Buffer, of fixed-size values: cannot fail
	}
	return b.Bytes()
}

func openGCM(t *testing.T, key, sealed, aad []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	plaintext, err := gcm.Open(nil, sealed[:12], sealed[12:], aad)
	if err != nil {
		t.Fatal(err)
	}
	return plaintext
}

// TestFreeze makes testdata/vectors.json when it is run with -freeze and the file is missing, and checks
// otherwise that the frozen file has a case of every kind and registered field.
func TestFreeze(t *testing.T) {
	if *freeze {
		writeOnce(t, filepath.Join("testdata", "vectors.json"), makeVectors(t))
	}
	v, _ := loadVectors(t)
	kinds, seen := map[kind]bool{}, map[Field]bool{}
	for _, c := range v.Envelopes {
		kinds[c.Kind], seen[c.Place.Field] = true, true
	}
	if !cmp.Equal(kinds, map[kind]bool{kindSubjectValue: true, kindAccountValue: true, kindAudit: true}) || len(seen) != len(fields) {
		t.Errorf("the frozen envelopes are of kinds %v and %d fields, want all", kinds, len(seen))
	}
	if len(v.Cursors) == 0 || len(v.Tokens) == 0 || len(v.Tags) == 0 || len(v.Aliases) == 0 || len(v.AADs) == 0 {
		t.Error("a sort of vector is missing")
	}
}
