package graph_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cloakroom/cloakroom/chat"
)

// class is what a change of the schema is to those who rely on it, the worst first.
type class int

const (
	lostProtection class = iota // a value that was guarded is guarded no more, or less
	breaking                    // a document that was valid is not, or means something else
	addition                    // everything else: what is new, and what is guarded more
)

func (c class) String() string { return [...]string{"LOST PROTECTION", "BREAKING", "addition"}[c] }

// change is one difference between two schemas. Of a lost protection, what is the guard that is gone.
type change struct {
	class       class
	where, what string
}

func (c change) String() string { return fmt.Sprintf("%s: %s: %s", c.class, c.where, c.what) }

// differences are what has changed from one schema to another, the worst first. Words in descriptions do not count.
func differences(old, now *ast.Schema) []change {
	d := &differ{old: old, now: now}
	d.directives()
	was, is := byName(ours(old)), byName(ours(now))
	for _, name := range slices.Sorted(maps.Keys(was)) {
		if is[name] == nil {
			d.add(breaking, name, "is gone")
		} else {
			d.types(was[name], is[name])
		}
	}
	for name := range is {
		if was[name] == nil {
			d.add(addition, name, "is new")
		}
	}
	slices.SortStableFunc(d.changes, func(a, b change) int {
		return 2*int(a.class-b.class) + strings.Compare(a.where, b.where)
	})
	return d.changes
}

type differ struct {
	old, now *ast.Schema
	changes  []change
}

func (d *differ) add(c class, where, what string) {
	d.changes = append(d.changes, change{c, where, what})
}

func byName(list []*ast.Definition) map[string]*ast.Definition {
	all := make(map[string]*ast.Definition, len(list))
	for _, def := range list {
		all[def.Name] = def
	}
	return all
}

// directives compares declarations. A guard that can stand in fewer places is gone from the others.
func (d *differ) directives() {
	for _, was := range directives(d.old) {
		is, where := d.now.Directives[was.Name], "@"+was.Name
		_, guard := places[was.Name]
		worst := breaking
		if guard {
			worst = lostProtection
		}
		if is == nil {
			d.add(worst, where, "its declaration")
			continue
		}
		for _, location := range was.Locations {
			if !slices.Contains(is.Locations, location) {
				d.add(worst, where, "on "+string(location))
			}
		}
		if guard && is.IsRepeatable && !was.IsRepeatable {
			d.add(worst, where, "not repeatable")
		}
		for _, a := range was.Arguments {
			if b := is.Arguments.ForName(a.Name); b == nil || b.Type.String() != a.Type.String() {
				d.add(worst, where, a.Name+": "+a.Type.String())
			}
		}
	}
	for _, is := range directives(d.now) {
		if d.old.Directives[is.Name] == nil {
			d.add(addition, "@"+is.Name, "is new")
		}
	}
}

func (d *differ) types(was, is *ast.Definition) {
	if was.Kind != is.Kind {
		d.add(breaking, was.Name, fmt.Sprintf("was %s and is %s", was.Kind, is.Kind))
	}
	if p := was.Directives.ForName("pii"); p != nil && was.Kind == ast.Scalar {
		d.lost(was.Name, []string{"@pii(kind: " + argument(p, "kind") + ")"}, scalarGates(is))
	}
	if was.Directives.ForName("oneOf") == nil && is.Directives.ForName("oneOf") != nil {
		d.add(breaking, was.Name, "takes exactly one of its fields")
	}
	d.members(was.Name, was.Interfaces, is.Interfaces)
	d.members(was.Name, was.Types, is.Types)
	d.values(was, is)
	for _, f := range was.Fields {
		where, g := was.Name+"."+f.Name, is.Fields.ForName(f.Name)
		switch {
		case strings.HasPrefix(f.Name, "__"):
		case g == nil:
			d.add(breaking, where, "is gone")
		case was.Kind == ast.InputObject:
			d.input(where, given{f.Type, f.DefaultValue, f.Directives}, given{g.Type, g.DefaultValue, g.Directives})
		default:
			d.output(where, f, g)
		}
	}
	for _, g := range is.Fields {
		if was.Fields.ForName(g.Name) == nil {
			d.new(is.Name+"."+g.Name, is.Kind == ast.InputObject && required(g.Type, g.DefaultValue))
		}
	}
}

func scalarGates(def *ast.Definition) []string {
	if p := def.Directives.ForName("pii"); p != nil {
		return []string{"@pii(kind: " + argument(p, "kind") + ")"}
	}
	return nil
}

func required(t *ast.Type, given *ast.Value) bool { return t.NonNull && given == nil }

// new is something that is new; documents that were valid lack it where it is required.
func (d *differ) new(where string, required bool) {
	if required {
		d.add(breaking, where, "is new and required")
	} else {
		d.add(addition, where, "is new")
	}
}

// members compares the members of a union, or what an object implements.
func (d *differ) members(where string, was, is []string) {
	for _, name := range was {
		if !slices.Contains(is, name) {
			d.add(breaking, where, name+" is gone")
		}
	}
	for _, name := range is {
		if !slices.Contains(was, name) {
			d.add(addition, where, name+" is new")
		}
	}
}

// values compares the values of an enum; what orders by a personal value is guarded like an input.
func (d *differ) values(was, is *ast.Definition) {
	for _, v := range was.EnumValues {
		where, w := was.Name+"."+v.Name, is.EnumValues.ForName(v.Name)
		if w == nil {
			d.add(breaking, where, "is gone")
			continue
		}
		d.policy(where, v.Directives, w.Directives)
	}
	for _, w := range is.EnumValues {
		if was.EnumValues.ForName(w.Name) == nil {
			d.add(addition, is.Name+"."+w.Name, "is new")
		}
	}
}

// output compares a field of an answer.
func (d *differ) output(where string, was, is *ast.FieldDefinition) {
	d.lost(where, gates(d.old, was), gates(d.now, is))
	if !narrower(was.Type, is.Type) {
		d.add(breaking, where, fmt.Sprintf("was %s and is %s", was.Type, is.Type))
	} else if was.Type.String() != is.Type.String() {
		d.add(addition, where, fmt.Sprintf("was %s and is %s", was.Type, is.Type))
	}
	for _, a := range was.Arguments {
		at, b := where+"("+a.Name+")", is.Arguments.ForName(a.Name)
		if b == nil {
			d.add(breaking, at, "is gone")
			continue
		}
		d.input(at, given{a.Type, a.DefaultValue, a.Directives}, given{b.Type, b.DefaultValue, b.Directives})
	}
	for _, b := range is.Arguments {
		if was.Arguments.ForName(b.Name) == nil {
			d.new(where+"("+b.Name+")", required(b.Type, b.DefaultValue))
		}
	}
}

// given is what an argument and a field of an input object have in common.
type given struct {
	typ        *ast.Type
	value      *ast.Value
	directives ast.DirectiveList
}

func (d *differ) input(where string, was, is given) {
	d.policy(where, was.directives, is.directives)
	if scalar := scalarGates(d.old.Types[was.typ.Name()]); is.directives.ForName("piiArg") == nil && was.directives.ForName("piiArg") == nil {
		d.lost(where, scalar, scalarGates(d.now.Types[is.typ.Name()]))
	}
	switch {
	case !narrower(is.typ, was.typ):
		d.add(breaking, where, fmt.Sprintf("was %s and is %s", was.typ, is.typ))
	case fmt.Sprint(was.value) != fmt.Sprint(is.value):
		d.add(breaking, where, fmt.Sprintf("was %v when left out and is %v", was.value, is.value))
	case was.typ.String() != is.typ.String():
		d.add(addition, where, fmt.Sprintf("was %s and is %s", was.typ, is.typ))
	}
}

// narrower says that every value of one type is one of the other: the same, or never null where the other can be.
func narrower(wide, narrow *ast.Type) bool {
	if wide.NonNull && !narrow.NonNull || wide.NamedType != narrow.NamedType {
		return false
	}
	return wide.Elem == nil || narrower(wide.Elem, narrow.Elem)
}

// lost compares what guards a value. One guard may take another's place that is at least as strict.
func (d *differ) lost(where string, was, is []string) {
	for _, gate := range was {
		if !slices.ContainsFunc(is, func(other string) bool { return covers(other, gate) }) {
			d.add(lostProtection, where, gate)
		}
	}
	for _, gate := range is {
		if !slices.Contains(was, gate) {
			d.add(addition, where, gate+" is new")
		}
	}
}

// policy compares the rules under which something may be given.
func (d *differ) policy(where string, was, is ast.DirectiveList) {
	d.lost(where, policies(was), policies(is))
}

func policies(list ast.DirectiveList) []string {
	if p := list.ForName("piiArg"); p != nil {
		return []string{fmt.Sprintf("@piiArg(policy: %s, kind: %s)", argument(p, "policy"), argument(p, "kind"))}
	}
	return nil
}

// strict orders what directives are given, each in its own sort.
var strict = map[string]int{
	string(chat.WriteValue): 1, string(chat.ExactLookup): 2, string(chat.Privileged): 3,
	string(chat.KindAgent): 1, string(chat.KindAdministrator): 2, string(chat.KindSuperAdmin): 3,
}

// covers says that a guard is at least as strict as another. Kinds are not ordered: each has viewers of its own.
func covers(guard, other string) bool {
	name, given := parts(guard)
	otherName, otherGiven := parts(other)
	switch {
	case guard == other, other == "@piiText" && guard == "@pii(kind: ATTRIBUTE)": // a text is hidden from those from whom attributes are
		return true
	case name != otherName:
		return false
	case name == "@scope":
		return !slices.ContainsFunc(given, func(s string) bool { return !slices.Contains(otherGiven, s) })
	case name == "@hasRole":
		return strict[given[1]] >= strict[otherGiven[1]]
	case name == "@piiArg":
		return strict[given[1]] >= strict[otherGiven[1]] && given[3] == otherGiven[3]
	}
	return false
}

// parts takes a guard apart: its name, and the words it was given.
func parts(guard string) (name string, given []string) {
	name, rest, _ := strings.Cut(guard, "(")
	return name, strings.FieldsFunc(rest, func(r rune) bool { return strings.ContainsRune(` ,"()`, r) })
}
