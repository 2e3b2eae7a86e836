package keyring

import (
	"encoding/binary"
	"fmt"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// What a sealed column holds, big-endian:
//
//	offset 0  0x01            version of the envelope
//	       1  0x00            flags, none defined: any other value does not open
//	       2  generation      u16, of the account keyset in force when it was sealed
//	       4  subject key id  u64, 0 when sealed under an account keyset
//	      12  ciphertext      under a subject key: nonce (12), AES-256-GCM ciphertext, tag (16);
//	                          under an account keyset: Tink's, that is key id prefix (5) and the same
const (
	envelopeVersion = 0x01
	envelopeHead    = 12
)

// Cursors and tokens have the shorter head: 0x01, generation u16, Tink ciphertext.
const shortHead = 3

// head is what an envelope says about itself, outside the ciphertext but bound by the associated data.
type head struct {
	version, flags byte
	generation     uint16
}

func newHead(generation uint16) head { return head{version: envelopeVersion, generation: generation} }

// putEnvelope writes the head of an envelope into b.
func putEnvelope(b []byte, h head, subjectKey int64) {
	b[0], b[1] = h.version, h.flags
	binary.BigEndian.PutUint16(b[2:], h.generation)
	binary.BigEndian.PutUint64(b[4:], uint64(subjectKey))
}

// parseEnvelope reads the head of an envelope; ok is false for any version, flag or length that Seal
// would not have written.
func parseEnvelope(b []byte) (h head, subjectKey uint64, ok bool) {
	if len(b) < envelopeHead || b[0] != envelopeVersion || b[1] != 0 {
		return head{}, 0, false
	}
	return newHead(binary.BigEndian.Uint16(b[2:])), binary.BigEndian.Uint64(b[4:]), true
}

// parseShort reads the head of a cursor or token.
func parseShort(b []byte) (h head, ok bool) {
	if len(b) < shortHead || b[0] != envelopeVersion {
		return head{}, false
	}
	return newHead(binary.BigEndian.Uint16(b[1:])), true
}

// Seal seals what belongs to the account itself, under its data keyset. The envelope is 45 bytes longer
// than plaintext. An error means a place that no row can have.
func (a *Account) Seal(p Place, plaintext []byte) ([]byte, error) {
	return a.sealUnder(a.data, kindAccountValue, p, plaintext)
}

// Open opens what Seal gave, at the same place. Its error wraps chat.ErrUnreadable whatever the cause.
func (a *Account) Open(p Place, envelope []byte) ([]byte, error) {
	return a.openUnder(a.data, kindAccountValue, p, envelope)
}

// SealAudit seals the details of an audit entry, under a keyset of their own, so that whoever may read
// the account's data keys still cannot forge its history.
func (a *Account) SealAudit(p Place, plaintext []byte) ([]byte, error) {
	return a.sealUnder(a.audit, kindAudit, p, plaintext)
}

// OpenAudit opens what SealAudit gave, at the same place. Its error wraps chat.ErrUnreadable.
func (a *Account) OpenAudit(p Place, envelope []byte) ([]byte, error) {
	return a.openUnder(a.audit, kindAudit, p, envelope)
}

// AuditGeneration is the generation SealAudit seals with: what audit rows store as key_id.
func (a *Account) AuditGeneration() int { return int(a.audit.active.number) }

func (a *Account) sealUnder(r ring[tink.AEAD], k kind, p Place, plaintext []byte) ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	h := newHead(r.active.number)
	var aad [aadLen]byte
	putAAD(aad[:], k, a.id, p, 0, h)
	sealed, err := r.active.primitive.Encrypt(plaintext, aad[:])
	if err != nil {
		return nil, fmt.Errorf("seal %v.%v of row %d: %w", p.Table, p.Field, p.Row, err)
	}
	envelope := make([]byte, envelopeHead, envelopeHead+len(sealed))
	putEnvelope(envelope, h, 0)
	return append(envelope, sealed...), nil
}

func (a *Account) openUnder(r ring[tink.AEAD], k kind, p Place, envelope []byte) ([]byte, error) {
	h, subjectKey, ok := parseEnvelope(envelope)
	if !ok || subjectKey != 0 {
		return nil, p.unreadable()
	}
	primitive, ok := r.find(h.generation)
	if !ok {
		return nil, p.unreadable()
	}
	var aad [aadLen]byte
	putAAD(aad[:], k, a.id, p, 0, h)
	plaintext, err := primitive.Decrypt(envelope[envelopeHead:], aad[:])
	if err != nil {
		return nil, p.unreadable()
	}
	return plaintext, nil
}

// SealCursor seals a page cursor. context is whatever the cursor must not outlive or be moved between:
// viewer, query, filter; the same bytes must be given to open it.
func (a *Account) SealCursor(context []byte, plaintext []byte) ([]byte, error) {
	return a.sealShort(a.cursor, kindCursor, Place{Table: TableCursor}, 0, context, plaintext)
}

// OpenCursor opens what SealCursor gave, with the same context. Its error wraps chat.ErrUnreadable.
func (a *Account) OpenCursor(context []byte, sealed []byte) ([]byte, error) {
	return a.openShort(a.cursor, kindCursor, Place{Table: TableCursor}, 0, context, sealed)
}

func (a *Account) sealShort(r ring[tink.AEAD], k kind, p Place, subjectKey int64, context, plaintext []byte) ([]byte, error) {
	h := newHead(r.active.number)
	sealed, err := r.active.primitive.Encrypt(plaintext, a.shortAAD(k, p, subjectKey, h, context))
	if err != nil {
		return nil, fmt.Errorf("seal for account %d: %w", a.id, err)
	}
	out := make([]byte, shortHead, shortHead+len(sealed))
	out[0] = h.version
	binary.BigEndian.PutUint16(out[1:], h.generation)
	return append(out, sealed...), nil
}

func (a *Account) openShort(r ring[tink.AEAD], k kind, p Place, subjectKey int64, context, sealed []byte) ([]byte, error) {
	if h, ok := parseShort(sealed); ok {
		if primitive, ok := r.find(h.generation); ok {
			plaintext, err := primitive.Decrypt(sealed[shortHead:], a.shortAAD(k, p, subjectKey, h, context))
			if err == nil {
				return plaintext, nil
			}
		}
	}
	return nil, fmt.Errorf("open for account %d: %w", a.id, chat.ErrUnreadable)
}

// shortAAD appends the context with its length, also when it is empty, so that every kind that may have
// a context has the same layout.
func (a *Account) shortAAD(k kind, p Place, subjectKey int64, h head, context []byte) []byte {
	aad := make([]byte, aadLen, aadLen+4+len(context))
	putAAD(aad, k, a.id, p, subjectKey, h)
	return appendPrefixed(aad, context)
}

// appendPrefixed appends value behind its length as u32, so that no two lists of values read the same.
func appendPrefixed[T ~string | ~[]byte](b []byte, value T) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	return append(b, value...)
}
