package store_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestListAttributeDefinitions reads definitions of every form that Chatwoot's columns allow.
func TestListAttributeDefinitions(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	storetest.Exec(t, s, `INSERT INTO accounts (id, name, status, created_at, updated_at) VALUES (1, 'Acme', 0, now(), now());
INSERT INTO custom_attribute_definitions (account_id, attribute_model, attribute_key, attribute_display_name, attribute_display_type, attribute_values, attribute_description, regex_pattern, regex_cue, created_at, updated_at) VALUES
 (1, 1, 'plan', 'Plan', 6, '["free","gold",3,true,null,{"a":1},["b"]]', 'What they pay', '', '', now(), now()),
 (1, 1, 'bare', NULL, NULL, NULL, NULL, NULL, NULL, now(), now()),
 (1, 1, 'later', '', 99, '{"no":"list"}', '', '^x', 'an x', now(), now()),
 (1, 0, 'plan', 'Plan', 1, '"text"', NULL, NULL, NULL, now(), now()),
 (1, 1, NULL, 'No key', 0, NULL, NULL, NULL, NULL, now(), now()), (1, 1, '', 'Blank key', 0, NULL, NULL, NULL, NULL, now(), now()),
 (1, NULL, 'nothing', 'No model', 0, NULL, NULL, NULL, NULL, now(), now()), (1, 2, 'sector', 'Of companies', 0, NULL, NULL, NULL, NULL, now(), now()),
 (2, 1, 'other', 'Of another', 0, NULL, NULL, NULL, NULL, now(), now()), (NULL, 1, 'nobody', 'Of nobody', 0, NULL, NULL, NULL, NULL, now(), now())`)
	public := chat.AttributePolicy{Model: chat.ContactAttributes, Key: "plan", Version: 3}
	got, err := s.ListAttributeDefinitions(t.Context(), 1, chat.SearchSettings{Attributes: []chat.AttributePolicy{public}})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range got {
		d.ID = 0
	}
	text := func(s string) *string { return &s }
	of := func(model chat.AttributeModel, key, name string, t chat.AttributeType, choices ...string) *chat.AttributeDefinition {
		return &chat.AttributeDefinition{AccountID: 1, Model: model, Key: key, DisplayName: name, Type: t, Choices: append([]string{}, choices...),
			Policy: chat.AttributePolicy{Model: model, Key: key, Personal: true}}
	}
	plan, later := of(chat.ContactAttributes, "plan", "Plan", chat.AttributeList, "free", "gold", "3", "true"), of(chat.ContactAttributes, "later", "later", chat.AttributeText)
	plan.Policy, plan.Description = public, text("What they pay")
	later.RegexPattern, later.RegexCue = text("^x"), text("an x")
	want := []*chat.AttributeDefinition{of(chat.ConversationAttributes, "plan", "Plan", chat.AttributeNumber), of(chat.ContactAttributes, "bare", "bare", chat.AttributeText), later, plan}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for key, want := range map[string]chat.Code{"plan": "", "sector": chat.NotFound, "other": chat.NotFound, "Plan": chat.NotFound} {
		if _, err := s.AttributeTypeOf(t.Context(), 1, chat.ContactAttributes, key); want == "" && err != nil || want != "" && chat.CodeOf(err) != want {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// TestPutAttributeTags replaces the tags of the entities it is given, of one model, and touches nobody else's.
func TestPutAttributeTags(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	tag := func(key string, entity int64, c byte) store.AttributeTag {
		return store.AttributeTag{Key: key, EntityID: entity, Tag: bytes.Repeat([]byte{c}, 16)}
	}
	for i, step := range []struct {
		account    int64
		model      chat.AttributeModel
		generation int
		entities   []int64
		tags       []store.AttributeTag
		want       string // of account 1: model, key, generation, tag, entity
	}{
		{1, chat.ContactAttributes, 1, []int64{7, 8}, []store.AttributeTag{tag("plan", 8, 'b'), tag("plan", 7, 'a'), tag("city", 7, 'c')}, "CONTACT city 1 c 7, CONTACT plan 1 a 7, CONTACT plan 1 b 8"},
		{1, chat.ConversationAttributes, 1, []int64{7}, []store.AttributeTag{tag("plan", 7, 'a')}, "CONTACT city 1 c 7, CONTACT plan 1 a 7, CONTACT plan 1 b 8, CONVERSATION plan 1 a 7"},
		{2, chat.ContactAttributes, 1, []int64{7}, []store.AttributeTag{tag("plan", 7, 'a')}, "CONTACT city 1 c 7, CONTACT plan 1 a 7, CONTACT plan 1 b 8, CONVERSATION plan 1 a 7"},
		{1, chat.ContactAttributes, 2, []int64{7}, []store.AttributeTag{tag("plan", 7, 'd'), tag("plan", 7, 'd')}, "CONTACT plan 1 b 8, CONTACT plan 2 d 7, CONVERSATION plan 1 a 7"},
		{1, chat.ContactAttributes, 2, []int64{8}, nil, "CONTACT plan 2 d 7, CONVERSATION plan 1 a 7"},
	} {
		if err := s.PutAttributeTags(t.Context(), step.account, step.model, step.generation, step.entities, step.tags); err != nil {
			t.Fatal(err)
		}
		got := storetest.Value[string](t, s, `SELECT COALESCE(string_agg(concat_ws(' ', model, attribute_key, generation, left(encode(tag_index, 'escape'), 1), entity_id), ', '
 ORDER BY model, attribute_key, generation, tag_index, entity_id), '') FROM cloakroom.attribute_tags WHERE account_id = 1`)
		if got != step.want {
			t.Errorf("step %d: %s, want %s", i, got, step.want)
		}
	}
	if err := s.ForgetAttributeTags(t.Context(), 1, chat.ContactAttributes, "plan"); err != nil {
		t.Fatal(err)
	}
	if left := storetest.Value[string](t, s, `SELECT string_agg(account_id || model, ' ' ORDER BY account_id) FROM cloakroom.attribute_tags`); left != "1CONVERSATION 2CONTACT" {
		t.Errorf("left: %s", left)
	}
}
