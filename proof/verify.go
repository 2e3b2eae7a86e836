package proof

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Kept is a checkpoint as the database keeps it, beside its note.
type Kept struct {
	Number   int64
	Size     int64
	Root     []byte
	SignedAt time.Time
	Note     string
}

// Numbered is a leaf as the database keeps it, and its entry, which is nil when it is gone.
type Numbered struct {
	Seq     int64
	EntryID int64
	Hash    []byte
	Marks   []byte
	Entry   *Leaf
}

// Verification holds one account's trail against its leaves and checkpoints and against copies of these: first all
// checkpoints come in, then all leaves in order, then Finish.
type Verification struct {
	AccountID int64
	findings
	trusted Trusted

	signed []signed   // what must come out of the leaves, by size
	newest Checkpoint // of those that a trusted key has signed
	last   Kept       // the checkpoint before, while they come in
	kept   map[int64]Checkpoint
	copies int64

	leaves  *Tree          // by the hashes that were kept
	entries *Tree          // by what is recomputed from the entries
	next    int64          // the number that the next leaf must have
	good    map[bool]int64 // size of the newest checkpoint that was met, of the database's and of copies
	hole    bool           // from here on no root can be recomputed
	entered int64          // entries that were recomputed
}

type signed struct {
	Checkpoint
	copied string // where the copy lies; "" is the database's
}

// NewVerification begins with an account's trail.
func NewVerification(accountID int64, trusted Trusted) *Verification {
	return &Verification{AccountID: accountID, trusted: trusted, kept: make(map[int64]Checkpoint), good: make(map[bool]int64), leaves: NewTree(), entries: NewTree()}
}

func (v *Verification) found(kind FindingKind, checkpoint int64, format string, args ...any) {
	v.add(Finding{AccountID: v.AccountID, Kind: kind, Checkpoint: checkpoint, Text: fmt.Sprintf(format, args...)})
}

// Kept takes in the database's checkpoints, in order.
func (v *Verification) Kept(k Kept) {
	if k.Number != v.last.Number+1 {
		v.found(CheckpointMissing, v.last.Number+1, "checkpoints %d to %d are gone", v.last.Number+1, k.Number-1)
	}
	before := v.last
	v.last = k
	c, err := OpenCheckpoint(k.Note, v.trusted)
	switch {
	case errors.Is(err, ErrUntrusted):
		v.found(CheckpointSigner, k.Number, "no trusted key has signed checkpoint %d", k.Number)
		return
	case err != nil:
		v.found(CheckpointBroken, k.Number, "checkpoint %d is not written as ours are", k.Number)
		return
	case c.AccountID != v.AccountID:
		v.found(CheckpointForeign, k.Number, "checkpoint %d is one of account %d", k.Number, c.AccountID)
		return
	case c.Number != k.Number || c.Size != k.Size || !bytes.Equal(c.Root[:], k.Root) || !c.SignedAt.Equal(k.SignedAt):
		v.found(CheckpointChanged, k.Number, "the columns of checkpoint %d say other than what was signed", k.Number)
	}
	if c.Size < before.Size || c.SignedAt.Before(before.SignedAt) {
		v.found(CheckpointOrder, k.Number, "checkpoint %d signs fewer entries, or an earlier time, than the one before", k.Number)
	}
	v.kept[k.Number] = c
	v.expect(signed{Checkpoint: c})
}

// Copy takes in a checkpoint from outside the database, which a trusted key has signed; place says where it lies. It must
// have been read before the database was.
func (v *Verification) Copy(c Checkpoint, place string) {
	v.copies++
	v.expect(signed{c, place})
	if kept, there := v.kept[c.Number]; !there {
		v.found(CopyAhead, c.Number, "%s holds checkpoint %d, which signs %d entries; the database does not know it", place, c.Number, c.Size)
	} else if kept != c {
		v.found(CopyDiffers, c.Number, "%s holds another checkpoint %d than the database", place, c.Number)
	}
}

func (v *Verification) expect(s signed) {
	if s.copied == "" && s.Number > v.newest.Number {
		v.newest = s.Checkpoint
	}
	v.signed = append(v.signed, s)
}

// Leaf takes in the next leaf.
func (v *Verification) Leaf(n Numbered) error {
	if v.next == 0 {
		slices.SortStableFunc(v.signed, func(a, b signed) int { return int(min(max(a.Size-b.Size, -1), 1)) })
	}
	if n.Seq != v.next {
		v.found(NumbersMissing, 0, "the leaves of entries number %d to %d are gone", v.next, n.Seq-1)
		v.hole = true
	}
	v.next = n.Seq + 1
	hash := v.recomputed(n)
	if err := errors.Join(v.leaves.Append(hashOf(n.Hash)), v.entries.Append(hash)); err != nil {
		return fmt.Errorf("verify entry number %d of account %d: %w", n.Seq, v.AccountID, err)
	}
	return v.meet()
}

// recomputed gives the hash that a leaf should have. Of an entry that is gone nothing else than its leaf is left.
func (v *Verification) recomputed(n Numbered) Hash {
	if n.Entry == nil {
		v.add(Finding{AccountID: v.AccountID, Kind: EntryMissing, EntryID: n.EntryID,
			Text: fmt.Sprintf("entry %d, number %d, is gone", n.EntryID, n.Seq)})
		return hashOf(n.Hash)
	}
	v.entered++
	hash := n.Entry.Hash()
	if !bytes.Equal(hash[:], n.Hash) {
		groups := n.Entry.changedGroups(n.Marks)
		v.add(Finding{AccountID: v.AccountID, Kind: EntryChanged, EntryID: n.EntryID, Columns: groups,
			Text: fmt.Sprintf("entry %d, number %d, is not what it was when it was numbered: %v", n.EntryID, n.Seq, groups)})
	}
	return hash
}

// hashOf reads a hash of the database's, which sees to its length.
func hashOf(b []byte) (h Hash) {
	copy(h[:], b)
	return h
}

// meet compares roots where something was signed. When the kept hashes come to what was signed, the entries that differ
// from theirs have been named already.
func (v *Verification) meet() error {
	for len(v.signed) > 0 && v.signed[0].Size <= v.leaves.Size() && !v.hole {
		s := v.signed[0]
		v.signed = v.signed[1:]
		root, err := v.entries.Root()
		if err != nil {
			return err
		}
		keptRoot, err := v.leaves.Root()
		if err != nil {
			return err
		}
		switch {
		case s.Size < v.leaves.Size(): // sizes from 1 come in order, so this is none of a leaf's
			v.found(CheckpointBroken, s.Number, "checkpoint %d signs %d entries", s.Number, s.Size)
		case s.Root == root || s.Root == keptRoot:
			v.good[s.copied != ""] = s.Size
		case s.copied == "":
			v.found(RootDiffers, s.Number, "entries number %d to %d are not those that checkpoint %d signs", v.good[false], s.Size-1, s.Number)
		default:
			v.found(CopyDiffers, s.Number, "entries number %d to %d are not those that checkpoint %d in %s signs", v.good[true], s.Size-1, s.Number, s.copied)
		}
	}
	return nil
}

// Verdict is how an account's trail stands.
type Verdict struct {
	AccountID      int64                 `json:"account"`
	Entries        int64                 `json:"entries"` // that have a number and are there
	Waiting        int64                 `json:"waiting"` // for a number
	Newer          int64                 `json:"newer"`   // than the newest checkpoint, waiting ones included
	Checkpoints    int64                 `json:"checkpoints"`
	Copies         int64                 `json:"copies"`
	NewestNumber   int64                 `json:"newest_checkpoint"`
	NewestSignedAt time.Time             `json:"newest_signed_at,omitzero"`
	Findings       []Finding             `json:"findings"` // the first of each kind
	Counts         map[FindingKind]int64 `json:"counts"`   // of all
}

// Standing is what the database says of an account's tree, and of entries without a number.
type Standing struct {
	Size    int64
	Hashes  [][]byte
	Waiting int64
	Missed  []int64 // ids of entries that ought to have a number
	Ahead   []int64 // ids of entries whose transaction has not begun
}

// Finish says how the trail stands, when all is in.
func (v *Verification) Finish(s Standing) Verdict {
	v.tail(s)
	for _, id := range slices.Concat(s.Missed, s.Ahead) {
		v.add(Finding{AccountID: v.AccountID, Kind: EntryUnnumbered, EntryID: id,
			Text: fmt.Sprintf("entry %d has no number and gets none: it was put in afterwards, or its leaf was taken away", id)})
	}
	if v.newest.Number == 0 && v.next > 0 {
		v.found(NoCheckpoint, 0, "no checkpoint of a trusted key is there: nothing says what the entries were")
	}
	verdict := Verdict{AccountID: v.AccountID, Entries: v.entered, Waiting: s.Waiting, Newer: max(v.next-v.newest.Size, 0) + s.Waiting,
		Checkpoints: int64(len(v.kept)), Copies: v.copies, NewestNumber: v.newest.Number, NewestSignedAt: v.newest.SignedAt,
		Findings: v.list, Counts: v.counts}
	if verdict.Findings == nil {
		verdict.Findings = []Finding{}
	}
	return verdict
}

// tail says what was signed and is not there, and whether the tree is where its leaves leave it.
func (v *Verification) tail(s Standing) {
	for _, left := range v.signed {
		switch {
		case v.hole:
			v.found(RootDiffers, left.Number, "checkpoint %d signs %d entries, and leaves before them are gone", left.Number, left.Size)
		case left.copied == "":
			v.found(TailCut, left.Number, "checkpoint %d signs %d entries, and %d are there: entries number %d to %d are gone",
				left.Number, left.Size, v.next, v.next, left.Size-1)
		default:
			v.found(CopyAhead, left.Number, "checkpoint %d in %s signs %d entries, and %d are there", left.Number, left.copied, left.Size, v.next)
		}
	}
	same := slices.EqualFunc(s.Hashes, v.leaves.Hashes(), bytes.Equal)
	if s.Size != v.next || !v.hole && !same {
		v.found(TreeChanged, 0, "the tree says that it has %d leaves, and does not follow from the %d that are there", s.Size, v.next)
	}
}
