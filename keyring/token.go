package keyring

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"math"
	"slices"

	"github.com/tink-crypto/tink-go/v2/prf"
)

// Direction is whose words a message's tokens are of. A customer can write any text into an account and look for its
// tokens in a stolen database: those of what agents write are others.
type Direction byte

// The directions.
const (
	FromContact Direction = 'c'
	FromAgent   Direction = 'a'
)

// Tokens makes search tokens of one place: 64 bits that are equal for equal words of the place and tell nothing to who
// lacks the key. It is for one goroutine.
type Tokens struct {
	mac  hash.Hash
	word []byte // reused, as sum is
	sum  [sha256.Size]byte
}

// MessageTokens makes tokens of words in messages of one month, as yyyymm, and direction under one generation of the index
// keyset that is written or read. The same word in another month, direction or account has another token.
func (a *Account) MessageTokens(generation, month int, d Direction) (*Tokens, error) {
	b := binary.BigEndian.AppendUint32(appendPrefixed(nil, "words of messages"), uint32(month))
	return a.tokens(generation, append(b, byte(d)))
}

// ContactTokens makes tokens of parts of one field of contacts.
func (a *Account) ContactTokens(generation int, f Field) (*Tokens, error) {
	if f.Table() == 0 {
		return nil, fmt.Errorf("tokens of %v of account %d: it is not in the registry", f, a.id)
	}
	return a.tokens(generation, binary.BigEndian.AppendUint16(appendPrefixed(nil, "parts of contacts"), uint16(f)))
}

// tokens derives a place's key by the index key, and hashes words under that: a search of a few words asks Tink once.
func (a *Account) tokens(generation int, place []byte) (*Tokens, error) {
	set, err := a.indexUnder(generation)
	if err != nil {
		return nil, err
	}
	key, err := set.ComputePrimaryPRF(place, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive a key of tokens of account %d: %w", a.id, err)
	}
	return &Tokens{mac: hmac.New(sha256.New, key)}, nil
}

// Of gives the token of a word, which the caller has normalised.
func (t *Tokens) Of(word string) int64 {
	t.mac.Reset()
	t.word = append(t.word[:0], word...)
	_, _ = t.mac.Write(t.word) // a hash never fails
	return int64(binary.BigEndian.Uint64(t.mac.Sum(t.sum[:0])))
}

// tokenBucket is what the number of tokens of a row is rounded up to.
const tokenBucket = 8

// PadTokens gives distinct tokens in order, filled up with random ones to the next multiple of eight, so that a row does
// not say how many words it has. None stay none.
func PadTokens(tokens []int64) []int64 {
	padded := slices.Clone(tokens)
	slices.Sort(padded)
	padded = slices.Compact(padded)
	for len(padded)%tokenBucket != 0 {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		if token := int64(binary.BigEndian.Uint64(b[:])); !slices.Contains(padded, token) {
			padded = append(padded, token)
		}
	}
	slices.Sort(padded)
	return padded
}

// AttributeTag gives the blind index of a custom attribute's whole value: 16 bytes that are equal for equal values of
// one attribute of one model. kind keeps values of different types apart; the caller brings the value into one form.
func (a *Account) AttributeTag(generation int, model, key, kind, value string) ([]byte, error) {
	set, err := a.indexUnder(generation)
	if err != nil {
		return nil, err
	}
	b := appendPrefixed(nil, "attribute")
	for _, part := range []string{model, key, kind, value} {
		b = appendPrefixed(b, part)
	}
	tag, err := set.ComputePrimaryPRF(b, tagSize)
	if err != nil {
		return nil, fmt.Errorf("index an attribute of account %d: %w", a.id, err)
	}
	return tag, nil
}

// indexUnder is the index key of one generation that is in use.
func (a *Account) indexUnder(generation int) (*prf.Set, error) {
	if set, ok := a.index.find(uint16(generation)); ok && generation > 0 && generation <= math.MaxUint16 {
		return set, nil
	}
	return nil, fmt.Errorf("generation %d of the index keyset of account %d is not in use", generation, a.id)
}
