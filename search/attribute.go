package search

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/chat"
)

// The kinds that canonical values of custom attributes are of. A value of one kind is equal to none of another.
const (
	textValue   = "text"
	numberValue = "number"
	dateValue   = "date"
)

// CanonicalAttribute brings an attribute's JSON value into the form in which equal values are the same text, as Chatwoot's
// equal_to takes them: texts, links and choices in lower case, numbers by what they amount to, dates by their day. kind
// keeps values of different types apart. ok is false where nothing can be equal: a null, a list or an object, a value
// that is none of its type. A checkbox is never ok: the tags of two values would tell who shares which.
func CanonicalAttribute(t chat.AttributeType, raw json.RawMessage) (kind, value string, ok bool) {
	text, ok := attributeText(raw)
	if !ok {
		return "", "", false
	}
	return CanonicalOperand(t, text)
}

// CanonicalOperand is CanonicalAttribute for what a value is compared with, as clients write it.
func CanonicalOperand(t chat.AttributeType, text string) (kind, value string, ok bool) {
	switch t {
	case chat.AttributeText, chat.AttributeLink, chat.AttributeList:
		return textValue, strings.ToLower(text), utf8.ValidString(text)
	case chat.AttributeNumber, chat.AttributeCurrency, chat.AttributePercent:
		value, ok = canonicalNumber(text)
		return numberValue, value, ok
	case chat.AttributeDate:
		value, ok = canonicalDate(text)
		return dateValue, value, ok
	default:
		return "", "", false
	}
}

// attributeText is what PostgreSQL's ->> gives of a JSON value; ok is false for null, lists and objects.
func attributeText(raw json.RawMessage) (text string, ok bool) {
	var value any
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil || !json.Valid(raw) {
		return "", false
	}
	switch value := value.(type) {
	case string:
		return value, true
	case bool:
		return strconv.FormatBool(value), true
	case json.Number:
		n, ok := readDecimal(value.String())
		return n.text(n.scale), ok
	default:
		return "", false
	}
}

// maxDigits bounds a number, written out. Chatwoot keeps no longer text and no longer integer in an attribute.
const maxDigits = 1500

// decimal is an exact number: its digits without leading zeros, of which the last scale ones follow the point.
type decimal struct {
	negative bool
	digits   string // "" is zero
	scale    int    // 0 or more
}

var decimalPattern = regexp.MustCompile(`^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?$`)

// readDecimal reads a number as PostgreSQL's numeric does, white space around it included; it is false for more digits
// than anybody means.
func readDecimal(text string) (decimal, bool) {
	if len(text) > maxDigits {
		return decimal{}, false
	}
	part := decimalPattern.FindStringSubmatch(strings.Trim(text, " \t\n\v\f\r"))
	if part == nil || part[2]+part[3] == "" {
		return decimal{}, false
	}
	exponent := 0
	if part[4] != "" {
		var err error
		if exponent, err = strconv.Atoi(part[4]); err != nil || exponent > maxDigits || exponent < -maxDigits {
			return decimal{}, false
		}
	}
	digits, scale := part[2]+part[3], len(part[3])-exponent
	if scale < 0 {
		digits, scale = digits+strings.Repeat("0", -scale), 0
	}
	n := decimal{negative: part[1] == "-", digits: strings.TrimLeft(digits, "0"), scale: scale}
	n.negative = n.negative && n.digits != ""
	return n, len(n.digits) <= maxDigits && scale <= maxDigits
}

// text writes the number with so many of its digits after the point.
func (n decimal) text(scale int) string {
	digits := n.digits
	if missing := n.scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - n.scale
	text := digits[:point]
	if scale > 0 {
		text += "." + digits[point:point+scale]
	}
	if n.negative {
		text = "-" + text
	}
	return text
}

// canonicalNumber writes a number so that equal ones are the same text: no exponent, no zero that says nothing, no -0.
func canonicalNumber(text string) (string, bool) {
	n, ok := readDecimal(text)
	if !ok {
		return "", false
	}
	tail := n.digits[max(0, len(n.digits)-n.scale):]
	significant := n.scale - (len(tail) - len(strings.TrimRight(tail, "0")))
	if n.digits == "" {
		significant = 0
	}
	return n.text(significant), true
}

// A day, alone or with a time after it: the dashboard writes a moment, and PostgreSQL's ::date reads its day.
var dayPattern = regexp.MustCompile(`^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?: ?(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?))?)?$`)

func canonicalDate(text string) (string, bool) {
	part := dayPattern.FindStringSubmatch(strings.Trim(text, " \t\n\v\f\r"))
	if part == nil {
		return "", false
	}
	day, err := time.Parse(time.DateOnly, part[1])
	return part[1], err == nil && day.Year() > 0
}
