package search

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/cloakroom/cloakroom/chat"
)

// The bounds of a query.
const (
	maxQuery = 512 // bytes
	maxTerms = 16
	maxAsked = 16 // words that are asked of an index
)

// Query is what the words of a message are searched for: every term must occur.
type Query struct {
	terms    []term
	words    []string
	patterns [][]string
}

// term is what must stand together in this order: a phrase, or what was typed without a space.
type term []atom

// atom is one word, one run of writing without spaces, or one address.
type atom struct {
	text    string
	run     bool
	address bool
}

// ParseQuery reads a query: words, and phrases in quotation marks of any kind, of which the last may be left open. Its
// errors are INVALID and name the argument query.
func ParseQuery(text string) (Query, error) {
	var q Query
	switch {
	case strings.ContainsRune(text, 0):
		return q, chat.InvalidField("query", "must not hold a NUL")
	case len(text) > maxQuery:
		return q, chat.InvalidField("query", "must not be longer than %d bytes", maxQuery)
	case strings.TrimSpace(text) == "":
		return q, chat.InvalidField("query", "must not be blank")
	}
	for _, p := range phrases(strings.ToValidUTF8(text, "\uFFFD")) {
		q.terms = append(q.terms, terms(fold(p.text), p.quoted)...)
		q.patterns = append(q.patterns, patterns(p)...)
	}
	switch {
	case len(q.terms) == 0:
		return q, chat.InvalidField("query", "must hold a word")
	case len(q.terms) > maxTerms:
		return q, chat.InvalidField("query", "must not hold more than %d words and phrases", maxTerms)
	}
	q.words = asked(q.terms)
	return q, nil
}

// Words gives what the index of a message that matches holds, longest first: none where only stop words are asked for.
func (q Query) Words() []string { return q.words }

// Patterns gives texts one of which stands, in any case, in a message that matches and is spelled as the query or without
// diacritics: one of each list. None are given for stop words.
func (q Query) Patterns() [][]string { return q.patterns }

// asked gives the words to ask an index for. Where there are many the longest will do: they are the rarest.
func asked(list []term) []string {
	var found []string
	for _, t := range list {
		for _, a := range t {
			switch {
			case a.run && utf8.RuneCountInString(a.text) > 1:
				for _, gram := range appendGrams(nil, a.text) {
					if utf8.RuneCountInString(gram) == 2 {
						found = append(found, gram)
					}
				}
			case a.run, a.address, !stopWords[a.text]:
				found = append(found, a.text)
			}
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	slices.SortStableFunc(found, func(a, b string) int { return len(b) - len(a) })
	return found[:min(len(found), maxAsked)]
}

// phrase is a part of a query, within quotation marks or outside.
type phrase struct {
	text   string
	quoted bool
}

// phrases cuts a query at its quotation marks. One within a Hebrew word belongs to that.
func phrases(text string) []phrase {
	var list []phrase
	before, start, quoted := ' ', 0, false
	for i, r := range text {
		after := i + utf8.RuneLen(r)
		if strings.ContainsRune(`"“”„‟«»″＂「」『』`, r) && !unheard(before, r, text[after:]) {
			list = append(list, phrase{text[start:i], quoted})
			start, quoted = after, !quoted
		}
		before = r
	}
	return append(list, phrase{text[start:], quoted})
}

// terms reads what a part of a query asks for: a phrase is one term, outside of one a space ends it.
func terms(folded string, quoted bool) []term {
	var list []term
	var current term
	end := 0
	for _, a := range atoms(folded, quoted) {
		if len(current) > 0 && !quoted && strings.ContainsFunc(folded[end:a.from], unicode.IsSpace) {
			list, current = append(list, current), nil
		}
		current, end = append(current, a.atom), a.to
	}
	if len(current) > 0 {
		list = append(list, current)
	}
	return list
}

// placed is an atom and where it stands in its text.
type placed struct {
	atom
	span
}

// atoms reads words, and addresses in place of the words they lie over.
func atoms(folded string, quoted bool) []placed {
	var list []placed
	for _, s := range mailSpans(folded) {
		list = append(list, placed{atom{text: folded[s.from:s.to], address: true}, s})
	}
	for _, run := range numberRuns(folded) {
		for _, groups := range phones(folded, run, quoted) {
			s := span{groups[0].from, groups[len(groups)-1].to}
			if !slices.ContainsFunc(list, s.meets) {
				list = append(list, placed{atom{text: number(digitsOf(folded, groups)), address: true}, s})
			}
		}
	}
	addresses := list
	for _, w := range read(folded).words {
		if s := (span{w.from, w.to}); !slices.ContainsFunc(addresses, s.meets) {
			list = append(list, placed{atom{text: w.text, run: w.run}, s})
		}
	}
	slices.SortFunc(list, func(a, b placed) int { return a.from - b.from })
	return list
}

func (s span) meets(p placed) bool { return s.from < p.to && p.from < s.to }

// phones gives what of a run of digits was typed as one number. Outside of quotation marks a space may as well part two:
// it is one number when it starts with a plus or has nine digits.
func phones(folded string, run []span, quoted bool) [][]span {
	digits := len(digitsOf(folded, run))
	abroad := strings.HasSuffix(folded[:run[0].from], "+")
	if len(run) <= phoneGroups && digits >= phoneMin && digits <= phoneMax && (quoted || abroad || digits >= phoneMin+2) {
		return [][]span{run}
	}
	var list [][]span
	for start, i := 0, 1; i <= len(run); i++ {
		if i < len(run) && !strings.ContainsFunc(folded[run[i-1].to:run[i].from], unicode.IsSpace) {
			continue
		}
		if n := len(digitsOf(folded, run[start:i])); i-start <= phoneGroups && n >= phoneMin && n <= phoneMax {
			list = append(list, run[start:i])
		}
		start = i
	}
	return list
}

// patterns gives what a message holds that is spelled as a part of a query. A number may stand as it was typed, or as
// digits alone.
func patterns(p phrase) [][]string {
	typed := norm.NFC.String(p.text)
	var list [][]string
	for _, a := range atoms(typed, p.quoted) {
		spelled := a.text // of a long word what counts
		if a.address {
			spelled = typed[a.from:a.to]
		}
		switch plain := fold(spelled); {
		case a.address && !strings.Contains(spelled, "@"):
			list = append(list, []string{spelled, a.text[1:]})
		case !a.address && (stopWords[plain] || plain == ""):
		case isASCII(spelled):
			list = append(list, []string{spelled})
		default: // a database's locale may know the case of ASCII alone
			lower, upper := strings.ToLower(spelled), strings.ToUpper(spelled)
			first, size := utf8.DecodeRuneInString(lower)
			forms := []string{spelled, lower, upper, string(unicode.ToUpper(first)) + lower[size:], plain}
			slices.Sort(forms)
			list = append(list, slices.Compact(forms))
		}
	}
	return list
}
