package vault

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
)

// orderList is an account's contacts in one order, without what they are ordered by.
type orderList struct {
	ids   []int64 // ascending by text, then those without one by id
	texts int     // how many have one
}

// newOrderList takes places that are sorted in ascending order.
func newOrderList(places []*chat.Position) *orderList {
	l := &orderList{ids: make([]int64, len(places))}
	for i, p := range places {
		if l.ids[i] = p.ID; p.Text != nil {
			l.texts = i + 1
		}
	}
	return l
}

// reverse gives a list in descending order: those without a text come last in it as well.
func (l *orderList) reverse() *orderList {
	r := &orderList{ids: slices.Clone(l.ids), texts: l.texts}
	slices.Reverse(r.ids[:l.texts])
	slices.Reverse(r.ids[l.texts:])
	return r
}

// size is how much memory a list takes, in bytes.
func (l *orderList) size() int { return 8*len(l.ids) + 200 }

const orderCodec = 1

var errOrderCodec = errors.New("an order list is malformed")

// encode writes: version, how many contacts have a text, how many there are, then the steps from one id to the next.
func (l *orderList) encode() []byte {
	b := append(make([]byte, 0, 3*len(l.ids)+16), orderCodec)
	b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(l.texts)), uint64(len(l.ids)))
	last := int64(0)
	for _, id := range l.ids {
		b, last = binary.AppendVarint(b, id-last), id
	}
	return b
}

// decodeOrderList reads what encode wrote, and nothing else.
func decodeOrderList(b []byte) (*orderList, error) {
	if len(b) == 0 || b[0] != orderCodec {
		return nil, errOrderCodec
	}
	in := bytes.NewReader(b[1:])
	texts, err := binary.ReadUvarint(in)
	if err != nil {
		return nil, errOrderCodec
	}
	n, err := binary.ReadUvarint(in)
	if err != nil || texts > n || n > uint64(in.Len()) {
		return nil, errOrderCodec
	}
	l := &orderList{ids: make([]int64, n), texts: int(texts)}
	last := int64(0)
	for i := range l.ids {
		step, err := binary.ReadVarint(in)
		if err != nil {
			return nil, errOrderCodec
		}
		last += step
		l.ids[i] = last
	}
	if in.Len() != 0 {
		return nil, errOrderCodec
	}
	return l, nil
}
