package search

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/words"
)

// maxWord is how much of a word counts, in runes.
const maxWord = 40

// Index gives the distinct words by which a message is found, in order: its words but for stop words; of writing without
// spaces every sign and every two neighbours; each e-mail address, and each number that may be somebody's phone, as one.
func Index(message string) []string {
	t := read(fold(message))
	list := make([]string, 0, len(t.words)+2*len(t.addresses))
	for _, w := range t.words {
		switch {
		case w.run:
			list = appendGrams(list, w.text)
		case !stopWords[w.text]:
			list = append(list, w.text)
		}
	}
	for _, a := range t.addresses {
		list = append(list, a.text)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// appendGrams adds each rune of a run, and each two that stand together.
func appendGrams(list []string, run string) []string {
	before := -1
	for i, r := range run {
		end := i + utf8.RuneLen(r)
		list = append(list, run[i:end])
		if before >= 0 {
			list = append(list, run[before:end])
		}
		before = i
	}
	return list
}

// word is a word of a text that is folded, or a run of writing without spaces; from and to are bytes of the text.
type word struct {
	text     string
	from, to int
	run      bool
}

// reading is a text taken apart: its words in order, and the addresses that lie over them.
type reading struct {
	words     []word
	addresses []address
}

// read takes a text apart that is folded.
func read(folded string) reading {
	t := reading{words: make([]word, 0, len(folded)/6+1)}
	rest := 0 // where what is not read yet begins
	for i := 0; i < len(folded); {
		if folded[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(folded[i:])
		if !spaceless(r) {
			i += size
			continue
		}
		t.split(folded, rest, i)
		from := i
		for i < len(folded) && (spaceless(r) || unicode.Is(unicode.M, r)) {
			i += size
			r, size = utf8.DecodeRuneInString(folded[i:])
		}
		t.words = append(t.words, word{text: folded[from:i], from: from, to: i, run: true})
		rest = i
	}
	t.split(folded, rest, len(folded))
	t.addresses = t.findAddresses(folded)
	return t
}

// spaceless says that a rune belongs to writing that puts no spaces between words, or, as Korean does, hangs onto them
// what a search would have to leave out.
func spaceless(r rune) bool {
	if r < 0x0E00 {
		return false
	}
	if r == 'ー' || r == '〇' {
		return true
	}
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Bopomofo) &&
		unicode.In(r, unicode.L, unicode.M)
}

// split reads words by Unicode's rules (UAX 29), which keep together what points, apostrophes and underscores join: here
// those part words, but within numbers.
func (t *reading) split(folded string, from, to int) {
	segments := words.FromString(folded[from:to])
	for segments.Next() {
		start := from + segments.Start()
		t.parts(folded, start, start+len(segments.Value()))
	}
}

func (t *reading) parts(folded string, from, to int) {
	start, before := -1, rune(-1)
	for i := from; i < to; {
		r, size := utf8.DecodeRuneInString(folded[i:to])
		switch {
		case isWord(r) || start >= 0 && unicode.Is(unicode.M, r):
			if start < 0 {
				start = i
			}
		case start >= 0 && !(isDigit(before) && r != '_' && startsWithDigit(folded[i+size:to])):
			t.add(folded, start, i)
			start = -1
		}
		before = r
		i += size
	}
	if start >= 0 {
		t.add(folded, start, to)
	}
}

func (t *reading) add(folded string, from, to int) {
	text := folded[from:to]
	if len(text) > maxWord {
		text = firstRunes(text, maxWord)
	}
	t.words = append(t.words, word{text: text, from: from, to: to})
}

// isWord says that a rune can begin a word: a letter, a digit, or a sign such as an emoji.
func isWord(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || isDigit(r) || 'A' <= r && r <= 'Z'
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r) || r >= 0x2600 && r != '\uFFFC' && r != '\uFFFD' && unicode.Is(unicode.So, r)
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

func startsWithDigit(s string) bool { return s != "" && isDigit(rune(s[0])) }

func firstRunes(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}

// stopWords occur in so many messages that they would tell the most and find the least.
var stopWords = func() map[string]bool {
	set := make(map[string]bool)
	for _, list := range []string{
		"a an and are as at be but by for from has have i in is it my of on or our so that the this to was we were will with you your",
		"das dem den der des die ein eine einem einen einer es für ich im ist mit nicht sie sind und von wir zu zum zur",
		"au aux ce ces dans de des du elle en est et il je la le les ma mes mon ne nous par pas pour que qui se sur un une vous",
		"al como con del el en es la las lo los me mi no para por que se si su un una y",
		"ao as com da das do dos e em eu na nas no nos não o os para por que se um uma",
		"che con da dei del della di e gli ho il in la le mi nel non per sono un una",
		"dat de een en het ik in is je met niet op te van voor we zijn",
	} {
		for w := range strings.FieldsSeq(list) {
			set[fold(w)] = true
		}
	}
	return set
}()
