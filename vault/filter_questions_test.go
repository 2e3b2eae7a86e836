package vault

import (
	"math/rand/v2"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
)

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
