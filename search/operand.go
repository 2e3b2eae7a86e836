package search

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cloakroom/cloakroom/chat"
)

// readWith reads values that are compared as whole texts by fold, or holds them as patterns.
func readWith(c *chat.Comparison, values []string, fold func(string) string) bool {
	if c.Operator == chat.Contains || c.Operator == chat.DoesNotContain {
		fold = containsPattern
	}
	for _, v := range values {
		c.Values = append(c.Values, chat.PII(fold(v)))
	}
	return true
}

func readFolded(c *chat.Comparison, values []string) bool {
	return readWith(c, values, strings.ToLower)
}

func readExact(c *chat.Comparison, values []string) bool {
	return readWith(c, values, func(v string) string { return v })
}

// readPhone gives a whole number exactly one plus, in front. Chatwoot brings nothing else of it into any form.
func readPhone(c *chat.Comparison, values []string) bool {
	return readWith(c, values, func(v string) string { return "+" + strings.ReplaceAll(v, "+", "") })
}

// readLabels takes names in any case, as label filters do.
func readLabels(c *chat.Comparison, values []string) bool {
	return readWith(c, values, func(v string) string { return strings.ToLower(strings.TrimSpace(v)) })
}

func readTruth(c *chat.Comparison, values []string) bool {
	for _, v := range values {
		truth, ok := canonicalTruth(v)
		if !ok {
			return false
		}
		c.Values = append(c.Values, chat.PII(truth))
	}
	return true
}

func readDay(c *chat.Comparison, values []string) bool {
	day, ok := canonicalDate(values[0])
	c.Values = []chat.PII{chat.PII(day)}
	return ok
}

func readIDs(c *chat.Comparison, values []string) bool {
	for _, v := range values {
		id, err := strconv.ParseInt(strings.Trim(v, blanks), 10, 64)
		if err != nil {
			return false
		}
		c.Numbers = append(c.Numbers, id)
	}
	return true
}

// readStatus reads words; all stands for every one.
func readStatus(c *chat.Comparison, values []string) bool {
	if slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, "all") }) {
		values = nil
		for _, s := range chat.ConversationStatuses {
			values = append(values, string(s))
		}
	}
	return readWords(c, chat.ConversationStatuses, values)
}

func readPriority(c *chat.Comparison, values []string) bool {
	return readWords(c, chat.ConversationPriorities, values)
}

// readWords gives the numbers that Chatwoot stores for words.
func readWords[T ~string](c *chat.Comparison, words []T, values []string) bool {
	for _, v := range values {
		n := slices.Index(words, T(strings.ToUpper(v)))
		if n < 0 {
			return false
		}
		c.Numbers = append(c.Numbers, int64(n))
	}
	return true
}

// customRule is how a custom attribute of a type is compared: by every operator, but for what PostgreSQL cannot compare.
func customRule(t chat.AttributeType) conditionRule {
	ordered := slices.Concat(presences, []chat.FilterOperator{chat.IsGreaterThan, chat.IsLessThan, chat.StartsWith})
	switch t {
	case chat.AttributeText, chat.AttributeLink, chat.AttributeList:
		return conditionRule{slices.Concat(ordered, textOperators, dayOperators), readFolded}
	case chat.AttributeDate:
		return conditionRule{append(ordered, chat.DaysBefore), readCanonical}
	case chat.AttributeNumber, chat.AttributeCurrency, chat.AttributePercent:
		return conditionRule{ordered, readCanonical}
	case chat.AttributeCheckbox:
		return conditionRule{ordered, readTruth}
	default:
		return conditionRule{}
	}
}

func readCanonical(c *chat.Comparison, values []string) bool {
	for _, v := range values {
		_, value, ok := CanonicalOperand(c.Type, v)
		if !ok {
			return false
		}
		c.Values = append(c.Values, chat.PII(value))
	}
	return true
}

// canonicalTruth reads what PostgreSQL takes for a boolean: a word, or as much of it as tells it from others.
func canonicalTruth(text string) (string, bool) {
	text = strings.ToLower(strings.Trim(text, blanks))
	switch {
	case text == "":
		return "", false
	case strings.HasPrefix("true", text), strings.HasPrefix("yes", text), text == "on", text == "1":
		return "true", true
	case strings.HasPrefix("false", text), strings.HasPrefix("no", text), text == "of", text == "off", text == "0":
		return "false", true
	default:
		return "", false
	}
}
