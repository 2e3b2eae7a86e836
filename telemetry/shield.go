package telemetry

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A shield is a form that programs write and that must be readable in a log although it holds digits or an at sign.
// It is looked for where its sign stands in a text. The pattern's first group is what is shielded, its whole match where there is none; holds may look closer.
type shield struct {
	sign    string
	pattern *regexp.Regexp
	holds   func(text string, from, to int) bool
}

// rows are the words that stand before a row's number in the errors of this program. A number in full, with its
// country code, has nine digits at least, so that up to eight are let through.
const rows = `account|agent|attachment|contact|conversation|entry|inbox|label|message|note|record|row|team|user`

var shields = []shield{
	// SHA-256, SHA-1, a trace, a span
	{"", regexp.MustCompile(`\b[0-9a-f]+\b`), all(long(64, 40, 32, 16), letters(2))},
	// a UUID
	{"-", regexp.MustCompile(`(?i)\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`), letters(2)},
	// a request id (crypto/rand.Text)
	{"", regexp.MustCompile(`\b[A-Z2-7]+\b`), all(long(26), letters(8))},
	// IP:port
	{":", regexp.MustCompile(`\b(?:\d{1,3}\.){3}\d{1,3}:\d{1,5}\b`), isAddrPort},
	// a time with its date, as ISO 8601 and the log package write them; a date alone may be a birthday
	{":", regexp.MustCompile(`\b(?:19|20)\d\d([-/])(?:0[1-9]|1[0-2])[-/](?:0[1-9]|[12]\d|3[01])[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-6]\d(?:\.\d{1,9})?)?(?:Z| ?[+-]\d\d:?\d\d)?\b`), nil},
	// in a stack: pointers, goroutines, and a module's version between its path and a file of Go
	{"0x", regexp.MustCompile(`\b0x[0-9a-f]{1,16}\b`), nil},
	{"goroutine ", regexp.MustCompile(`\bgoroutine \d{1,12}\b`), nil},
	{"@v", regexp.MustCompile(`/[\w.~!-]+(@v\d{1,3}\.\d{1,4}\.\d{1,4}(?:-(?:[a-z0-9]+\.)*20\d{12}-[0-9a-f]{12})?(?:\+incompatible)?)/(?:[\w~.-]+/)*[\w~.-]+\.go:\d+`), nil},
	// a row of ours
	{" ", regexp.MustCompile(`\b(?:` + rows + `) [1-9]\d{0,7}\b`), endsHere},
}

func (m *marks) shield(s shield) {
	for _, span := range s.pattern.FindAllStringSubmatchIndex(m.text, -1) {
		from, to := span[0], span[1]
		if len(span) == 4 && m.text[span[2]] == '@' {
			from, to = span[2], span[3]
		}
		if s.holds == nil || s.holds(m.text, from, to) {
			set(m.shielded, from, to)
		}
	}
}

// all says that every condition holds.
func all(conditions ...func(string, int, int) bool) func(string, int, int) bool {
	return func(text string, from, to int) bool {
		return !slices.ContainsFunc(conditions, func(holds func(string, int, int) bool) bool { return !holds(text, from, to) })
	}
}

// long says that a word has one of these lengths: counting in a pattern costs much more.
func long(lengths ...int) func(string, int, int) bool {
	return func(_ string, from, to int) bool { return slices.Contains(lengths, to-from) }
}

// letters says that a word has so many letters at least: what is all digits is no hash.
func letters(n int) func(string, int, int) bool {
	return func(text string, from, to int) bool {
		return to-from-strings.Count(strings.Map(digitsAndDashes, text[from:to]), "0") >= n
	}
}

func digitsAndDashes(r rune) rune {
	if r == '-' || r >= '0' && r <= '9' {
		return '0'
	}
	return r
}

func isAddrPort(text string, from, to int) bool {
	host, port, _ := strings.Cut(text[from:to], ":")
	for _, part := range append(strings.Split(host, "."), port) {
		if len(part) > 1 && part[0] == '0' {
			return false
		}
	}
	for _, part := range strings.Split(host, ".") {
		if n, err := strconv.Atoi(part); err != nil || n > 255 {
			return false
		}
	}
	n, err := strconv.Atoi(port)
	return err == nil && n < 1<<16
}

// endsHere says that no digits follow on a row's number, parted by no more than a phone number's punctuation.
func endsHere(text string, _, to int) bool {
	next, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(text[to:], phonePunctuation))
	return !unicode.IsDigit(next)
}
