package vault

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/search"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// decide makes an attribute of Acme searchable, or not any more, and waits for no job.
func (r *replica) decide(model chat.AttributeModel, key string, searchable bool, version int) *chat.AttributeDefinition {
	r.t.Helper()
	d, err := r.SetAttributePolicy(r.t.Context(), AttributeDecision{AccountID: schema.Acme, Model: model, Key: key, Personal: true,
		Searchable: searchable, Reason: "as agreed", ExpectedVersion: version})
	if err != nil {
		r.t.Fatal(err)
	}
	return d
}

// tagged finds what has the tag of a value.
func (r *replica) tagged(model chat.AttributeModel, key string, of chat.AttributeType, value string) []int64 {
	r.t.Helper()
	keys, err := r.keys.Account(r.t.Context(), schema.Acme)
	if err != nil {
		r.t.Fatal(err)
	}
	kind, canonical, ok := search.CanonicalOperand(of, value)
	if !ok {
		r.t.Fatalf("%q is none of %s", value, of)
	}
	tag, err := keys.AttributeTag(keys.IndexGeneration(), string(model), key, kind, canonical)
	if err != nil {
		r.t.Fatal(err)
	}
	return storetest.Value[[]int64](r.t, r.store, `SELECT COALESCE(array_agg(entity_id ORDER BY entity_id), '{}') FROM cloakroom.attribute_tags
 WHERE account_id = 1 AND model = $1 AND attribute_key = $2 AND generation = $3 AND tag_index = $4`, string(model), key, keys.IndexGeneration(), tag)
}

// tagsOf counts the tags of one entity.
func (r *replica) tagsOf(model chat.AttributeModel, id int64) int64 {
	r.t.Helper()
	return r.one(`SELECT count(*) FROM cloakroom.attribute_tags WHERE account_id = 1 AND model = $1 AND entity_id = $2`, string(model), id)
}

func text(s string) *string { return &s }

func (r *replica) update(id int64, key string, value *string) {
	r.t.Helper()
	if err := r.UpdateContactAttributes(r.t.Context(), r.account(schema.Acme), id, []GivenAttribute{{key, value}}, nil); err != nil {
		r.t.Fatal(err)
	}
}

func TestSetAttributePolicy(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	contact, conversation := chat.ContactAttributes, chat.ConversationAttributes
	for i, c := range []struct {
		d    AttributeDecision
		want string // the code and field of an error, or what was decided
	}{
		{AttributeDecision{AccountID: 1, Model: contact, Key: "plan", Reason: " "}, "INVALID input.reason"},
		{AttributeDecision{AccountID: 1, Model: contact, Key: "plan", Reason: "call +1 555 010 0100"}, "INVALID input.reason"},
		{AttributeDecision{AccountID: 999, Model: contact, Key: "plan", Reason: why}, "NOT_FOUND input.accountId"},
		{AttributeDecision{AccountID: 2, Model: contact, Key: "plan", Reason: why}, "NOT_FOUND input.key"}, // of Acme alone
		{AttributeDecision{AccountID: 1, Model: conversation, Key: "plan", Reason: why}, "NOT_FOUND input.key"},
		{AttributeDecision{AccountID: 1, Model: contact, Key: "Plan", Reason: why}, "NOT_FOUND input.key"},
		{AttributeDecision{AccountID: 1, Model: contact, Key: "sector", Reason: why}, "NOT_FOUND input.key"}, // of companies
		{AttributeDecision{AccountID: 1, Model: conversation, Key: "city", Personal: true, Reason: why}, "NOT_FOUND input.key"},
		{AttributeDecision{AccountID: 1, Model: contact, Key: "country", Personal: true, Reason: why}, "NOT_FOUND input.key"},
		{AttributeDecision{AccountID: 1, Model: contact, Key: "plan", Reason: why, ExpectedVersion: 1}, "CONFLICT input.expectedVersion"},
		{AttributeDecision{AccountID: 1, Model: contact, Key: "newsletter", Searchable: true, Reason: why}, "INVALID input.searchable"},
		{AttributeDecision{AccountID: 1, Model: contact, Key: "city", Reason: why}, "INVALID input.personal"},
		{AttributeDecision{AccountID: 1, Model: contact, Key: "plan", Reason: why}, "LIST false false 1"},
		{AttributeDecision{AccountID: 1, Model: contact, Key: "plan", Reason: why}, "CONFLICT input.expectedVersion"},
		{AttributeDecision{AccountID: 1, Model: contact, Key: "plan", Personal: true, Searchable: true, Reason: why, ExpectedVersion: 1}, "LIST true true 2"},
		{AttributeDecision{AccountID: 1, Model: contact, Key: "city", Personal: true, Searchable: true, Reason: why}, "TEXT true true 1"},
		{AttributeDecision{AccountID: 1, Model: contact, Key: "newsletter", Reason: why}, "CHECKBOX false false 1"},
		{AttributeDecision{AccountID: 1, Model: conversation, Key: "order_value", Searchable: true, Reason: why}, "CURRENCY false true 1"},
	} {
		before := r.audited(chat.AttributePolicySet)
		d, err := r.SetAttributePolicy(t.Context(), c.d)
		var got string
		if err != nil {
			e := asError(err)
			got = fmt.Sprintf("%s %s", e.Code, e.Field)
		} else {
			got = fmt.Sprintf("%s %t %t %d", d.Type, d.Personal(), d.Searchable(), d.PolicyVersion())
		}
		if recorded := r.audited(chat.AttributePolicySet) - before; got != c.want || (recorded == 1) != (err == nil) {
			t.Errorf("%d: %s with %d entries, want %s (%v)", i, got, recorded, c.want, err)
		}
	}
	entry := r.newest(chat.AttributePolicySet)
	want := map[string]any{"model": "CONVERSATION", "key": "order_value", "before": "never set", "personal": false, "searchable": true, "reason": why, "version": 1.0}
	if diff := cmp.Diff(want, entry.Details); diff != "" {
		t.Error(diff)
	}
	if jobs := r.one(`SELECT count(*) FROM cloakroom.jobs WHERE kind = $1 AND account_id = 1`, string(chat.IndexSearch)); jobs == 0 {
		t.Error("nobody makes the tags of what is searchable now")
	}
}

func asError(err error) *chat.Error {
	var e *chat.Error
	if !errors.As(err, &e) {
		return &chat.Error{Code: chat.CodeOf(err)}
	}
	return e
}

// newest reads the newest entry of an action.
func (r *replica) newest(action chat.Action) chat.AuditEntry {
	r.t.Helper()
	entries, err := r.Entries(r.t.Context(), schema.Acme, r.since(), 100)
	if err != nil {
		r.t.Fatal(err)
	}
	i := slices.IndexFunc(entries, func(e chat.AuditEntry) bool { return e.Action == action })
	if i < 0 {
		r.t.Fatalf("no %s is on record", action)
	}
	return entries[i]
}

// TestAttributeTagsFollowValues walks a value through every way in which rows are written.
func TestAttributeTagsFollowValues(t *testing.T) {
	t.Parallel()
	r := newErasable(t)
	contact, conversation := chat.ContactAttributes, chat.ConversationAttributes
	at := func(step, key string, of chat.AttributeType, value string, want ...int64) {
		t.Helper()
		model := contact
		if strings.HasPrefix(key, "delivery") || key == "order_value" {
			model = conversation
		}
		if got := r.tagged(model, key, of, value); !slices.Equal(got, want) {
			t.Errorf("%s: %s %q leads to %v, want %v", step, key, value, got, want)
		}
	}
	const other = schema.ContactOfCompany
	for _, key := range []string{"plan", "orders", "tax_id", "city"} {
		r.decide(contact, key, true, 0)
	}
	r.decide(conversation, "order_value", true, 0)
	r.update(everything, "orders", text("9007199254740993"[:10]))
	at("updated", "orders", chat.AttributeNumber, "9007199254.0", everything)
	r.update(everything, "orders", text("1e3"))
	at("updated again", "orders", chat.AttributeNumber, "1000", everything)
	at("updated again", "orders", chat.AttributeNumber, "9007199254")
	r.put(everything, changes{chat.FieldProfile: to(`{"city":"Ponta Delgada","company_name":"Moura"}`)})
	at("put", "city", chat.AttributeText, "ponta DELGADA", everything)
	r.update(everything, "tax_id", text("PT-everything"))
	r.update(other, "tax_id", text("PT-other"))
	at("of another", "tax_id", chat.AttributeText, "pt-OTHER", other)

	made, err := r.CreateContact(t.Context(), r.account(schema.Acme), changes{chat.FieldCustomAttributes: to(`{"tax_id":"PT-made","plan":null,"orders":"twelve"}`)})
	if err != nil {
		t.Fatal(err)
	}
	at("created", "tax_id", chat.AttributeText, "PT-made", made.ID)
	if n := r.tagsOf(contact, made.ID); n != 1 {
		t.Errorf("%d tags of a null, a text among numbers and a text", n)
	}
	if _, err := r.MergeContacts(t.Context(), r.account(schema.Acme), made.ID, other); err != nil {
		t.Fatal(err)
	}
	at("merged", "tax_id", chat.AttributeText, "PT-made", made.ID)
	at("merged", "tax_id", chat.AttributeText, "PT-other")
	if n := r.tagsOf(contact, other); n != 0 {
		t.Errorf("%d tags of a contact that was merged", n)
	}

	sealed := r.one(`INSERT INTO contacts (account_id, name, custom_attributes, additional_attributes, created_at, updated_at)
 VALUES (1, 'New', '{"tax_id":"PT-sealed"}', '{"city":"Horta"}', now(), now()) RETURNING id::int8`)
	if err := r.SealAccount(t.Context(), schema.Acme, func(Sealing) {}); err != nil {
		t.Fatal(err)
	}
	at("sealed", "tax_id", chat.AttributeText, "PT-sealed", sealed)
	at("sealed", "city", chat.AttributeText, "horta", sealed)

	thread := schema.ConversationID(schema.Acme, everything)
	r.replace(r.administrator(), everything, GivenAttribute{"order_value", text("77.70")})
	at("replaced", "order_value", chat.AttributeCurrency, "77.7", thread)
	r.replace(r.administrator(), everything)
	if n := r.tagsOf(conversation, thread); n != 0 {
		t.Errorf("%d tags of a conversation without attributes", n)
	}
	r.replace(r.administrator(), everything, GivenAttribute{"order_value", text("78")})

	r.decide(contact, "city", false, 1)
	at("not searchable", "city", chat.AttributeText, "Ponta Delgada")
	at("not searchable", "tax_id", chat.AttributeText, "PT-everything", everything)
	r.eraseContact(everything)
	if r.tagsOf(contact, everything)+r.tagsOf(conversation, thread) != 0 {
		t.Error("an erased contact has tags")
	}
	if e := r.verify(everything); !e.Proven() {
		t.Errorf("left: %v", e.Leftovers)
	}
}

// TestAttributeTagsOfNobody shows that an account pays for tags only where something is searchable.
func TestAttributeTagsOfNobody(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	keys, err := r.keys.Account(t.Context(), schema.Acme)
	if err != nil {
		t.Fatal(err)
	}
	decided := []chat.AttributePolicy{{Model: chat.ConversationAttributes, Key: "plan", Type: chat.AttributeText, Searchable: true},
		{Model: chat.ContactAttributes, Key: "plan", Type: chat.AttributeText}}
	rows := []attributeRow{{ID: 1, Custom: []byte(`{"plan":"gold"}`)}}
	if err := putAttributeTags(t.Context(), nil, keys, chat.ContactAttributes, decided, rows); err != nil { // there is no store to be asked
		t.Error(err)
	}
}

// TestTagsOfAnotherType: a definition that was given another type is decided about anew, and its tags go.
func TestTagsOfAnotherType(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.decide(chat.ContactAttributes, "tax_id", true, 0)
	r.update(everything, "tax_id", text("0042"))
	storetest.Exec(t, r.store, `UPDATE cloakroom.attribute_policies SET indexed = true; UPDATE custom_attribute_definitions SET attribute_display_type = 1 WHERE attribute_key = 'tax_id'`)
	p := r.account(schema.Acme).Settings.Search.Attribute(chat.ContactAttributes, "tax_id")
	if !p.Indexed || p.Findable(chat.AttributeNumber) {
		t.Errorf("%+v: tags of texts are asked for numbers", p)
	}
	if d := r.decide(chat.ContactAttributes, "tax_id", true, 1); d.Policy.Indexed || d.Type != chat.AttributeNumber {
		t.Errorf("%+v", d.Policy)
	}
	if n := r.tagsOf(chat.ContactAttributes, everything); n != 0 {
		t.Errorf("%d tags of texts are left", n)
	}
	r.update(everything, "tax_id", text("0042"))
	if got := r.tagged(chat.ContactAttributes, "tax_id", chat.AttributeNumber, "42"); !slices.Equal(got, []int64{everything}) {
		t.Errorf("42 leads to %v", got)
	}
}
