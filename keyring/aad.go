package keyring

import (
	"encoding/binary"
	"fmt"

	"github.com/cloakroom/cloakroom/chat"
)

// Place is where a sealed value lies. It is bound into the value: sealed for one place, it opens at no
// other, and not at the same place with another version.
type Place struct {
	Table   Table
	Field   Field // must be one of Table's
	Row     int64 // the row's own id, known before sealing: 1 or more
	Version int64 // the row's version; every write of a user raises it, re-sealing does not
}

// kind tells apart what is sealed, so that a value of one sort never opens as another.
type kind uint8

// The kinds. Like tables, they are never renumbered.
const (
	kindSubjectValue kind = 1 // under a subject key
	kindAccountValue kind = 2 // under the account's data keyset
	kindAudit        kind = 3 // under the account's audit keyset
	kindSubjectKey   kind = 4 // a subject key, wrapped by the data keyset
	kindCursor       kind = 5 // under the account's cursor keyset
	kindToken        kind = 6 // under the account's vault keyset
	kindWrappedKey   kind = 7 // a wrapped subject key, wrapped once more by the key of an epoch
	kindGrant        kind = 8 // under the account's vault keyset, outside the database
)

// The associated data is typed and of fixed width, big-endian, so that no two places share one:
//
//	offset  0  "cloak"            5 bytes
//	        5  0x01               version of this layout
//	        6  kind               u8
//	        7  account id         u64
//	       15  table              u16
//	       17  row                u64
//	       25  field              u16
//	       27  row version        u64
//	       35  schema             u16, 1: how the plaintext is encoded
//	       37  subject key id     u64, 0 when none
//	       45  version and flags  2 bytes, as in the head of what is sealed
//	       47  generation         u16, as in the head of what is sealed
//
// The last four bytes bind the head, which travels outside the ciphertext: without them a writer to the
// database could move an old value from a refused generation to a live one. Values that have no row,
// such as cursors, append a length (u32) and their context.
const (
	aadLen     = 49
	aadVersion = 0x01
	aadSchema  = 1
)

// putAAD writes the associated data into b, whose length must be aadLen.
func putAAD(b []byte, k kind, account int64, p Place, subjectKey int64, h head) {
	_ = b[aadLen-1]
	copy(b, "cloak")
	b[5] = aadVersion
	b[6] = byte(k)
	binary.BigEndian.PutUint64(b[7:], uint64(account))
	binary.BigEndian.PutUint16(b[15:], uint16(p.Table))
	binary.BigEndian.PutUint64(b[17:], uint64(p.Row))
	binary.BigEndian.PutUint16(b[25:], uint16(p.Field))
	binary.BigEndian.PutUint64(b[27:], uint64(p.Version))
	binary.BigEndian.PutUint16(b[35:], aadSchema)
	binary.BigEndian.PutUint64(b[37:], uint64(subjectKey))
	b[45] = h.version
	b[46] = h.flags
	binary.BigEndian.PutUint16(b[47:], h.generation)
}

// check refuses a place that no row can have. It runs before sealing only: on opening, a wrong place is
// simply a value that does not open.
func (p Place) check() error {
	switch {
	case p.Field.Table() == 0 || p.Field.Table() != p.Table:
		return fmt.Errorf("seal: %v has no %v in the registry", p.Table, p.Field)
	case p.Row < 1:
		return fmt.Errorf("seal %v.%v: the row has no id yet", p.Table, p.Field)
	case p.Version < 0:
		return fmt.Errorf("seal %v.%v: the row's version is negative", p.Table, p.Field)
	}
	return nil
}

// unreadable is the one answer to everything that does not open: it names the place and never the cause,
// so that no caller can be made to tell a forger which part of the forgery failed.
func (p Place) unreadable() error {
	return fmt.Errorf("open %v.%v of row %d: %w", p.Table, p.Field, p.Row, chat.ErrUnreadable)
}
