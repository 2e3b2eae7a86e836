// Package proof is the room of what proves that nobody has changed the audit trail: leaves, RFC 6962 trees, signed
// checkpoints, and what is wrong when they do not come to one another.
// Entries as they lie at rest come in, and keys that sign or check checkpoints; nothing is read from anywhere here.
// What leaves are hashes, notes, and findings by account, number and group of columns; no finding holds a value.
package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/cloakroom/cloakroom/chat"
)

// Hash is a SHA-256.
type Hash = [sha256.Size]byte

// Leaf is an entry of the audit trail as it stands in its account's tree: every column of its row, and its number. It
// commits to what the details are sealed as, so it can be checked without a key, and after the key is gone.
type Leaf struct {
	chat.AuditEntry        // Details are not looked at
	Seq             int64  // from 0
	Transaction     uint64 // that wrote it, as the database numbers them
	KeyID           int
	DetailsSealed   []byte
}

// The groups of columns that a finding names.
const (
	Place   = "place"   // account_id, entry_id
	When    = "when"    // occurred_at, xid
	Who     = "who"     // actor_kind, actor_id
	What    = "what"    // action
	Which   = "which"   // entity_type, entity_id
	Request = "request" // request_id
	Details = "details" // key_id, details_sealed
	Number  = "number"  // the number or the hash of its leaf
)

var groups = []string{Place, When, Who, What, Which, Request, Details}

// Encode gives the leaf's fields in one order, each as a tag of one byte, a length of four and the value: no two leaves
// come to the same bytes.
func (l Leaf) Encode() []byte { return l.encode(sha256.Sum256(l.DetailsSealed)) }

func (l Leaf) encode(details Hash) []byte {
	return append(field(nil, 0x01, number(l.Seq)), bytes.Join(l.groups(details), nil)...)
}

// groups encodes the columns, group by group; the tags ascend through all of them.
func (l Leaf) groups(details Hash) [][]byte {
	return [][]byte{
		field(field(nil, 0x02, number(l.AccountID)), 0x03, number(l.ID)),
		field(field(nil, 0x04, number(l.OccurredAt.Truncate(time.Microsecond).UnixMicro())), 0x05, binary.BigEndian.AppendUint64(nil, l.Transaction)),
		field(field(nil, 0x06, []byte(l.Actor.Kind)), 0x07, []byte(l.Actor.ID)),
		field(nil, 0x08, []byte(l.Action)),
		field(field(nil, 0x09, []byte(l.EntityType)), 0x0a, []byte(l.EntityID)),
		field(nil, 0x0b, []byte(l.RequestID)),
		field(field(nil, 0x0c, number(int64(l.KeyID))), 0x0d, details[:]),
	}
}

func field(b []byte, tag byte, value []byte) []byte {
	b = binary.BigEndian.AppendUint32(append(b, tag), uint32(len(value)))
	return append(b, value...)
}

func number(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// Hash gives the leaf's hash: SHA-256 of 0x00 and its fields.
func (l Leaf) Hash() Hash { return leafHash(l.Encode()) }

func leafHash(data []byte) Hash { return Hash(rfc6962.DefaultHasher.HashLeaf(data)) }

const markSize = 4

// Marks gives a few bytes of the hash of each group of columns. They prove nothing, since nothing signs them: they say
// which group to look at once the leaf's hash says that something is wrong.
func (l Leaf) Marks() []byte {
	var marks []byte
	for _, group := range l.groups(sha256.Sum256(l.DetailsSealed)) {
		sum := sha256.Sum256(group)
		marks = append(marks, sum[:markSize]...)
	}
	return marks
}

// changedGroups compares a leaf with the marks of when it was numbered. When no group is another, it is the number.
func (l Leaf) changedGroups(marks []byte) []string {
	now := l.Marks()
	if len(marks) != len(now) {
		return []string{Number}
	}
	var changed []string
	for i, group := range groups {
		if at := i * markSize; !bytes.Equal(now[at:at+markSize], marks[at:at+markSize]) {
			changed = append(changed, group)
		}
	}
	if changed == nil {
		return []string{Number}
	}
	return changed
}
