package search

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"

	"github.com/cloakroom/cloakroom/chat"
)

// Passes says whether a text of a standard attribute, nil being none, passes a comparison. What PostgreSQL calls unknown
// does not pass, as in a list of rows.
func Passes(c *chat.Comparison, value *string) bool {
	if value != nil && c.Shown && chat.TextHoldsAddress(*value) {
		value = nil
	}
	if value == nil {
		return false // none of these attributes is asked whether it is there
	}
	folded := *value
	if !exactTexts[c.Attribute] {
		folded = strings.ToLower(folded)
	}
	return passesText(c, *value, folded)
}

// exactTexts are compared as they are.
var exactTexts = map[chat.FilterAttribute]bool{chat.ByBrowserLanguage: true, chat.ByConversationLanguage: true, chat.ByReferer: true, chat.ByMailSubject: true}

// passesText compares a text that is there; folded is the form in which equal ones are the same.
func passesText(c *chat.Comparison, value, folded string) bool {
	switch c.Operator {
	case chat.EqualTo:
		return slices.Contains(c.Values, chat.PII(folded))
	case chat.NotEqualTo:
		return !slices.Contains(c.Values, chat.PII(folded))
	case chat.Contains:
		return likeAny(c.Values, value)
	case chat.DoesNotContain:
		return !likeAny(c.Values, value)
	case chat.IsGreaterThan:
		return folded > c.Values[0].Reveal()
	case chat.IsLessThan:
		return folded < c.Values[0].Reveal()
	default:
		return c.Operator == chat.IsPresent
	}
}

func likeAny(patterns []chat.PII, value string) bool {
	return slices.ContainsFunc(patterns, func(p chat.PII) bool { return ILike(value, p.Reveal()) })
}

// PassesAttribute says whether a custom attribute's JSON value, nil being none, passes a comparison. A value that is none
// of the attribute's type counts as none.
func PassesAttribute(c *chat.Comparison, raw json.RawMessage) bool {
	text, there := AttributeText(raw)
	if there && c.Shown && chat.NewValue(raw).HoldsAddress() {
		there = false
	}
	folded := text
	if there {
		folded, there = canonical(c.Type, text)
	}
	if !there {
		return c.Operator == chat.NotEqualTo || c.Operator == chat.IsNotPresent
	}
	if order := c.Operator == chat.IsGreaterThan || c.Operator == chat.IsLessThan; order && isNumber(c.Type) {
		sign := compareNumbers(folded, c.Values[0].Reveal())
		return sign > 0 && c.Operator == chat.IsGreaterThan || sign < 0 && c.Operator == chat.IsLessThan
	}
	return passesText(c, text, folded)
}

// AttributeText is the text of a JSON value, as PostgreSQL's ->> gives it; there is none for a null, a list and an object.
func AttributeText(raw json.RawMessage) (text string, ok bool) {
	if len(raw) == 0 {
		return "", false
	}
	return attributeText(raw)
}

func canonical(t chat.AttributeType, text string) (string, bool) {
	if t == chat.AttributeCheckbox {
		return canonicalTruth(text)
	}
	_, value, ok := CanonicalOperand(t, text)
	return value, ok
}

func isNumber(t chat.AttributeType) bool {
	return t == chat.AttributeNumber || t == chat.AttributeCurrency || t == chat.AttributePercent
}

// compareNumbers compares two canonical numbers.
func compareNumbers(a, b string) int {
	var x, y big.Rat
	if _, ok := x.SetString(a); !ok {
		return 0
	}
	if _, ok := y.SetString(b); !ok {
		return 0
	}
	return x.Cmp(&y)
}
