package leaktest

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// variable is a variable of a draft; each operation declares those it uses.
type variable struct {
	name, of, purpose string
	standard          any // the default
	hasStandard       bool
	value             any
	given             bool
}

// variableFor gives a variable that may stand where a value of a type is wanted: one that is there already, or a new
// one that brings the value, as it is or by its default. settled says that a default stands in where the variable
// has no value.
func (d *draft) variableFor(of *ast.Type, purpose string, settled bool, value any) *variable {
	for _, v := range d.variables {
		if v.purpose == purpose && v.of == of.String() && d.chance(0.4) {
			return v
		}
	}
	d.tokens -= 4
	v := &variable{of: of.String(), purpose: purpose, value: value, given: true}
	v.name = pick(d.Generator, []string{"v", "id", "input", "_", "x", "first", "true"}) + string(rune('a'+len(d.variables)%26)) + strings.Repeat("_", len(d.variables)/26)
	nullable := !of.NonNull
	switch {
	case nullable && value != nil && d.chance(0.15):
		v.of += "!"
		nullable = false
	case of.NonNull && value != nil && d.chance(0.2):
		v.of = strings.TrimSuffix(v.of, "!") // a default makes up for it
		v.standard, v.hasStandard = value, true
	case d.chance(0.15) && (value != nil || nullable):
		v.standard, v.hasStandard = value, true
	}
	switch {
	case v.hasStandard && d.chance(0.5), nullable && (settled || purpose == "after" || purpose == "before") && d.chance(0.1):
		v.given = false
	case nullable && d.chance(0.03):
		v.value = nil
	}
	d.variables = append(d.variables, v)
	return v
}

// used gives the variables that a set uses, its fragments spread, in the order in which they were made.
func (d *draft) used(set []*selection) []*variable {
	found := make(map[*variable]bool)
	uses(set, found)
	return slices.DeleteFunc(slices.Clone(d.variables), func(v *variable) bool { return !found[v] })
}

func uses(set []*selection, found map[*variable]bool) {
	for _, s := range set {
		for _, a := range slices.Concat(s.arguments, s.directives) {
			usesIn(a.value, found)
		}
		uses(s.set, found)
		if s.spread != nil {
			uses(s.spread.set, found)
		}
	}
}

func usesIn(value any, found map[*variable]bool) {
	switch v := value.(type) {
	case *variable:
		found[v] = true
	case []any:
		for _, item := range v {
			usesIn(item, found)
		}
	case record:
		for _, a := range v {
			usesIn(a.value, found)
		}
	}
}

// plain is a value as JSON has it.
func plain(value any) any {
	switch v := value.(type) {
	case text:
		return v.plain
	case enumValue:
		return string(v)
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = plain(item)
		}
		return list
	case record:
		object := make(map[string]any, len(v))
		for _, a := range v {
			object[a.name] = plain(a.value)
		}
		return object
	default:
		return value
	}
}
