package keyring

import (
	"encoding/binary"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/prf"
)

const (
	tagSize    = 16 // not shortened further: unique look-ups must not collide
	aliasChars = 5  // of 5 bits each
)

// Tag is a blind index under one generation of the index keyset.
type Tag struct {
	Generation int
	Value      []byte // 16 bytes
}

// IndexGeneration is the generation look-ups read: the active one of the index keyset.
func (a *Account) IndexGeneration() int { return int(a.index.active.number) }

// Tag gives the blind index of a value for exact look-up: 16 bytes that are equal for equal values of
// one field of one account and tell nothing to who lacks the key. The caller normalises first. An error
// means a field that is not in the registry.
func (a *Account) Tag(f Field, normalised []byte) ([]byte, error) {
	return a.tagUnder(a.index.active, f, normalised)
}

// Tags gives the blind index under every generation that rows must be written with: while the index key
// is rotated the old generation stays complete, so that uniqueness holds at every moment.
func (a *Account) Tags(f Field, normalised []byte) ([]Tag, error) {
	tags := make([]Tag, 0, len(a.index.live))
	for _, g := range a.index.live {
		value, err := a.tagUnder(g, f, normalised)
		if err != nil {
			return nil, err
		}
		tags = append(tags, Tag{Generation: int(g.number), Value: value})
	}
	return tags, nil
}

// TagUnder gives the blind index under one generation that is written; an error for any other.
func (a *Account) TagUnder(generation int, f Field, normalised []byte) ([]byte, error) {
	for _, g := range a.index.live {
		if int(g.number) == generation {
			return a.tagUnder(g, f, normalised)
		}
	}
	return nil, fmt.Errorf("index %v of account %d: generation %d of its index keyset is not in use", f, a.id, generation)
}

// IndexGenerations are those that rows are written with: the pending, active and retired ones, in ascending order.
func (a *Account) IndexGenerations() []int {
	numbers := make([]int, len(a.index.live))
	for i, g := range a.index.live {
		numbers[i] = int(g.number)
	}
	return numbers
}

func (a *Account) tagUnder(g generation[*prf.Set], f Field, normalised []byte) ([]byte, error) {
	t := f.Table()
	if t == 0 {
		return nil, fmt.Errorf("index %v of account %d: it is not in the registry", f, a.id)
	}
	tag, err := g.primitive.ComputePrimaryPRF(tagInput(t, f, normalised), tagSize)
	if err != nil {
		return nil, fmt.Errorf("index %v.%v of account %d: %w", t, f, a.id, err)
	}
	return tag, nil
}

// tagInput is "eq", table, field and value, each behind its length as u32. The account is not in it: it
// has a key of its own.
func tagInput(t Table, f Field, normalised []byte) []byte {
	b := make([]byte, 0, 22+len(normalised))
	b = appendPrefixed(b, "eq")
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(b, 2), uint16(t))
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(b, 2), uint16(f))
	return appendPrefixed(b, normalised)
}

// crockford is Douglas Crockford's base 32: no I, L, O or U, so an alias can be read out over the phone.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// Alias gives the stand-in for a contact's name that a masked viewer sees, such as "Customer 7QF-2K".
// It is derived from the id alone, so it never changes with the contact's data; with 25 bits two contacts
// of a large account may share one: it is for eyes, not for look-up.
func (a *Account) Alias(contactID int64) (string, error) {
	b := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(appendPrefixed(nil, "alias"), 8), uint64(contactID))
	sum, err := a.alias.active.primitive.ComputePrimaryPRF(b, 4)
	if err != nil {
		return "", fmt.Errorf("alias of contact %d of account %d: %w", contactID, a.id, err)
	}
	bits := binary.BigEndian.Uint32(sum) >> (32 - 5*aliasChars)
	var c [aliasChars]byte
	for i := range c {
		c[i] = crockford[bits>>(5*(aliasChars-1-i))&31]
	}
	return "Customer " + string(c[:3]) + "-" + string(c[3:]), nil
}

// Pepper gives the 32 bytes that secrets of service tokens are hashed with, so that a stolen table of hashes cannot
// be tried against guesses. It comes from the keyset that is never rotated; ask account 0, the installation.
func (a *Account) Pepper() ([]byte, error) {
	pepper, err := a.alias.active.primitive.ComputePrimaryPRF(appendPrefixed(nil, "service token pepper"), 32)
	if err != nil {
		return nil, fmt.Errorf("derive the pepper of service tokens: %w", err)
	}
	return pepper, nil
}
