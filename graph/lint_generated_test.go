package graph_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	gql "github.com/vektah/gqlparser/v2/ast"
)

// chain is what stands before a field's resolver in the generated code, outermost first; a kind, role or list of scopes
// that a directive is given is in brackets.
type chain []string

func TestS7GeneratedCodeCallsEveryGate(t *testing.T) {
	t.Parallel()
	sources := generated(t)
	asked := chains(t, sources)
	for _, finding := range uncalled(schema(), asked) {
		t.Error(finding)
	}
	pii := "return ec.Directives.Pii(ctx, obj, directive0, kind)"
	for _, m := range []struct{ field, old, instead string }{
		{"Contact.email", pii, "return directive0(ctx)"},
		{"Contact.email", "if ec.Directives.Pii == nil {", "if obj == nil { return directive0(ctx) }; {"},
		{"Contact.email", "next = directive1", "next = directive0"},
		{"Contact.email", "return next\n", "return directive0\n"},
		{"Contact.email", `(ctx, "EMAIL")`, `(ctx, "NAME")`},
		{"Contact.email", "ec.Directives.Pii(ctx", "ec.Directives.PiiText(ctx"},
		{"Contact.identifier", "next = directive2", "next = directive1"},
		{"Contact.identifier", "ec.Directives.Pii(ctx, obj, directive1", "ec.Directives.Pii(ctx, obj, directive0"},
		{"EmailHeaders.from", pii, "return directive0(ctx)"},
		{"ContactProfile.city", "return ec.Directives.PiiText(ctx, obj, directive0)", "return directive0(ctx)"},
		{"Message.content", "ec.Directives.PiiText(ctx, obj, directive1)", "ec.Directives.PiiText(ctx, obj, directive0)"},
		{"Account.contacts", `(ctx, "contact:read")`, `(ctx, "contact:read conversation:read")`},
		{"Mutation.setPiiMasking", "next = directive1", ""},
		{"Mutation.setPiiMasking", `"SUPER_ADMIN"`, `"AGENT"`},
		{"Contact.phoneNumber", "func (ec *executionContext) _Contact_phoneNumber(", "func (ec *executionContext) _Contact_phone("},
	} {
		broken := maps.Clone(asked)
		delete(broken, m.field)
		maps.Copy(broken, chains(t, map[string]string{"broken": edit(t, sources, m.field, m.old, m.instead)}))
		if got := uncalled(schema(), broken); len(got) != 1 || !strings.HasPrefix(got[0], m.field+": ") {
			t.Errorf("%q instead of %q in %s: found %q", m.instead, m.old, m.field, got)
		}
	}
}

// generated are the generated sources, by name.
func generated(t testing.TB) map[string]string {
	t.Helper()
	names, err := filepath.Glob("*.generated.go")
	if err != nil || len(names) < 5 {
		t.Fatalf("%d generated files, %v", len(names), err)
	}
	sources := make(map[string]string)
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sources[name] = string(b)
	}
	return sources
}

// edit gives a source of its own for a field's function, with the first place of a text changed.
func edit(t testing.TB, sources map[string]string, field, old, instead string) string {
	t.Helper()
	start := "func (ec *executionContext) _" + strings.Replace(field, ".", "_", 1) + "("
	for _, source := range sources {
		if _, body, found := strings.Cut(source, start); found {
			body = start + body[:strings.Index(body, "\n}\n")+3]
			if !strings.Contains(body, old) {
				t.Fatalf("the function of %s holds no %q", field, old)
			}
			return "package graph\n" + strings.Replace(body, old, instead, 1)
		}
	}
	t.Fatalf("no function for %s", field)
	return ""
}

// uncalled finds fields whose generated function does not ask each of their gates, their scalar's included.
func uncalled(s *gql.Schema, asked map[string]chain) (findings []string) {
	outputs(s, func(def *gql.Definition, f *gql.FieldDefinition) {
		if def.Kind != gql.Object {
			return
		}
		name := def.Name + "." + f.Name
		calls, known := asked[name]
		if !known {
			findings = append(findings, name+": has no generated function")
			return
		}
		left := slices.Clone(calls)
		for _, gate := range gates(s, f) {
			i := slices.Index(left, gate)
			if i < 0 {
				findings = append(findings, fmt.Sprintf("%s: bears %s and asks %q", name, gate, calls))
				return
			}
			left = slices.Delete(left, i, i+1)
		}
	})
	return findings
}

// chains reads what every field's function asks before its resolver.
func chains(t testing.TB, sources map[string]string) map[string]chain {
	t.Helper()
	all := make(map[string]chain)
	for name, source := range sources {
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv == nil || !strings.HasPrefix(f.Name.Name, "_") || f.Body == nil {
				continue
			}
			ast.Inspect(f.Body, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if ok && len(call.Args) > 5 && strings.HasPrefix(called(call), "graphql.ResolveField") {
					all[strings.Replace(f.Name.Name[1:], "_", ".", 1)] = readChain(call.Args[5])
				}
				return !ok
			})
		}
	}
	return all
}

// readChain follows the function that puts gates before a resolver: from what it returns to the function it was given.
func readChain(e ast.Expr) chain {
	wrap, ok := e.(*ast.FuncLit)
	if !ok {
		return nil // nil: the resolver stands alone
	}
	set := make(map[string]ast.Expr)
	at := ""
	for _, stmt := range wrap.Body.List {
		switch stmt := stmt.(type) {
		case *ast.AssignStmt:
			set[text(stmt.Lhs[0])] = stmt.Rhs[0]
		case *ast.ReturnStmt:
			at = text(stmt.Results[0])
		}
	}
	if at == "next" {
		at = text(set["next"])
	}
	var list chain
	for range set { // no longer than there are assignments, should one name itself
		gate, ok := set[at].(*ast.FuncLit)
		if !ok {
			break
		}
		var asked string
		if asked, at = readGate(gate); asked != "" {
			list = append(list, asked)
		}
	}
	return list
}

// readGate gives what one link of the chain asks, as it is written in a schema, and the link that it hands on to.
func readGate(link *ast.FuncLit) (asked, next string) {
	given, ways := "", 0 // ways to the next link: one behind the gate, and none around it
	ast.Inspect(link.Body, func(n ast.Node) bool {
		if name, ok := n.(*ast.Ident); ok && strings.HasPrefix(name.Name, "directive") {
			ways++
		}
		if call, ok := n.(*ast.CallExpr); ok && strings.HasPrefix(called(call), "ec.unmarshal") && len(call.Args) == 2 {
			given, _ = strconv.Unquote(text(call.Args[1]))
		}
		return true
	})
	last, ok := link.Body.List[len(link.Body.List)-1].(*ast.ReturnStmt)
	if !ok {
		return "", ""
	}
	call, ok := last.Results[0].(*ast.CallExpr)
	if !ok {
		return "", ""
	}
	if len(call.Args) < 3 {
		return "", called(call) // it calls the next link and asks nothing
	}
	if next = text(call.Args[2]); ways != 1 {
		return "", next
	}
	switch called(call) {
	case "ec.Directives.Pii":
		return "@pii(kind: " + given + ")", next
	case "ec.Directives.PiiText":
		return "@piiText", next
	case "ec.Directives.HasRole":
		return "@hasRole(role: " + given + ")", next
	case "ec.Directives.Scope":
		return fmt.Sprintf("@scope(any: %q)", given), next
	case "ec.Directives.ServiceOnly":
		return fmt.Sprintf("@serviceOnly(scope: %q)", given), next
	}
	return "", next
}

// called is the name of the function a call calls, with its package or receiver.
func called(call *ast.CallExpr) string { return text(call.Fun) }

// text is a name, a chain of names or a literal as it is written; nothing for any other expression.
func text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.BasicLit:
		return e.Value
	case *ast.SelectorExpr:
		return text(e.X) + "." + e.Sel.Name
	}
	return ""
}
