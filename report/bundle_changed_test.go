package report

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/proof"
)

// TestEveryByteCounts flips a bit of every byte of a bundle, signed and not, and of its report: none goes unseen. What a
// head says of filter and numbers is held against the entries, so that without a signature another claim passes that is
// true as well; and the name of the key, which only people read.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	for _, signed := range []bool{true, false} {
		e := newExample(t, 5, func(e *example) { e.filter, e.sign = chat.AuditFilter{From: minutes(0), To: minutes(4)}, signed })
		file := fileOf(t, CSV, e.rows...)
		claim, read := bytes.Index(e.bundle, []byte(`"checkpoint":`)), bytes.Index(e.bundle, []byte(`"key":`))
		for i := range e.bundle {
			if _, found := e.verify(t, flipped(e.bundle, i), file, e.trusted); found == nil && (signed || i > claim && i < read || i > read+200) {
				t.Errorf("signed %t: byte %d of the bundle was changed unseen", signed, i)
			}
		}
		for i := range file {
			if _, found := e.verify(t, e.bundle, flipped(file, i), e.trusted); found == nil {
				t.Errorf("signed %t: byte %d of the report was changed unseen", signed, i)
			}
		}
		for n := range e.bundle {
			if _, found := e.verify(t, e.bundle[:n], file, e.trusted); found == nil && n != bytes.LastIndex(e.bundle, []byte("signed ")) {
				t.Errorf("signed %t: the first %d bytes of the bundle suffice", signed, n)
			}
		}
	}
}

func flipped(b []byte, i int) []byte {
	b = slices.Clone(b)
	b[i] ^= 1
	return b
}

// forge lets the lines of a bundle be changed by somebody who has all but the key: the signature is taken away.
func (e *example) forge(t testing.TB, change func(lines []string) []string) []byte {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(string(e.bundle), "\n"), "\n")
	if e.sign {
		lines = lines[:len(lines)-1]
	}
	return []byte(strings.Join(change(lines), "\n") + "\n")
}

func TestBundlesThatWereForged(t *testing.T) {
	t.Parallel()
	row := func(l *proof.Leaf) string {
		digest := rowOfLeaf(l).digest()
		return "row " + base64.StdEncoding.EncodeToString(l.Encode()) + " " + base64.StdEncoding.EncodeToString(digest[:])
	}
	private, public, err := proof.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	thief, err := proof.ParseKey(private)
	if err != nil {
		t.Fatal(err)
	}
	another := newExample(t, 8, func(e *example) { e.account = 2 })
	for name, c := range map[string]struct {
		change func(e *example, l []string) []string
		want   string
	}{
		"an entry changed with its row": {func(e *example, l []string) []string {
			leaf := e.leaf(3)
			leaf.EntityID = "77"
			e.rows[3] = rowOfLeaf(leaf)
			l[5] = row(leaf)
			return l
		}, "proof_wrong"},
		"an entry dropped with its row": {func(e *example, l []string) []string {
			e.rows = slices.Delete(e.rows, 3, 4)
			return slices.Delete(l, 5, 6)
		}, "proof_wrong 4 proof_wrong 5 proof_wrong 6 proof_wrong 7"},
		"an entry hidden with its row": {func(e *example, l []string) []string {
			e.rows = slices.Delete(e.rows, 3, 4)
			h := e.leaf(3).Hash()
			l[5] = "others 1 " + base64.StdEncoding.EncodeToString(h[:])
			return l
		}, "entry_left_out 3"},
		"an entry put aside": {func(e *example, l []string) []string {
			e.rows = slices.Delete(e.rows, 3, 4)
			l[5] = "beside " + strings.Fields(l[5])[1]
			return l
		}, "entry_left_out 3"},
		"entries swapped with their rows": {func(e *example, l []string) []string {
			e.rows[3], e.rows[4], l[5], l[6] = e.rows[4], e.rows[3], l[6], l[5]
			return l
		}, "proof_wrong 4 proof_wrong 3"},
		"an entry appended with its row": {func(e *example, l []string) []string {
			e.rows = append(e.rows, rowOfLeaf(e.leaf(8)))
			return slices.Insert(l, len(l)-1, row(e.leaf(8)))
		}, "bundle_broken proof_wrong"},
		"another account's entry": {func(e *example, l []string) []string {
			e.rows[3], l[5] = rowOfLeaf(another.leaf(3)), row(another.leaf(3))
			return l
		}, "account_foreign 3"},
		"another account's checkpoint": {func(e *example, l []string) []string {
			note, _ := e.key.Sign(proof.Checkpoint{AccountID: 2, Number: 1, Size: 8, SignedAt: began})
			l[1] = strings.Replace(l[1], jsonText(checkpointOf(t, e.bundle)), jsonText(note), 1)
			return l
		}, "account_foreign"},
		"everything rewritten and signed by another key": {func(e *example, _ []string) []string {
			mine := e.key
			e.key = thief
			e.account = 1
			e.make(t)
			e.key = mine
			return strings.Split(strings.TrimSuffix(string(e.bundle), "\n"), "\n")
		}, "signer_unknown signer_unknown"},
		"what was asked for": {func(e *example, l []string) []string {
			l[1] = strings.Replace(l[1], `"filter":{}`, `"filter":{"action":"none"}`, 1)
			return l
		}, "row_unwanted 0 row_unwanted 1 row_unwanted 2 row_unwanted 3 row_unwanted 4 row_unwanted 5 row_unwanted 6 row_unwanted 7"},
		"more is claimed": {func(e *example, l []string) []string {
			l[1] = strings.Replace(l[1], `"last":7`, `"last":8`, 1)
			return l
		}, "bundle_broken"},
		"the count": {func(e *example, l []string) []string {
			l[len(l)-1] = strings.Replace(l[len(l)-1], "end 8", "end 7", 1)
			return l
		}, "bundle_broken"},
		"a line that is none":   {func(e *example, l []string) []string { return slices.Insert(l, 5, "row") }, "bundle_broken"},
		"entries after the end": {func(e *example, l []string) []string { return append(l, l[5]) }, "bundle_broken"},
	} {
		e := newExample(t, 8, nil)
		bundle := e.forge(t, func(l []string) []string { return c.change(e, l) })
		file := fileOf(t, CSV, e.rows...)
		verdict, found := e.verify(t, bundle, file, e.trusted)
		found = slices.DeleteFunc(found, func(f string) bool { return f == "report_changed" })
		if got := strings.Join(found, " "); !strings.HasPrefix(got, c.want) || len(found) == 0 {
			t.Errorf("%s: %v, want %s; %+v", name, found, c.want, verdict)
		}
	}
	e := newExample(t, 8, nil)
	trusted, err := proof.ParseTrusted(public)
	if err != nil {
		t.Fatal(err)
	}
	if verdict, found := e.verify(t, e.bundle, fileOf(t, CSV, e.rows...), trusted); strings.Join(found, " ") != "signer_unknown signer_unknown" || verdict.Rows != 0 {
		t.Errorf("nobody trusts the key: %v", found)
	}
	if _, found := e.verify(t, another.bundle, fileOf(t, CSV, e.rows...), e.trusted); len(found) == 0 {
		t.Error("another account's bundle proves the report")
	}
}

func jsonText(s string) string { return strings.ReplaceAll(fmt.Sprintf("%q", s), "\u2014", "—") }

func checkpointOf(t testing.TB, bundle []byte) string {
	t.Helper()
	head, err := newBundleReader(bytes.NewReader(bundle)).head()
	if err != nil {
		t.Fatal(err)
	}
	return head.Checkpoint
}

// TestFindingsAreBounded: a report of another trail does not fill the memory.
func TestFindingsAreBounded(t *testing.T) {
	t.Parallel()
	e := newExample(t, 200, nil)
	for i := range e.rows {
		e.rows[i].EntityID = "changed"
	}
	verdict, found := e.verify(t, e.bundle, fileOf(t, CSV, e.rows...), e.trusted)
	if len(found) != maxOfKind+1 || verdict.Counts[RowChanged] != 200 {
		t.Errorf("%d findings, %v", len(found), verdict.Counts)
	}
}

// FuzzBundle: nothing panics, and nothing proves a report but what was signed.
func FuzzBundle(f *testing.F) {
	e := newExample(f, 5, func(e *example) { e.filter = chat.AuditFilter{From: minutes(-1), To: minutes(2)} })
	file := fileOf(f, CSV, e.rows...)
	f.Add(e.bundle)
	f.Add(e.forge(f, func(l []string) []string { return l }))
	f.Fuzz(func(t *testing.T, bundle []byte) {
		r := newBundleReader(bytes.NewReader(bundle))
		if _, err := r.head(); err == nil {
			for err == nil {
				_, err = r.next()
			}
			if !errors.Is(err, io.EOF) && !errors.Is(err, errBundle) {
				t.Errorf("an error of another kind: %v", err)
			}
		}
		verdict, found := e.verify(t, bundle, file, e.trusted)
		if found == nil && verdict.Rows != int64(len(e.rows)) {
			t.Errorf("%q proves %d rows", bundle, verdict.Rows)
		}
	})
}
