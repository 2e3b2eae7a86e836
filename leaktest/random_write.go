package leaktest

import (
	"fmt"
	"strconv"
	"strings"
)

// page is a document being written: its tokens, one by one.
type page struct{ tokens []string }

func (p *page) add(tokens ...string) { p.tokens = append(p.tokens, tokens...) }

// write writes a draft down.
func (d *draft) write() string {
	var p page
	written := make(map[*fragment]bool)
	for _, op := range d.operations {
		variables := d.used(op.set)
		if op.kind != "query" || op.name != "" || len(variables) > 0 || d.chance(0.3) {
			p.add(op.kind)
			if op.name != "" {
				p.add(op.name)
			}
			p.define(variables)
		}
		p.set(op.set)
	}
	for _, op := range d.operations {
		p.spreads(op.set, written)
	}
	return d.join(p.tokens)
}

func (p *page) define(variables []*variable) {
	if len(variables) == 0 {
		return
	}
	p.add("(")
	for _, v := range variables {
		p.add("$"+v.name, ":", v.of)
		if v.hasStandard {
			p.add("=")
			p.value(v.standard)
		}
	}
	p.add(")")
}

// spreads writes the fragments that a set spreads, once each.
func (p *page) spreads(set []*selection, written map[*fragment]bool) {
	for _, s := range set {
		p.spreads(s.set, written)
		if s.spread == nil || written[s.spread] {
			continue
		}
		written[s.spread] = true
		p.add("fragment", s.spread.name, "on", s.spread.on)
		p.set(s.spread.set)
		p.spreads(s.spread.set, written)
	}
}

func (p *page) set(set []*selection) {
	p.add("{")
	for _, s := range set {
		switch {
		case s.spread != nil:
			p.add("...", s.spread.name)
		case s.inline && s.on != "":
			p.add("...", "on", s.on)
		case s.inline:
			p.add("...")
		case s.alias != "":
			p.add(s.alias, ":", s.name)
		default:
			p.add(s.name)
		}
		p.arguments(s.arguments)
		for _, c := range s.directives {
			p.add("@" + c.name)
			p.arguments([]argument{{"if", c.value}})
		}
		if s.set != nil {
			p.set(s.set)
		}
	}
	p.add("}")
}

func (p *page) arguments(list []argument) {
	if len(list) == 0 {
		return
	}
	p.add("(")
	for _, a := range list {
		p.add(a.name, ":")
		p.value(a.value)
	}
	p.add(")")
}

func (p *page) value(value any) {
	switch v := value.(type) {
	case nil:
		p.add("null")
	case *variable:
		p.add("$" + v.name)
	case text:
		p.add(v.literal)
	case []any:
		p.add("[")
		for _, item := range v {
			p.value(item)
		}
		p.add("]")
	case record:
		p.add("{")
		for _, a := range v {
			p.add(a.name, ":")
			p.value(a.value)
		}
		p.add("}")
	default: // bool, int, enumValue
		p.add(fmt.Sprint(v))
	}
}

// textOf writes arguments down to be compared.
func textOf(list []argument) string {
	var p page
	p.arguments(list)
	return strings.Join(p.tokens, " ")
}

// join puts what may stand between tokens between them: as little as can be, one space, or whatever the language
// ignores.
func (d *draft) join(tokens []string) string {
	var b strings.Builder
	style := d.rng.IntN(4)
	if style == 3 {
		b.WriteString(pick(d.Generator, []string{"", "\ufeff", "# as asked\n", "\r\n", "#\r"}))
	}
	for i, token := range tokens {
		if i > 0 {
			b.WriteString(d.between(style, tokens[i-1], token))
		}
		b.WriteString(token)
	}
	if style == 3 {
		b.WriteString(pick(d.Generator, []string{"", "\n", "# the end", ",,"}))
	}
	return b.String()
}

func (d *draft) between(style int, before, after string) string {
	apart := wordy(before[len(before)-1]) && wordy(after[0]) || before[len(before)-1] == '"' && after[0] == '"' ||
		after[0] == '.' && wordy(before[len(before)-1])
	switch {
	case style == 0 && !apart:
		return ""
	case style == 3 && d.chance(0.3):
		return pick(d.Generator, []string{"\n", "\t", "\r\n", ",", " , ", "\n\n  ", " # }\n", "#\"\"\" ✓ {\r\n", "\ufeff"})
	default:
		return " "
	}
}

// wordy says that a byte can be part of a name or number.
func wordy(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-'
}

// quote writes a text as a literal; escaped says of each character whether it is written as \uXXXX.
func quote(s string, escaped func() bool) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r < 0x20 || r < 0x10000 && escaped():
			fmt.Fprintf(&b, `\u%04`+pickCase(r), r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// pickCase has even characters escaped in upper case, odd ones in lower.
func pickCase(r rune) string {
	if r%2 == 0 {
		return "X"
	}
	return "x"
}

// excess gives a valid document that passes a limit.
func (g *Generator) excess() Document {
	account := "account(id: 1)"
	many := 1 + g.rng.IntN(20)
	repeat := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(format, "#", strconv.Itoa(i)) + " ")
		}
		return b.String()
	}
	return Document{Query: pick(g, []string{
		"{ viewer { " + repeat(maxAliases+many, "a#: kind") + "} }",
		"{ viewer { " + repeat(maxDirectives+many, "kind @include(if: true)") + "} }",
		"{ " + repeat(maxRootFields+many, "v#: viewer { kind }") + "}",
		"{ viewer { " + repeat(maxTokens+many, "kind") + "} }",
		"{ " + account + " { contact(id: 1) { " + repeat(5, "conversations(first: 1) { nodes { contact {") + "email " + repeat(15, "}") + "} } }",
		fmt.Sprintf("{ %s { contacts(first: %d) { nodes { email } } } }", account, maxPage+many),
		fmt.Sprintf("{ %s { contacts(first: 100) { nodes { conversations(first: %d) { nodes { contact { email } } } } } } }", account, 80+many),
	})}
}
