package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const soundRow = "a leak | `room/gate.go` | `room.TestGate` |"

// listOfLeaks is a sound list, but for one row.
func listOfLeaks(id, row string) string {
	var b strings.Builder
	b.WriteString("# Leaks\n\n| id | what | closed by | proved by |\n|---|---|---|---|\n")
	for _, run := range leakIDs {
		for n := run.first; n <= run.last; n++ {
			cells := soundRow
			if fmt.Sprintf("%s%02d", run.letter, n) == id {
				cells = row
			}
			if cells != "" {
				fmt.Fprintf(&b, "| %s%02d | %s\n", run.letter, n, cells)
			}
		}
	}
	return b.String() + "\n" + notClosed + "\n\nL21 is the proxy's.\n"
}

// TestLeakFaultsAreFound breaks a sound list in every way in which it can be broken.
func TestLeakFaultsAreFound(t *testing.T) {
	t.Parallel()
	known := sources{
		tests:   map[string]string{"room.TestGate": "", "cmd/room.FuzzGate": "", "room.TestMaybe": "can be skipped"},
		targets: []string{"canary"},
		exists:  func(path string) bool { return path == "room/gate.go" || path == "docs/operations.md" },
	}
	for name, c := range map[string]struct {
		id, row string
		want    []string
	}{
		"sound":                   {"L01", soundRow, nil},
		"a subtest":               {"L01", "a | b | `room.TestGate/of a field` |", nil},
		"a fuzz target":           {"L01", "a | b | `cmd/room.FuzzGate` |", nil},
		"a target of make":        {"L01", "a | b | `make canary` |", nil},
		"not yet":                 {"L01", "a | not in this release: there is no such field | nothing |", nil},
		"out of reach":            {"L21", "a | not in this program's reach, because | the proxy, see [operations](operations.md#x) |", nil},
		"out of reach, not said":  {"L22", "a | not in this program's reach, because | nothing |", []string{"L22: is out of reach, and what is not closed does not say so"}},
		"missing":                 {"P32", "", []string{"P32: has 0 rows"}},
		"twice":                   {"P40", soundRow + "\n| P40 | " + soundRow, []string{"P40: has 2 rows"}},
		"of no list":              {"P40", soundRow + "\n| P33 | " + soundRow, []string{"P33: is not in the list"}},
		"no test":                 {"L01", "a | b | the reader's trust |", []string{"L01: names no test and does not say that there is none to name"}},
		"a test that is not":      {"L01", "a | b | `room.TestNone` |", []string{"L01: room.TestNone: there is no such test in that package"}},
		"a test of elsewhere":     {"L01", "a | b | `other.TestGate` |", []string{"L01: other.TestGate: there is no such test in that package"}},
		"one of two is not":       {"L01", "a | b | `room.TestGate`, `room.TestNone` |", []string{"L01: room.TestNone: there is no such test in that package"}},
		"a test that skips":       {"L01", "a | b | `room.TestMaybe` |", []string{"L01: room.TestMaybe: can be skipped"}},
		"a test of no package":    {"L01", "a | b | `TestGate` |", []string{"L01: TestGate: does not say which package it is in", "L01: names no test and does not say that there is none to name"}},
		"a test that is no code":  {"L01", "a | see TestGate | `room.TestGate` |", []string{"L01: names a test that is not written as code"}},
		"a target that is not":    {"L01", "a | b | `make nothing` |", []string{"L01: make nothing: is nothing that make check runs", "L01: names no test and does not say that there is none to name"}},
		"a file that is not":      {"L01", "a | `room/none.go` | `room.TestGate` |", []string{"L01: room/none.go: is not there"}},
		"a cell less":             {"L01", "a | `room.TestGate` |", []string{"L01: does not have four cells with something in each"}},
		"an empty cell":           {"L01", "a | | `room.TestGate` |", []string{"L01: does not have four cells with something in each"}},
		"a cell more":             {"L01", "a | b | c | `room.TestGate` |", []string{"L01: does not have four cells with something in each"}},
		"a link that leads away":  {"L01", "a | b, [see](nowhere.md) | `room.TestGate` |", []string{"nowhere.md: is linked and not there"}},
		"a link to another place": {"L01", "a | b, [see](https://example.com/x) | `room.TestGate` |", nil},
	} {
		if diff := cmp.Diff(c.want, leakFaults(listOfLeaks(c.id, c.row), known)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTestsInAFile(t *testing.T) {
	t.Parallel()
	const (
		condition = "is built under a condition, so that make test may leave it out"
		fine      = "func TestA(t *testing.T) { t.Parallel() }\n"
	)
	for text, want := range map[string]map[string]string{
		"package a\n" + fine + "func FuzzB(f *testing.F) {}\nfunc helper() {}\nfunc (r room) TestC() {}": {"a.TestA": "", "a.FuzzB": ""},
		"package a\nfunc TestA(t *testing.T) { if testing.Short() { t.Skip() } }":                        {"a.TestA": "can be skipped"},
		"package a\nfunc TestA(t *testing.T) { t.Run(``, func(t *testing.T) { t.Skipf(``) }) }":          {"a.TestA": "can be skipped"},
		"package a\nfunc TestA(t *testing.T) { t.SkipNow() }":                                            {"a.TestA": "can be skipped"},
		"package a\n// TestA is said, and t.Skip() too.\n" + fine:                                        {"a.TestA": ""},
		"//go:build slow\n\npackage a\n" + fine:                                                          {"a.TestA": condition},
		"package a\n//go:build slow\n" + fine:                                                            {"a.TestA": ""}, // behind the package it means nothing
	} {
		tests := make(map[string]string)
		if err := testsIn(tests, "a", "a_test.go", []byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, tests); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	if err := testsIn(make(map[string]string), "a", "a_test.go", []byte("package")); err == nil {
		t.Error("what is no Go was read")
	}
	if diff := cmp.Diff([]string{"test", "canary"}, targetsOf("all:\ncheck: FUZZTIME = 1\ncheck: test canary ## Run everything\n\ttrue\n")); diff != "" {
		t.Error(diff)
	}
}
