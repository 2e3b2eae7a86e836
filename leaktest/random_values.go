package leaktest

import (
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// argument is a name with a value, which is nil, a bool, an int, a text, an enumValue, a *variable, a list or a record.
type argument struct {
	name  string
	value any
}

type (
	text struct {
		plain, literal string
	}
	enumValue string
	record    []argument
)

// slot is what a value is for: the type, and the name and owner of the argument or input field it is in.
type slot struct {
	of          *ast.Type
	owner, name string
	literal     bool // no variable may stand in it
	settled     bool // a default stands in for it
}

// arguments chooses the arguments of a field, and gives the size of the page they ask for.
func (d *draft) arguments(def *ast.Definition, f *ast.FieldDefinition, times int) ([]argument, int) {
	var list []argument
	page := 0
	if f.Arguments.ForName("first") != nil {
		list, page = d.paging(def, f, times)
	}
	for _, a := range f.Arguments {
		switch a.Name {
		case "first", "last", "after", "before":
			continue
		}
		if a.Type.NonNull && a.DefaultValue == nil || d.chance(0.25) && d.tokens > 30 {
			list = append(list, argument{a.Name, d.value(slot{of: a.Type, owner: def.Name, name: a.Name, settled: a.DefaultValue != nil})})
		}
	}
	d.rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list, page
}

// defaultPage is the size of a page when no size is given.
const defaultPage = 25

// paging chooses the size of a page so that what is left of the cost suffices for something below it, and now and
// then a place to go on from.
func (d *draft) paging(def *ast.Definition, f *ast.FieldDefinition, times int) (list []argument, page int) {
	most := max(1, min(maxPage, d.cost/times/(8+d.rng.IntN(40))))
	if most >= defaultPage && d.chance(0.15) {
		return nil, defaultPage
	}
	page = pick(d.Generator, []int{1, 2, 3, 5, 10, 25, 100, most})
	page = min(page, most)
	size, from := "first", "after"
	if f.Arguments.ForName("last") != nil && d.chance(0.25) {
		size, from = "last", "before"
	}
	value := any(page)
	if d.chance(0.25) {
		value = d.variableFor(f.Arguments.ForName(size).Type, size, false, value)
	}
	list = append(list, argument{size, value})
	switch a := f.Arguments.ForName(from); {
	case a == nil:
	case d.chance(0.04):
		list = append(list, argument{from, nil})
	case d.chance(0.01) || len(d.values.Cursors) > 0 && d.chance(0.05):
		list = append(list, argument{from, d.value(slot{of: a.Type, owner: def.Name, name: from})})
	}
	return list, page
}

// value makes a value for a slot, as a rule one that hits something.
func (d *draft) value(s slot) any {
	if !s.literal && d.tokens > 20 && d.chance(0.3) {
		within := s
		within.literal = true
		return d.variableFor(s.of, s.name, s.settled, d.value(within))
	}
	if !s.of.NonNull && d.chance(0.03) {
		return nil
	}
	if s.of.Elem != nil {
		item := s
		item.of, item.settled = s.of.Elem, false
		if d.chance(0.1) {
			item.literal = true // one stands for a list of one; a variable would have to be a list
			return d.value(item)
		}
		list := make([]any, d.rng.IntN(4))
		for i := range list {
			d.tokens--
			list[i] = d.value(item)
		}
		return list
	}
	def := d.schema.Types[s.of.NamedType]
	switch def.Kind {
	case ast.Enum:
		return enumValue(pick(d.Generator, def.EnumValues).Name)
	case ast.InputObject:
		return d.record(def, s)
	default:
		return d.scalar(def.Name, s)
	}
}

func (d *draft) record(def *ast.Definition, s slot) record {
	made := record{}
	field := func(f *ast.FieldDefinition) {
		d.tokens -= 3
		made = append(made, argument{f.Name, d.value(slot{of: f.Type, owner: def.Name, name: f.Name, literal: s.literal, settled: f.DefaultValue != nil})})
	}
	if exactlyOne(def) && d.chance(0.95) {
		one := pick(d.Generator, def.Fields)
		given := d.value(slot{of: one.Type, owner: def.Name, name: one.Name, literal: s.literal})
		return record{{one.Name, given}}
	}
	for _, f := range def.Fields {
		if f.Type.NonNull && f.DefaultValue == nil || d.chance(0.3) {
			field(f)
		}
	}
	return made
}

// exactlyOne says that an input is a look-up by one of its fields.
func exactlyOne(def *ast.Definition) bool {
	for _, f := range def.Fields {
		if f.Type.NonNull || f.Directives.ForName("piiArg") == nil {
			return false
		}
	}
	return true
}

func (d *draft) scalar(name string, s slot) any {
	switch name {
	case "Boolean":
		return d.chance(0.5)
	case "Int":
		return pick(d.Generator, []int{0, 0, 1, 2, 3, 10})
	case "Float":
		return d.rng.IntN(1000)
	case "DateTime":
		return d.text(pick(d.Generator, []string{"2026-01-01T00:00:00Z", "2026-06-15T12:00:00.5Z", "1970-01-01T00:00:00+02:00"}))
	}
	list := d.values.list(s.owner, s.name)
	if s.name == "id" && s.owner == "Query" {
		list = d.values.Accounts
	}
	if len(list) == 0 || d.chance(0.04) {
		list = madeUp
	}
	value := pick(d.Generator, list)
	if n, err := strconv.Atoi(value); name == "ID" && err == nil && n >= 0 && strconv.Itoa(n) == value && d.chance(0.15) {
		return n
	}
	return d.text(value)
}

// text gives a text with its literal: plain as a rule, with escapes or as a block string now and then.
func (d *draft) text(plain string) text {
	switch {
	case d.chance(0.05) && blockable(plain):
		return text{plain, `"""` + pick(d.Generator, []string{"", "\n", "\r\n   "}) + plain + pick(d.Generator, []string{"", "\n"}) + `"""`}
	case d.chance(0.05):
		return text{plain, quote(plain, func() bool { return d.chance(0.3) })}
	default:
		return text{plain, quote(plain, func() bool { return false })}
	}
}

// blockable says that a block string gives the text as it is.
func blockable(s string) bool {
	return s != "" && strings.TrimSpace(s) == s && !strings.ContainsAny(s, "\"\\\n\r")
}
