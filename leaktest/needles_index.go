package leaktest

import (
	"encoding/binary"
	"math/bits"
)

// index finds needles by eight bytes of each, its mark. A table of bits that fits a processor's cache says no for nearly
// every place of a text; only where it does not is the map asked.
type index struct {
	filter filter
	marks  map[uint64][]mark
}

// mark is where in a needle its eight bytes stand. They are not always the first: thousands begin with the same word.
type mark struct{ needle, offset int32 }

const filterBits = 22 // half a megabyte: one in fifty bits is set by the forms of a whole demo

func newIndex() index {
	return index{filter: make(filter, 1<<(filterBits-6)), marks: make(map[uint64][]mark)}
}

func eightOf(text string, at int) uint64 { return binary.LittleEndian.Uint64([]byte(text[at : at+8])) }

func bitOf(word uint64) uint64 { return word * 0x9e3779b97f4a7c15 >> (64 - filterBits) }

// crowd is how many needles may share a mark while one of them has another to choose.
const crowd = 4

func (x *index) add(text string, i int32) {
	best := 0
	for at := 1; at+8 <= len(text) && len(x.marks[eightOf(text, best)]) >= crowd; at++ {
		if len(x.marks[eightOf(text, at)]) < len(x.marks[eightOf(text, best)]) {
			best = at
		}
	}
	w := eightOf(text, best)
	x.filter.set(w)
	x.marks[w] = append(x.marks[w], mark{i, int32(best)})
}

// filter is a bit for each of many words.
type filter []uint64

func (f filter) set(word uint64) {
	bit := bitOf(word)
	f[bit>>6] |= 1 << (bit & 63)
}

func (f filter) may(word uint64) bool {
	bit := bitOf(word)
	return f[bit>>6]&(1<<(bit&63)) != 0
}

// each gives every place where a needle may begin.
func (x *index) each(text []byte, found func(i int32, at int)) {
	filter := x.filter
	var w uint64
	for at, c := range text {
		if w = w>>8 | uint64(c)<<56; at >= 7 && filter.may(w) {
			x.begin(w, at-7, found)
		}
	}
}

// begin gives where the needles begin whose mark stands at a place.
func (x *index) begin(word uint64, at int, found func(i int32, at int)) {
	for _, m := range x.marks[word] {
		if first := at - int(m.offset); first >= 0 {
			found(m.needle, first)
		}
	}
}

// eachOfTwo asks two indexes in one pass, the first with letters in lower case.
func eachOfTwo(folded, exact *index, text []byte, inFolded, inExact func(i int32, at int)) {
	inLower, asIs := folded.filter, exact.filter
	var as uint64
	for at, c := range text {
		if as = as>>8 | uint64(c)<<56; at < 7 {
			continue
		}
		if w := lowerWord(as); inLower.may(w) {
			folded.begin(w, at-7, inFolded)
		}
		if asIs.may(as) {
			exact.begin(as, at-7, inExact)
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
