package leaktest

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// selection is a field, an inline fragment or the spread of a named one.
type selection struct {
	alias, name string
	arguments   []argument
	inline      bool
	on          string // of an inline fragment; "" for none
	spread      *fragment
	directives  []argument // named skip or include
	set         []*selection
}

// fragment is a named fragment with what spreading it once more costs.
type fragment struct {
	name, on                                 string
	set                                      []*selection
	scope                                    *scope
	height, aliases, directives, cost, times int
	page                                     int
}

// place is where a selection is made: how deep its fields lie, how often the list around them can hold them, and the
// page whose items or edges they would be.
type place struct{ depth, times, page int }

// visible are the fields of an object that are not introspection.
func (d *draft) visible(def *ast.Definition) []*ast.FieldDefinition {
	return slices.DeleteFunc(slices.Clone([]*ast.FieldDefinition(def.Fields)), func(f *ast.FieldDefinition) bool { return strings.HasPrefix(f.Name, "__") })
}

// below makes a selection set; it is never empty.
func (d *draft) below(def *ast.Definition, s *scope, at place) []*selection {
	d.tokens -= 2
	var set []*selection
	if def.Kind == ast.Union {
		set = d.members(def, s, at)
	} else {
		for _, f := range d.choose(def, at) {
			if made := d.place(def, f, s, at); made != nil {
				set = append(set, made)
			}
		}
	}
	if len(set) == 0 || d.chance(0.06) {
		d.tokens--
		set = append(set, &selection{name: "__typename"})
	}
	return set
}

// choose picks fields: personal ones as a rule, others now and then, and one to three that go on, rather those that
// lead to personal ones.
func (d *draft) choose(def *ast.Definition, at place) []*ast.FieldDefinition {
	var chosen, leading, others []*ast.FieldDefinition
	for _, f := range d.visible(def) {
		if d.schema.Types[f.Type.Name()].IsLeafType() {
			if d.chance(0.15) || Personal(d.schema, f) && d.chance(0.65) {
				chosen = append(chosen, f)
			}
			continue
		}
		if n, leads := d.reach[f.Type.Name()]; leads && at.depth+1+n <= d.depth {
			leading = append(leading, f)
		} else {
			others = append(others, f)
		}
	}
	if at.depth < d.depth && len(leading)+len(others) > 0 {
		for range 1 + d.rng.IntN(3)*d.rng.IntN(2) {
			if len(others) == 0 || len(leading) > 0 && d.chance(0.93) { // whatever else a schema comes to have beside them
				chosen = append(chosen, pick(d.Generator, leading))
			} else {
				chosen = append(chosen, pick(d.Generator, others))
			}
		}
	}
	d.rng.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
	return chosen
}

// place puts a field into a set: as it is, or by way of a fragment.
func (d *draft) place(def *ast.Definition, f *ast.FieldDefinition, s *scope, at place) *selection {
	switch {
	case d.chance(0.05):
		return d.inline(def, s, at)
	case d.chance(0.05):
		if made := d.fragment(def, s, at); made != nil {
			return made
		}
	case d.chance(0.3):
		if made := d.again(def, s, at); made != nil {
			return made
		}
	}
	return d.field(def, f, s, at)
}

func (d *draft) members(def *ast.Definition, s *scope, at place) []*selection {
	var set []*selection
	for _, name := range def.Types {
		member := d.schema.Types[name]
		if !d.chance(0.75) {
			continue
		}
		if d.chance(0.2) {
			if made := d.fragment(member, s, at); made != nil {
				set = append(set, made)
				continue
			}
		}
		d.tokens -= 3
		set = append(set, &selection{inline: true, on: name, directives: d.conditions(), set: d.below(member, s, at)})
	}
	if d.chance(0.1) {
		set = []*selection{{inline: true, on: pick(d.Generator, []string{"", def.Name}), set: append(set, &selection{name: "__typename"})}}
	}
	return set
}

// inline is an inline fragment of the type itself, of none, or of a union that the type belongs to.
func (d *draft) inline(def *ast.Definition, s *scope, at place) *selection {
	d.tokens -= 3
	made := &selection{inline: true, on: pick(d.Generator, []string{"", def.Name}), directives: d.conditions(), set: d.below(def, s, at)}
	for _, union := range d.unions {
		if slices.Contains(union.Types, def.Name) && d.chance(0.5) {
			made.on = def.Name
			return &selection{inline: true, on: union.Name, set: []*selection{made}}
		}
	}
	return made
}

// fragment makes a named fragment and spreads it; nil when what it selects cannot stand beside what is there.
func (d *draft) fragment(def *ast.Definition, s *scope, at place) *selection {
	if d.tokens < 30 || len(d.fragments) > 20 {
		return nil
	}
	before, own := *d, newScope()
	d.tokens -= 6
	made := &fragment{on: def.Name, scope: own, times: at.times, page: at.page, set: d.below(def, own, at)}
	if !s.fits(own) {
		d.depth, d.tokens, d.aliases, d.directives, d.cost = before.depth, before.tokens, before.aliases, before.directives, before.cost
		return nil
	}
	made.height, made.aliases, made.directives = height(made.set), before.aliases-d.aliases, before.directives-d.directives
	made.cost = (before.cost - d.cost) / at.times
	made.name = pick(d.Generator, []string{"F", "Card", "onMessage", "fragment", "_", "contact"}) + "_" + string(rune('a'+len(d.fragments)%26)) + strings.Repeat("_", len(d.fragments)/26)
	d.fragments = append(d.fragments, made)
	s.merge(own)
	return &selection{spread: made, directives: d.conditions()}
}

// again spreads a fragment that is there already, if it fits; nil if none does.
func (d *draft) again(def *ast.Definition, s *scope, at place) *selection {
	for _, f := range d.fragments {
		if f.on != def.Name || at.depth-1+f.height > d.depth || d.aliases < f.aliases || d.directives < f.directives ||
			d.tokens < 2 || at.page > f.page || d.cost < f.cost*at.times || !s.fits(f.scope) {
			continue
		}
		d.aliases, d.directives, d.tokens, d.cost = d.aliases-f.aliases, d.directives-f.directives, d.tokens-2, d.cost-f.cost*at.times
		s.merge(f.scope)
		return &selection{spread: f, directives: d.conditions()}
	}
	return nil
}

// height is how many fields deep a set is.
func height(set []*selection) int {
	deepest := 0
	for _, s := range set {
		switch {
		case s.spread != nil:
			deepest = max(deepest, s.spread.height)
		case s.inline:
			deepest = max(deepest, height(s.set))
		default:
			deepest = max(deepest, 1+height(s.set))
		}
	}
	return deepest
}

// field makes a selection of a field; nil when a limit leaves no room for it.
func (d *draft) field(def *ast.Definition, f *ast.FieldDefinition, s *scope, at place) *selection {
	target := d.schema.Types[f.Type.Name()]
	times := at.times
	if f.Type.Elem != nil {
		times *= max(at.page, 2)
	}
	points := d.points(f, times)
	if d.tokens < 8 || d.cost < points || at.depth > d.depth || at.depth == d.depth && !target.IsLeafType() {
		return nil
	}
	made := &selection{name: f.Name}
	key, e := d.name(def, f, s, times)
	if e == nil {
		return nil
	}
	if key != f.Name || d.aliases > 0 && d.chance(0.01) {
		d.aliases--
		d.tokens -= 2
		made.alias = key
	}
	made.arguments, made.directives = e.arguments, d.conditions()
	d.tokens -= 1 + 4*len(e.arguments)
	d.cost -= points
	if !target.IsLeafType() {
		made.set = d.below(target, e.below, place{at.depth + 1, times, e.page})
	}
	return made
}

// points is what a field costs by itself.
func (d *draft) points(f *ast.FieldDefinition, times int) int {
	switch {
	case !d.schema.Types[f.Type.Name()].IsLeafType():
		return times
	case Personal(d.schema, f):
		return 5 * times
	default:
		return 0
	}
}

// name finds a response name for a field, with what stands behind it; nil when none is free.
func (d *draft) name(def *ast.Definition, f *ast.FieldDefinition, s *scope, times int) (string, *entry) {
	key := f.Name
	if d.aliases > 0 && d.chance(0.06) {
		key = pick(d.Generator, d.words)
	}
	for range 4 {
		e := s.entries[key]
		if e == nil {
			e = &entry{field: f, below: newScope()}
			e.arguments, e.page = d.arguments(def, f, times)
			e.text = textOf(e.arguments)
			s.entries[key] = e
			return key, e
		}
		if e.takes(f) && (key == f.Name || d.aliases > 0) {
			return key, e
		}
		if d.aliases == 0 {
			return "", nil
		}
		key = pick(d.Generator, d.words)
	}
	return "", nil
}

// conditions are @skip and @include, as a rule such that what bears them is asked for.
func (d *draft) conditions() []argument {
	var list []argument
	for _, name := range []string{"include", "skip"} {
		if d.directives == 0 || d.tokens < 8 || !d.chance(0.015) {
			continue
		}
		d.directives--
		d.tokens -= 7
		value := any((name == "include") != d.chance(0.15))
		if d.chance(0.5) {
			value = d.variableFor(ast.NonNullNamedType("Boolean", nil), name, false, value)
		}
		list = append(list, argument{name, value})
	}
	return list
}
