package leaktest

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// mutants spoils documents, the same ones in the same way for the same seed.
type mutants struct{ rng *rand.Rand }

// mutations are the ways to spoil a document. Some leave it valid, which is as good a question.
var mutations = []struct {
	name  string
	spoil func(m *mutants, tokens []string) []string
}{
	{"a token less", func(m *mutants, l []string) []string { i := m.rng.IntN(len(l)); return slices.Delete(l, i, i+1) }},
	{"a token twice", func(m *mutants, l []string) []string { i := m.rng.IntN(len(l)); return slices.Insert(l, i, l[i]) }},
	{"tokens swapped", (*mutants).swap},
	{"a token of elsewhere", func(m *mutants, l []string) []string { l[m.rng.IntN(len(l))] = l[m.rng.IntN(len(l))]; return l }},
	{"another token", func(m *mutants, l []string) []string { l[m.rng.IntN(len(l))] = m.any(vocabulary); return l }},
	{"a token more", func(m *mutants, l []string) []string {
		return slices.Insert(l, m.rng.IntN(len(l)+1), m.any(vocabulary))
	}},
	{"another name", func(m *mutants, l []string) []string { return m.replace(l, word, names) }},
	{"another number", func(m *mutants, l []string) []string { return m.replace(l, numeral, numberTexts) }},
	{"another string", func(m *mutants, l []string) []string { return m.replace(l, quoted, stringTexts) }},
	{"another value", func(m *mutants, l []string) []string { return m.replaceValue(l, valueTexts) }},
	{"another big value", func(m *mutants, l []string) []string {
		return m.replaceValue(l, []string{m.nested("[", "1", "]"), m.nested("{a:", "1", "}")})
	}},
	{"a directive", func(m *mutants, l []string) []string { return m.after(l, word, directiveTexts) }},
	{"a selection", func(m *mutants, l []string) []string { return m.after(l, is("{"), selectionTexts) }},
	{"a deep selection", func(m *mutants, l []string) []string {
		return m.after(l, is("{"), []string{m.nested("...{", "__typename", "}")})
	}},
	{"an argument", func(m *mutants, l []string) []string { return m.after(l, is("("), argumentTexts) }},
	{"arguments", func(m *mutants, l []string) []string {
		return m.after(l, word, []string{"(id: 1)", "(first: 1)", "()", "(nope: {})"})
	}},
	{"no arguments", (*mutants).withoutArguments},
	{"a variable", func(m *mutants, l []string) []string { return m.after(l, is("query"), variableTexts) }},
	{"a definition before", func(m *mutants, l []string) []string { return append([]string{m.any(definitionTexts)}, l...) }},
	{"a definition after", func(m *mutants, l []string) []string { return append(l, m.any(definitionTexts)) }},
	{"a fragment definition less", (*mutants).withoutTail},
	{"a character", (*mutants).character},
	{"a character less", (*mutants).withoutCharacter},
}

// of spoils a document once or twice.
func (m *mutants) of(query string) (name, mutant string) {
	text := query
	for range 1 + m.rng.IntN(5)/4 {
		tokens := tokenText.FindAllString(text, -1)
		if len(tokens) == 0 {
			break
		}
		mutation := mutations[m.rng.IntN(len(mutations))]
		name += mutation.name + "; "
		text = strings.Join(mutation.spoil(m, tokens), " ")
	}
	return strings.TrimSuffix(name, "; "), strings.ToValidUTF8(text, "\ufffd") // as it is once it was in JSON
}

// tokenText finds tokens, comments and all that is none; what is ignored between them is lost.
var tokenText = regexp.MustCompile(`(?s)"""(?:\\"""|.)*?"""|"(?:\\.|[^"\\\n\r])*"|#[^\n\r]*[\n\r]?|\.\.\.|[A-Za-z_0-9]+|-?[0-9.eE+-]+|[^\s,\x{feff}]`)

func is(token string) func(string) bool { return func(t string) bool { return t == token } }

func word(t string) bool    { return wordy(t[0]) && !numeral(t) }
func numeral(t string) bool { return t[0] >= '0' && t[0] <= '9' || t[0] == '-' }
func quoted(t string) bool  { return t[0] == '"' }

func (m *mutants) any(list []string) string { return list[m.rng.IntN(len(list))] }

// where finds a token; -1 if there is none.
func (m *mutants) where(l []string, like func(string) bool) int {
	var places []int
	for i, t := range l {
		if like(t) {
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		return -1
	}
	return places[m.rng.IntN(len(places))]
}

func (m *mutants) replace(l []string, like func(string) bool, texts []string) []string {
	if i := m.where(l, like); i >= 0 {
		l[i] = m.any(texts)
	}
	return l
}

func (m *mutants) after(l []string, like func(string) bool, texts []string) []string {
	if i := m.where(l, like); i >= 0 {
		return slices.Insert(l, i+1, m.any(texts))
	}
	return l
}

// replaceValue puts another value in the place of one of a single token.
func (m *mutants) replaceValue(l []string, texts []string) []string {
	i := m.where(l, is(":"))
	if i < 0 || i+1 == len(l) {
		return l
	}
	if l[i+1] == "$" && i+2 < len(l) {
		l = slices.Delete(l, i+1, i+2)
	}
	l[i+1] = m.any(texts)
	return l
}

func (m *mutants) swap(l []string) []string {
	i, j := m.rng.IntN(len(l)), m.rng.IntN(len(l))
	if m.rng.IntN(2) == 0 {
		j = min(i+1, len(l)-1)
	}
	l[i], l[j] = l[j], l[i]
	return l
}

func (m *mutants) withoutArguments(l []string) []string {
	i := m.where(l, is("("))
	if i < 0 {
		return l
	}
	if n := slices.Index(l[i:], ")"); n > 0 {
		return slices.Delete(l, i, i+n+1)
	}
	return l
}

// withoutTail cuts a document at a definition of a fragment.
func (m *mutants) withoutTail(l []string) []string {
	if i := m.where(l, is("fragment")); i > 0 {
		return l[:i]
	}
	return l
}

// nested is one thing in another, sometimes deeper than a parser can go.
func (m *mutants) nested(open, middle, end string) string {
	n := []int{2, 5, 20, 20, 20, 100, 300, 990, 1100}[m.rng.IntN(9)]
	return strings.Repeat(open, n) + middle + strings.Repeat(end, n)
}

func (m *mutants) character(l []string) []string {
	text := strings.Join(l, " ")
	at := m.rng.IntN(len(text) + 1)
	return []string{text[:at] + m.any(characters) + text[at:]}
}

func (m *mutants) withoutCharacter(l []string) []string {
	text := strings.Join(l, " ")
	at := m.rng.IntN(len(text))
	_, size := utf8.DecodeRuneInString(text[at:])
	return []string{text[:at] + text[at+size:]}
}
