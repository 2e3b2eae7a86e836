package leaktest

import (
	"bytes"
	"html"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// views are a text as those see it who undo what was done to it on the way.
type views struct {
	decoded  []byte // nil where it is no different
	squeezed []byte // digits alone, and a space for whatever parts two numbers

	buffers *buffers
}

type buffers struct{ decoded, again, squeezed []byte }

var pool = sync.Pool{New: func() any { return new(buffers) }}

// layers is how often escapes are undone: JSON in a string of a JSON string in a log line takes three.
const layers = 3

func viewsOf(text []byte) views {
	b := pool.Get().(*buffers) // New makes nothing else
	v := views{buffers: b}
	source := text
	for range layers {
		if !escaped(source) {
			break
		}
		out := decode(b.again[:0], source)
		b.decoded, b.again = out, b.decoded
		if bytes.Equal(out, source) {
			break
		}
		v.decoded, source = out, out
	}
	b.squeezed = squeeze(b.squeezed[:0], source)
	v.squeezed = b.squeezed
	return v
}

func (v views) release() { pool.Put(v.buffers) }

func escaped(text []byte) bool {
	return bytes.IndexByte(text, '\\') >= 0 || bytes.IndexByte(text, '%') >= 0 || bytes.IndexByte(text, '&') >= 0
}

// decode undoes one layer of JSON's, URLs' and HTML's escapes.
func decode(out, text []byte) []byte {
	for i := 0; i < len(text); {
		var plain []byte
		length := 0
		switch text[i] {
		case '\\':
			plain, length = unescapeJSON(text[i:])
		case '%':
			plain, length = unescapeURL(text[i:])
		case '&':
			plain, length = unescapeHTML(text[i:])
		}
		if length == 0 {
			out = append(out, text[i])
			i++
			continue
		}
		out = append(out, plain...)
		i += length
	}
	return out
}

func unescapeJSON(text []byte) ([]byte, int) {
	if len(text) >= 6 && text[1] == 'u' {
		n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
		if err != nil {
			return nil, 0
		}
		return utf8.AppendRune(nil, rune(n)), 6 // 16 bits were asked for
	}
	if len(text) >= 2 {
		if i := strings.IndexByte(`"\/bfnrt`, text[1]); i >= 0 {
			return []byte("\"\\/\b\f\n\r\t"[i : i+1]), 2
		}
	}
	return nil, 0
}

func unescapeURL(text []byte) ([]byte, int) {
	if len(text) < 3 {
		return nil, 0
	}
	n, err := strconv.ParseUint(string(text[1:3]), 16, 8)
	if err != nil {
		return nil, 0
	}
	return []byte{byte(n)}, 3
}

// longestEntity is a bound on &#x0000040; and the like.
const longestEntity = 12

func unescapeHTML(text []byte) ([]byte, int) {
	end := bytes.IndexByte(text[:min(len(text), longestEntity)], ';')
	if end < 0 {
		return nil, 0
	}
	entity := string(text[:end+1])
	plain := html.UnescapeString(entity)
	if plain == entity {
		return nil, 0
	}
	return []byte(plain), end + 1
}

// squeeze keeps digits, and takes out what people and programs write between the digits of one phone number. What is
// too long for one, as a time in nanoseconds or a fraction of a second, is left out.
func squeeze(out, text []byte) []byte {
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case isDigit(c):
			n := digitsAt(text, i)
			if n <= longestNumber {
				out = append(out, text[i:i+n]...)
			} else {
				out = part(out)
			}
			i += n
		case c == '+' || c == '.' && digitsAt(text, i+1) > longestGroup:
			out = part(out)
			i++
		case strings.IndexByte(" -().", c) >= 0:
			i++
		case c < utf8.RuneSelf:
			out = part(out)
			i++
		default:
			r, size := utf8.DecodeRune(text[i:])
			switch r {
			case '\u00a0', '\u00ad', '\u2007', '\u2009', '\u200b', '\u2010', '\u2011', '\u2012', '\u2013', '\u202f', '\u2060', '\ufeff':
			default:
				out = part(out)
			}
			i += size
		}
	}
	return out
}

// longestGroup is the most digits that anybody writes between the dots of a phone number.
const longestGroup = 5

// part ends a number.
func part(out []byte) []byte {
	if len(out) == 0 || out[len(out)-1] == ' ' {
		return out
	}
	return append(out, ' ')
}
