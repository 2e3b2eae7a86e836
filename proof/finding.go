package proof

// FindingKind is what is wrong.
type FindingKind string

// The kinds of findings.
const (
	EntryChanged      FindingKind = "entry_changed"      // a column is another than when the entry was numbered
	EntryMissing      FindingKind = "entry_missing"      // it was numbered and is gone
	EntryUnnumbered   FindingKind = "entry_unnumbered"   // it was put in behind the sequencer, or its leaf is gone
	NumbersMissing    FindingKind = "numbers_missing"    // leaves are gone from the middle
	TailCut           FindingKind = "tail_cut"           // more was signed than is there
	TreeChanged       FindingKind = "tree_changed"       // where the tree stands does not follow from its leaves
	RootDiffers       FindingKind = "root_differs"       // entries and leaves come to another root than was signed
	CheckpointChanged FindingKind = "checkpoint_changed" // its columns say other than its note
	CheckpointForeign FindingKind = "checkpoint_foreign" // it is another account's
	CheckpointMissing FindingKind = "checkpoint_missing" // numbers of checkpoints have a hole
	CheckpointOrder   FindingKind = "checkpoint_order"   // it signs fewer entries, or an earlier time, than the one before
	CheckpointSigner  FindingKind = "checkpoint_signer"  // no trusted key has signed it
	CheckpointBroken  FindingKind = "checkpoint_broken"  // it is no checkpoint
	NoCheckpoint      FindingKind = "no_checkpoint"      // nothing of the account was ever signed, or all that was is gone
	CopyDiffers       FindingKind = "copy_differs"       // what lies outside the database says other than the entries
	CopyAhead         FindingKind = "copy_ahead"         // what lies outside knows of more entries, or of a later checkpoint
	CopyRejected      FindingKind = "copy_rejected"      // a copy is broken, not signed by a trusted key, or another account's
	maxOfKind                     = 20
)

// Finding is something that is wrong. It names places, never values.
type Finding struct {
	AccountID  int64       `json:"account"`
	Kind       FindingKind `json:"kind"`
	EntryID    int64       `json:"entry,omitempty"`
	Columns    []string    `json:"columns,omitempty"` // groups, such as who or details
	Checkpoint int64       `json:"checkpoint,omitempty"`
	Text       string      `json:"text"`
}

// findings keeps the first of each kind and counts the rest.
type findings struct {
	list   []Finding
	counts map[FindingKind]int64
}

func (f *findings) add(found Finding) {
	if f.counts == nil {
		f.counts = make(map[FindingKind]int64)
	}
	if f.counts[found.Kind]++; f.counts[found.Kind] <= maxOfKind {
		f.list = append(f.list, found)
	}
}
