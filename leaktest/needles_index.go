package leaktest

import (
	"encoding/binary"
	"math/bits"
)

// index finds needles by the eight bytes they begin with. A table of bits that fits a processor's cache says no for
// nearly every place of a text; only where it does not is the map asked.
type index struct {
	filter []uint64
	heads  map[uint64][]int32
}

const filterBits = 22 // half a megabyte: one in fifty bits is set by the forms of a whole demo

func newIndex() index {
	return index{filter: make([]uint64, 1<<(filterBits-6)), heads: make(map[uint64][]int32)}
}

func head(text string) uint64 { return binary.LittleEndian.Uint64([]byte(text[:8])) }

func bitOf(head uint64) uint64 { return head * 0x9e3779b97f4a7c15 >> (64 - filterBits) }

func (x *index) add(text string, i int32) {
	h := head(text)
	bit := bitOf(h)
	x.filter[bit>>6] |= 1 << (bit & 63)
	x.heads[h] = append(x.heads[h], i)
}

func (x *index) at(text string) []int32 { return x.heads[head(text)] }

func (x *index) may(head uint64) bool {
	bit := bitOf(head)
	return x.filter[bit>>6]&(1<<(bit&63)) != 0
}

// each gives every place where a needle may begin.
func (x *index) each(text []byte, found func(i int32, at int)) {
	for at := 0; at+8 <= len(text); at++ {
		if h := binary.LittleEndian.Uint64(text[at:]); x.may(h) {
			for _, i := range x.heads[h] {
				found(i, at)
			}
		}
	}
}

// eachOfTwo asks two indexes in one pass, the first with letters in lower case.
func eachOfTwo(folded, exact *index, text []byte, found func(i int32, at int, folded bool)) {
	for at := 0; at+8 <= len(text); at++ {
		as := binary.LittleEndian.Uint64(text[at:])
		if h := lowerWord(as); folded.may(h) {
			for _, i := range folded.heads[h] {
				found(i, at, true)
			}
		}
		if exact.may(as) {
			for _, i := range exact.heads[as] {
				found(i, at, false)
			}
		}
	}
}

// lowerWord turns A to Z of eight bytes into lower case at once; other bytes stay, those over 127 included.
func lowerWord(w uint64) uint64 {
	const ones = 0x0101010101010101
	low := w &^ (0x80 * ones)
	from := low + (0x80-'A')*ones // sets a byte's highest bit from A up
	over := low + (0x80-'Z'-1)*ones
	upper := from &^ over &^ w & (0x80 * ones)
	return w | bits.RotateLeft64(upper, -2)
}

// lower is a copy with A to Z in lower case. Other letters are left as they are: a needle stands for itself in each
// of their cases.
func lower(text []byte) []byte {
	out := make([]byte, len(text))
	for i, c := range text {
		out[i] = lowerByte(c)
	}
	return out
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// equalFolded compares text in any case with what is in lower case.
func equalFolded(text []byte, want string) bool {
	for i, c := range text {
		if lowerByte(c) != want[i] {
			return false
		}
	}
	return true
}
