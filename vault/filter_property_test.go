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
// Masked viewers are told the same by both accounts.
func TestFiltersAreChatwoots(t *testing.T) {
	t.Parallel()
	r := newFilterRoom(t, 150, 90)
	storetest.Exec(t, r.store, fits)
	account := r.account(filterRoom)
	admin := roomAdmin(account)
	random := rand.New(rand.NewPCG(5, 6)) // the same questions in every run
	hits := 0
	for range 100 {
		model := one(random, chat.AttributeModels)
		list := randomFilter(random, model)
		want := r.reference(model, list)
		var shown [2][]int64
		var refusals [2]error
		for i, read := range []*chat.Account{account, plainly(account)} {
			got, err := r.idsPassing(admin, read, model, list)
			if err != nil {
				t.Fatalf("%v: %s", err, conditionsText(list))
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, sealed %t: %s (-Chatwoot +ours):\n%s", model, i == 0, conditionsText(list), cmp.Diff(want, got))
			}
			hits += len(got)
			shown[i], refusals[i] = r.idsPassing(roomAgent(read), read, model, list)
		}
		if !slices.Equal(shown[0], shown[1]) || chat.CodeOf(refusals[0]) != chat.CodeOf(refusals[1]) {
			t.Errorf("to a masked viewer: %s: (-sealed +plain):\n%s", conditionsText(list), cmp.Diff(shown[0], shown[1]))
		}
	}
	if hits < 2000 {
		t.Errorf("%d hits: these filters ask for nothing", hits)
	}
}

// idsPassing gives the ids of what passes conditions.
func (r *replica) idsPassing(viewer *chat.Viewer, account *chat.Account, model chat.AttributeModel, list []*chat.Condition) ([]int64, error) {
	if model == chat.ContactAttributes {
		return r.contactsPassing(viewer, account, chat.ContactFilter{Conditions: list})
	}
	return r.conversationsPassing(viewer, account, chat.ConversationFilter{Conditions: list})
}

func conditionsText(list []*chat.Condition) string {
	var b strings.Builder
	for _, c := range list {
		var attribute string
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
