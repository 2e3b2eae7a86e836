package report

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/proof"
)

// bundleVersion is the first line of a bundle.
const bundleVersion = "cloakroom-audit-bundle/1"

// Head is what a bundle says before its entries.
type Head struct {
	AccountID  int64            `json:"account"`
	Filter     chat.AuditFilter `json:"filter"`
	First      int64            `json:"first"`      // from this number to Last every entry that the filter wants is in the report
	Last       int64            `json:"last"`       // less than First: nothing is said about what was left out
	Checkpoint string           `json:"checkpoint"` // the note that the proof leads to
	Key        string           `json:"key"`        // the public key that has signed it: for people, whoever checks has trusted keys of their own
}

// BundleWriter writes what proves a report: the leaf of each row, and of all other entries no more than it takes to come
// to the root that was signed. Leaves come in by number, none left out.
type BundleWriter struct {
	to    *bufio.Writer
	all   io.Writer // to, and sum
	sum   hash.Hash
	head  Head
	sign  proof.Checkpoint
	tree  *proof.Tree
	gap   *proof.Span
	found int64
}

// NewBundle begins a bundle. checkpoint is what Head.Checkpoint says.
func NewBundle(to io.Writer, head Head, checkpoint proof.Checkpoint) (*BundleWriter, error) {
	w := &BundleWriter{to: bufio.NewWriter(to), sum: sha256.New(), head: head, sign: checkpoint, tree: proof.NewTree(), gap: proof.NewSpan(0)}
	w.all = io.MultiWriter(w.to, w.sum)
	text, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("write a bundle: %w", err)
	}
	return w, w.line(bundleVersion + "\n" + string(text))
}

func (w *BundleWriter) line(text string) error {
	if _, err := io.WriteString(w.all, text+"\n"); err != nil {
		return fmt.Errorf("write a bundle: %w", err)
	}
	return nil
}

// Row adds the leaf of a row of the report.
func (w *BundleWriter) Row(l *proof.Leaf, r Row) error {
	digest := r.digest()
	if err := w.leaf("row", l, " "+encoded(digest[:])); err != nil {
		return err
	}
	w.found++
	return nil
}

// Beside adds the leaf of an entry that the filter does not want, between others of which the bundle says that none is
// left out.
func (w *BundleWriter) Beside(l *proof.Leaf) error { return w.leaf("beside", l, "") }

func (w *BundleWriter) leaf(kind string, l *proof.Leaf, more string) error {
	if err := w.closeGap(); err != nil {
		return err
	}
	if err := w.tree.Append(l.Hash()); err != nil {
		return fmt.Errorf("write a bundle: %w", err)
	}
	w.gap = proof.NewSpan(w.tree.Size())
	return w.line(kind + " " + encoded(l.Encode()) + more)
}

// Other adds a leaf of which nothing is shown.
func (w *BundleWriter) Other(leaf proof.Hash) error {
	if err := w.gap.Append(leaf); err != nil {
		return fmt.Errorf("write a bundle: %w", err)
	}
	return nil
}

func (w *BundleWriter) closeGap() error {
	if w.gap.Size() == 0 {
		return nil
	}
	if err := w.tree.AppendSpan(w.gap.Size(), w.gap.Hashes()); err != nil {
		return fmt.Errorf("write a bundle: %w", err)
	}
	parts := make([]string, 0, len(w.gap.Hashes()))
	for _, h := range w.gap.Hashes() {
		parts = append(parts, encoded(h))
	}
	return w.line(fmt.Sprintf("others %d %s", w.gap.Size(), strings.Join(parts, " ")))
}

// Close writes the end, with the SHA-256 of the report's file, and the statement of the key where there is one. It gives an
// error, and the bundle is void, where its leaves do not come to what was signed.
func (w *BundleWriter) Close(reported proof.Hash, key *proof.Key) error {
	if err := w.closeGap(); err != nil {
		return err
	}
	root, err := w.tree.Root()
	if err != nil {
		return fmt.Errorf("write a bundle: %w", err)
	}
	if w.tree.Size() != w.sign.Size || root != w.sign.Root {
		return fmt.Errorf("write a bundle: the entries of account %d are not those that checkpoint %d signs: run `cloakroom audit verify`",
			w.head.AccountID, w.sign.Number)
	}
	if err := w.line(fmt.Sprintf("end %d %s", w.found, encoded(reported[:]))); err != nil {
		return err
	}
	if key != nil {
		statement, err := key.SignReport(w.head.AccountID, proof.Hash(w.sum.Sum(nil)))
		if err != nil {
			return err
		}
		if err := w.line("signed " + encoded([]byte(statement))); err != nil {
			return err
		}
	}
	if err := w.to.Flush(); err != nil {
		return fmt.Errorf("write a bundle: %w", err)
	}
	return nil
}

func encoded(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
