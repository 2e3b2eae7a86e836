package proof

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/cloakroom/cloakroom/chat"
)

// Disclosed is a leaf as it is given to whoever is to check it: all clear columns of its entry, and of the details no
// more than the hash of what they are sealed as.
type Disclosed struct {
	Leaf        // without DetailsSealed
	DetailsHash Hash
}

var errDisclosed = errors.New("read a leaf: it is not written as ours are")

// ReadDisclosed reads what Leaf.Encode gave. It is strict: what it reads is written the same again.
func ReadDisclosed(data []byte) (d Disclosed, err error) {
	values := make([][]byte, 0, 13)
	for tag := byte(1); tag <= 13; tag++ {
		if len(data) < 5 || data[0] != tag || uint64(len(data)-5) < uint64(binary.BigEndian.Uint32(data[1:])) {
			return d, errDisclosed
		}
		end := 5 + int(binary.BigEndian.Uint32(data[1:]))
		values, data = append(values, data[5:end]), data[end:]
	}
	for _, tag := range []int{1, 2, 3, 4, 5, 12} {
		if len(values[tag-1]) != 8 {
			return d, errDisclosed
		}
	}
	key := readNumber(values[11])
	if len(data) > 0 || len(values[12]) != len(Hash{}) || key < math.MinInt32 || key > math.MaxInt32 {
		return d, errDisclosed
	}
	text := func(tag int) string { return string(values[tag-1]) }
	return Disclosed{Leaf: Leaf{Seq: readNumber(values[0]), Transaction: uint64(readNumber(values[4])), KeyID: int(key), AuditEntry: chat.AuditEntry{
		AccountID: readNumber(values[1]), ID: readNumber(values[2]), OccurredAt: time.UnixMicro(readNumber(values[3])).UTC(),
		Actor: chat.Actor{Kind: text(6), ID: text(7)}, Action: chat.Action(text(8)), EntityType: text(9), EntityID: text(10), RequestID: text(11),
	}}, DetailsHash: Hash(values[12])}, nil
}

func readNumber(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }

// Encode gives the bytes that were read.
func (d Disclosed) Encode() []byte { return d.encode(d.DetailsHash) }

// Hash gives the leaf's hash.
func (d Disclosed) Hash() Hash { return leafHash(d.Encode()) }

// String names the entry.
func (d Disclosed) String() string { return fmt.Sprintf("entry %d, number %d", d.ID, d.Seq) }
