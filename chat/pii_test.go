package chat

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

const secret = "ann.example@customer.example"

// holders are personal values as a careless line of code might hand them to a printer.
func holders() map[string]any {
	p, v := PII(secret), NewValue(json.RawMessage(`"`+secret+`"`))
	type deep struct {
		Name string
		P    PII
		Ptr  *PII
		List []PII
		V    Value
		VPtr *Value
		Any  any
	}
	d := deep{"n", p, &p, []PII{p, p}, v, &v, p}
	return map[string]any{
		"PII": p, "pointer": &p, "list": []PII{p}, "array": [2]PII{p, p}, "map": map[string]PII{"k": p}, "Value": v, "pointer to Value": &v,
		"list of Value": []Value{v}, "map of Value": map[int]Value{1: v}, "struct": d, "pointer to struct": &d,
		"list of structs": []deep{d}, "map of structs": map[string]deep{"k": d}, "attribute": &CustomAttribute{Key: "k", Value: &v},
		"headers": EmailHeaders{From: []PII{p}, To: []PII{p}, MessageID: &p}, "any": []any{p, &v},
	}
}

func TestRedactedByEveryPrinter(t *testing.T) {
	t.Parallel()
	// fmt answers %p without asking a value; go vet, which make check runs, refuses %p for what is no pointer.
	const verbs = "vdsqxXcbeEfFgGtTUo"
	for name, h := range holders() {
		check := func(how, text string) {
			if strings.Contains(text, "ann") || strings.Contains(text, "616e6e") || strings.Contains(text, "616E6E") ||
				strings.Contains(text, "97 110 110") {
				t.Errorf("%s by %s: %s", name, how, text)
			}
		}
		for _, verb := range verbs {
			for _, flags := range []string{"", "+", "#", "-", " ", "0", "40", ".3", "# ", "+#"} {
				check("%"+flags+string(verb), fmt.Sprintf("%"+flags+string(verb), h))
			}
		}
		check("Print", fmt.Sprint(h))
		check("Println", fmt.Sprintln(h, h))
		check("Errorf", fmt.Errorf("while %v: %w", h, errors.New("x")).Error())
		if b, err := json.Marshal(h); err != nil {
			t.Errorf("%s: %v", name, err)
		} else {
			check("JSON", string(b))
		}
		for how, handler := range map[string]func(*bytes.Buffer) slog.Handler{
			"slog's text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			"slog's JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var b bytes.Buffer
			slog.New(handler(&b)).With("w", h).WithGroup("g").Info("m", "a", h, slog.Group("h", "b", h))
			check(how, b.String())
		}
	}
	if b, err := xml.Marshal(PII(secret)); err != nil || strings.Contains(string(b), "ann") {
		t.Errorf("XML: %s, %v", b, err)
	}
	if got := fmt.Sprintf("%v|%s|%q|%x|%#v", PII("a"), PII("b"), PII("c"), PII("d"), PII("e")); got != strings.Repeat(Redacted+"|", 4)+Redacted {
		t.Error(got)
	}
	if got := PII(secret).String() + PII(secret).GoString() + NewValue(nil).String() + NewValue(nil).GoString(); got != strings.Repeat(Redacted, 4) {
		t.Error(got)
	}
}

// Two ways past the redaction lie in the standard library itself: fmt does not ask an unexported field for its
// Format, and encoding/json takes a string type's text for a map key. So nothing may be declared like that.
func TestNothingHoldsPIIWhereItCannotRedactItself(t *testing.T) {
	t.Parallel()
	files := token.NewFileSet()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.MapType:
				if holdsPII(n.Key) {
					t.Errorf("%s: a map is keyed by PII: encoding/json writes its keys in clear", files.Position(n.Pos()))
				}
			case *ast.StructType:
				for _, f := range n.Fields.List {
					if len(f.Names) > 0 && !f.Names[0].IsExported() && holdsPII(f.Type) {
						t.Errorf("%s: an unexported field holds PII: fmt prints it in clear", files.Position(f.Pos()))
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// holdsPII says that a type is PII or Value, or a pointer to, list of or map to one.
func holdsPII(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "PII" || e.Name == "Value"
	case *ast.SelectorExpr:
		pkg, ok := e.X.(*ast.Ident)
		return ok && pkg.Name == "chat" && holdsPII(e.Sel)
	case *ast.StarExpr:
		return holdsPII(e.X)
	case *ast.ArrayType:
		return holdsPII(e.Elt)
	case *ast.MapType:
		return holdsPII(e.Value)
	}
	return false
}

func TestValueMarshalGQL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		``: `null`, `null`: `null`, `true`: `true`, `12.50`: `12.50`, `1e400`: `1e400`, `"a\u003cb"`: `"a\u003cb"`,
		`{"a":"b"}`: `"{\"a\":\"b\"}"`, `["x",1]`: `"[\"x\",1]"`, `{"é":"\u2028"}`: `"{\"é\":\"\\u2028\"}"`, `[]`: `"[]"`,
	} {
		var b bytes.Buffer
		NewValue(json.RawMessage(raw)).MarshalGQL(&b)
		if b.String() != want {
			t.Errorf("%s: %s, want %s", raw, b.String(), want)
		}
		if string(NewValue(json.RawMessage(raw)).Reveal()) != raw {
			t.Errorf("%s: Reveal gives something else", raw)
		}
	}
	if err := new(Value).UnmarshalGQL("x"); err == nil {
		t.Error("an attribute value was taken as an argument")
	}
}

func TestPIIUnmarshalGQL(t *testing.T) {
	t.Parallel()
	var p PII
	if err := p.UnmarshalGQL(secret); err != nil || p.Reveal() != secret {
		t.Errorf("%q, %v", p.Reveal(), err)
	}
	for _, v := range []any{nil, 1, true, []any{secret}, map[string]any{secret: secret}, json.Number("1")} {
		if err := p.UnmarshalGQL(v); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%T: %v", v, err)
		}
	}
}

// FuzzPIIMarshalGQL holds the short way of writing a string against encoding/json: the same text is read back.
func FuzzPIIMarshalGQL(f *testing.F) {
	for _, s := range []string{"", "a", `"\`, "\x00\x1f\x7f", "\xff\xfe", "é\u2028\u2029", "<&>", "\t\n\r", "🙂", strings.Repeat("x", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		PII(s).MarshalGQL(&b)
		want, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var got, expected string
		if err := json.Unmarshal(b.Bytes(), &got); err != nil {
			t.Fatalf("%q is written as %q: %v", s, b.String(), err)
		}
		if err := json.Unmarshal(want, &expected); err != nil {
			t.Fatal(err)
		}
		if got != expected {
			t.Errorf("%q is read back as %q, by encoding/json as %q", s, got, expected)
		}
		if !utf8.Valid(b.Bytes()) || bytes.ContainsAny(b.Bytes(), "\u2028\u2029\x00\n") {
			t.Errorf("%q is written as %q", s, b.String())
		}
	})
}
