package main

import (
	"bytes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
)

// Where the floor's values lie, by the numbers that are bound into every sealed value.
const (
	tableContacts    = 1
	tableMessages    = 4
	tableSubjectKeys = 7

	fieldEmail            = 1
	fieldPhoneNumber      = 2
	fieldName             = 4
	fieldCustomAttributes = 6
	fieldContent          = 10

	kindValue      = 1
	kindSubjectKey = 4
	kindWrappedKey = 7
)

var errUnreadable = errors.New("a sealed value does not open")

// wrappedKey is a contact's key as a row brings it.
type wrappedKey struct {
	contact, id int64
	sealed      []byte
}

// opener opens the values of one request. Each contact's key is unwrapped once.
type opener struct {
	*floorKeys
	subjects map[int64]cipher.AEAD
	bound    [55]byte // associated data
	err      error    // the first value that did not open
}

func (k *floorKeys) opener() *opener {
	return &opener{floorKeys: k, subjects: make(map[int64]cipher.AEAD, 32)}
}

// bind fills the associated data: see the head of a sealed value in the migrations' room.
func (o *opener) bind(kind byte, table uint16, row int64, field uint16, version, subjectKey int64, flags byte, generation uint16) []byte {
	b := o.bound[:49]
	copy(b, "cloak\x01")
	b[6] = kind
	binary.BigEndian.PutUint64(b[7:], o.account)
	binary.BigEndian.PutUint16(b[15:], table)
	binary.BigEndian.PutUint64(b[17:], uint64(row))
	binary.BigEndian.PutUint16(b[25:], field)
	binary.BigEndian.PutUint64(b[27:], uint64(version))
	binary.BigEndian.PutUint16(b[35:], 1)
	binary.BigEndian.PutUint64(b[37:], uint64(subjectKey))
	b[45], b[46] = 1, flags
	binary.BigEndian.PutUint16(b[47:], generation)
	return b
}

// subject unwraps a contact's key: 0x02, generation, epoch, then Tink's prefix, nonce and ciphertext under the epoch, of
// the same under the generation.
func (o *opener) subject(k *wrappedKey) (cipher.AEAD, error) {
	if gcm, ok := o.subjects[k.id]; ok {
		return gcm, nil
	}
	b := k.sealed
	if len(b) < 5+2*(5+12+16) || b[0] != 2 || binary.BigEndian.Uint16(b[1:]) != o.generation || binary.BigEndian.Uint16(b[3:]) != o.epoch {
		return nil, errUnreadable
	}
	b, err := o.unwrap(k, kindWrappedKey, o.epochKey, o.epochPrefix, b[5:])
	if err != nil {
		return nil, err
	}
	key, err := o.unwrap(k, kindSubjectKey, o.data, o.prefix, b)
	if err != nil {
		return nil, err
	}
	gcm, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	o.subjects[k.id] = gcm
	return gcm, nil
}

// unwrap opens one of the two layers, to which the epoch is bound as context.
func (o *opener) unwrap(k *wrappedKey, kind byte, gcm cipher.AEAD, prefix, b []byte) ([]byte, error) {
	if len(b) < 5+12+16 || !bytes.Equal(b[:5], prefix) {
		return nil, errUnreadable
	}
	bound := o.bind(kind, tableSubjectKeys, k.contact, 0, 0, k.id, 0, o.generation)
	bound[45] = 2
	bound = binary.BigEndian.AppendUint16(append(bound, 0, 0, 0, 2), o.epoch)
	key, err := gcm.Open(nil, b[5:17], b[17:], bound)
	if err != nil {
		return nil, errUnreadable
	}
	return key, nil
}

// open opens a value: 0x01, flags, generation, subject key, nonce, ciphertext. A column without a value is nil.
func (o *opener) open(k *wrappedKey, table, field uint16, row, version int64, sealed []byte) *string {
	if sealed == nil {
		return nil
	}
	plain, err := o.openBytes(k, table, field, row, version, sealed)
	if err != nil {
		o.err = err
		return nil
	}
	text := string(plain)
	return &text
}

func (o *opener) openBytes(k *wrappedKey, table, field uint16, row, version int64, b []byte) ([]byte, error) {
	if len(b) < 12+12+16 || b[0] != 1 || b[1] != 0 || binary.BigEndian.Uint64(b[4:]) != uint64(k.id) {
		return nil, errUnreadable
	}
	gcm, err := o.subject(k)
	if err != nil {
		return nil, err
	}
	bound := o.bind(kindValue, table, row, field, version, k.id, 0, binary.BigEndian.Uint16(b[2:]))
	// In place: the row's buffer is ours, and nobody reads the ciphertext again.
	plain, err := gcm.Open(b[24:24], b[12:24], b[24:], bound)
	if err != nil {
		return nil, errUnreadable
	}
	return plain, nil
}
