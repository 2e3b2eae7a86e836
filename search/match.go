package search

import (
	"slices"
	"strings"
)

// Matches says whether a message holds every term. It is the truth of a search: an index only says where to look.
func (q Query) Matches(message string) bool {
	t := read(fold(message))
	for _, want := range q.terms {
		if !t.holds(want) {
			return false
		}
	}
	return true
}

func (t *reading) holds(want term) bool {
	for i := range t.words {
		if t.holdsAt(i, want) {
			return true
		}
	}
	return false
}

// holdsAt follows a term from a word on. A run of writing without spaces may begin before the term and end after it, and
// within the term it is all there is.
func (t *reading) holdsAt(at int, want term) bool {
	for i, a := range want {
		if at >= len(t.words) {
			return false
		}
		w := t.words[at]
		first, last := i == 0, i == len(want)-1
		switch {
		case a.address:
			found := slices.IndexFunc(t.addresses, func(d address) bool { return d.from == at && d.text == a.text })
			if found < 0 {
				return false
			}
			at = t.addresses[found].to
			continue
		case w.run != a.run:
			return false
		case !a.run && w.text != a.text,
			a.run && first && last && !strings.Contains(w.text, a.text),
			a.run && first && !last && !strings.HasSuffix(w.text, a.text),
			a.run && !first && last && !strings.HasPrefix(w.text, a.text),
			a.run && !first && !last && w.text != a.text:
			return false
		}
		at++
	}
	return true
}
