package search

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/cloakroom/cloakroom/chat"
)

var errSavedView = errors.New("no filter that could be read")

// savedCondition is a condition as Chatwoot's dashboard stores it.
type savedCondition struct {
	Key      string          `json:"attribute_key"`
	Operator string          `json:"filter_operator"`
	Values   json.RawMessage `json:"values"`
	JoinedBy *string         `json:"query_operator"`
}

// ReadSavedView reads the conditions of a saved view of contacts or conversations: a JSON object, or as its text in a JSON
// string, as the column's default is. Like Chatwoot it takes a key that it does not know for that of a custom attribute.
func ReadSavedView(model chat.AttributeModel, query []byte) ([]*chat.Condition, error) {
	var wrapped string
	if json.Unmarshal(query, &wrapped) == nil {
		query = []byte(wrapped)
	}
	var view struct {
		Payload []savedCondition `json:"payload"`
	}
	if err := json.Unmarshal(query, &view); err != nil {
		return nil, errSavedView // json's error quotes what it read
	}
	list := make([]*chat.Condition, len(view.Payload))
	for i, saved := range view.Payload {
		var err error
		if list[i], err = saved.condition(model); err != nil {
			return nil, fmt.Errorf("condition %d: %w", i, err)
		}
	}
	return list, nil
}

func (s savedCondition) condition(model chat.AttributeModel) (*chat.Condition, error) {
	c := &chat.Condition{Operator: chat.FilterOperator(strings.ToUpper(s.Operator))}
	attribute := chat.FilterAttribute(strings.ToUpper(s.Key))
	if _, known := conditionRules[model][attribute]; known {
		c.Attribute = &attribute
	} else {
		c.CustomAttribute = &s.Key
	}
	if s.JoinedBy != nil && *s.JoinedBy != "" {
		join := chat.FilterJoin(strings.ToUpper(*s.JoinedBy))
		if join != chat.And && join != chat.Or {
			return nil, errSavedView
		}
		c.JoinedBy = &join
	}
	var err error
	c.Values, err = savedValues(s.Values)
	return c, err
}

// savedValues reads a list of values, or one by itself: texts, numbers, truths, or choices with their id.
func savedValues(raw json.RawMessage) ([]string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	values := make([]string, len(list))
	for i, item := range list {
		var choice struct{ ID json.RawMessage }
		if json.Unmarshal(item, &choice) == nil && choice.ID != nil {
			item = choice.ID
		}
		var ok bool
		if values[i], ok = AttributeText(item); !ok {
			return nil, errSavedView
		}
	}
	return values, nil
}
