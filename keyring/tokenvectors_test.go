package keyring

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"path/filepath"
	"testing"

	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/prf/hmacprf"

	"github.com/cloakroom/cloakroom/chat"
)

// tokenCase is one frozen token of a word: of messages when it has a month, of a field of contacts otherwise.
type tokenCase struct {
	Account           int64
	Generation, Month int
	Direction         Direction
	Field             Field
	Word              string
	Token             int64
}

// attributeCase is one frozen tag of an attribute's value.
type attributeCase struct {
	Account                 int64
	Generation              int
	Model, Key, Kind, Value string
	Hex                     string
}

// tokenVectors are frozen under the keysets of vectors.json.
type tokenVectors struct {
	Tokens     []tokenCase
	Attributes []attributeCase
}

func (c *tokenCase) maker(a *Account) (*Tokens, error) {
	if c.Month > 0 {
		return a.MessageTokens(c.Generation, c.Month, c.Direction)
	}
	return a.ContactTokens(c.Generation, c.Field)
}

// place is what a place's key is derived from, written out by hand.
func (c *tokenCase) place() (b []byte) {
	if c.Month > 0 {
		b = append(b, "\x00\x00\x00\x11words of messages"...)
		b = append(b, byte(c.Month>>24), byte(c.Month>>16), byte(c.Month>>8), byte(c.Month))
		return append(b, byte(c.Direction))
	}
	b = append(b, "\x00\x00\x00\x11parts of contacts"...)
	return append(b, byte(c.Field>>8), byte(c.Field))
}

func mustToken(t testing.TB, a *Account, c tokenCase) int64 {
	t.Helper()
	tokens, err := c.maker(a)
	if err != nil {
		t.Fatal(err)
	}
	return tokens.Of(c.Word)
}

func mustAttributeTag(t testing.TB, a *Account, c attributeCase) string {
	t.Helper()
	tag, err := a.AttributeTag(c.Generation, c.Model, c.Key, c.Kind, c.Value)
	if err != nil {
		t.Fatal(err)
	}
	return string(tag)
}

// someTokens are words of every place, under both generations of account 1.
func someTokens() (cases []tokenCase) {
	for _, of := range []struct{ account, generation int }{{1, 1}, {1, 2}, {2, 1}} {
		base := tokenCase{Account: int64(of.account), Generation: of.generation}
		for _, word := range []string{"", "hello", "straße", "退款", "مرحبا", "🧾"} {
			base.Word = word
			for _, month := range []int{1, 202601, 202612, 999912} {
				c := base
				c.Month, c.Direction = month, FromContact
				cases = append(cases, c)
				c.Direction = FromAgent
				cases = append(cases, c)
			}
			for _, f := range []Field{FieldName, FieldEmail, FieldPhoneNumber, FieldIdentifier} {
				c := base
				c.Field = f
				cases = append(cases, c)
			}
		}
	}
	return cases
}

func someAttributes() (cases []attributeCase) {
	for _, of := range []struct{ account, generation int }{{1, 1}, {1, 2}, {2, 1}} {
		for _, c := range []attributeCase{
			{Model: "CONTACT", Key: "plan", Kind: "TEXT", Value: "gold"}, {Model: "CONVERSATION", Key: "plan", Kind: "TEXT", Value: "gold"},
			{Model: "CONTACT", Key: "plans", Kind: "TEXT", Value: "gold"}, {Model: "CONTACT", Key: "plan", Kind: "LIST", Value: "gold"},
			{Model: "CONTACT", Key: "plan", Kind: "TEXT", Value: ""}, {Model: "CONTACT", Key: "straße", Kind: "TEXT", Value: "退款"},
		} {
			c.Account, c.Generation = int64(of.account), of.generation
			cases = append(cases, c)
		}
	}
	return cases
}

// TestTokenVectors: whatever the code becomes, rows that were written before are found.
func TestTokenVectors(t *testing.T) {
	_, k := loadVectors(t)
	path := filepath.Join("testdata", "tokens.json")
	if *freeze {
		made := tokenVectors{Tokens: someTokens(), Attributes: someAttributes()}
		for i := range made.Tokens {
			c := &made.Tokens[i]
			c.Token = mustToken(t, mustAccount(t, k, c.Account), *c)
		}
		for i := range made.Attributes {
			c := &made.Attributes[i]
			c.Hex = hex.EncodeToString([]byte(mustAttributeTag(t, mustAccount(t, k, c.Account), *c)))
		}
		writeOnce(t, path, made)
	}
	var v tokenVectors
	readJSON(t, path, &v)
	if len(v.Tokens) != len(someTokens()) || len(v.Attributes) != len(someAttributes()) {
		t.Errorf("%d tokens and %d tags are frozen, want %d and %d", len(v.Tokens), len(v.Attributes), len(someTokens()), len(someAttributes()))
	}
	for i, c := range v.Tokens {
		if got := mustToken(t, mustAccount(t, k, c.Account), c); got != c.Token {
			t.Errorf("token %d is %d, want %d", i, got, c.Token)
		}
	}
	for i, c := range v.Attributes {
		if got := hex.EncodeToString([]byte(mustAttributeTag(t, mustAccount(t, k, c.Account), c))); got != c.Hex {
			t.Errorf("tag %d is %s, want %s", i, got, c.Hex)
		}
	}
}

// rawIndexKey is the key of a frozen index keyset, for a computation that goes past Tink.
func rawIndexKey(t *testing.T, v *vectors, k *Keyring, account int64, generation int) []byte {
	t.Helper()
	for _, ks := range v.Keysets {
		if ks.AccountID != account || ks.Purpose != chat.KeysetIndex || ks.Generation != generation {
			continue
		}
		o, err := k.openKeyset(t.Context(), ks)
		if err != nil {
			t.Fatal(err)
		}
		entry, err := o.handle.Primary()
		if err != nil {
			t.Fatal(err)
		}
		return entry.Key().(*hmacprf.Key).KeyBytes().Data(insecuresecretdataaccess.Token{})
	}
	t.Fatalf("there is no frozen index keyset of account %d and generation %d", account, generation)
	return nil
}

// TestTokensBySecondImplementation derives the frozen tokens with the standard library alone: a token is what begins the
// HMAC of the word under the place's key, which is the HMAC of the place under the index key.
func TestTokensBySecondImplementation(t *testing.T) {
	t.Parallel()
	v, k := loadVectors(t)
	mac := func(key []byte, parts ...[]byte) []byte {
		h := hmac.New(sha256.New, key)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	for _, c := range someTokens() {
		key := rawIndexKey(t, &v, k, c.Account, c.Generation)
		want := int64(binary.BigEndian.Uint64(mac(mac(key, c.place()), []byte(c.Word))))
		if got := mustToken(t, mustAccount(t, k, c.Account), c); got != want {
			t.Errorf("the token of %+v is %d, want %d", c, got, want)
		}
	}
	for _, c := range someAttributes() {
		var input []byte
		for _, part := range []string{"attribute", c.Model, c.Key, c.Kind, c.Value} {
			input = append(append(input, 0, 0, 0, byte(len(part))), part...)
		}
		want := mac(rawIndexKey(t, &v, k, c.Account, c.Generation), input)[:16]
		if got := mustAttributeTag(t, mustAccount(t, k, c.Account), c); got != string(want) {
			t.Errorf("the tag of %+v is %x, want %x", c, got, want)
		}
	}
}
