package vault

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
)

func (r *replica) replace(v *chat.Viewer, displayID int64, given ...GivenAttribute) {
	r.t.Helper()
	if err := r.UpdateConversationAttributes(r.t.Context(), v, r.account(schema.Acme), displayID, given); err != nil {
		r.t.Fatal(err)
	}
}

func TestUpdateConversationAttributes(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	public := AttributeDecision{AccountID: schema.Acme, Model: chat.ConversationAttributes, Key: "order_value", Reason: why}
	if _, err := r.SetAttributePolicy(t.Context(), public); err != nil {
		t.Fatal(err)
	}
	display := everything
	c := &chat.Conversation{ID: schema.ConversationID(schema.Acme, display), AccountID: schema.Acme}
	if err := r.Load(t.Context(), r.account(schema.Acme), Rows{ConversationAttributes: []*chat.Conversation{c}}); err != nil {
		t.Fatal(err)
	}
	additional := show(c.Values.Get(chat.FieldAdditionalAttributes))
	for i, step := range []struct {
		by    *chat.Viewer
		given []GivenAttribute
		want  string
	}{
		{r.administrator(), []GivenAttribute{{"order_value", text("12")}, {"delivery_contact", text("Ann")}, {"gift", text("true")}, {"none", nil}, {"a@b", text("c")}},
			`{"a@b":"c","delivery_contact":"Ann","gift":true,"none":null,"order_value":12}`},
		// What the masked agent sees is the order's value, which they leave out, and that there is a key without a value.
		{r.maskedMax(), []GivenAttribute{{"gift", text("false")}, {"new", text("x")}}, `{"a@b":"c","delivery_contact":"Ann","gift":false,"new":"x"}`},
		{r.administrator(), []GivenAttribute{{"order_value", text("5550100")}}, `{"order_value":5550100}`},
		{r.maskedMax(), nil, `{"order_value":5550100}`}, // a number that looks like a phone's is hidden
		{r.maskedMax(), []GivenAttribute{{"order_value", text("7")}}, `{"order_value":7}`},
		{r.maskedMax(), nil, "none"},
	} {
		r.replace(step.by, display, step.given...)
		if got := r.attributes(chat.ConversationAttributes, display); got != step.want {
			t.Errorf("step %d: %s, want %s", i, got, step.want)
		}
		if v := r.one(`SELECT row_version FROM cloakroom.conversations WHERE conversation_id = $1`, c.ID); v != int64(i+2) {
			t.Errorf("step %d: version %d", i, v)
		}
		if i == 1 {
			details := map[string]any{"fields": []any{"custom_attributes"}, "set": []any{"gift", "new"}, "removed": []any{"none", "order_value"}}
			if entry := r.newest(chat.ConversationUpdated); entry.EntityID != chat.FormatID(c.ID) || cmp.Diff(details, entry.Details) != "" {
				t.Error(entry.EntityID, cmp.Diff(details, entry.Details))
			}
		}
	}
	if err := r.Load(t.Context(), r.account(schema.Acme), Rows{ConversationAttributes: []*chat.Conversation{c}}); err != nil {
		t.Fatal(err)
	}
	if got := show(c.Values.Get(chat.FieldAdditionalAttributes)); got != additional || additional == "none" {
		t.Errorf("additional attributes were %s and are %s", additional, got)
	}
}

// A contact that is merged takes its conversations to another key, under whoever writes them.
func TestUpdateConversationAttributesMeetsAMerge(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	const mergee = schema.ContactOfCompany
	admin := r.administrator()
	var group sync.WaitGroup
	group.Go(func() {
		if _, err := r.MergeContacts(t.Context(), r.account(schema.Acme), everything, mergee); err != nil {
			t.Error(err)
		}
	})
	last := ""
	for i := range 30 {
		last = fmt.Sprint(i)
		if err := r.UpdateConversationAttributes(t.Context(), admin, r.account(schema.Acme), mergee, []GivenAttribute{{"n", &last}}); err != nil {
			t.Errorf("round %d: %v", i, err)
		}
	}
	group.Wait()
	if got := r.attributes(chat.ConversationAttributes, mergee); got != `{"n":"`+last+`"}` {
		t.Error(got)
	}
}
