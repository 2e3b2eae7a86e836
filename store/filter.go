package store

import (
	"slices"
	"strings"

	"github.com/cloakroom/cloakroom/chat"
)

// where appends conditions as Chatwoot joins them: from left to right without parentheses, so that AND binds tighter than
// OR. Each list stands in parentheses of its own.
func (s *statement) where(lists [][]*chat.Comparison, compare func(*statement, *chat.Comparison)) {
	for _, list := range lists {
		for i, c := range list {
			switch {
			case i == 0:
				s.add(" AND (")
			case c.Or:
				s.add(" OR ")
			default:
				s.add(" AND ")
			}
			compare(s, c)
		}
		if len(list) > 0 {
			s.add(")")
		}
	}
}

// filterText is where a text is that conditions compare, and how.
type filterText struct {
	expression string
	exact      bool // equal texts are the same in case as well
	address    bool // a blank one is none: sealing keeps no blank, and Chatwoot makes none of an e-mail
}

// profileText is a member of a JSON column that is a text; of any other type it is none.
func profileText(column, key string) string {
	return `CASE WHEN jsonb_typeof(` + column + ` -> '` + key + `') = 'string' THEN ` + column + ` ->> '` + key + `' END`
}

var filterTexts = map[chat.FilterAttribute]filterText{
	chat.ByName:       {expression: "ct.name"},
	chat.ByEmail:      {expression: "ct.email", address: true},
	chat.ByPhone:      {expression: "ct.phone_number", address: true},
	chat.ByIdentifier: {expression: "ct.identifier", address: true},
	chat.ByCountry:    {expression: profileText("ct.additional_attributes", "country_code")},
	chat.ByCity:       {expression: profileText("ct.additional_attributes", "city")},
	chat.ByCompany:    {expression: profileText("ct.additional_attributes", "company_name")},

	chat.ByBrowserLanguage:      {expression: profileText("c.additional_attributes", "browser_language"), exact: true},
	chat.ByConversationLanguage: {expression: profileText("c.additional_attributes", "conversation_language"), exact: true},
	chat.ByReferer:              {expression: profileText("c.additional_attributes", "referer"), exact: true},
	chat.ByMailSubject:          {expression: profileText("c.additional_attributes", "mail_subject"), exact: true},
}

// compareContact appends one condition on ct.
func compareContact(st *statement, c *chat.Comparison) {
	switch {
	case c.Found != nil:
		compareFoundContact(st, c)
	case c.Attribute == "":
		compareAttribute(st, c, "ct.custom_attributes")
	case c.Attribute == chat.ByLabels:
		compareLabels(st, c, "Contact", "ct.id")
	case c.Attribute == chat.ByBlocked:
		st.add("ct.blocked "+among(c.Operator)+"(?::text[]::bool[])", reveal(c.Values))
	case c.Attribute == chat.ByCreatedAt:
		compareDay(st, c, "ct.created_at")
	case c.Attribute == chat.ByLastActivityAt:
		compareDay(st, c, "ct.last_activity_at")
	default:
		text := filterTexts[c.Attribute]
		if c.Shown {
			text.expression = shownText(c.Attribute, text.expression)
		}
		compareText(st, c, text)
	}
}

// shownText is NULL for a text that is hidden from masked viewers.
func shownText(a chat.FilterAttribute, text string) string {
	if a == chat.ByName {
		return `CASE WHEN ` + nameIsOwn + ` OR ct.name ~ '` + sixDigits() + `' THEN NULL ELSE ct.name END`
	}
	return `(SELECT CASE WHEN ` + holdsAddress("w.t") + ` THEN NULL ELSE w.t END FROM (SELECT ` + text + ` AS t OFFSET 0) w)`
}

// conversationNumbers are where the numbers are that conditions compare.
var conversationNumbers = map[chat.FilterAttribute]string{
	chat.ByStatus: "c.status", chat.ByPriorityOf: "c.priority", chat.ByAssignee: "c.assignee_id", chat.ByInbox: "c.inbox_id",
	chat.ByTeam: "c.team_id", chat.ByCampaign: "c.campaign_id", chat.ByContact: "c.contact_id", chat.ByDisplayID: "c.display_id",
}

// compareConversation appends one condition on c.
func compareConversation(st *statement, c *chat.Comparison) {
	number, isNumber := conversationNumbers[c.Attribute]
	switch {
	case c.Found != nil:
		compareFound(st, c, "c.id")
	case c.Attribute == "":
		compareAttribute(st, c, "c.custom_attributes")
	case isNumber:
		compareNumber(st, c, number)
	case c.Attribute == chat.ByLabels:
		compareLabels(st, c, "Conversation", "c.id")
	case c.Attribute == chat.ByCreatedAt:
		compareDay(st, c, "c.created_at")
	case c.Attribute == chat.ByLastActivityAt:
		compareDay(st, c, "c.last_activity_at")
	default:
		text := filterTexts[c.Attribute]
		if c.Shown {
			text.expression = shownText(c.Attribute, text.expression)
		}
		compareText(st, c, text)
	}
}

func compareNumber(st *statement, c *chat.Comparison, number string) {
	if is := isNull(c.Operator); is != "" {
		st.add(number + is)
		return
	}
	st.add(number+" "+among(c.Operator)+"(?::int8[])", c.Numbers)
}

// among is IN or NOT IN for an array; of NULL neither is true.
func among(operator chat.FilterOperator) string {
	if operator == chat.NotEqualTo {
		return "<> ALL"
	}
	return "= ANY"
}

// isNull is the test of an operator that asks whether there is a value, "" for others.
func isNull(operator chat.FilterOperator) string {
	switch operator {
	case chat.IsPresent:
		return " IS NOT NULL"
	case chat.IsNotPresent:
		return " IS NULL"
	}
	return ""
}

// compareDay compares days by UTC, as Chatwoot does, and leaves the column to its index.
func compareDay(st *statement, c *chat.Comparison, column string) {
	if c.Operator == chat.IsGreaterThan {
		st.add(column+" >= ?::text::date + 1", c.Values[0].Reveal())
		return
	}
	st.add(column+" < ?::text::date", c.Values[0].Reveal())
}

const anyLabel = `EXISTS (SELECT 1 FROM taggings tg WHERE tg.taggable_type = ? AND tg.context = 'labels' AND tg.taggable_id = `

const someLabel = `EXISTS (SELECT 1 FROM taggings tg JOIN tags ON tags.id = tg.tag_id WHERE tg.taggable_type = ? AND tg.context = 'labels'
 AND lower(tags.name) = ANY(?) AND tg.taggable_id = `

func compareLabels(st *statement, c *chat.Comparison, kind, id string) {
	if c.Operator == chat.NotEqualTo || c.Operator == chat.IsNotPresent {
		st.add("NOT ")
	}
	if isNull(c.Operator) != "" {
		st.add(anyLabel+id+")", kind)
		return
	}
	st.add(someLabel+id+")", kind, reveal(c.Values))
}

// compareText appends a condition on a text. ILIKE of one pattern can go by Chatwoot's trigram index, of any pattern not.
func compareText(st *statement, c *chat.Comparison, text filterText) {
	x, values := text.expression, reveal(c.Values)
	st.add("(")
	switch c.Operator {
	case chat.EqualTo, chat.NotEqualTo:
		if !text.exact && slices.ContainsFunc(values, cased) {
			x = "lower(" + x + ")"
		}
		st.add(x+" "+among(c.Operator)+"(?)", values)
	case chat.Contains:
		if len(values) == 1 {
			st.add(x+" ILIKE ?", values[0])
		} else {
			st.add(x+" ILIKE ANY(?)", values)
		}
	case chat.DoesNotContain:
		st.add(x+" NOT ILIKE ALL(?)", values)
	}
	if text.address {
		st.add(" AND " + text.expression + " <> ''")
	}
	st.add(")")
}

// cased says that a text has a letter that is another in another case: only then can another text be equal to it.
// E-mail addresses always do, and go by the index of lower(email).
func cased(text string) bool { return strings.ToUpper(text) != strings.ToLower(text) }

// reveal gives operands to be bound: of an account that is read plain, or of a column that is plain in every account.
func reveal(values []chat.PII) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = v.Reveal()
	}
	return texts
}
