package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
)

const (
	subjectKeyLen = 32
	nonceLen      = 12
	tagLen        = 16
)

// Subject is the key of one contact, ready for use, and safe for concurrent use. It lives as long as the
// Account it came from: ask the Keyring anew for every request, and do not keep it.
type Subject struct {
	id      int64
	account *Account
	gcm     cipher.AEAD
}

// ID is the subject key's id, which rows store as subject_key_id.
func (s *Subject) ID() int64 { return s.id }

// NewSubject makes a subject key for a contact and gives it both ready for use and wrapped, as the row
// subjectKeyID keeps it. The wrapped key opens for this account, contact and id only; both ids must be
// 1 or more.
func (a *Account) NewSubject(contactID, subjectKeyID int64) (*Subject, []byte, error) {
	if contactID < 1 || subjectKeyID < 1 {
		return nil, nil, fmt.Errorf("make a subject key for account %d: the contact or the key has no id yet", a.id)
	}
	key := make([]byte, subjectKeyLen)
	defer clear(key)
	if _, err := rand.Read(key); err != nil {
		return nil, nil, fmt.Errorf("make subject key %d of account %d: %w", subjectKeyID, a.id, err)
	}
	subject, err := a.subjectOf(subjectKeyID, key)
	if err != nil {
		return nil, nil, err
	}
	wrapped, err := a.wrapSubject(contactID, subjectKeyID, key)
	if err != nil {
		return nil, nil, fmt.Errorf("wrap subject key %d of account %d: %w", subjectKeyID, a.id, err)
	}
	return subject, wrapped, nil
}

// Subject unwraps a subject key; the last ones used stay unwrapped in memory, for as long as the Account
// does. Its error wraps chat.ErrUnreadable when wrapped is not this contact's key of this id.
func (a *Account) Subject(contactID, subjectKeyID int64, wrapped []byte) (*Subject, error) {
	if s, ok := a.subjects.find(contactID, subjectKeyID, wrapped); ok {
		return s, nil
	}
	key, err := a.openSubject(contactID, subjectKeyID, wrapped)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	subject, err := a.subjectOf(subjectKeyID, key)
	if err != nil {
		return nil, err
	}
	a.subjects.keep(contactID, wrapped, subject)
	return subject, nil
}

func (a *Account) subjectOf(id int64, key []byte) (*Subject, error) {
	if len(key) != subjectKeyLen {
		return nil, fmt.Errorf("subject key %d of account %d is %d bytes long, want %d", id, a.id, len(key), subjectKeyLen)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("prepare subject key %d of account %d: %w", id, a.id, err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("prepare subject key %d of account %d: %w", id, a.id, err)
	}
	return &Subject{id: id, account: a, gcm: gcm}, nil
}

// Seal seals a value for one place. The envelope is 40 bytes longer than plaintext; two envelopes of one
// value differ. Nonces are random: a key must not seal more than 2^32 values (NIST SP 800-38D 8.3), which
// one contact will not reach. An error means a place that no row can have.
func (s *Subject) Seal(p Place, plaintext []byte) ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	h := newHead(s.account.data.active.number)
	size := envelopeHead + nonceLen + len(plaintext) + tagLen
	// One allocation holds the envelope and, beyond its capacity, the associated data.
	b := make([]byte, size+aadLen)
	aad := b[size:]
	putAAD(aad, kindSubjectValue, s.account.id, p, s.id, h)
	putEnvelope(b, h, s.id)
	nonce := b[envelopeHead : envelopeHead+nonceLen]
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("seal %v.%v of row %d: %w", p.Table, p.Field, p.Row, err)
	}
	s.gcm.Seal(b[envelopeHead+nonceLen:envelopeHead+nonceLen:size], nonce, plaintext, aad)
	return b[:size:size], nil
}

// Open opens what Seal gave, at the same place. The result is never nil, and empty for an empty value.
// Its error wraps chat.ErrUnreadable whatever the cause.
func (s *Subject) Open(p Place, envelope []byte) ([]byte, error) {
	h, subjectKey, ok := parseEnvelope(envelope)
	if !ok || subjectKey != uint64(s.id) || len(envelope) < envelopeHead+nonceLen+tagLen {
		return nil, p.unreadable()
	}
	if _, live := s.account.data.find(h.generation); !live {
		return nil, p.unreadable()
	}
	sealed := envelope[envelopeHead+nonceLen:]
	size := len(sealed) - tagLen
	// As in Seal: one allocation for the plaintext and the associated data beyond its capacity.
	b := make([]byte, size+aadLen)
	aad := b[size:]
	putAAD(aad, kindSubjectValue, s.account.id, p, s.id, h)
	plaintext, err := s.gcm.Open(b[:0:size], envelope[envelopeHead:envelopeHead+nonceLen], sealed, aad)
	if err != nil {
		return nil, p.unreadable()
	}
	return plaintext, nil
}

// Reseal opens a value sealed under any live generation and seals it under the one of now, at the same place and version.
func (s *Subject) Reseal(p Place, envelope []byte) ([]byte, error) {
	plaintext, err := s.Open(p, envelope)
	if err != nil {
		return nil, err
	}
	defer clear(plaintext)
	return s.Seal(p, plaintext)
}
