package proof

import (
	"fmt"
	"math"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
)

// Tree is an account's tree as far as it has grown, kept as the roots of its complete subtrees: what is needed to go on
// with it, and no leaf.
type Tree struct{ leaves *compact.Range }

var ranges = compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}

// NewTree gives a tree without leaves.
func NewTree() *Tree { return &Tree{ranges.NewEmptyRange(0)} }

// OpenTree goes on with a tree of so many leaves, by what Hashes gave of it.
func OpenTree(size int64, hashes [][]byte) (*Tree, error) {
	for _, hash := range hashes {
		if len(hash) != len(Hash{}) {
			return nil, fmt.Errorf("open a tree of %d leaves: a hash of %d bytes", size, len(hash))
		}
	}
	if size < 0 {
		return nil, fmt.Errorf("open a tree of %d leaves", size)
	}
	leaves, err := ranges.NewRange(0, uint64(size), hashes)
	if err != nil {
		return nil, fmt.Errorf("open a tree of %d leaves: %w", size, err)
	}
	return &Tree{leaves}, nil
}

// Append adds the next leaf.
func (t *Tree) Append(leaf Hash) error { return t.leaves.Append(leaf[:], nil) }

// Size is how many leaves there are.
func (t *Tree) Size() int64 { return int64(t.leaves.End()) }

// Hashes gives the roots of the complete subtrees, largest first.
func (t *Tree) Hashes() [][]byte { return t.leaves.Hashes() }

// Root gives the hash of the whole tree.
func (t *Tree) Root() (Hash, error) {
	if t.Size() == 0 {
		return Hash(rfc6962.DefaultHasher.EmptyRoot()), nil
	}
	root, err := t.leaves.GetRootHash(nil)
	if err != nil {
		return Hash{}, fmt.Errorf("take the root of %d leaves: %w", t.Size(), err)
	}
	return Hash(root), nil
}

// AppendSpan adds leaves of which nothing is known but what a Span gave of them.
func (t *Tree) AppendSpan(size int64, hashes [][]byte) error {
	for _, hash := range hashes {
		if len(hash) != len(Hash{}) {
			return fmt.Errorf("add %d leaves to a tree: a hash of %d bytes", size, len(hash))
		}
	}
	if size < 1 || size > math.MaxInt64-t.Size() {
		return fmt.Errorf("add %d leaves to a tree of %d", size, t.Size())
	}
	span, err := ranges.NewRange(t.leaves.End(), t.leaves.End()+uint64(size), hashes)
	if err == nil {
		err = t.leaves.AppendRange(span, nil)
	}
	if err != nil {
		return fmt.Errorf("add %d leaves to a tree: %w", size, err)
	}
	return nil
}

// Span is a stretch of a tree's leaves, kept as the roots of the complete subtrees that it is made of: at most two for
// each level of the tree.
type Span struct{ leaves *compact.Range }

// NewSpan begins a stretch at the leaf of a number.
func NewSpan(begin int64) *Span { return &Span{ranges.NewEmptyRange(uint64(begin))} }

// Append adds the next leaf.
func (s *Span) Append(leaf Hash) error { return s.leaves.Append(leaf[:], nil) }

// Size is how many leaves there are.
func (s *Span) Size() int64 { return int64(s.leaves.End() - s.leaves.Begin()) }

// Hashes gives the roots of the subtrees, from the left.
func (s *Span) Hashes() [][]byte { return s.leaves.Hashes() }
