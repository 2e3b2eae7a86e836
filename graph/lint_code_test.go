package graph_test

import (
	"fmt"
	"go/ast"
	"go/types"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestS14ValuesAreRevealedInFewPlaces(t *testing.T) {
	t.Parallel()
	house := load(t)
	found := make(map[string]bool)
	for _, p := range house.rooms {
		for _, place := range exposed(p) {
			if found[place] = true; reviewedCode[place] == "" {
				t.Errorf("%s, which nobody has reviewed: find a way without it, or give a reason in the test", place)
			}
		}
	}
	for place := range reviewedCode {
		if !found[place] {
			t.Errorf("%s is reviewed and is not so any more", place)
		}
	}
	const head = "package leak\nimport (\"fmt\"; \"io\"; \"" + module + "chat\"; \"" + module + "keyring\")\nvar _ = fmt.Sprint\nvar _ io.Writer\nvar _ keyring.Place\nvar _ chat.PII\n"
	for source, want := range map[string][]string{
		`func f(p chat.PII) int { return len(p.Reveal()) }`:                                                {"leak.f reveals"},
		`func (t *T) f(p *chat.PII) { fmt.Print(p.Reveal()) }; type T struct{}`:                            {"leak.T.f reveals"},
		`func f(s chat.Secret) int { return len(s.Reveal()) }`:                                             {"leak.f reveals"},
		`func f(v chat.Value) int { return len(v.Reveal()) }`:                                              {"leak.f reveals"},
		`func f(p chat.PII) func() string { return p.Reveal }`:                                             {"leak.f reveals"},
		`var f = func(p chat.PII) string { return p.Reveal() }`:                                            {"leak reveals"},
		`func f(p chat.PII) { fmt.Print(string(p)) }`:                                                      {"leak.f reveals"},
		`func f(p chat.PII) { fmt.Print([]byte(p)) }`:                                                      {"leak.f reveals"},
		`func f(p []chat.PII) { type s string; fmt.Print(s(p[0])) }`:                                       {"leak.f reveals"},
		`func f(v *chat.Values) { fmt.Print(v.Text(chat.FieldName)) }`:                                     {"leak.f reveals"},
		`func f(v chat.Values) { fmt.Print(v.Object(chat.FieldProfile)) }`:                                 {"leak.f reveals"},
		`func f(c *chat.Contact) { e, _ := c.Email(); fmt.Print(string(*e)) }`:                             {"leak.f reveals"},
		`func f(p chat.PII) { for _, r := range p { fmt.Print(r) } }`:                                      {"leak.f reveals"},
		`func f(p chat.PII) { fmt.Print(p[0]) }`:                                                           {"leak.f reveals"},
		`func f(p chat.PII, w io.Writer) { p.MarshalGQL(w) }`:                                              {"leak.f reveals"},
		`func f(m interface{ MarshalGQL(io.Writer) }, w io.Writer) { m.MarshalGQL(w) }`:                    {"leak.f reveals"},
		`func F(p string) chat.PII { return chat.PII(p) }`:                                                 {"leak.F hands out"},
		`func (T) F() (map[string][]*chat.Value, error) { return nil, nil }; type T struct{}`:              {"leak.T.F hands out"},
		`func F(p chat.PII) string { return p.Reveal() }`:                                                  {"leak.F reveals", "leak.F hands out"},
		`func F(p chat.PII) any { return []byte(p) }`:                                                      {"leak.F reveals", "leak.F hands out"},
		`func f(s *keyring.Subject, p keyring.Place) { b, _ := s.Open(p, nil); fmt.Print(b) }`:             {"leak.f opens"},
		`func f(a *keyring.Account, p keyring.Place) { b, _ := a.OpenAudit(p, nil); _ = b }`:               {"leak.f opens"},
		`func f(p *chat.PII) { fmt.Print(p, *p, len(*p), *p == "") }; func g() (p chat.PII) { return }`:    nil,
		`type r struct{}; func (r) Reveal() string { return "" }; func F() string { return r{}.Reveal() }`: nil,
	} {
		got := exposed(house.check(t, module+"leak", map[string]string{"leak.go": head + source}))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: what it does (-), and what is found (+):\n%s", source, diff)
		}
	}
}

// exposed finds the functions of a room that reveal a personal value, those that open a sealed one, and the exported ones
// that hand one out; the resolvers' own hand it to the gate's other side.
func exposed(p *room) []string {
	var list []string
	for _, file := range p.files {
		if ast.IsGenerated(file) {
			continue
		}
		for _, decl := range file.Decls {
			where := p.name
			f, isFunc := decl.(*ast.FuncDecl)
			if isFunc {
				where += "." + receiver(f) + f.Name.Name
			}
			reveals, opens := p.inClear(decl)
			if reveals {
				list = append(list, where+" reveals")
			}
			if opens {
				list = append(list, where+" opens")
			}
			if isFunc && f.Name.IsExported() && p.name != "resolvers" && p.handsOut(f, reveals) {
				list = append(list, where+" hands out")
			}
		}
	}
	return slices.Compact(list)
}

func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	typ := f.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if name, ok := typ.(*ast.Ident); ok {
		return name.Name + "."
	}
	return fmt.Sprintf("%T.", typ)
}

// inClear says that there is code in a declaration which makes text of a personal value, and which opens a sealed one.
func (p *room) inClear(decl ast.Decl) (reveals, opens bool) {
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			method, ok := p.info.Uses[n.Sel].(*types.Func)
			if !ok || method.Signature().Recv() == nil {
				break
			}
			of := method.Signature().Recv().Type()
			reveals = reveals || method.Name() == "MarshalGQL" || method.Name() == "Reveal" && isPersonal(of) ||
				slices.Contains([]string{"Text", "Object"}, method.Name()) && of.String() == "*"+module+"chat.Values"
			opens = opens || strings.HasPrefix(method.Name(), "Open") && strings.HasPrefix(strings.TrimPrefix(of.String(), "*"), module+"keyring.")
		case *ast.CallExpr:
			converts := p.info.Types[n.Fun].IsType() && len(n.Args) == 1
			reveals = reveals || converts && isPersonal(p.info.TypeOf(n.Args[0])) && !isPersonal(p.info.TypeOf(n))
		case *ast.IndexExpr:
			reveals = reveals || isPersonal(p.info.TypeOf(n.X))
		case *ast.RangeStmt:
			reveals = reveals || isPersonal(p.info.TypeOf(n.X))
		}
		return true
	})
	return reveals, opens
}

// handsOut says that a function returns personal values; or, where it reveals some, anything that can hold their text.
func (p *room) handsOut(f *ast.FuncDecl, reveals bool) bool {
	results := p.info.Defs[f.Name].(*types.Func).Signature().Results()
	for i := range results.Len() {
		if holdsText(results.At(i).Type(), reveals) {
			return true
		}
	}
	return false
}

func holdsText(t types.Type, plain bool) bool {
	if isPersonal(t) {
		return true
	}
	switch t := t.Underlying().(type) {
	case *types.Pointer:
		_, named := types.Unalias(t.Elem()).Underlying().(*types.Struct)
		return isPersonal(t.Elem()) || !named && holdsText(t.Elem(), plain)
	case *types.Slice:
		return holdsText(t.Elem(), plain) || plain && t.Elem() == types.Typ[types.Byte]
	case *types.Array:
		return holdsText(t.Elem(), plain)
	case *types.Map:
		return holdsText(t.Key(), plain) || holdsText(t.Elem(), plain)
	case *types.Basic:
		return plain && t.Info()&types.IsString != 0
	case *types.Interface:
		return plain && t.NumMethods() == 0
	}
	return false
}

// isPersonal says that a type is chat.PII, chat.Value or chat.Secret, or a pointer to one.
func isPersonal(t types.Type) bool {
	if t == nil {
		return false
	}
	if pointer, ok := t.(*types.Pointer); ok {
		t = pointer.Elem()
	}
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == module+"chat" && slices.Contains([]string{"PII", "Value", "Secret"}, named.Obj().Name())
}
