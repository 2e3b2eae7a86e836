package store

import (
	"strings"

	"github.com/cloakroom/cloakroom/chat"
)

// validDay is an expression for a day that there is.
const validDay = `([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|` +
	`([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)`

// What a custom attribute's text is read as, as package search reads it; a text that is none of the type is NULL. A cast
// alone would make the whole statement fail at the first row that an integration has filled with something else.
var (
	trimmedAttribute = `btrim(a.t, ` + blanks + `)`

	numberAttribute = `CASE WHEN octet_length(a.t) <= 1500 AND ` + trimmedAttribute + ` ~ '^[+-]{0,1}([0-9]+(\.[0-9]*){0,1}|\.[0-9]+)` +
		`([eE][+-]{0,1}0*([0-9]{1,3}|1[0-4][0-9]{2}|1500)){0,1}$' THEN ` + trimmedAttribute + `::numeric END`

	dateAttribute = `CASE WHEN ` + trimmedAttribute + ` ~ '^` + validDay +
		`([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+){0,1}){0,1}( {0,1}([Zz]|[+-][0-9]{2}(:{0,1}[0-9]{2}){0,1})){0,1}){0,1}$' AND ` +
		trimmedAttribute + ` !~ '^0000' THEN left(` + trimmedAttribute + `, 10) COLLATE "C" END`

	truthAttribute = `CASE WHEN lower(` + trimmedAttribute + `) IN ('t','tr','tru','true','y','ye','yes','on','1') THEN 'true'
 WHEN lower(` + trimmedAttribute + `) IN ('f','fa','fal','fals','false','n','no','of','off','0') THEN 'false' END COLLATE "C"`
)

var attributeValues = map[chat.AttributeType]string{
	chat.AttributeNumber: numberAttribute, chat.AttributeCurrency: numberAttribute, chat.AttributePercent: numberAttribute,
	chat.AttributeDate: dateAttribute, chat.AttributeCheckbox: truthAttribute,
}

// aDay is a day as chat.Value.HoldsAddress knows it: its digits are no phone number.
var aDay = `a.t ~ '^(19|20)' AND a.t ~ '^` + validDay + `' AND (length(a.t) = 10 OR substr(a.t, 11, 1) = 'T' AND NOT (` + holdsAddress("substr(a.t, 12)") + `))`

// attributeText is a custom attribute's text, or none: lists and objects are no values that could be compared.
const attributeText = `SELECT CASE WHEN jsonb_typeof(j.v) IN ('string', 'number', 'boolean') THEN j.v #>> '{}' END AS t FROM (SELECT `

// compareAttribute appends a condition on a custom attribute of a column.
func compareAttribute(st *statement, c *chat.Comparison, column string) {
	value := attributeValues[c.Type]
	if value == "" {
		value = "a.t"
	}
	if c.Shown {
		value = `CASE WHEN (` + holdsAddress("a.t") + `) AND NOT (` + aDay + `) THEN NULL ELSE ` + value + ` END`
	}
	st.add("(SELECT ")
	testAttribute(st, c)
	st.add(" FROM (SELECT " + value + " AS v FROM (" + attributeText)
	st.add(column+" -> ? AS v OFFSET 0) j OFFSET 0) a OFFSET 0) k)", c.Key)
}

// testAttribute compares k.v; of a missing one it is true that it is not equal.
func testAttribute(st *statement, c *chat.Comparison) {
	if is := isNull(c.Operator); is != "" {
		st.add("k.v" + is)
		return
	}
	value, list, one := `lower(k.v) COLLATE "C"`, "(?::text[])", "?::text"
	switch attributeValues[c.Type] {
	case "":
	case numberAttribute:
		value, list, one = "k.v", "(?::text[]::numeric[])", "?::text::numeric"
	default:
		value = "k.v"
	}
	values := reveal(c.Values)
	switch c.Operator {
	case chat.EqualTo:
		st.add(value+" = ANY"+list, values)
	case chat.NotEqualTo:
		st.add("COALESCE("+value+" <> ALL"+list+", true)", values)
	case chat.Contains:
		st.add("k.v ILIKE ANY"+list, values)
	case chat.DoesNotContain:
		st.add("k.v NOT ILIKE ALL"+list, values)
	case chat.IsGreaterThan:
		st.add(value+" > "+one, values[0])
	default:
		st.add(value+" < "+one, values[0])
	}
}

// compareFound appends a condition whose rows are known: by ids, or by tags of what they have.
func compareFound(st *statement, c *chat.Comparison, id string) {
	negated := ""
	if c.Found.Except {
		negated = "NOT "
	}
	if c.Found.Tags == nil {
		st.add(id+" "+negated+"IN (SELECT unnest(?::int8[]))", c.Found.IDs)
		return
	}
	model := chat.ConversationAttributes
	if strings.HasPrefix(id, "ct.") {
		model = chat.ContactAttributes
	}
	generations, tags := tagArrays(c.Found.Tags)
	st.add(negated+`EXISTS (SELECT 1 FROM cloakroom.attribute_tags t WHERE t.account_id = ? AND t.model = ? AND t.attribute_key = ?
 AND t.generation = ANY(?) AND t.tag_index = ANY(?) AND t.entity_id = `+id+`)`, c.Found.AccountID, model, c.Key, generations, tags)
}

const sealedTwin = `EXISTS (SELECT 1 FROM cloakroom.contacts n WHERE n.account_id = ct.account_id AND n.contact_id = ct.id AND `

// sealedAddresses are the sealed columns of what a row has or has not: Chatwoot's not_equal_to is not true of nothing.
var sealedAddresses = map[chat.FilterAttribute]string{
	chat.ByEmail: "n.email_sealed", chat.ByPhone: "n.phone_number_sealed", chat.ByIdentifier: "n.identifier_sealed",
}

func compareFoundContact(st *statement, c *chat.Comparison) {
	column := sealedAddresses[c.Attribute]
	switch {
	case c.Attribute == chat.ByName:
		compareFoundName(st, c)
	case column != "" && c.Found.Except:
		st.add("(")
		compareFound(st, c, "ct.id")
		st.add(" AND " + sealedTwin + column + " IS NOT NULL))")
	default:
		compareFound(st, c, "ct.id")
	}
}

// compareFoundName holds a name against the operand where it is listed, and goes by the rows that were found where it is
// sealed away. Without an operand no listed name is like it. Of a contact without a sealed row a masked viewer knows no name.
func compareFoundName(st *statement, c *chat.Comparison) {
	if c.Shown {
		st.add("(" + sealedTwin + "n.name_sealed IS NULL) AND ")
	} else {
		st.add("CASE WHEN " + nameIsSealed + " THEN ")
		compareFound(st, c, "ct.id")
		st.add(" ELSE ")
	}
	switch {
	case len(c.Values) > 0:
		compareText(st, c, filterTexts[chat.ByName])
	case c.Operator == chat.NotEqualTo || c.Operator == chat.DoesNotContain:
		st.add("ct.name IS NOT NULL")
	default:
		st.add("false")
	}
	if c.Shown {
		st.add(")")
	} else {
		st.add(" END")
	}
}
