package search_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/search"
)

func TestReadSavedView(t *testing.T) {
	t.Parallel()
	or, and := chat.Or, chat.And
	joined := func(c *chat.Condition, by *chat.FilterJoin) *chat.Condition { c.JoinedBy = by; return c }
	for _, c := range []struct {
		query string
		want  []*chat.Condition // nil where it cannot be read
	}{
		{`{"payload": []}`, []*chat.Condition{}}, {`{}`, []*chat.Condition{}}, {`"{}"`, []*chat.Condition{}},
		{`{"payload": [{"attribute_key": "status", "attribute_model": "standard", "filter_operator": "equal_to", "values": ["open"], "query_operator": "or", "custom_attribute_type": ""},
			{"attribute_key": "assignee_id", "filter_operator": "is_present", "values": [], "query_operator": "AND"},
			{"attribute_key": "team_id", "filter_operator": "equal_to", "values": [{"id": 3, "name": "Billing"}, {"id": "4"}]},
			{"attribute_key": "order_value", "attribute_model": "customAttributes", "filter_operator": "is_greater_than", "values": 12.5, "query_operator": null}]}`,
			[]*chat.Condition{joined(by("STATUS", chat.EqualTo, "open"), &or), joined(by("ASSIGNEE_ID", chat.IsPresent), &and),
				by("TEAM_ID", chat.EqualTo, "3", "4"), by("order_value", chat.IsGreaterThan, "12.5")}},
		{`"{\"payload\": [{\"attribute_key\": \"Gift\", \"filter_operator\": \"equal_to\", \"values\": [true], \"query_operator\": \"\"}]}"`,
			[]*chat.Condition{by("Gift", chat.EqualTo, "true")}},
		{`{"payload": [{"attribute_key": "labels", "filter_operator": "equal_to", "values": "vip"}]}`, []*chat.Condition{by("LABELS", chat.EqualTo, "vip")}},
		{`{"payload": [{"attribute_key": "labels", "filter_operator": "is_present", "values": null}]}`, []*chat.Condition{by("LABELS", chat.IsPresent)}},
		{``, nil}, {`[]`, nil}, {`"nonsense"`, nil}, {`{"payload": {}}`, nil}, {`{"payload": [{"attribute_key": 1}]}`, nil},
		{`{"payload": [{"attribute_key": "labels", "filter_operator": "equal_to", "values": [["vip"]]}]}`, nil},
		{`{"payload": [{"attribute_key": "labels", "filter_operator": "equal_to", "values": [{"name": "vip"}]}]}`, nil},
		{`{"payload": [{"attribute_key": "labels", "filter_operator": "equal_to", "values": ["vip"], "query_operator": "XOR"}]}`, nil},
	} {
		got, err := search.ReadSavedView(chat.ConversationAttributes, []byte(c.query))
		if (err != nil) != (c.want == nil) {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		for _, condition := range got {
			if len(condition.Values) == 0 {
				condition.Values = nil
			}
		}
		if diff := cmp.Diff(c.want, got); c.want != nil && diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.query, diff)
		}
	}
	if got, err := search.ReadSavedView(chat.ContactAttributes, []byte(`{"payload": [{"attribute_key": "status", "filter_operator": "equal_to", "values": ["x"]}]}`)); err != nil || got[0].Attribute != nil {
		t.Errorf("a contact has no status: %v, %v", got, err)
	}
}

// FuzzReadSavedView: whatever lies in the column, reading and checking it neither panics nor quotes it.
func FuzzReadSavedView(f *testing.F) {
	f.Add([]byte(`{"payload": [{"attribute_key": "name", "filter_operator": "contains", "values": ["ann"], "query_operator": "and"}]}`))
	f.Add([]byte(`"{\"payload\": [{\"attribute_key\": \"number\", \"filter_operator\": \"equal_to\", \"values\": [{\"id\": 1e5}]}]}"`))
	f.Fuzz(func(t *testing.T, query []byte) {
		for _, model := range chat.AttributeModels {
			list, err := search.ReadSavedView(model, query)
			if err == nil {
				_, err = search.Conditions{Model: model, Field: "view", View: true, Defined: defined, Now: noon}.Check(list)
			}
			if err != nil && len(query) > 40 && strings.Contains(err.Error(), string(query)) {
				t.Errorf("the error quotes what was read: %v", err)
			}
		}
	})
}
