package telemetry

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// levels are the methods of slog.Logger that write, and after how many arguments their attributes begin.
var levels = map[string]int{
	"Debug": 1, "Info": 1, "Warn": 1, "Error": 1, "With": 0,
	"DebugContext": 2, "InfoContext": 2, "WarnContext": 2, "ErrorContext": 2, "Log": 3,
}

// TestEveryKeyInTheProgramIsKnown reads the program's own calls of the log: a key that the list lacks would be written
// without its value, which is safe and no use to anybody.
func TestEveryKeyInTheProgramIsKnown(t *testing.T) {
	t.Parallel()
	calls := 0
	err := fs.WalkDir(os.DirFS(".."), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testdata") {
			return nil
		}
		if !strings.HasPrefix(path, "cmd/") || strings.HasPrefix(path, "cmd/cloakroom/") {
			calls += checkKeys(t, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if calls < 15 {
		t.Errorf("%d calls of the log were found: the test looks in the wrong place", calls)
	}
}

func checkKeys(t *testing.T, path string) (calls int) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", path), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || !isLog(method.X) {
			return true
		}
		first, writes := levels[method.Sel.Name]
		if !writes || len(call.Args) < first {
			return true
		}
		calls++
		for i := first; i < len(call.Args); i += 2 {
			if key, isText := text(call.Args[i]); isText && !known[key] {
				t.Errorf("%s: the log does not know the key %q: add it to the list in attribute.go, after a thought about what its values can be", path, key)
			}
		}
		return true
	})
	return calls
}

// isLog says that an expression is called log: log, v.log, app.Log, p.vault.log, slog.
func isLog(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.Ident:
		return x.Name == "log" || x.Name == "slog"
	case *ast.SelectorExpr:
		return strings.EqualFold(x.Sel.Name, "log")
	default:
		return false
	}
}

func text(e ast.Expr) (string, bool) {
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(literal.Value)
	return value, err == nil
}
