package search_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/search"
)

var defined = func() []*chat.AttributeDefinition {
	var list []*chat.AttributeDefinition
	for _, model := range chat.AttributeModels {
		for _, t := range chat.AttributeTypes {
			list = append(list, &chat.AttributeDefinition{Model: model, Key: strings.ToLower(string(t)), Type: t})
		}
	}
	return append(list, &chat.AttributeDefinition{Model: chat.ContactAttributes, Key: "contacts_own", Type: chat.AttributeText})
}()

// by writes a condition: its attribute, or the key of a custom one in lower case.
func by(attribute string, operator chat.FilterOperator, values ...string) *chat.Condition {
	c := &chat.Condition{Operator: operator, Values: values}
	if a := chat.FilterAttribute(attribute); attribute == strings.ToUpper(attribute) {
		c.Attribute = &a
	} else {
		c.CustomAttribute = &attribute
	}
	return c
}

func checkContacts(list ...*chat.Condition) ([]*chat.Comparison, error) {
	return search.Conditions{Model: chat.ContactAttributes, Field: "filter.conditions", Defined: defined, Now: noon}.Check(list)
}

func checkConversations(list ...*chat.Condition) ([]*chat.Comparison, error) {
	return search.Conditions{Model: chat.ConversationAttributes, Field: "filter.conditions", Defined: defined, Now: noon}.Check(list)
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// TestOperatorsOfAttributes is Chatwoot's table of which attribute takes which operators, value by value.
func TestOperatorsOfAttributes(t *testing.T) {
	t.Parallel()
	const equal, text, days = "EQUAL_TO NOT_EQUAL_TO", "EQUAL_TO NOT_EQUAL_TO CONTAINS DOES_NOT_CONTAIN", "IS_GREATER_THAN IS_LESS_THAN DAYS_BEFORE"
	const present, ordered = equal + " IS_PRESENT IS_NOT_PRESENT", "EQUAL_TO NOT_EQUAL_TO IS_PRESENT IS_NOT_PRESENT IS_GREATER_THAN IS_LESS_THAN STARTS_WITH"
	custom := map[string][2]string{
		"text": {ordered + " CONTAINS DOES_NOT_CONTAIN DAYS_BEFORE", "7"}, "link": {ordered + " CONTAINS DOES_NOT_CONTAIN DAYS_BEFORE", "7"},
		"list": {ordered + " CONTAINS DOES_NOT_CONTAIN DAYS_BEFORE", "7"}, "number": {ordered, "7"}, "currency": {ordered, "7"}, "percent": {ordered, "7"},
		"date": {ordered + " DAYS_BEFORE", "2026-01-31"}, "checkbox": {ordered, "true"},
	}
	tables := map[chat.AttributeModel]map[string][2]string{
		chat.ContactAttributes: {
			"NAME": {text, "x"}, "EMAIL": {text, "x"}, "PHONE_NUMBER": {text + " STARTS_WITH", "x"}, "IDENTIFIER": {equal, "x"}, "COUNTRY_CODE": {equal, "x"},
			"CITY": {text, "x"}, "COMPANY_NAME": {text, "x"}, "LABELS": {present, "x"}, "CREATED_AT": {days, "2026-01-31"}, "LAST_ACTIVITY_AT": {days, "2026-01-31"},
			"BLOCKED": {equal, "true"}, "STATUS": {"", "open"}, "REFERER": {"", "x"}, "UNHEARD_OF": {"", "x"}, "nowhere": {"", "x"},
		},
		chat.ConversationAttributes: {
			"STATUS": {equal, "open"}, "PRIORITY": {equal, "high"}, "ASSIGNEE_ID": {present, "7"}, "INBOX_ID": {present, "7"}, "TEAM_ID": {present, "7"},
			"CAMPAIGN_ID": {present, "7"}, "CONTACT_ID": {equal, "7"}, "DISPLAY_ID": {equal, "7"}, "LABELS": {present, "x"}, "BROWSER_LANGUAGE": {equal, "x"},
			"CONVERSATION_LANGUAGE": {equal, "x"}, "REFERER": {text, "x"}, "MAIL_SUBJECT": {text, "x"}, "CREATED_AT": {days, "2026-01-31"},
			"LAST_ACTIVITY_AT": {days, "2026-01-31"}, "NAME": {"", "x"}, "EMAIL": {"", "x"}, "contacts_own": {"", "x"},
		},
	}
	operators := []chat.FilterOperator{chat.EqualTo, chat.NotEqualTo, chat.Contains, chat.DoesNotContain, chat.StartsWith, chat.IsPresent, chat.IsNotPresent,
		chat.IsGreaterThan, chat.IsLessThan, chat.DaysBefore, "UNHEARD_OF"}
	for model, table := range tables {
		for key, row := range custom {
			table[key] = row
		}
		for attribute, row := range table {
			for _, operator := range operators {
				values := []string{row[1]}
				switch operator {
				case chat.IsPresent, chat.IsNotPresent:
					values = nil
				case chat.DaysBefore:
					values = []string{"7"}
				}
				_, err := search.Conditions{Model: model, Field: "f", Defined: defined, Now: noon}.Check([]*chat.Condition{by(attribute, operator, values...)})
				if allowed := strings.Contains(" "+row[0]+" ", " "+string(operator)+" "); (err == nil) != allowed {
					t.Errorf("%s: %s %s: %v", model, attribute, operator, err)
				}
			}
		}
	}
}

func TestWhatConditionsMeanByTheirValues(t *testing.T) {
	t.Parallel()
	contact := func(c *chat.Comparison) *chat.Comparison { c.Field = "filter.conditions[0]"; return c }
	for _, c := range []struct {
		check func(...*chat.Condition) ([]*chat.Comparison, error)
		given *chat.Condition
		want  chat.Comparison
	}{
		{checkContacts, by("NAME", chat.EqualTo, "ANN", "passed over"), chat.Comparison{Attribute: chat.ByName, Operator: chat.EqualTo, Values: []chat.PII{"ann"}}},
		{checkContacts, by("CITY", chat.Contains, " Ab%_ "), chat.Comparison{Attribute: chat.ByCity, Operator: chat.Contains, Values: []chat.PII{"%Ab%_%"}}},
		{checkContacts, by("PHONE_NUMBER", chat.StartsWith, "++1 555+1"), chat.Comparison{Attribute: chat.ByPhone, Operator: chat.EqualTo, Values: []chat.PII{"+1 5551"}}},
		{checkContacts, by("PHONE_NUMBER", chat.Contains, "+1"), chat.Comparison{Attribute: chat.ByPhone, Operator: chat.Contains, Values: []chat.PII{"%+1%"}}},
		{checkContacts, by("CREATED_AT", chat.DaysBefore, "1"), chat.Comparison{Attribute: chat.ByCreatedAt, Operator: chat.IsLessThan, Values: []chat.PII{"2026-02-28"}}},
		{checkContacts, by("CREATED_AT", chat.IsGreaterThan, "2026-01-31T23:00:00Z"), chat.Comparison{Attribute: chat.ByCreatedAt, Operator: chat.IsGreaterThan, Values: []chat.PII{"2026-01-31"}}},
		{checkContacts, by("BLOCKED", chat.EqualTo, "True"), chat.Comparison{Attribute: chat.ByBlocked, Operator: chat.EqualTo, Values: []chat.PII{"true"}}},
		{checkContacts, by("number", chat.EqualTo, "1.50e1"), chat.Comparison{Key: "number", Type: chat.AttributeNumber, Operator: chat.EqualTo, Values: []chat.PII{"15"}}},
		{checkContacts, by("checkbox", chat.NotEqualTo, "off"), chat.Comparison{Key: "checkbox", Type: chat.AttributeCheckbox, Operator: chat.NotEqualTo, Values: []chat.PII{"false"}}},
		{checkContacts, by("date", chat.DaysBefore, "0"), chat.Comparison{Key: "date", Type: chat.AttributeDate, Operator: chat.IsLessThan, Values: []chat.PII{"2026-03-01"}}},
		{checkConversations, by("STATUS", chat.NotEqualTo, "snoozed", "OPEN"), chat.Comparison{Attribute: chat.ByStatus, Operator: chat.NotEqualTo, Numbers: []int64{3, 0}}},
		{checkConversations, by("STATUS", chat.EqualTo, "open", "all"), chat.Comparison{Attribute: chat.ByStatus, Operator: chat.EqualTo, Numbers: []int64{0, 1, 2, 3}}},
		{checkConversations, by("ASSIGNEE_ID", chat.EqualTo, "7", "8"), chat.Comparison{Attribute: chat.ByAssignee, Operator: chat.EqualTo, Numbers: []int64{7, 8}}},
		{checkConversations, by("MAIL_SUBJECT", chat.EqualTo, "Re: A", "b"), chat.Comparison{Attribute: chat.ByMailSubject, Operator: chat.EqualTo, Values: []chat.PII{"Re: A", "b"}}},
		{checkConversations, by("list", chat.EqualTo, "Gold", "FREE"), chat.Comparison{Key: "list", Type: chat.AttributeList, Operator: chat.EqualTo, Values: []chat.PII{"gold", "free"}}},
	} {
		got, err := c.check(c.given)
		if err != nil {
			t.Errorf("%+v: %v", c.given, err)
			continue
		}
		if diff := cmp.Diff(contact(&c.want), got[0], cmp.Comparer(func(a, b chat.PII) bool { return a == b })); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.given.Operator, diff)
		}
	}
}

func TestConditionsThatAreRefused(t *testing.T) {
	t.Parallel()
	many := make([]string, 51)
	both := by("NAME", chat.EqualTo, "x")
	both.CustomAttribute = &both.Values[0]
	var list []*chat.Condition
	for range 21 {
		list = append(list, by("NAME", chat.EqualTo, "x"))
	}
	for _, c := range []struct {
		check func(...*chat.Condition) ([]*chat.Comparison, error)
		given []*chat.Condition
		field string
	}{
		{checkContacts, list, "filter.conditions"},
		{checkContacts, []*chat.Condition{list[0], list[1], by("NAME", chat.EqualTo)}, "filter.conditions[2].values"},
		{checkContacts, []*chat.Condition{by("NAME", chat.EqualTo, many...)}, "filter.conditions[0].values"},
		{checkContacts, []*chat.Condition{by("NAME", chat.EqualTo, "a\x00b")}, "filter.conditions[0].values"},
		{checkContacts, []*chat.Condition{by("NAME", chat.EqualTo, "x", strings.Repeat("y", 1501))}, "filter.conditions[0].values"},
		{checkContacts, []*chat.Condition{both}, "filter.conditions[0]"},
		{checkContacts, []*chat.Condition{{Operator: chat.EqualTo, Values: []string{"x"}}}, "filter.conditions[0]"},
		{checkContacts, []*chat.Condition{by("STATUS", chat.EqualTo, "open")}, "filter.conditions[0].attribute"},
		{checkContacts, []*chat.Condition{by("unknown", chat.EqualTo, "x")}, "filter.conditions[0].customAttribute"},
		{checkContacts, []*chat.Condition{by("NAME", chat.StartsWith, "x")}, "filter.conditions[0].operator"},
		{checkContacts, []*chat.Condition{by("number", chat.Contains, "1")}, "filter.conditions[0].operator"},
		{checkContacts, []*chat.Condition{by("LABELS", chat.IsPresent, "x")}, "filter.conditions[0].values"},
		{checkContacts, []*chat.Condition{by("BLOCKED", chat.EqualTo, "maybe")}, "filter.conditions[0].values"},
		{checkContacts, []*chat.Condition{by("CREATED_AT", chat.IsLessThan, "2026-02-30")}, "filter.conditions[0].values"},
		{checkContacts, []*chat.Condition{by("CREATED_AT", chat.IsLessThan, "2026-02-03", "2026-02-04")}, "filter.conditions[0].values"},
		{checkContacts, []*chat.Condition{by("CREATED_AT", chat.DaysBefore, "-1")}, "filter.conditions[0].values"},
		{checkContacts, []*chat.Condition{by("CREATED_AT", chat.DaysBefore, "1e3")}, "filter.conditions[0].values"},
		{checkContacts, []*chat.Condition{by("number", chat.EqualTo, "12 apples")}, "filter.conditions[0].values"},
		{checkContacts, []*chat.Condition{by("number", chat.EqualTo, "NaN")}, "filter.conditions[0].values"},
		{checkConversations, []*chat.Condition{by("STATUS", chat.EqualTo, "open", "ajar")}, "filter.conditions[0].values"},
		{checkConversations, []*chat.Condition{by("PRIORITY", chat.EqualTo, "none")}, "filter.conditions[0].values"},
		{checkConversations, []*chat.Condition{by("TEAM_ID", chat.EqualTo, "99999999999999999999")}, "filter.conditions[0].values"},
		{checkConversations, []*chat.Condition{by("DISPLAY_ID", chat.Contains, "1")}, "filter.conditions[0].operator"},
	} {
		_, err := c.check(c.given...)
		var fault *chat.Error
		if !errors.As(err, &fault) || fault.Code != chat.Invalid || fault.Field != c.field {
			t.Errorf("%s: %v", c.field, err)
		}
	}
}

// TestJoins: each condition says how the next one is joined to it, and what the last one says is no matter.
func TestJoins(t *testing.T) {
	t.Parallel()
	or, and := chat.Or, chat.And
	list := []*chat.Condition{by("NAME", chat.EqualTo, "a"), by("NAME", chat.EqualTo, "b"), by("NAME", chat.EqualTo, "c"), by("NAME", chat.EqualTo, "d")}
	list[0].JoinedBy, list[1].JoinedBy, list[3].JoinedBy = &or, &and, &or
	checked, err := checkContacts(list...)
	if err != nil || checked[0].Or || !checked[1].Or || checked[2].Or || checked[3].Or {
		t.Errorf("%v, %v", checked, err)
	}
}
