package vault

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// fits are casts that give NULL where PostgreSQL's own would fail. Words such as NaN and today are no values here.
const fits = `
CREATE FUNCTION fit_number(t text) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
 IF t ~* '[a-df-z_]' THEN RETURN NULL; END IF; RETURN t::numeric; EXCEPTION WHEN OTHERS THEN RETURN NULL; END $$;
CREATE FUNCTION fit_date(t text) RETURNS date LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
 IF t !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}' THEN RETURN NULL; END IF; RETURN t::date; EXCEPTION WHEN OTHERS THEN RETURN NULL; END $$;
CREATE FUNCTION fit_truth(t text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN t::boolean; EXCEPTION WHEN OTHERS THEN RETURN NULL; END $$;`

func quoted(values []string) string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = "'" + strings.ReplaceAll(v, "'", "''") + "'"
	}
	return strings.Join(list, ", ")
}

func lowered(values []string) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = strings.ToLower(v)
	}
	return list
}

// chatwootsMember is a text of a JSON column; what is no text, or of a custom attribute a list or an object, is none.
func chatwootsMember(column, key string, custom bool) string {
	kinds := "'string'"
	if custom {
		kinds = "'string', 'number', 'boolean'"
	}
	return fmt.Sprintf("CASE WHEN jsonb_typeof(%s->'%s') IN (%s) THEN %s->>'%s' END", column, key, kinds, column, key)
}

// chatwoots is a condition as Chatwoot's filter service would write it into its SQL.
func chatwoots(model chat.AttributeModel, c *chat.Condition) string {
	values := c.Values
	if model == chat.ContactAttributes && len(values) > 1 {
		values = values[:1]
	}
	if c.CustomAttribute != nil {
		return chatwootsCustom(*c.CustomAttribute, c.Operator, values)
	}
	switch a := *c.Attribute; a {
	case chat.ByLabels:
		kind := map[chat.AttributeModel]string{chat.ContactAttributes: "Contact", chat.ConversationAttributes: "Conversation"}[model]
		exists := "EXISTS (SELECT * FROM taggings WHERE taggings.taggable_id = x.id AND taggings.taggable_type = '" + kind + "'"
		if len(values) > 0 {
			exists += " AND taggings.tag_id IN (SELECT tags.id FROM tags WHERE LOWER(tags.name) IN (" + quoted(lowered(values)) + "))"
		}
		if c.Operator == chat.NotEqualTo || c.Operator == chat.IsNotPresent {
			return "NOT " + exists + ")"
		}
		return exists + ")"
	case chat.ByCreatedAt, chat.ByLastActivityAt:
		column := "(x." + strings.ToLower(string(a)) + ")::date"
		switch c.Operator {
		case chat.DaysBefore:
			return column + " < (now() AT TIME ZONE 'UTC')::date - " + values[0]
		case chat.IsLessThan:
			return column + " < '" + values[0] + "'::date"
		}
		return column + " > '" + values[0] + "'::date"
	case chat.ByStatus, chat.ByPriorityOf:
		return chatwootsWords(a, c.Operator, values)
	case chat.ByBlocked, chat.ByAssignee, chat.ByInbox, chat.ByTeam, chat.ByCampaign, chat.ByContact, chat.ByDisplayID:
		return chatwootsText("x."+strings.ToLower(string(a)), c.Operator, values, false)
	case chat.ByName:
		return chatwootsText("x.name", c.Operator, values, true)
	case chat.ByEmail, chat.ByPhone, chat.ByIdentifier:
		column := "NULLIF(x." + strings.ToLower(string(a)) + ", '')" // a blank address is none, sealed or not
		if a == chat.ByPhone && (c.Operator == chat.EqualTo || c.Operator == chat.NotEqualTo || c.Operator == chat.StartsWith) {
			return chatwootsText("LOWER("+column+")", c.Operator, []string{"+" + strings.ReplaceAll(values[0], "+", "")}, false)
		}
		return chatwootsText(column, c.Operator, values, true)
	default:
		return chatwootsText(chatwootsMember("x.additional_attributes", strings.ToLower(string(a)), false), c.Operator, values, model == chat.ContactAttributes)
	}
}

func chatwootsWords(a chat.FilterAttribute, operator chat.FilterOperator, values []string) string {
	numbers := map[string]string{"open": "0", "resolved": "1", "pending": "2", "snoozed": "3", "all": "0, 1, 2, 3", "low": "0", "medium": "1", "high": "2", "urgent": "3"}
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = numbers[v]
	}
	in := map[chat.FilterOperator]string{chat.EqualTo: " IN (", chat.NotEqualTo: " NOT IN ("}[operator]
	return "x." + strings.ToLower(string(a)) + in + strings.Join(list, ", ") + ")"
}

func chatwootsText(column string, operator chat.FilterOperator, values []string, folded bool) string {
	patterns := make([]string, len(values))
	for i, v := range values {
		patterns[i] = "%" + strings.Trim(v, " \t\n\v\f\r") + "%"
	}
	if folded {
		column, values = "LOWER("+column+")", lowered(values)
	}
	switch operator {
	case chat.EqualTo, chat.StartsWith:
		return column + " IN (" + quoted(values) + ")"
	case chat.NotEqualTo:
		return column + " NOT IN (" + quoted(values) + ")"
	case chat.Contains:
		return column + " ILIKE ANY (ARRAY[" + quoted(patterns) + "])"
	case chat.DoesNotContain:
		return column + " NOT ILIKE ALL (ARRAY[" + quoted(patterns) + "])"
	case chat.IsPresent:
		return column + " IS NOT NULL"
	default:
		return column + " IS NULL"
	}
}

func chatwootsCustom(key string, operator chat.FilterOperator, values []string) string {
	column := chatwootsMember("x.custom_attributes", key, true)
	cast := map[chat.AttributeType]string{chat.AttributeNumber: "number", chat.AttributeCurrency: "number", chat.AttributePercent: "number",
		chat.AttributeDate: "date", chat.AttributeCheckbox: "truth"}[filterAttributes[key]]
	kind := map[string]string{"number": "numeric", "date": "date", "truth": "boolean", "": `text COLLATE "C"`}[cast]
	folded := cast == ""
	if cast != "" {
		column = "fit_" + cast + "(" + column + ")"
	}
	one := func(v string) string { return "'" + strings.ReplaceAll(strings.ToLower(v), "'", "''") + "'::" + kind }
	if folded {
		column = "LOWER(" + column + ")"
	}
	switch operator {
	case chat.IsGreaterThan:
		return column + " > " + one(values[0])
	case chat.IsLessThan:
		return column + " < " + one(values[0])
	case chat.DaysBefore:
		return fmt.Sprintf("%s < to_char((now() AT TIME ZONE 'UTC')::date - %s, 'YYYY-MM-DD')::%s", column, values[0], kind)
	case chat.NotEqualTo:
		return "(" + chatwootsText(column, operator, values, folded) + " OR " + column + " IS NULL)"
	}
	return chatwootsText(column, operator, values, folded)
}

// reference asks Chatwoot's own columns, by one statement per filter that is written in full.
func (r *replica) reference(model chat.AttributeModel, filters ...[]*chat.Condition) []int64 {
	r.t.Helper()
	table := map[chat.AttributeModel]string{chat.ContactAttributes: "contacts", chat.ConversationAttributes: "conversations"}[model]
	sql := fmt.Sprintf("SELECT COALESCE(array_agg(x.id::int8 ORDER BY x.id), '{}') FROM %s x WHERE x.account_id = %d", table, filterRoom)
	for _, list := range filters {
		sql += " AND ("
		for i, c := range list {
			sql += chatwoots(model, c)
			if i < len(list)-1 {
				join := chat.And
				if c.JoinedBy != nil {
					join = *c.JoinedBy
				}
				sql += " " + string(join) + " "
			}
		}
		sql += ")"
	}
	return storetest.Value[[]int64](r.t, r.store, sql)
}

// TestFiltersAreChatwoots puts random filters to the sealed account, to the same account read plain, and to Chatwoot's SQL.
func TestFiltersAreChatwoots(t *testing.T) {
	t.Parallel()
	r := newFilterRoom(t, 250, 150)
	storetest.Exec(t, r.store, fits)
	account := r.account(filterRoom)
	admin := roomAdmin(account)
	random := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // the same questions in every run
	hits := 0
	for range 350 {
		model := one(random, chat.AttributeModels)
		list := randomFilter(random, model)
		want := r.reference(model, list)
		for name, read := range map[string]*chat.Account{"sealed": account, "plain": plainly(account)} {
			var got []int64
			var err error
			if model == chat.ContactAttributes {
				got, err = r.contactsPassing(admin, read, chat.ContactFilter{Conditions: list})
			} else {
				got, err = r.conversationsPassing(admin, read, chat.ConversationFilter{Conditions: list})
			}
			if err != nil {
				t.Fatalf("%s: %v: %s", name, err, said(list))
			}
			if diff := cmp.Diff(want, got); diff != "" && !(len(want) == 0 && len(got) == 0) {
				t.Errorf("%s %s: %s (-Chatwoot +ours):\n%s", name, model, said(list), diff)
			}
			hits += len(got)
		}
		if t.Failed() && random.IntN(10) == 0 {
			t.FailNow()
		}
	}
	if hits < 5000 {
		t.Errorf("%d hits: these filters ask for nothing", hits)
	}
}

func said(list []*chat.Condition) string {
	var b strings.Builder
	for _, c := range list {
		attribute := ""
		if c.Attribute != nil {
			attribute = string(*c.Attribute)
		} else {
			attribute = *c.CustomAttribute
		}
		fmt.Fprintf(&b, "%s %s %q ", attribute, c.Operator, c.Values)
		if c.JoinedBy != nil {
			b.WriteString(string(*c.JoinedBy) + " ")
		}
	}
	return b.String()
}

func randomFilter(r *rand.Rand, model chat.AttributeModel) []*chat.Condition {
	list := make([]*chat.Condition, 1+r.IntN(3))
	for i := range list {
		list[i] = randomCondition(r, model)
		join := one(r, []*chat.FilterJoin{nil, ptr(chat.And), ptr(chat.Or)})
		list[i].JoinedBy = join
	}
	return list
}

func ptr[T any](v T) *T { return &v }

func randomCondition(r *rand.Rand, model chat.AttributeModel) *chat.Condition {
	texts := []chat.FilterOperator{chat.EqualTo, chat.NotEqualTo, chat.Contains, chat.DoesNotContain}
	equal, present, days := texts[:2], []chat.FilterOperator{chat.EqualTo, chat.NotEqualTo, chat.IsPresent, chat.IsNotPresent},
		[]chat.FilterOperator{chat.IsGreaterThan, chat.IsLessThan, chat.DaysBefore}
	type choice struct {
		attribute chat.FilterAttribute
		operators []chat.FilterOperator
		values    []string
	}
	wild := []string{"", "gold", "GOLD", "%", "_", "a_b", "50%", "g%d", `a\`, `a\\b`, "ö", "GÖTE", "x", "free", "pt", "ED"}
	dates := []string{"2026-01-15", "2026-01-16", "2025-12-31", "2026-01-31T10:00:00Z"}
	choices := map[chat.AttributeModel][]choice{
		chat.ContactAttributes: {
			{chat.ByName, texts, []string{"ann", "ANN", "Bob", "bo_", "100%", `back\slash`, "Å", "66", "ann@hidden.example", "ann.hidden", "漢字", "hid", "%40", "", "N@H"}},
			{chat.ByEmail, texts, []string{"ann7@hidden.example", "ANN_12%@example.com", "hidden", "@EXAMPLE", "ann__", "%7%", "nn1", "", "a", "x.ex", "exa%com"}},
			{chat.ByPhone, append(texts[:4:4], chat.StartsWith), []string{"+15550000007", "1555000+0008", "+1 555 0012", "555", "5 0", "tel:", "TEL", "l+00", "0_0", "+", "77%1", "tel+0000012"}},
			{chat.ByIdentifier, equal, []string{"id-7", "ID-9", "id-9x", "ID-12X", "1012", ""}},
			{chat.ByCountry, equal, []string{"PT", "se", "xx"}}, {chat.ByCity, texts, wild}, {chat.ByCompany, texts, append(wild, "plated", "gold plated")},
			{chat.ByLabels, present, []string{"vip", "late", "LATE", "none"}}, {chat.ByBlocked, equal, []string{"true", "false"}},
			{chat.ByCreatedAt, days, dates}, {chat.ByLastActivityAt, days, dates},
		},
		chat.ConversationAttributes: {
			{chat.ByStatus, equal, []string{"open", "resolved", "all", "snoozed"}}, {chat.ByPriorityOf, equal, []string{"low", "urgent"}},
			{chat.ByAssignee, present, []string{"1", "2"}}, {chat.ByInbox, present, []string{"1", "3"}}, {chat.ByTeam, present, []string{"1", "9"}},
			{chat.ByCampaign, present, []string{"5"}}, {chat.ByContact, equal, []string{"7", "8", "9"}}, {chat.ByDisplayID, equal, []string{"1", "150"}},
			{chat.ByLabels, present, []string{"vip", "late"}}, {chat.ByBrowserLanguage, equal, []string{"en", "EN", "pt"}}, {chat.ByConversationLanguage, equal, []string{"en", "pt_BR", "PT_BR"}},
			{chat.ByReferer, texts, []string{"https://x.example/", "50%", "X.EX", "_"}}, {chat.ByMailSubject, texts, wild},
			{chat.ByCreatedAt, days, dates}, {chat.ByLastActivityAt, days, dates},
		},
	}[model]
	c := new(chat.Condition)
	var chosen choice
	if r.IntN(3) == 0 {
		key := one(r, []string{"tier", "plan", "site", "orders", "value", "share", "since", "until", "vip", "city"})
		c.CustomAttribute = &key
		ordered := append(present[:4:4], chat.IsGreaterThan, chat.IsLessThan, chat.StartsWith)
		switch filterAttributes[key] {
		case chat.AttributeNumber, chat.AttributeCurrency, chat.AttributePercent:
			chosen = choice{"", ordered, []string{"1", "1.50", "-2", "0", "1e3", "+3", " .5", "999"}}
		case chat.AttributeDate:
			chosen = choice{"", append(ordered, chat.DaysBefore), dates[3:]}
		case chat.AttributeCheckbox:
			chosen = choice{"", ordered, []string{"true", "false", "yes", "0"}}
		default:
			chosen = choice{"", slices.Concat(ordered, texts[2:], days), wild}
		}
	} else {
		chosen = one(r, choices)
		c.Attribute = &chosen.attribute
	}
	c.Operator = one(r, chosen.operators)
	switch c.Operator {
	case chat.IsPresent, chat.IsNotPresent:
	case chat.DaysBefore:
		c.Values = []string{one(r, []string{"0", "30", "400"})}
	case chat.IsGreaterThan, chat.IsLessThan:
		c.Values = []string{one(r, chosen.values)}
	default:
		for range 1 + r.IntN(3) {
			c.Values = append(c.Values, one(r, chosen.values))
		}
	}
	return c
}
