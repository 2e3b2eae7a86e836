package main

import (
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// leakIDs are the rows that docs/leaks.md must have: first and last of each run of numbers.
var leakIDs = []struct {
	letter      string
	first, last int
}{{"L", 1, 45}, {"P", 1, 32}, {"P", 40, 49}, {"P", 50, 55}, {"P", 60, 70}, {"P", 80, 92}}

// Words by which a row says that no test can close it, or that there is nothing to close.
const (
	outOfReach = "not in this program's reach"
	notYet     = "not in this release"
	notClosed  = "## What is not closed"
)

// sources are what a list of leaks is held against.
type sources struct {
	tests   map[string]string // by package and name, such as resolvers.TestGolden: what is wrong with it, "" for nothing
	targets []string          // of make, those that `make check` runs
	exists  func(path string) bool
}

var (
	leakRow   = regexp.MustCompile(`(?m)^\| *([A-Z][0-9]+) *\|(.*)\| *$`)
	inCode    = regexp.MustCompile("`([^`]+)`")
	aTest     = regexp.MustCompile(`^([a-z/0-9]+)\.((?:Test|Fuzz)\w*)(?:/.+)?$`)
	aFile     = regexp.MustCompile(`^[\w/.*-]+\.(?:go|graphqls|graphql|lua|md|sql|txt|txtar)$`)
	likeATest = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z0-9]`)
	aLink     = regexp.MustCompile(`\]\(([^)#]+)(?:#[^)]*)?\)`)
)

// leakFaults says what is wrong with a list of leaks.
func leakFaults(doc string, known sources) (faults []string) {
	table, rest, _ := strings.Cut(doc, notClosed)
	rows := make(map[string]int)
	for _, row := range leakRow.FindAllStringSubmatch(table, -1) {
		id := row[1]
		rows[id]++
		for _, fault := range rowFaults(strings.Split(row[2], "|"), known) {
			faults = append(faults, id+": "+fault)
		}
		if strings.Contains(row[2], outOfReach) && !regexp.MustCompile(`\b`+id+`\b`).MatchString(rest) {
			faults = append(faults, id+": is out of reach, and what is not closed does not say so")
		}
	}
	for _, run := range leakIDs {
		for n := run.first; n <= run.last; n++ {
			id := fmt.Sprintf("%s%02d", run.letter, n)
			if rows[id] != 1 {
				faults = append(faults, fmt.Sprintf("%s: has %d rows", id, rows[id]))
			}
			delete(rows, id)
		}
	}
	for id := range rows {
		faults = append(faults, id+": is not in the list")
	}
	for _, link := range aLink.FindAllStringSubmatch(doc, -1) {
		if !strings.Contains(link[1], "://") && !known.exists(filepath.Join("docs", link[1])) {
			faults = append(faults, link[1]+": is linked and not there")
		}
	}
	slices.Sort(faults)
	return faults
}

// rowFaults looks at what stands behind a row's id: what it is, closed by what, proved by what.
func rowFaults(cells []string, known sources) (faults []string) {
	if len(cells) != 3 || slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) == "" }) {
		return []string{"does not have four cells with something in each"}
	}
	text, proofs := strings.Join(cells, " "), 0
	for _, code := range inCode.FindAllStringSubmatch(text, -1) {
		target, make := strings.CutPrefix(code[1], "make ")
		named := aTest.FindStringSubmatch(code[1])
		switch {
		case make && !slices.Contains(known.targets, target):
			faults = append(faults, code[1]+": is nothing that make check runs")
		case make:
			proofs++
		case named != nil:
			fault, ok := known.tests[named[1]+"."+named[2]]
			if !ok {
				fault = "there is no such test in that package"
			}
			if fault != "" {
				faults = append(faults, code[1]+": "+fault)
			}
			proofs++
		case aFile.MatchString(code[1]) && !known.exists(code[1]):
			faults = append(faults, code[1]+": is not there")
		case likeATest.MatchString(code[1]):
			faults = append(faults, code[1]+": does not say which package it is in")
		}
	}
	if likeATest.MatchString(inCode.ReplaceAllString(text, "")) {
		faults = append(faults, "names a test that is not written as code")
	}
	if proofs == 0 && !strings.Contains(text, outOfReach) && !strings.Contains(text, notYet) {
		faults = append(faults, "names no test and does not say that there is none to name")
	}
	return faults
}

// testsIn adds the tests of a file to those that are known.
func testsIn(tests map[string]string, room, name string, text []byte) error {
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	conditional := false
	for _, group := range file.Comments {
		for _, c := range group.List {
			conditional = conditional || c.Pos() < file.Package && constraint.IsGoBuild(c.Text)
		}
	}
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") && !strings.HasPrefix(f.Name.Name, "Fuzz") {
			continue
		}
		fault := ""
		if skips(f) {
			fault = "can be skipped"
		} else if conditional {
			fault = "is built under a condition, so that make test may leave it out"
		}
		tests[room+"."+f.Name.Name] = fault
	}
	return nil
}

func skips(f *ast.FuncDecl) bool {
	found := false
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		found = found || ok && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, s.Sel.Name)
		return !found
	})
	return found
}

// targetsOf reads from a Makefile what `make check` runs.
func targetsOf(makefile string) []string {
	for line := range strings.Lines(makefile) {
		if list, ok := strings.CutPrefix(line, "check: "); ok && !strings.Contains(list, "=") {
			list, _, _ = strings.Cut(list, "#")
			return strings.Fields(list)
		}
	}
	return nil
}

// repository reads the tests and targets of this one.
func repository(t *testing.T) sources {
	t.Helper()
	root := filepath.Join("..", "..")
	known := sources{tests: make(map[string]string), exists: func(path string) bool {
		found, err := filepath.Glob(filepath.Join(root, path))
		return err == nil && len(found) > 0
	}}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == "testdata" || path != root && strings.HasPrefix(entry.Name(), ".")):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		room, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		return testsIn(known.tests, filepath.ToSlash(room), path, text)
	})
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	if known.targets = targetsOf(string(makefile)); len(known.tests) < 300 || len(known.targets) < 5 {
		t.Fatalf("%d tests and %d targets were found", len(known.tests), len(known.targets))
	}
	return known
}

// TestLeaksAreListed holds docs/leaks.md to the list of leaks, row by row, and to the tests that it names.
func TestLeaksAreListed(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "leaks.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range leakFaults(string(doc), repository(t)) {
		t.Error(fault)
	}
}
