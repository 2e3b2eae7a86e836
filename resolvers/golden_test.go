package resolvers_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// update writes the golden answers; what it wrote is the specification, and is read before it is committed.
var update = flag.Bool("update", false, "write testdata/*/want.*.json")

// goldenViewers are those of whom every query has an answer. The super admin comes last, because what she changes
// would show in the others' answers.
var goldenViewers = []string{"masked", "exempt", "admin", "pii-service", "reader-service", "stranger", "root"}

// question is a folder of testdata.
type question struct {
	name, query string
	variables   map[string]any
}

func (q question) changes() bool { return strings.HasPrefix(q.query, "mutation") }

// alone says that not only the super admin can change what the next viewer would be shown.
func (q question) alone() bool {
	return q.changes() && (strings.Contains(q.name, "contact") || strings.Contains(q.name, "attributes"))
}

func questions(t testing.TB) []question {
	t.Helper()
	folders, err := filepath.Glob("testdata/*/query.graphql")
	if err != nil || len(folders) == 0 {
		t.Fatalf("there are no golden folders: %v", err)
	}
	list := make([]question, len(folders))
	for i, path := range folders {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		list[i] = question{name: filepath.Base(filepath.Dir(path)), query: string(text)}
		text, err = os.ReadFile(filepath.Join(filepath.Dir(path), "variables.json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &list[i].variables); err != nil {
			t.Fatalf("%s: variables.json: %v", list[i].name, err)
		}
	}
	return list
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, q := range questions(t) {
		t.Run(q.name, func(t *testing.T) {
			t.Parallel()
			e := shared()
			if q.changes() && !q.alone() {
				e = newEdge(t)
			}
			for _, viewer := range goldenViewers {
				if q.alone() {
					t.Run(viewer, func(t *testing.T) { compare(t, q.name, viewer, newEdge(t).ask(t, viewer, q.query, q.variables).body) })
					continue
				}
				compare(t, q.name, viewer, e.ask(t, viewer, q.query, q.variables).body)
			}
		})
	}
}

func compare(t *testing.T, name, viewer string, body []byte) {
	t.Helper()
	path := filepath.Join("testdata", name, "want."+viewer+".json")
	got := normal(t, body)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil { // part of the repository
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test ./resolvers -run TestGolden -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s as %s (-want +got):\n%s", name, viewer, diff)
	}
}

var (
	cursorText = regexp.MustCompile(`("(?:cursor|startCursor|endCursor)": )"[^"]*"`)
	aliasText  = regexp.MustCompile(`Customer [0-9A-Z]{3}-[0-9A-Z]{2}\b`)
)

// normal lays an answer out to be read: errors in order of their paths, since items of a list are resolved side by
// side, and names in place of cursors and aliases, which depend on random keys.
func normal(t testing.TB, body []byte) []byte {
	t.Helper()
	var answer struct {
		Errors []json.RawMessage `json:"errors,omitempty"`
		Data   json.RawMessage   `json:"data,omitempty"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("the answer is not JSON: %v", err)
	}
	slices.SortFunc(answer.Errors, func(a, b json.RawMessage) int { return strings.Compare(pathOf(a), pathOf(b)) })
	sorted, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, sorted, "", "  "); err != nil {
		t.Fatal(err)
	}
	out.WriteByte('\n')
	text := cursorText.ReplaceAll(out.Bytes(), []byte(`$1"<cursor>"`))
	return aliasText.ReplaceAll(text, []byte("<alias>"))
}

func pathOf(e json.RawMessage) string {
	var located struct{ Path json.RawMessage }
	_ = json.Unmarshal(e, &located) // an error without a path sorts first
	return string(located.Path)
}
