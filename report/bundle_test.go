package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/proof"
)

// example is a trail of an account, a report on it, and the bundle of that.
type example struct {
	key     *proof.Key
	trusted proof.Trusted
	account int64
	size    int
	filter  chat.AuditFilter
	sign    bool
	rows    []Row
	bundle  []byte
}

func newExample(t testing.TB, size int, change func(*example)) *example {
	t.Helper()
	private, public, err := proof.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	e := &example{account: 1, size: size, sign: true}
	if e.key, err = proof.ParseKey(private); err != nil {
		t.Fatal(err)
	}
	if e.trusted, err = proof.ParseTrusted(public); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(e)
	}
	e.make(t)
	return e
}

var began = time.Date(2026, 11, 22, 19, 30, 0, 0, time.UTC)

func (e *example) leaf(i int) *proof.Leaf {
	return &proof.Leaf{Seq: int64(i), Transaction: uint64(800 + i), KeyID: 1, DetailsSealed: []byte{byte(i)}, AuditEntry: chat.AuditEntry{
		AccountID: e.account, ID: int64(100 + i), OccurredAt: began.Add(time.Duration(i-i%4*2) * time.Minute), Actor: chat.Actor{Kind: "AGENT", ID: fmt.Sprint(i % 3)},
		Action: chat.FlagSet, EntityType: "account", EntityID: fmt.Sprint(i % 5), RequestID: "req"}}
}

func rowOfLeaf(l *proof.Leaf) Row {
	return Row{Number: l.Seq, EntryID: l.ID, OccurredAt: l.OccurredAt, ActorKind: l.Actor.Kind, ActorID: l.Actor.ID, Action: string(l.Action),
		EntityType: l.EntityType, EntityID: l.EntityID, RequestID: l.RequestID, Status: Open, Details: json.RawMessage(fmt.Sprintf(`{"n":%d}`, l.Seq))}
}

// stretch is where nothing is left out that the filter wants.
func (e *example) stretch() (first, last int64) {
	first, last = 0, -1
	if !e.filter.OnlyByTime() {
		return
	}
	for i := range e.size {
		if e.filter.Matches(&e.leaf(i).AuditEntry) {
			if last < 0 {
				first = int64(i)
			}
			last = int64(i)
		}
	}
	return
}

func (e *example) make(t testing.TB) {
	t.Helper()
	tree := proof.NewTree()
	e.rows = nil
	for i := range e.size {
		l := e.leaf(i)
		if err := tree.Append(l.Hash()); err != nil {
			t.Fatal(err)
		}
		if e.filter.Matches(&l.AuditEntry) {
			e.rows = append(e.rows, rowOfLeaf(l))
		}
	}
	root, err := tree.Root()
	if err != nil {
		t.Fatal(err)
	}
	c := proof.Checkpoint{AccountID: e.account, Number: 3, Size: int64(e.size), Root: root, SignedAt: began}
	note, err := e.key.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	head := Head{AccountID: e.account, Filter: e.filter, Checkpoint: note, Key: e.key.Verifier()}
	head.First, head.Last = e.stretch()
	var b bytes.Buffer
	w, err := NewBundle(&b, head, c)
	if err != nil {
		t.Fatal(err)
	}
	for i := range e.size {
		l := e.leaf(i)
		switch within := l.Seq >= head.First && l.Seq <= head.Last; {
		case e.filter.Matches(&l.AuditEntry):
			err = w.Row(l, rowOfLeaf(l))
		case within:
			err = w.Beside(l)
		default:
			err = w.Other(l.Hash())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	key := e.key
	if !e.sign {
		key = nil
	}
	if err := w.Close(sha256.Sum256(fileOf(t, CSV, e.rows...)), key); err != nil {
		t.Fatal(err)
	}
	e.bundle = b.Bytes()
}

// verify gives what is wrong, as kinds and numbers.
func (e *example) verify(t testing.TB, bundle, file []byte, trusted proof.Trusted) (Verdict, []string) {
	t.Helper()
	verdict, err := Verify(bytes.NewReader(bundle), bytes.NewReader(file), trusted, nil)
	if err != nil {
		return verdict, []string{err.Error()}
	}
	var found []string
	for _, f := range verdict.Findings {
		if found = append(found, string(f.Kind)); f.Number >= 0 {
			found[len(found)-1] += fmt.Sprintf(" %d", f.Number)
		}
	}
	return verdict, found
}

func minutes(n int) *time.Time {
	at := began.Add(time.Duration(n) * time.Minute)
	return &at
}

var filters = map[string]chat.AuditFilter{
	"all": {}, "one entity": {EntityType: "account", EntityID: "3"}, "one actor": {ActorKind: "AGENT", ActorID: "1"}, "nothing": {Action: "none"},
	"from": {From: minutes(7)}, "to": {To: minutes(20)}, "between": {From: minutes(5), To: minutes(25)}, "no time": {From: minutes(1000)},
	"both": {EntityID: "2", From: minutes(5)},
}

func TestBundlesProveReports(t *testing.T) {
	t.Parallel()
	for name, filter := range filters {
		for _, size := range []int{1, 2, 7, 33, 64} {
			e := newExample(t, size, func(e *example) { e.filter, e.sign = filter, size%2 == 1 })
			verdict, found := e.verify(t, e.bundle, fileOf(t, CSV, e.rows...), e.trusted)
			if len(found) > 0 || verdict.Rows != int64(len(e.rows)) || verdict.Entries != int64(size) || verdict.Signed != e.sign {
				t.Errorf("%s of %d: %v, %+v", name, size, found, verdict)
			}
			if whole := verdict.First == 0 && verdict.Last == int64(size)-1; name == "all" && !whole {
				t.Errorf("%s of %d: it is said to be whole from %d to %d", name, size, verdict.First, verdict.Last)
			}
		}
	}
}

// TestBundlesAreSmall: what is not shown takes no more than some hashes for each stretch.
func TestBundlesAreSmall(t *testing.T) {
	t.Parallel()
	e := newExample(t, 5000, func(e *example) { e.filter = chat.AuditFilter{From: minutes(3000), To: minutes(3010)} })
	if len(e.bundle) > 10_000 {
		t.Errorf("%d rows of 5000 took %d bytes", len(e.rows), len(e.bundle))
	}
	if _, found := e.verify(t, e.bundle, fileOf(t, CSV, e.rows...), e.trusted); found != nil {
		t.Error(found)
	}
}

// TestNoBundleOfAnotherTrail: what does not come to the signed root is not given out.
func TestNoBundleOfAnotherTrail(t *testing.T) {
	t.Parallel()
	e := newExample(t, 3, nil)
	c := proof.Checkpoint{AccountID: 1, Number: 3, Size: 3, SignedAt: began}
	w, err := NewBundle(&bytes.Buffer{}, Head{AccountID: 1}, c)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := w.Other(e.leaf(i).Hash()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(proof.Hash{}, nil); err == nil || !strings.Contains(err.Error(), "audit verify") {
		t.Errorf("a bundle for another root: %v", err)
	}
}

func TestReportsThatWereChanged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(rows []Row) []Row
		want   string
	}{
		"dropped":  {func(r []Row) []Row { return slices.Delete(r, 3, 4) }, "row_missing 3 report_changed"},
		"cut":      {func(r []Row) []Row { return r[:6] }, "row_missing 6 row_missing 7 report_changed"},
		"swapped":  {func(r []Row) []Row { r[3], r[4] = r[4], r[3]; return r }, "row_missing 3 row_unproven 3 report_changed"},
		"appended": {func(r []Row) []Row { n := r[7]; n.Number++; return append(r, n) }, "row_unproven 8 report_changed"},
		"doubled":  {func(r []Row) []Row { return slices.Insert(r, 3, r[3]) }, "row_unproven 3 report_changed"},
		"number":   {func(r []Row) []Row { r[3].Number = 9; return r }, "row_missing 3 row_missing 4 row_missing 5 row_missing 6 row_missing 7 row_unproven 9 row_unproven 4 row_unproven 5 row_unproven 6 row_unproven 7 report_changed"},
		"entry":    {func(r []Row) []Row { r[3].EntryID++; return r }, "row_changed 3 report_changed"},
		"time":     {func(r []Row) []Row { r[3].OccurredAt = r[3].OccurredAt.Add(time.Microsecond); return r }, "row_changed 3 report_changed"},
		"kind":     {func(r []Row) []Row { r[3].ActorKind = "SERVICE"; return r }, "row_changed 3 report_changed"},
		"actor":    {func(r []Row) []Row { r[3].ActorID = "9"; return r }, "row_changed 3 report_changed"},
		"action":   {func(r []Row) []Row { r[3].Action = "x"; return r }, "row_changed 3 report_changed"},
		"type":     {func(r []Row) []Row { r[3].EntityType = "x"; return r }, "row_changed 3 report_changed"},
		"entity":   {func(r []Row) []Row { r[3].EntityID = "x"; return r }, "row_changed 3 report_changed"},
		"request":  {func(r []Row) []Row { r[3].RequestID = "x"; return r }, "row_changed 3 report_changed"},
		"status":   {func(r []Row) []Row { r[3].Status = Erased; return r }, "row_changed 3 report_changed"},
		"details":  {func(r []Row) []Row { r[3].Details = json.RawMessage(`{"n":4}`); return r }, "row_changed 3 report_changed"},
	} {
		e := newExample(t, 8, nil)
		if _, found := e.verify(t, e.bundle, fileOf(t, CSV, c.change(slices.Clone(e.rows))...), e.trusted); strings.Join(found, " ") != c.want {
			t.Errorf("%s: %v, want %s", name, found, c.want)
		}
	}
	e := newExample(t, 8, nil)
	if _, found := e.verify(t, e.bundle, fileOf(t, JSON, e.rows...), e.trusted); strings.Join(found, " ") != "report_changed" {
		t.Errorf("another format: %v", found)
	}
	if _, found := e.verify(t, e.bundle, append(fileOf(t, CSV, e.rows...), "what\n"...), e.trusted); strings.Join(found, " ") != "report_broken 7 report_changed" {
		t.Errorf("a line that is no row: %v", found)
	}
}
