package report

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/proof"
)

// FindingKind is what is wrong with a report or with its bundle.
type FindingKind string

// The kinds of findings.
const (
	BundleBroken     FindingKind = "bundle_broken"     // a line is none of ours, or the bundle ends too early
	ReportBroken     FindingKind = "report_broken"     // a row is none of ours
	SignerUnknown    FindingKind = "signer_unknown"    // no trusted key has signed the checkpoint, or the bundle
	CheckpointBroken FindingKind = "checkpoint_broken" // it is no checkpoint
	AccountForeign   FindingKind = "account_foreign"   // the checkpoint, or an entry, is another account's
	ProofWrong       FindingKind = "proof_wrong"       // the bundle's entries do not come to the root that was signed
	RowChanged       FindingKind = "row_changed"       // it says other than its entry, or than when the bundle was made
	RowMissing       FindingKind = "row_missing"       // the bundle has its entry and the report has not
	RowUnproven      FindingKind = "row_unproven"      // the report has it and the bundle has not, or it stands out of order
	RowUnwanted      FindingKind = "row_unwanted"      // it is not what was asked for
	EntryLeftOut     FindingKind = "entry_left_out"    // an entry is hidden where the bundle says that none is
	ReportChanged    FindingKind = "report_changed"    // the file is not, byte for byte, that of the bundle
	BundleChanged    FindingKind = "bundle_changed"    // what was signed of it is another's
	maxOfKind                    = 20
)

// Finding is something that is wrong. It names numbers and columns, never values.
type Finding struct {
	Kind    FindingKind `json:"kind"`
	Number  int64       `json:"number"`            // of the entry in its account's tree; -1 where it is about no entry
	Columns []string    `json:"columns,omitempty"` // of a row that was changed
	Text    string      `json:"text"`
}

// Verdict is how a report and its bundle stand.
type Verdict struct {
	AccountID  int64                 `json:"account"`
	Rows       int64                 `json:"rows"` // that are proven to be entries as they were signed
	Entries    int64                 `json:"entries"`
	Checkpoint int64                 `json:"checkpoint"`
	SignedAt   time.Time             `json:"signed_at,omitzero"`
	First      int64                 `json:"first"` // from here to Last nothing is left out that the filter wants
	Last       int64                 `json:"last"`  // less than First: nothing is said about what was left out
	Signed     bool                  `json:"signed"`
	SHA256     string                `json:"sha256"` // of the report's file
	Findings   []Finding             `json:"findings"`
	Counts     map[FindingKind]int64 `json:"counts"` // of all findings
}

// verification is one run over both files, in step.
type verification struct {
	Verdict
	trusted proof.Trusted
	head    Head
	bundle  *bundleReader
	tree    *proof.Tree
	signed  *proof.Checkpoint // nil where it does not count
	ended   *item
	listed  int64 // rows of the bundle

	report *Reader
	file   hash.Hash
	row    *Row // of the report, that is not compared yet; nil at its end
	last   int64
}

// Verify holds a report and its bundle against each other, and the bundle against what a trusted key has signed. It reads
// both once and keeps nothing of them; progress is called now and then with how much of the bundle has been read.
func Verify(bundle, report io.Reader, trusted proof.Trusted, progress func(bytes int64)) (Verdict, error) {
	v := &verification{trusted: trusted, bundle: newBundleReader(bundle), tree: proof.NewTree(), file: sha256.New(), last: -1}
	v.Findings, v.Counts = []Finding{}, make(map[FindingKind]int64)
	var err error
	if v.head, err = v.bundle.head(); err != nil {
		return v.Verdict, err
	}
	v.AccountID, v.First, v.Last = v.head.AccountID, v.head.First, v.head.Last
	v.checkpoint()
	whole := io.TeeReader(report, v.file)
	if v.report, err = NewReader(whole); err != nil {
		return v.Verdict, err
	}
	v.nextRow()
	for v.item() {
		if progress != nil && v.bundle.read%10_000 == 0 {
			progress(v.bundle.bytes)
		}
	}
	for ; v.row != nil; v.nextRow() {
		v.found(RowUnproven, v.row.Number, "row number %d is not in the bundle", v.row.Number)
	}
	if _, err := io.Copy(io.Discard, bufio.NewReader(whole)); err != nil { // what is left, for the hash
		return v.Verdict, errors.New("read a report: it could not be read to its end")
	}
	v.finish()
	return v.Verdict, nil
}

func (v *verification) found(kind FindingKind, number int64, format string, args ...any) *Finding {
	v.Counts[kind]++
	if v.Counts[kind] > maxOfKind {
		return &Finding{}
	}
	v.Findings = append(v.Findings, Finding{Kind: kind, Number: number, Text: fmt.Sprintf(format, args...)})
	return &v.Findings[len(v.Findings)-1]
}

func (v *verification) checkpoint() {
	c, err := proof.OpenCheckpoint(v.head.Checkpoint, v.trusted)
	switch {
	case errors.Is(err, proof.ErrUntrusted):
		v.found(SignerUnknown, -1, "no trusted key has signed the checkpoint")
	case err != nil:
		v.found(CheckpointBroken, -1, "the checkpoint is not written as ours are")
	case c.AccountID != v.AccountID:
		v.found(AccountForeign, -1, "the checkpoint is one of account %d, and the bundle one of account %d", c.AccountID, v.AccountID)
	default:
		v.signed, v.Checkpoint, v.SignedAt, v.Entries = &c, c.Number, c.SignedAt, c.Size
	}
}

// item takes in the next line of the bundle; false says that there is none to go on with.
func (v *verification) item() bool {
	i, err := v.bundle.next()
	if errors.Is(err, io.EOF) {
		return false
	}
	if err == nil && (v.ended == nil) == (i.kind == "signed") {
		err = errBundle // entries after the end, or a signature before it
	}
	if err != nil {
		v.found(BundleBroken, -1, "line %d of the bundle: %s", v.bundle.read, errBundle)
		return false
	}
	switch i.kind {
	case "row":
		v.listed++
		v.compare(&i)
		err = v.tree.Append(i.leaf.Hash())
	case "beside":
		if !v.misplaced(&i) && v.head.Filter.Matches(&i.leaf.AuditEntry) {
			v.found(EntryLeftOut, i.leaf.Seq, "%s is what was asked for, and is not in the report", i.leaf)
		}
		err = v.tree.Append(i.leaf.Hash())
	case "others":
		from, to := max(v.tree.Size(), v.First), min(v.tree.Size()+i.size-1, v.Last)
		if from <= to {
			v.found(EntryLeftOut, from, "entries number %d to %d are hidden, and the bundle says that it hides none there", from, to)
		}
		err = v.tree.AppendSpan(i.size, i.hashes)
	case "end":
		v.ended = &i
	case "signed":
		v.statement(i.note)
	}
	if err != nil {
		v.found(BundleBroken, -1, "line %d of the bundle: %s", v.bundle.read, errBundle)
	}
	return err == nil
}

// misplaced says that a leaf is not what its place says.
func (v *verification) misplaced(i *item) bool {
	switch {
	case i.leaf.Seq != v.tree.Size():
		v.found(ProofWrong, i.leaf.Seq, "%s stands in the place of number %d", i.leaf, v.tree.Size())
	case i.leaf.AccountID != v.AccountID:
		v.found(AccountForeign, i.leaf.Seq, "%s is one of account %d", i.leaf, i.leaf.AccountID)
	default:
		return false
	}
	return true
}

// compare holds an entry of the bundle against the report's row of its number.
func (v *verification) compare(i *item) {
	if v.misplaced(i) {
		return
	}
	if !v.head.Filter.Matches(&i.leaf.AuditEntry) {
		v.found(RowUnwanted, i.leaf.Seq, "%s is not what was asked for", i.leaf)
	}
	for v.row != nil && v.row.Number < i.leaf.Seq {
		v.found(RowUnproven, v.row.Number, "row number %d is not in the bundle, or stands out of order", v.row.Number)
		v.nextRow()
	}
	if v.row == nil || v.row.Number > i.leaf.Seq {
		v.found(RowMissing, i.leaf.Seq, "the row of %s is missing in its place", i.leaf)
		return
	}
	columns := v.row.differing(&i.leaf)
	if len(columns) == 0 && v.row.digest() != i.digest {
		columns = []string{"status", "details"}
	}
	if len(columns) > 0 {
		v.found(RowChanged, i.leaf.Seq, "the row of %s is not what it was: %s", i.leaf, strings.Join(columns, ", ")).Columns = columns
	} else {
		v.Rows++
	}
	v.nextRow()
}

func (v *verification) nextRow() {
	row, err := v.report.Next()
	v.row = nil
	switch {
	case err == nil:
		v.row, v.last = &row, row.Number
	case !errors.Is(err, io.EOF):
		v.found(ReportBroken, v.last, "what stands after row number %d of the report is no row of ours; nothing after it is looked at", v.last)
	}
}

func (v *verification) statement(note string) {
	switch err := proof.CheckReport(note, v.AccountID, proof.Hash(v.bundle.sum.Sum(nil)), v.trusted); {
	case errors.Is(err, proof.ErrUntrusted):
		v.found(SignerUnknown, -1, "no trusted key has signed the bundle")
	case err != nil:
		v.found(BundleChanged, -1, "the bundle is not the one that was signed")
	default:
		v.Signed = true
	}
}

func (v *verification) finish() {
	sum := proof.Hash(v.file.Sum(nil))
	v.SHA256 = fmt.Sprintf("%x", sum)
	switch {
	case v.ended == nil:
		v.found(BundleBroken, -1, "the bundle has no end")
	case v.ended.size != v.listed:
		v.found(BundleBroken, -1, "the bundle lists %d rows and says at its end that there are %d", v.listed, v.ended.size)
	case v.First <= v.Last && (v.First < 0 || v.Last >= v.tree.Size()):
		v.found(BundleBroken, -1, "the bundle speaks of entries number %d to %d, and there are %d", v.First, v.Last, v.tree.Size())
	case v.ended.digest != sum:
		v.found(ReportChanged, -1, "the report's file is not the one that the bundle was made for")
	}
	root, err := v.tree.Root()
	if v.signed != nil && (err != nil || v.tree.Size() != v.signed.Size || root != v.signed.Root) {
		v.found(ProofWrong, -1, "the %d entries of the bundle do not come to the root that checkpoint %d signs for %d: at least one is not what was signed",
			v.tree.Size(), v.signed.Number, v.signed.Size)
		v.Rows = 0
	}
	if v.signed == nil {
		v.Rows = 0
	}
}
