package directives_test

import (
	"encoding/json"
	"testing"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/directives"
)

// An attribute is asked itself, before its resolver runs: what is not personal passes the gate of a kind that is hidden.
func TestPIIOfAttributes(t *testing.T) {
	t.Parallel()
	attribute := func(account int64, model chat.AttributeModel, key, raw string) *chat.CustomAttribute {
		value := chat.NewValue(json.RawMessage(raw))
		return &chat.CustomAttribute{AccountID: account, Model: model, Key: key, Value: &value}
	}
	public := attribute(1, chat.ContactAttributes, "plan", `"Gold"`)
	for _, c := range []struct {
		viewer string
		row    *chat.CustomAttribute
		kind   chat.Kind
		shown  bool
	}{
		{"masked", public, chat.Attribute, true}, {"reader", public, chat.Attribute, true}, {"admin", public, chat.Attribute, true},
		{"masked", attribute(1, chat.ContactAttributes, "size", `"XL"`), chat.Attribute, false},
		{"masked", attribute(1, "", "plan", `"Gold"`), chat.Attribute, false},
		{"masked", attribute(1, chat.ContactAttributes, "plan", `"ann@example.com"`), chat.Attribute, false},
		{"admin", attribute(1, chat.ContactAttributes, "plan", `"ann@example.com"`), chat.Attribute, true},
		{"masked", attribute(2, chat.ContactAttributes, "plan", `"Gold"`), chat.Attribute, false},
		{"admin", attribute(2, chat.ContactAttributes, "plan", `"Gold"`), chat.Attribute, false},
		{"nobody", public, chat.Attribute, false},
		{"masked", public, chat.Email, false}, // behind another gate
	} {
		viewer := viewers()[c.viewer]
		if viewer != nil {
			account, _ := viewer.Account(1)
			account.Settings.Search = chat.SearchSettings{Mode: chat.SearchByTokens, Attributes: []chat.AttributePolicy{{Model: chat.ContactAttributes, Key: "plan", Version: 1}}}
		}
		r := new(resolver)
		ctx, _ := directives.WithShown(auth.WithViewer(t.Context(), viewer))
		got, err := directives.PII(ctx, c.row, r.next, c.kind)
		if err != nil || (got != nil) != c.shown || r.ran != c.shown {
			t.Errorf("%s, %s of %q, %s: value %v, resolver ran %t, error %v", c.viewer, c.row.Key, c.row.Model, c.kind, got, r.ran, err)
		}
	}
}
