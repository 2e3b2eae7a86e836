package search

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// address is an e-mail address or a phone number in a text: its one form, which no word has, and the words it lies over.
type address struct {
	text     string
	from, to int // of words
}

// findAddresses gives e-mail addresses and numbers. Of a number that is written in groups every stretch of groups is one
// that is long enough for a phone: nobody can tell where a country's prefix ends or another number begins.
func (t *reading) findAddresses(folded string) []address {
	var list []address
	for _, s := range mailSpans(folded) {
		if from, to := t.over(s); from < to {
			list = append(list, address{text: folded[s.from:s.to], from: from, to: to})
		}
	}
	for _, run := range numberRuns(folded) {
		for i := range run {
			for j := i + 1; j <= min(i+phoneGroups, len(run)); j++ {
				digits := digitsOf(folded, run[i:j])
				if len(digits) > phoneMax {
					break
				}
				if len(digits) < phoneMin {
					continue
				}
				if from, to := t.over(span{run[i].from, run[j-1].to}); from < to {
					list = append(list, address{text: number(digits), from: from, to: to})
				}
			}
		}
	}
	return list
}

// span is a stretch of a text, in bytes.
type span struct{ from, to int }

// over gives the words that a span touches.
func (t *reading) over(s span) (from, to int) {
	from, _ = slices.BinarySearchFunc(t.words, s.from, func(w word, at int) int {
		if w.to > at {
			return 1
		}
		return -1
	})
	for to = from; to < len(t.words) && t.words[to].from < s.to; to++ {
	}
	return from, to
}

// mailSpans finds e-mail addresses, such as they are written.
func mailSpans(folded string) []span {
	var list []span
	for at := 0; ; at++ {
		next := strings.IndexByte(folded[at:], '@')
		if next < 0 {
			return list
		}
		at += next
		from, to := at, at+1
		for from > 0 {
			r, size := utf8.DecodeLastRuneInString(folded[:from])
			if !mailRune(r) && !strings.ContainsRune("_%+", r) {
				break
			}
			from -= size
		}
		for to < len(folded) {
			r, size := utf8.DecodeRuneInString(folded[to:])
			if !mailRune(r) {
				break
			}
			to += size
		}
		from += len(folded[from:at]) - len(strings.TrimLeft(folded[from:at], ".-_%+"))
		domain := strings.TrimRight(folded[at+1:to], ".-")
		if from < at && strings.IndexByte(domain, '.') > 0 {
			list = append(list, span{from, at + 1 + len(domain)})
		}
	}
}

func mailRune(r rune) bool {
	if r < utf8.RuneSelf {
		return isWord(r) || r == '.' || r == '-'
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.N) && !spaceless(r)
}

// How many digits a phone number has, in how many groups, and how many signs may stand between two of these.
const (
	phoneMin    = 7
	phoneMax    = 15
	phoneGroups = 8
	maxGap      = 3
)

// numberRuns finds groups of digits that may be one number: nothing but what phone numbers are written with parts them.
func numberRuns(folded string) [][]span {
	var runs [][]span
	var run []span
	end := func() {
		if len(run) > 0 {
			runs = append(runs, run)
			run = nil
		}
	}
	for i := 0; i < len(folded); {
		if !isDigit(rune(folded[i])) {
			i++
			continue
		}
		group := span{i, i}
		for group.to < len(folded) && isDigit(rune(folded[group.to])) {
			group.to++
		}
		i = group.to
		if n := len(run); n > 0 && !isGap(folded[run[n-1].to:group.from]) {
			end()
		}
		if partOfWord(folded, group) || group.to-group.from > phoneMax {
			end()
			continue
		}
		run = append(run, group)
	}
	end()
	return runs
}

// isGap says that a text may stand between two groups of a number's digits.
func isGap(text string) bool {
	if len(text) > maxGap*utf8.UTFMax || utf8.RuneCountInString(text) > maxGap {
		return false
	}
	for _, r := range text {
		if r == '\n' || !strings.ContainsRune(" -−.()/_·•\t", r) && !unicode.Is(unicode.Pd, r) {
			return false
		}
	}
	return true
}

// partOfWord says that a letter stands right before or after digits.
func partOfWord(folded string, s span) bool {
	before, _ := utf8.DecodeLastRuneInString(folded[:s.from])
	after, _ := utf8.DecodeRuneInString(folded[s.to:])
	return unicode.IsLetter(before) && !spaceless(before) || unicode.IsLetter(after) && !spaceless(after)
}

func digitsOf(folded string, groups []span) string {
	var b strings.Builder
	for _, g := range groups {
		b.WriteString(folded[g.from:g.to])
	}
	return b.String()
}

// number is a phone number's one form: a prefix for dialling abroad says no more than a plus.
func number(digits string) string { return "+" + strings.TrimPrefix(digits, "00") }
