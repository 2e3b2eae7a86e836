package vault

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestMaskedViewersAskOnlyByWhatTheyAreShown: a value that is hidden neither passes nor fails, and every question about
// one has one answer, sealed or not.
func TestMaskedViewersAskOnlyByWhatTheyAreShown(t *testing.T) {
	t.Parallel()
	r := namedRoom(t)
	account := r.account(filterRoom)
	for _, c := range []struct {
		given *chat.Condition
		admin []int64
		agent []int64
	}{
		{by("NAME", chat.EqualTo, "ANN LEE"), []int64{1}, []int64{1}},
		{by("NAME", chat.Contains, "ann"), []int64{1, 2}, []int64{1}},
		{by("NAME", chat.NotEqualTo, "nobody"), []int64{1, 2, 3, 4}, []int64{1, 4}},
		{by("NAME", chat.DoesNotContain, "5"), []int64{1, 2, 4}, []int64{1, 4}},
		{by("NAME", chat.EqualTo, "+1 555 000 3333"), []int64{3}, nil},
		{by("NAME", chat.NotEqualTo, "+1 555 000 3333"), []int64{1, 2, 4}, []int64{1, 4}},
		{by("CITY", chat.Contains, "o"), []int64{1, 3}, []int64{1, 3}},
		{by("CITY", chat.Contains, "call"), []int64{2}, nil},
		{by("CITY", chat.EqualTo, "call 555 000 2222"), []int64{2}, nil},
		{by("CITY", chat.NotEqualTo, "porto"), []int64{2, 3}, []int64{3}},
		{by("COMPANY_NAME", chat.Contains, "@b"), []int64{2}, nil},
		{by("COMPANY_NAME", chat.DoesNotContain, "zzz"), []int64{1, 2}, []int64{1}},
		{by("tier", chat.EqualTo, "Gold"), []int64{1, 3}, []int64{1, 3}},
		{by("tier", chat.EqualTo, "gold 5550002222"), []int64{2}, nil},
		{by("tier", chat.NotEqualTo, "gold 5550002222"), []int64{1, 3, 4}, []int64{1, 2, 3, 4}},
		{by("tier", chat.Contains, "555"), []int64{2}, nil},
		{by("tier", chat.IsPresent), []int64{1, 2, 3, 4}, []int64{1, 3, 4}},
		{by("orders", chat.EqualTo, "12"), []int64{1, 3}, []int64{1}},
		{by("orders", chat.EqualTo, "5550002222"), []int64{2}, nil},
		{by("orders", chat.IsGreaterThan, "12"), []int64{2}, nil},
		{by("orders", chat.IsNotPresent), []int64{4}, []int64{2, 3, 4}},
		{by("since", chat.EqualTo, "2026-01-31"), []int64{3, 4}, []int64{3, 4}}, // a day is no phone number
		{by("site", chat.EqualTo, "2026-01-31t10:00"), []int64{3}, []int64{3}},
		{by("tier", chat.EqualTo, "2026-01-31T10:00"), []int64{4}, []int64{4}},
		{by("site", chat.IsPresent), []int64{3, 4}, []int64{3}},
		{by("vip", chat.EqualTo, "true"), []int64{4}, []int64{4}},
	} {
		for phase, read := range map[string]*chat.Account{"sealed": account, "plain": plainly(account)} {
			for name, want := range map[string][]int64{"admin": c.admin, "agent": c.agent} {
				viewer := map[string]*chat.Viewer{"admin": roomAdmin(read), "agent": roomAgent(read)}[name]
				got, err := r.contactsPassing(viewer, read, chat.ContactFilter{Conditions: []*chat.Condition{c.given}})
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("%s, %s: %s: %v, want %v, %v", phase, name, conditionsText([]*chat.Condition{c.given}), got, want, err)
				}
			}
		}
	}
	for phase, read := range map[string]*chat.Account{"sealed": account, "plain": plainly(account)} {
		for value, want := range map[string][]int64{"hello": {1}, "hidden": nil, "": {1}} {
			got, err := r.conversationsPassing(roomAgent(read), read, chat.ConversationFilter{Conditions: []*chat.Condition{by("MAIL_SUBJECT", chat.Contains, value)}})
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: subjects with %q: %v, %v", phase, value, got, err)
			}
		}
	}
}

// TestWhatMaskedViewersMayNotAskBy is refused where it is carried out, whatever the schema said before: in the conditions,
// and in a saved view that holds such a condition.
func TestWhatMaskedViewersMayNotAskBy(t *testing.T) {
	t.Parallel()
	r := namedRoom(t)
	storetest.Exec(t, r.store, `UPDATE cloakroom.attribute_policies SET personal = true WHERE account_id = $1 AND attribute_key = 'tier'`, filterRoom)
	account := r.account(filterRoom)
	agent, admin := roomAgent(account), roomAdmin(account)
	service := &chat.Viewer{Policy: chat.PolicyRead, Service: &chat.Service{Scopes: []chat.Scope{chat.ScopeContactRead, chat.ScopePIIEmail}, Accounts: []chat.Account{*account}}}
	unreadable := *roomAgent(account)
	unreadable.Policy = chat.PolicyUnreadable
	for _, c := range []struct {
		viewer  *chat.Viewer
		given   *chat.Condition
		refused bool
	}{
		{agent, by("EMAIL", chat.EqualTo, "x"), true}, {agent, by("PHONE_NUMBER", chat.StartsWith, "x"), true}, {agent, by("IDENTIFIER", chat.NotEqualTo, "x"), true},
		{agent, by("tier", chat.EqualTo, "x"), true}, {agent, by("tier", chat.IsPresent), true}, {agent, by("plan", chat.EqualTo, "x"), false},
		{agent, by("CITY", chat.EqualTo, "x"), false}, {&unreadable, by("plan", chat.EqualTo, "x"), true}, {&unreadable, by("EMAIL", chat.EqualTo, "x"), true},
		{service, by("EMAIL", chat.Contains, "x"), false}, {service, by("PHONE_NUMBER", chat.EqualTo, "x"), true}, {service, by("tier", chat.EqualTo, "x"), true},
		{admin, by("EMAIL", chat.Contains, "x"), false}, {admin, by("tier", chat.IsGreaterThan, "x"), false},
	} {
		_, err := r.contactsPassing(c.viewer, account, chat.ContactFilter{Conditions: []*chat.Condition{by("NAME", chat.EqualTo, "x"), c.given}})
		var fault *chat.Error
		if errors.As(err, &fault) != c.refused || c.refused && (fault.Code != chat.PIIFilterRejected || !strings.HasPrefix(fault.Field, "filter.conditions[1].")) {
			t.Errorf("%s %s: %v", c.viewer.Kind(), conditionsText([]*chat.Condition{c.given}), err)
		}
	}
	if _, err := r.conversationsPassing(agent, account, chat.ConversationFilter{Conditions: []*chat.Condition{by("REFERER", chat.Contains, "x")}}); chat.CodeOf(err) != chat.PIIFilterRejected {
		t.Errorf("by referer: %v", err)
	}
	if got, err := r.conversationsPassing(admin, account, chat.ConversationFilter{Conditions: []*chat.Condition{by("REFERER", chat.Contains, "ANN@hid")}}); err != nil || !slices.Equal(got, []int64{1}) {
		t.Errorf("by referer: %v, %v", got, err)
	}
}

// TestSavedViews: own ones of the right kind apply, on top of the other conditions, and what they hold is held to what the
// viewer may ask by.
func TestSavedViews(t *testing.T) {
	t.Parallel()
	r := namedRoom(t)
	const condition = `{"payload": [{"attribute_key": "%s", "filter_operator": "%s", "values": %s, "query_operator": null}]}`
	add := func(id, user, kind int64, query string) {
		storetest.Exec(t, r.store, `INSERT INTO custom_filters (id, account_id, user_id, filter_type, name, query, created_at, updated_at)
			VALUES ($1::int8, $2, $3, $4, 'view ' || $1::int8, $5, now(), now())`, id, filterRoom, user, kind, query)
	}
	write := func(key, operator, values string) string {
		return strings.NewReplacer("%s\", \"filter", key+"\", \"filter", "\"%s\", \"values", "\""+operator+"\", \"values", "%s", values).Replace(condition)
	}
	for _, user := range []int64{schema.Ada, schema.Max} {
		add(user*100+1, user, 1, write("email", "contains", `["hidden"]`))
		add(user*100+2, user, 1, write("tier", "equal_to", `[{"id": "gold", "name": "Gold"}]`))
		add(user*100+3, user, 1, write("referer", "equal_to", `["x"]`))
		add(user*100+4, user, 1, `"nonsense"`)
		add(user*100+5, user, 0, write("status", "equal_to", `["open"]`))
		add(user*100+6, user, 2, `{"payload": []}`)
		add(user*100+7, user, 1, `"{}"`)
	}
	account := r.account(filterRoom)
	admin, agent := roomAdmin(account), roomAgent(account)
	service := &chat.Viewer{Policy: chat.PolicyRead, Service: &chat.Service{Scopes: chat.Scopes, Accounts: []chat.Account{*account}}}
	ada, max := schema.Ada*100, schema.Max*100
	for _, c := range []struct {
		viewer *chat.Viewer
		view   int64
		more   []*chat.Condition
		want   []int64
		code   chat.Code
	}{
		{admin, ada + 1, nil, []int64{1, 2}, ""}, {admin, ada + 2, nil, []int64{1, 3}, ""}, {admin, ada + 7, nil, []int64{1, 2, 3, 4}, ""},
		{admin, ada + 1, []*chat.Condition{or(by("NAME", chat.EqualTo, "bob")), by("NAME", chat.EqualTo, "ann lee")}, []int64{1}, ""},
		{admin, ada + 3, nil, nil, chat.Invalid}, {admin, ada + 4, nil, nil, chat.Invalid}, {admin, ada + 5, nil, nil, chat.NotFound},
		{admin, ada + 6, nil, nil, chat.NotFound}, {admin, max + 1, nil, nil, chat.NotFound}, {admin, 1 << 40, nil, nil, chat.NotFound},
		{agent, max + 1, nil, nil, chat.PIIFilterRejected}, {agent, max + 2, nil, []int64{1, 3}, ""}, {service, ada + 1, nil, nil, chat.NotFound},
	} {
		id := chat.ID(c.view)
		got, err := r.contactsPassing(c.viewer, account, chat.ContactFilter{SavedViewID: &id, Conditions: c.more})
		var fault *chat.Error
		if errors.As(err, &fault) != (c.code != "") || fault != nil && (fault.Code != c.code || fault.Field != "filter.savedViewId") || !slices.Equal(got, c.want) {
			t.Errorf("%s, view %d: %v, %v", c.viewer.Kind(), c.view, got, err)
		}
	}
	id := chat.ID(ada + 5)
	if got, err := r.conversationsPassing(admin, account, chat.ConversationFilter{SavedViewID: &id}); err != nil || !slices.Equal(got, []int64{1, 2}) {
		t.Errorf("a view of conversations: %v, %v", got, err)
	}
	views, err := r.store.ListSavedViews(t.Context(), filterRoom, schema.Ada, nil)
	if err != nil || len(views) != 6 || slices.ContainsFunc(views, func(v *chat.SavedView) bool { return v.Query != nil || v.ID/100 != schema.Ada }) {
		t.Errorf("the views of a user: %d, %v", len(views), err)
	}
}

func or(c *chat.Condition) *chat.Condition {
	c.JoinedBy = ptr(chat.Or)
	return c
}
