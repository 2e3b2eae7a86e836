package search

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/chat"
)

// What a filter may hold.
const (
	maxConditions = 20
	maxValues     = 50
	maxValueBytes = 1500 // Chatwoot keeps no longer text in an attribute
	maxDays       = 100_000
)

// Conditions checks the conditions of one filter by Chatwoot's rules.
type Conditions struct {
	Model   chat.AttributeModel         // what is listed
	Field   string                      // the argument they came in; each has its number behind it there, unless View
	View    bool                        // a saved view: what Chatwoot would pass over is passed over
	Defined []*chat.AttributeDefinition // the account's
	Now     time.Time
}

// operandReader brings the values of a standard attribute into Comparison's form; one that makes no sense is not ok.
type operandReader func(c *chat.Comparison, values []string) (ok bool)

type conditionRule struct {
	operators []chat.FilterOperator
	read      operandReader
}

var (
	equalities     = []chat.FilterOperator{chat.EqualTo, chat.NotEqualTo}
	textOperators  = append(equalities[:2:2], chat.Contains, chat.DoesNotContain)
	phoneOperators = append(textOperators[:4:4], chat.StartsWith)
	presences      = append(equalities[:2:2], chat.IsPresent, chat.IsNotPresent)
	dayOperators   = []chat.FilterOperator{chat.IsGreaterThan, chat.IsLessThan, chat.DaysBefore}
)

// conditionRules say which standard attribute takes which operators, by Chatwoot's filter keys. Parts of a
// conversation's number are not among them: there they fail.
var conditionRules = map[chat.AttributeModel]map[chat.FilterAttribute]conditionRule{
	chat.ContactAttributes: {
		chat.ByName: {textOperators, readFolded}, chat.ByEmail: {textOperators, readFolded}, chat.ByPhone: {phoneOperators, readPhone},
		chat.ByIdentifier: {equalities, readFolded}, chat.ByCountry: {equalities, readFolded},
		chat.ByCity: {textOperators, readFolded}, chat.ByCompany: {textOperators, readFolded},
		chat.ByLabels: {presences, readLabels}, chat.ByBlocked: {equalities, readTruth},
		chat.ByCreatedAt: {dayOperators, readDay}, chat.ByLastActivityAt: {dayOperators, readDay},
	},
	chat.ConversationAttributes: {
		chat.ByStatus: {equalities, readStatus}, chat.ByPriorityOf: {equalities, readPriority},
		chat.ByAssignee: {presences, readIDs}, chat.ByInbox: {presences, readIDs}, chat.ByTeam: {presences, readIDs},
		chat.ByCampaign: {presences, readIDs}, chat.ByContact: {equalities, readIDs}, chat.ByDisplayID: {equalities, readIDs},
		chat.ByLabels: {presences, readLabels}, chat.ByBrowserLanguage: {equalities, readExact},
		chat.ByConversationLanguage: {equalities, readExact}, chat.ByReferer: {textOperators, readExact}, chat.ByMailSubject: {textOperators, readExact},
		chat.ByCreatedAt: {dayOperators, readDay}, chat.ByLastActivityAt: {dayOperators, readDay},
	},
}

// Check brings conditions into the form in which rows are held against them; an error names the argument at fault.
func (f Conditions) Check(list []*chat.Condition) ([]*chat.Comparison, error) {
	if len(list) > maxConditions {
		return nil, chat.InvalidField(f.Field, "must hold at most %d conditions", maxConditions)
	}
	checked := make([]*chat.Comparison, len(list))
	for i, c := range list {
		var fault *chat.Error
		if checked[i], fault = f.check(i, c); fault != nil {
			return nil, fault
		}
		checked[i].Or = i > 0 && list[i-1].JoinedBy != nil && *list[i-1].JoinedBy == chat.Or
	}
	return checked, nil
}

// invalid is an error that names a member of a condition; of a saved view there is nothing more to name.
func (f Conditions) invalid(i int, member, message string) *chat.Error {
	return chat.InvalidField(f.at(i, member), "%s", message)
}

func (f Conditions) at(i int, member string) string {
	if f.View {
		return f.Field
	}
	return f.Field + "[" + strconv.Itoa(i) + "]" + member
}

func (f Conditions) check(i int, c *chat.Condition) (*chat.Comparison, *chat.Error) {
	checked := &chat.Comparison{Field: f.at(i, ""), Operator: c.Operator}
	rule, fault := f.rule(i, c, checked)
	if fault != nil {
		return nil, fault
	}
	if !slices.Contains(rule.operators, c.Operator) {
		return nil, f.invalid(i, ".operator", "does not go with this attribute")
	}
	values, fault := f.values(i, c)
	if fault != nil {
		return nil, fault
	}
	switch c.Operator {
	case chat.StartsWith:
		checked.Operator = chat.EqualTo
	case chat.DaysBefore:
		checked.Operator = chat.IsLessThan
		day, ok := f.daysAgo(values[0])
		if !ok {
			return nil, f.invalid(i, ".values", "must be a number of days, from 0 to "+strconv.Itoa(maxDays))
		}
		values = []string{day}
	}
	if len(values) > 0 && !rule.read(checked, values) {
		return nil, f.invalid(i, ".values", "must be values of this attribute: a number, a day as 2026-01-31, true or false, or a word that it takes")
	}
	return checked, nil
}

// rule finds what is compared and how.
func (f Conditions) rule(i int, c *chat.Condition, checked *chat.Comparison) (rule conditionRule, fault *chat.Error) {
	if (c.Attribute == nil) == (c.CustomAttribute == nil) {
		return rule, f.invalid(i, "", "give exactly one of attribute, customAttribute")
	}
	if c.Attribute != nil {
		rule, known := conditionRules[f.Model][*c.Attribute]
		if !known {
			return rule, f.invalid(i, ".attribute", "is no attribute of what is listed")
		}
		checked.Attribute = *c.Attribute
		return rule, nil
	}
	for _, d := range f.Defined {
		if d.Model == f.Model && d.Key == *c.CustomAttribute {
			checked.Key, checked.Type = d.Key, d.Type
			return customRule(d.Type), nil
		}
	}
	return rule, f.invalid(i, ".customAttribute", "is no attribute that the account has defined")
}

// values gives the values as far as they count.
func (f Conditions) values(i int, c *chat.Condition) ([]string, *chat.Error) {
	values := c.Values
	if c.Operator == chat.IsPresent || c.Operator == chat.IsNotPresent {
		if len(values) > 0 && !f.View {
			return nil, f.invalid(i, ".values", "does not go with this operator")
		}
		return nil, nil
	}
	single := c.Operator == chat.IsGreaterThan || c.Operator == chat.IsLessThan || c.Operator == chat.DaysBefore
	switch {
	case len(values) == 0:
		return nil, f.invalid(i, ".values", "takes a value")
	case len(values) > maxValues:
		return nil, f.invalid(i, ".values", "must hold at most "+strconv.Itoa(maxValues))
	case single && len(values) > 1 && !f.View:
		return nil, f.invalid(i, ".values", "takes one value with this operator")
	}
	for _, v := range values {
		if len(v) > maxValueBytes || strings.ContainsRune(v, 0) {
			return nil, f.invalid(i, ".values", "must be of at most "+strconv.Itoa(maxValueBytes)+" bytes each, without a NUL")
		}
	}
	if single || f.Model == chat.ContactAttributes {
		values = values[:1] // of contacts Chatwoot takes the first
	}
	return values, nil
}

// daysAgo is the day so many days before today, by UTC.
func (f Conditions) daysAgo(value string) (day string, ok bool) {
	n, err := strconv.Atoi(strings.Trim(value, blanks))
	if err != nil || n < 0 || n > maxDays {
		return "", false
	}
	return f.Now.UTC().AddDate(0, 0, -n).Format(time.DateOnly), true
}
