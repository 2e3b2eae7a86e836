package vault

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

func (r *replica) since() time.Time { return time.Now().Add(-time.Hour) }

func (r *replica) viewer(user int64, role chat.Role, masked chat.Masking) *chat.Viewer {
	r.t.Helper()
	account := r.account(schema.Acme)
	account.Settings.ContactPIIMasking = true
	return &chat.Viewer{User: &chat.User{ID: user}, Policy: chat.PolicyRead, Masking: masked, Memberships: []chat.Membership{{Account: *account, Role: role}}}
}

func (r *replica) administrator() *chat.Viewer {
	return r.viewer(schema.Ada, chat.Administrator, chat.Masking{})
}

func (r *replica) maskedMax() *chat.Viewer {
	return r.viewer(schema.Max, chat.Agent, chat.Masking{Masked: true, Version: 1})
}

// attributes gives a contact's custom attributes, or a conversation's by its display id, as the next request would show them.
func (r *replica) attributes(model chat.AttributeModel, id int64) string {
	r.t.Helper()
	account, values := r.account(schema.Acme), chat.Values{}
	if model == chat.ContactAttributes {
		values = r.contacts(account, id)[0].Attributes
	} else {
		c := &chat.Conversation{ID: schema.ConversationID(schema.Acme, id), AccountID: schema.Acme}
		if err := r.Load(r.t.Context(), account, Rows{ConversationAttributes: []*chat.Conversation{c}}); err != nil {
			r.t.Fatal(err)
		}
		values = c.Values
	}
	return show(values.Get(chat.FieldCustomAttributes))
}

func TestUpdateContactAttributes(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.put(everything, changes{chat.FieldCustomAttributes: to(`{"plan":"free","orders":3,"billing":{"street":"A","no":1.50},"tax_id":"PT1","second_phone":"+15550100"}`)})
	account, profile := r.account(schema.Acme), show(r.contacts(r.account(schema.Acme), everything)[0].Attributes.Get(chat.FieldProfile))
	given := []GivenAttribute{{"plan", text("gold")}, {"orders", text(" 012.50")}, {"newsletter", text("true")}, {"tax_id", nil}, {"new <key>", text("né & co")}, {"ann@example.org", text("x")}}
	if err := r.UpdateContactAttributes(t.Context(), account, everything, given, []string{"second_phone", "not there", "+1 555 0100"}); err != nil {
		t.Fatal(err)
	}
	want := `{"ann@example.org":"x","billing":{"street":"A","no":1.50},"new <key>":"né & co","newsletter":true,"orders":12.5,"plan":"gold","tax_id":null}`
	if got := r.attributes(chat.ContactAttributes, everything); got != want {
		t.Error(cmp.Diff(want, got))
	}
	if got := show(r.contacts(account, everything)[0].Attributes.Get(chat.FieldProfile)); got != profile {
		t.Error("the profile is another one")
	}
	entry := r.newest(chat.ContactUpdated)
	details := map[string]any{"fields": []any{"custom_attributes"}, "set": []any{"new <key>", "newsletter", "orders", "plan", "tax_id"},
		"removed": []any{"not there", "second_phone"}, "withheld": 2.0}
	if diff := cmp.Diff(details, entry.Details); diff != "" || entry.EntityID != "1" {
		t.Error(entry.EntityID, diff)
	}
	for _, key := range []string{"billing", "plan", "orders", "newsletter", "tax_id", "new <key>", "ann@example.org"} {
		if err := r.UpdateContactAttributes(t.Context(), account, everything, nil, []string{key}); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.attributes(chat.ContactAttributes, everything); got != "none" {
		t.Errorf("all are taken away, and left is %s", got)
	}
	if n := r.one(`SELECT count(*) FROM cloakroom.contacts WHERE contact_id = 1 AND custom_attributes_sealed IS NOT NULL`); n != 0 {
		t.Error("nothing is sealed")
	}
	if n := r.one(`SELECT count(*) FROM contacts WHERE id = 1 AND custom_attributes::text LIKE '%né & co%'`); n != 0 {
		t.Error("a new value stands in Chatwoot's column")
	}
}

func TestTypedAttributes(t *testing.T) {
	t.Parallel()
	cue := "an order"
	definitions := []*chat.AttributeDefinition{
		{Model: chat.ContactAttributes, Key: "text", Type: chat.AttributeText, RegexPattern: &cue}, {Model: chat.ContactAttributes, Key: "link", Type: chat.AttributeLink},
		{Model: chat.ContactAttributes, Key: "number", Type: chat.AttributeNumber}, {Model: chat.ContactAttributes, Key: "percent", Type: chat.AttributePercent},
		{Model: chat.ContactAttributes, Key: "date", Type: chat.AttributeDate}, {Model: chat.ContactAttributes, Key: "box", Type: chat.AttributeCheckbox},
		{Model: chat.ContactAttributes, Key: "list", Type: chat.AttributeList, Choices: []string{"free", "gold"}},
		{Model: chat.ConversationAttributes, Key: "other", Type: chat.AttributeNumber},
	}
	long := strings.Repeat("ä", maxAttributeText)
	for _, c := range []struct{ key, value, want string }{
		{"text", "12", `"12"`}, {"text", "", `""`}, {"text", long, `"` + long + `"`}, {"text", long + "a", "value"}, {"text", "a\x00", "value"}, {"text", "a\xff", "value"},
		{"link", "no link", `"no link"`}, {"unknown", "true", `"true"`}, {"other", "x", `"x"`}, // of the other model
		{"number", "1e3", "1000"}, {"number", "-0.50", "-0.5"}, {"number", "twelve", "value"}, {"number", "", "value"},
		{"number", "9999999999", "9999999999"}, {"number", "10000000000", "value"}, {"number", "10000000000.5", "10000000000.5"}, {"number", "-99999999999", "-99999999999"},
		{"percent", "99.90", "99.9"}, {"date", "2026-01-31", `"2026-01-31"`}, {"date", "2026-01-31T10:00:00.000Z", `"2026-01-31"`}, {"date", "2026-02-30", "value"}, {"date", "31/01/2026", "value"},
		{"box", "true", "true"}, {"box", "false", "false"}, {"box", "yes", "value"}, {"box", "", "value"},
		{"list", "gold", `"gold"`}, {"list", "Gold", "value"}, {"list", "", "value"},
		{"", "x", "key"}, {" ", "x", "key"}, {strings.Repeat("k", 256), "x", "key"}, {"a\x00", "x", "key"}, {"a\xff", "x", "key"}, {strings.Repeat("ä", 255), "x", `"x"`},
	} {
		typed, err := typedAttributes([]GivenAttribute{{"first", text("1")}, {c.key, &c.value}}, definitions, chat.ContactAttributes)
		got := string(typed[c.key])
		if err != nil {
			got = strings.TrimPrefix(asError(err).Field, "input.attributes[1].")
			if c.value != "" && len(c.value) > 2 && strings.Contains(err.Error(), c.value) || chat.CodeOf(err) != chat.Invalid {
				t.Errorf("%.20q of %q: %v", c.value, c.key, err)
			}
		}
		if got != c.want {
			t.Errorf("%.20q of %.20q: %.40s, want %.40s", c.value, c.key, got, c.want)
		}
	}
	for _, key := range []string{"number", "list", "unknown"} {
		if typed, err := typedAttributes([]GivenAttribute{{key, nil}}, definitions, chat.ContactAttributes); err != nil || string(typed[key]) != "null" {
			t.Errorf("no value of %s: %s, %v", key, typed[key], err)
		}
	}
}

func TestUpdateAttributesRefuses(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	acme, admin := r.account(schema.Acme), r.administrator()
	one, many := []GivenAttribute{{"plan", text("gold")}}, make([]GivenAttribute, 101)
	keys := make([]string, 101)
	for i := range many {
		keys[i] = fmt.Sprint("k", i)
		many[i] = GivenAttribute{keys[i], text("v")}
	}
	unread := *acme
	unread.Settings = chat.AccountSettings{}
	partly := *plainly(acme)
	partly.Settings.Phases[chat.Contacts] = chat.SealedOnly
	for what, c := range map[string]struct {
		err  error
		want string
	}{
		"no such contact":      {r.UpdateContactAttributes(t.Context(), acme, 999_999, one, nil), "NOT_FOUND "},
		"of another account":   {r.UpdateContactAttributes(t.Context(), acme, schema.ContactOfBorealis, one, nil), "NOT_FOUND "},
		"too many":             {r.UpdateContactAttributes(t.Context(), acme, everything, many, nil), "INVALID input.attributes"},
		"too many to go":       {r.UpdateContactAttributes(t.Context(), acme, everything, nil, keys), "INVALID input.remove"},
		"one twice":            {r.UpdateContactAttributes(t.Context(), acme, everything, append(one, one...), nil), "INVALID input.attributes[1].key"},
		"given and taken away": {r.UpdateContactAttributes(t.Context(), acme, everything, one, []string{"x", "plan"}), "INVALID input.remove[1]"},
		"taken away twice":     {r.UpdateContactAttributes(t.Context(), acme, everything, nil, []string{"x", "x"}), "INVALID input.remove[1]"},
		"no choice":            {r.UpdateContactAttributes(t.Context(), acme, everything, []GivenAttribute{{"plan", text("platinum")}}, nil), "INVALID input.attributes[0].value"},
		"a plain account":      {r.UpdateContactAttributes(t.Context(), plainly(acme), everything, one, nil), "INVALID input.accountId"},
		"plain attributes":     {r.UpdateContactAttributes(t.Context(), &partly, everything, one, nil), "INVALID input.accountId"},
		"settings unread":      {r.UpdateContactAttributes(t.Context(), &unread, everything, one, nil), "INTERNAL "},
		"no such conversation": {r.UpdateConversationAttributes(t.Context(), admin, acme, 999_999, one), "NOT_FOUND "},
		"not to be opened":     {r.UpdateConversationAttributes(t.Context(), r.maskedMax(), acme, schema.ContactOfBilling+2, one), "NOT_FOUND "},
		"too many, replaced":   {r.UpdateConversationAttributes(t.Context(), admin, acme, everything, many), "INVALID input.attributes"},
		"no number":            {r.UpdateConversationAttributes(t.Context(), admin, acme, everything, []GivenAttribute{{"order_value", text("much")}}), "INVALID input.attributes[0].value"},
		"plain conversations":  {r.UpdateConversationAttributes(t.Context(), admin, plainly(acme), everything, one), "INVALID input.accountId"},
	} {
		e := asError(c.err)
		if got := fmt.Sprintf("%s %s", e.Code, e.Field); got != c.want {
			t.Errorf("%s: %s, want %s (%v)", what, got, c.want, c.err)
		}
	}
	if n := r.one(`SELECT sum(row_version) - count(*) FROM (SELECT row_version FROM cloakroom.contacts UNION ALL SELECT row_version FROM cloakroom.conversations) v`); n != 0 {
		t.Errorf("%d rows were written", n)
	}
	if n := r.audited(chat.ContactUpdated) + r.audited(chat.ConversationUpdated); n != 0 {
		t.Errorf("%d changes are on record", n)
	}
}

// Attributes that do not open are not overwritten: what is in them would be lost.
func TestUpdateAttributesOverBroken(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	storetest.Exec(t, r.store, `UPDATE cloakroom.contacts SET custom_attributes_sealed = set_byte(custom_attributes_sealed, 20, get_byte(custom_attributes_sealed, 20) # 1) WHERE contact_id = 1`)
	thread := schema.ConversationID(schema.Acme, everything)
	storetest.Exec(t, r.store, `UPDATE cloakroom.conversations SET additional_attributes_sealed = set_byte(additional_attributes_sealed, 20, get_byte(additional_attributes_sealed, 20) # 1) WHERE conversation_id = $1`, thread)
	err := r.UpdateContactAttributes(t.Context(), r.account(schema.Acme), everything, []GivenAttribute{{"plan", text("gold")}}, nil)
	other := r.UpdateConversationAttributes(t.Context(), r.administrator(), r.account(schema.Acme), everything, []GivenAttribute{{"gift", text("true")}})
	if !errors.Is(err, chat.ErrUnreadable) || !errors.Is(other, chat.ErrUnreadable) {
		t.Errorf("%v; %v", err, other)
	}
	if n := r.one(`SELECT row_version FROM cloakroom.contacts WHERE contact_id = 1`) + r.one(`SELECT row_version FROM cloakroom.conversations WHERE conversation_id = $1`, thread); n != 2 {
		t.Error("something was written")
	}
}

// TestAttributeWritersLoseNothing has many writers of one contact and one conversation, through two replicas.
func TestAttributeWritersLoseNothing(t *testing.T) {
	t.Parallel()
	one := newSealed(t)
	two := newReplica(t, one.store, nil)
	one.put(everything, changes{chat.FieldCustomAttributes: to(`{}`)})
	const writers, rounds = 6, 4
	want := make([]string, writers)
	admin := one.administrator()
	var group sync.WaitGroup
	for w := range writers {
		key := fmt.Sprint("k", w)
		want[w] = fmt.Sprintf(`"%s":"%d"`, key, rounds-1)
		group.Go(func() {
			for i := range rounds {
				r := []*replica{one, two}[(w+i)%2]
				value := fmt.Sprint(i)
				if err := r.UpdateContactAttributes(t.Context(), r.account(schema.Acme), everything, []GivenAttribute{{key, &value}}, nil); err != nil {
					t.Error(err)
				}
				if err := r.UpdateConversationAttributes(t.Context(), admin, r.account(schema.Acme), everything, []GivenAttribute{{key, &value}, {"writer", &key}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for _, r := range []*replica{one, two} {
		if got := r.attributes(chat.ContactAttributes, everything); got != "{"+strings.Join(want, ",")+"}" {
			t.Error(got)
		}
		var last string
		got := r.attributes(chat.ConversationAttributes, everything)
		for w := range writers {
			if got == fmt.Sprintf(`{"k%d":"%d","writer":"k%d"}`, w, rounds-1, w) {
				last = got
			}
		}
		if last == "" {
			t.Errorf("%s is what no writer wrote last", got)
		}
	}
	if v := one.one(`SELECT row_version FROM cloakroom.conversations WHERE conversation_id = $1`, schema.ConversationID(schema.Acme, everything)); v != 1+writers*rounds {
		t.Errorf("version %d", v)
	}
}
