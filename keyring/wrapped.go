package keyring

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cloakroom/cloakroom/chat"
)

// A wrapped subject key, as its row keeps it, big-endian. Where there are no epochs it has the short head:
//
//	offset 0  0x01        version
//	       1  generation  u16, of the account's data keyset
//	       3  ciphertext  Tink's, under that generation
//
// and where there are, it is wrapped twice:
//
//	offset 0  0x02        version
//	       1  generation  u16, of the account's data keyset
//	       3  epoch       u16
//	       5  ciphertext  Tink's, under the epoch's key, of Tink's, under the generation
//
// Both layers bind the whole head: version and generation where the associated data has them, and the epoch as its
// context, behind its length as u32.
const (
	wrappedTwice     = 0x02
	wrappedTwiceHead = 5
)

type wrappedHead struct {
	version           byte
	generation, epoch uint16
}

// parseWrapped reads the head of a wrapped subject key; ok is false for any that wrapSubject would not have written.
func parseWrapped(b []byte) (h wrappedHead, ok bool) {
	switch {
	case len(b) >= shortHead && b[0] == envelopeVersion:
		return wrappedHead{version: b[0], generation: binary.BigEndian.Uint16(b[1:])}, true
	case len(b) >= wrappedTwiceHead && b[0] == wrappedTwice:
		h = wrappedHead{b[0], binary.BigEndian.Uint16(b[1:]), binary.BigEndian.Uint16(b[3:])}
		return h, h.epoch != 0
	}
	return wrappedHead{}, false
}

// put appends the head to b.
func (h wrappedHead) put(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(append(b, h.version), h.generation)
	if h.version == wrappedTwice {
		b = binary.BigEndian.AppendUint16(b, h.epoch)
	}
	return b
}

// aad is the associated data of one layer.
func (h wrappedHead) aad(k kind, account, contactID, subjectKeyID int64) []byte {
	b := make([]byte, aadLen, aadLen+4+2)
	putAAD(b, k, account, subjectPlace(contactID), subjectKeyID, head{version: h.version, generation: h.generation})
	if h.version != wrappedTwice {
		return binary.BigEndian.AppendUint32(b, 0)
	}
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(b, 2), h.epoch)
}

func subjectPlace(contactID int64) Place { return Place{Table: TableSubjectKeys, Row: contactID} }

// WrappedUnder says under which generation of the data keyset and which epoch a subject key is wrapped; epoch 0 is none,
// and ok is false for what is no wrapped key. It opens nothing.
func (a *Account) WrappedUnder(wrapped []byte) (generation, epoch int, ok bool) {
	h, ok := parseWrapped(wrapped)
	return int(h.generation), int(h.epoch), ok
}

// wrapSubject wraps a subject key under the generation and the epoch of now.
func (a *Account) wrapSubject(contactID, subjectKeyID int64, key []byte) ([]byte, error) {
	epoch, err := a.epochs.sealing()
	if err != nil {
		return nil, err
	}
	h := wrappedHead{envelopeVersion, a.data.active.number, epoch.number}
	if epoch.number != 0 {
		h.version = wrappedTwice
	}
	sealed, err := a.data.active.primitive.Encrypt(key, h.aad(kindSubjectKey, a.id, contactID, subjectKeyID))
	if err != nil {
		return nil, err
	}
	if epoch.number != 0 {
		if sealed, err = epoch.primitive.Encrypt(sealed, h.aad(kindWrappedKey, a.id, contactID, subjectKeyID)); err != nil {
			return nil, err
		}
	}
	return append(h.put(make([]byte, 0, wrappedTwiceHead+len(sealed))), sealed...), nil
}

// openSubject gives the bytes of a wrapped subject key. Its error wraps chat.ErrUnreadable whatever the cause.
func (a *Account) openSubject(contactID, subjectKeyID int64, wrapped []byte) ([]byte, error) {
	unreadable := func() error {
		return fmt.Errorf("unwrap subject key %d of account %d: %w", subjectKeyID, a.id, chat.ErrUnreadable)
	}
	h, ok := parseWrapped(wrapped)
	if !ok {
		return nil, unreadable()
	}
	generation, ok := a.data.find(h.generation)
	if !ok {
		return nil, unreadable()
	}
	sealed := wrapped[shortHead:]
	if h.version == wrappedTwice {
		epoch, ok := a.epochs.find(h.epoch)
		if !ok {
			return nil, unreadable()
		}
		var err error
		if sealed, err = epoch.Decrypt(wrapped[wrappedTwiceHead:], h.aad(kindWrappedKey, a.id, contactID, subjectKeyID)); err != nil {
			return nil, unreadable()
		}
	}
	key, err := generation.Decrypt(sealed, h.aad(kindSubjectKey, a.id, contactID, subjectKeyID))
	if err != nil {
		return nil, unreadable()
	}
	return key, nil
}

// Rewrap wraps a subject key, wrapped under any live generation and epoch, under those of now, and opens the result
// again to compare. Its error wraps chat.ErrUnreadable when wrapped is not this contact's key of this id.
func (a *Account) Rewrap(contactID, subjectKeyID int64, wrapped []byte) ([]byte, error) {
	key, err := a.openSubject(contactID, subjectKeyID, wrapped)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	again, err := a.wrapSubject(contactID, subjectKeyID, key)
	if err != nil {
		return nil, fmt.Errorf("rewrap subject key %d of account %d: %w", subjectKeyID, a.id, err)
	}
	got, err := a.openSubject(contactID, subjectKeyID, again)
	defer clear(got)
	if err == nil && !bytes.Equal(got, key) {
		err = errors.New("it is another key")
	}
	if err != nil {
		return nil, fmt.Errorf("open subject key %d of account %d after it was wrapped again: %w", subjectKeyID, a.id, err)
	}
	return again, nil
}
