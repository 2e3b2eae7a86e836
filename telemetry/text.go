package telemetry

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/chat"
)

// A run of this many digits is taken for a phone number, as in chat.TextHoldsAddress.
const phoneDigits = 7

// Redact gives a text with every part that looks like an e-mail address, a phone number or a credential replaced by
// "[redacted]". What programs write that only looks like one stays: see shields. It rather takes too much.
func Redact(text string) string {
	if harmless(text) {
		return text
	}
	m := newMarks(text)
	m.credentials()
	m.emails()
	m.phones()
	return m.write()
}

// harmless spares most texts the search: they have neither seven digits nor a mark that an address could have.
func harmless(text string) bool {
	digits := 0
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c >= utf8.RuneSelf, c == '@', c == '%', c == '&', c == '\\', c == '_', c == '=':
			return false
		}
	}
	return digits < phoneDigits && !mayHoldBearer(text)
}

// marks are a text's bytes: shielded ones are not looked at, hidden ones are not written. A shield hinders no finding
// that begins elsewhere and reaches over it.
type marks struct {
	text             string
	shielded, hidden []bool
}

func newMarks(text string) *marks {
	m := &marks{text: text, shielded: make([]bool, len(text)), hidden: make([]bool, len(text))}
	few := fewDigits(text)
	for _, s := range shields {
		if (!few || s.sign == "@v") && strings.Contains(text, s.sign) {
			m.shield(s)
		}
	}
	return m
}

// fewDigits says that a text has no phone number, so that only at signs need shields.
func fewDigits(text string) bool {
	digits := 0
	for _, r := range text {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	return digits < phoneDigits
}

func set(mask []bool, from, to int) {
	for i := from; i < to; i++ {
		mask[i] = true
	}
}

func (m *marks) write() string {
	var out strings.Builder
	out.Grow(len(m.text))
	from := 0
	for i := 0; i < len(m.text); {
		if !m.hidden[i] {
			i++
			continue
		}
		out.WriteString(m.text[from:i])
		out.WriteString(chat.Redacted)
		for i < len(m.text) && m.hidden[i] {
			i++
		}
		from = i
	}
	out.WriteString(m.text[from:])
	return out.String()
}

var (
	bearer = regexp.MustCompile(`(?i)\b(?:bearer|basic) +[\w.~+/=-]+`)
	// credential is a service token, or a password as connection strings write it.
	credential = regexp.MustCompile(`\bcloak_\w{12,}|(?i)\bpassword=(?:'[^']*'|\S+)`)
	// at is the sign in an e-mail address, also in full width and as URLs, HTML and JSON encode it.
	at = regexp.MustCompile(`(?i)[@＠﹫]|%(?:25)*40|&#0*64;?|&#x0*40;?|\\+u0040|\\+x40`)
)

// mayHoldBearer spares the search for what most texts do not hold.
func mayHoldBearer(text string) bool {
	for i := range len(text) - len("earer ") {
		if text[i]|0x20 == 'b' && (strings.EqualFold(text[i+1:i+6], "earer") || strings.EqualFold(text[i+1:i+5], "asic")) {
			return true
		}
	}
	return false
}

func (m *marks) credentials() {
	if mayHoldBearer(m.text) {
		m.hide(bearer)
	}
	if strings.ContainsAny(m.text, "_=") {
		m.hide(credential)
	}
}

func (m *marks) hide(r *regexp.Regexp) {
	for _, span := range r.FindAllStringIndex(m.text, -1) {
		set(m.hidden, span[0], span[1])
	}
}

// emails hides what stands on both sides of an at sign, as far as an address could reach; a part in quotes whole.
func (m *marks) emails() {
	for _, span := range at.FindAllStringIndex(m.text, -1) {
		if m.shielded[span[0]] {
			continue
		}
		set(m.hidden, m.before(span[0]), m.after(span[1]))
	}
}

func (m *marks) before(end int) int {
	from := len(strings.TrimRightFunc(m.text[:end], blank))
	if from > 0 && m.text[from-1] == '"' {
		return max(strings.LastIndexByte(m.text[:from-1], '"'), 0)
	}
	last := strings.LastIndexFunc(m.text[:from], outsideAddress)
	if last < 0 {
		return 0
	}
	_, width := utf8.DecodeRuneInString(m.text[last:])
	return last + width
}

func (m *marks) after(from int) int {
	rest := strings.TrimLeftFunc(m.text[from:], blank)
	from = len(m.text) - len(rest)
	if n := strings.IndexFunc(rest, outsideAddress); n >= 0 {
		return from + n
	}
	return len(m.text)
}

func blank(r rune) bool { return r != '\n' && unicode.IsSpace(r) }

// outsideAddress says that a rune ends an address: space, and the specials that RFC 5322 §3.2.3 keeps out of it.
func outsideAddress(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune(`<>()[]{},;:"\`, r)
}

// phones hides runs of seven digits or more that only spaces and the punctuation of phone numbers part.
func (m *marks) phones() {
	var run struct{ from, to, digits int }
	flush := func() {
		if run.digits >= phoneDigits {
			set(m.hidden, run.from, run.to)
		}
		run.digits = 0
	}
	for i, r := range m.text {
		switch {
		case m.hidden[i] || m.shielded[i]:
			flush()
		case unicode.IsDigit(r):
			if run.digits == 0 {
				run.from = i
			}
			run.digits++
			run.to = i + utf8.RuneLen(r)
		case !phonePunctuation(r):
			flush()
		}
	}
	flush()
}

// phonePunctuation is what may stand between the digits of a phone number: the same as in chat.
func phonePunctuation(r rune) bool {
	if r >= '！' && r <= '～' {
		r -= '！' - '!'
	}
	return unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Pd, unicode.M) || strings.ContainsRune("+-−.()/_·•", r)
}
