package documents_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/documents"
)

var update = flag.Bool("update", false, "write manifest.json")

// TestManifestIsOfTheFiles holds the manifest that clients and tokens go by against the documents of this folder.
func TestManifestIsOfTheFiles(t *testing.T) {
	t.Parallel()
	texts, err := documents.Read(documents.Files())
	if err != nil || len(texts) < 10 {
		t.Fatalf("%d documents, %v", len(texts), err)
	}
	built, err := documents.Build(texts)
	if err != nil {
		t.Fatal(err)
	}
	want, err := built.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("manifest.json", want, 0o644); err != nil { // part of the repository
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile("manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("manifest.json is not of the documents beside it: `make generate` writes it (-want +got):\n%s", diff)
	}
	own, err := documents.Own()
	if err != nil || len(own) != len(texts) {
		t.Errorf("the embedded manifest has %d documents, %v", len(own), err)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	const text = "query A { viewer { kind } }"
	cases := []struct{ name, manifest, problem string }{
		{"fine", `{"` + documents.Hash(text) + `": "` + text + `"}`, ""},
		{"empty", `{}`, ""},
		{"another hash", `{"` + documents.Hash(text+" ") + `": "` + text + `"}`, "is not its SHA-256"},
		{"upper case", `{"` + strings.ToUpper(documents.Hash(text)) + `": "` + text + `"}`, "is not its SHA-256"},
		{"a list", `["` + text + `"]`, "one JSON object"},
		{"nothing", ``, "one JSON object"},
	}
	for _, c := range cases {
		_, err := documents.Parse([]byte(c.manifest))
		if (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: %v, want %q", c.name, err, c.problem)
		}
	}
}

func TestBuild(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, text, problem string }{
		{"fine", "query A { viewer { kind } }", ""},
		{"no name", "{ viewer { kind } }", "with a name"},
		{"two operations", "query A { viewer { kind } } query B { viewer { kind } }", "one operation"},
		{"only a fragment", "fragment f on Viewer { kind }", "one operation"},
		{"no GraphQL", "query A {", "not GraphQL"},
		{"a name that is taken", "query Taken { viewer { kind } }", "already"},
	}
	for _, c := range cases {
		m, err := documents.Build(map[string]string{"one": c.text, "other": "query Taken { account(id: 1) { id } }"})
		if (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: %v, want %q", c.name, err, c.problem)
		}
		if err == nil && m[documents.Hash(c.text)] != c.text {
			t.Errorf("%s: the document is not under its hash", c.name)
		}
	}
}
