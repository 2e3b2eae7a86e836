package graph_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/cloakroom/cloakroom/"

// room is a package of ours, checked by its types: a value's text is had by a conversion as well, which no name tells.
type room struct {
	name  string // such as vault or cmd/cloakroom
	files []*ast.File
	info  *types.Info
}

// house is the whole repository: the rooms, and what they import.
type house struct {
	set     *token.FileSet
	rooms   []*room
	checked map[string]*types.Package
	outside types.Importer
}

// Import gives our packages as they were checked, and others as they were compiled.
func (h *house) Import(path string) (*types.Package, error) {
	if p := h.checked[path]; p != nil {
		return p, nil
	}
	return h.outside.Import(path)
}

// toMeasure are commands that are no part of the product: they build rows, start servers, and ask or compare from outside.
var toMeasure = []string{"cmd/bench", "cmd/canary", "cmd/devenv", "cmd/tinkv1"}

// load checks every room, those first that others import. Tests are left out: they say what a value must be.
func load(t testing.TB) *house {
	t.Helper()
	h := &house{set: token.NewFileSet(), checked: make(map[string]*types.Package)}
	ours := slices.DeleteFunc(list(t, "-deps", "./..."), func(p pkg) bool {
		return !strings.HasPrefix(p.ImportPath, module) || slices.Contains(toMeasure, strings.TrimPrefix(p.ImportPath, module))
	})
	if len(ours) < 10 {
		t.Fatalf("%d rooms were found", len(ours))
	}
	outside := make(map[string]string) // where what an import exports is, once it is compiled
	for _, p := range ours {
		for _, path := range p.Imports {
			if !strings.HasPrefix(path, module) && path != "unsafe" {
				outside[path] = ""
			}
		}
	}
	for _, p := range list(t, append([]string{"-export"}, slices.Collect(maps.Keys(outside))...)...) {
		outside[p.ImportPath] = p.Export
	}
	h.outside = importer.ForCompiler(h.set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(outside[path]) })
	for _, p := range ours {
		sources := make(map[string]string)
		for _, file := range p.GoFiles {
			b, err := os.ReadFile(filepath.Join(p.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			sources[file] = string(b)
		}
		h.rooms = append(h.rooms, h.check(t, p.ImportPath, sources))
	}
	return h
}

// check reads and checks one package.
func (h *house) check(t testing.TB, path string, sources map[string]string) *room {
	t.Helper()
	r := &room{name: strings.TrimPrefix(path, module), info: &types.Info{
		Types: make(map[ast.Expr]types.TypeAndValue), Uses: make(map[*ast.Ident]types.Object), Defs: make(map[*ast.Ident]types.Object)}}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		file, err := parser.ParseFile(h.set, path+"/"+name, sources[name], parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		r.files = append(r.files, file)
	}
	config := types.Config{Importer: h}
	checked, err := config.Check(path, h.set, r.files, r.info)
	if err != nil {
		t.Fatalf("check %s: %v", path, err)
	}
	h.checked[path] = checked
	return r
}

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath, Dir, Export string
	GoFiles, Imports        []string
}

// list asks for packages, with -deps those first that others import. Under the race detector it asks for what is
// compiled for it, which is at hand.
func list(t testing.TB, arguments ...string) []pkg {
	t.Helper()
	arguments = append([]string{"list", "-json=ImportPath,Dir,Export,GoFiles,Imports"}, arguments...)
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		arguments = slices.Insert(arguments, 1, "-race")
	}
	command := exec.CommandContext(t.Context(), "go", arguments...)
	command.Dir = ".."
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("list the packages: %v\n%s", err, stderr.String())
	}
	var packages []pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("read the packages: %v", err)
		}
		packages = append(packages, p)
	}
}
