package chat

import (
	"encoding/json"
	"testing"
)

func TestModelOfAttributes(t *testing.T) {
	t.Parallel()
	values := Values{Present: Fields(0).With(FieldCustomAttributes).With(FieldProfile).With(FieldMeta), Open: func(Field) (PII, error) {
		return `{"a":1,"social_profiles":{"b":"c"}}`, nil
	}}
	contact, err := (&Contact{AccountID: 7, Attributes: values}).CustomAttributes()
	conversation, err2 := (&Conversation{AccountID: 7, Values: values}).CustomAttributes()
	profile, err3 := (&Contact{AccountID: 7, Attributes: values}).Profile()
	card, err4 := (&Attachment{AccountID: 7, Values: values}).Meta()
	if err != nil || err2 != nil || err3 != nil || err4 != nil {
		t.Fatal(err, err2, err3, err4)
	}
	for _, c := range []struct {
		what string
		list []*CustomAttribute
		want AttributeModel
	}{
		{"contact", contact, ContactAttributes}, {"conversation", conversation, ConversationAttributes},
		{"profile", profile.Others, ""}, {"social profiles", profile.SocialProfiles, ""}, {"contact card", card, ""},
	} {
		for _, a := range c.list {
			if a.Model != c.want || a.AccountID != 7 {
				t.Errorf("%s: %s is of model %q and account %d", c.what, a.Key, a.Model, a.AccountID)
			}
		}
		if len(c.list) == 0 {
			t.Errorf("%s: nothing is listed", c.what)
		}
	}
}

func TestValueHoldsAddress(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]bool{
		`"Gold"`: false, `12`: false, `true`: false, `null`: false, `[]`: false, `{"a":[1,"b"]}`: false, `"2026-01-31"`: false, `"2026-01-31T10:00:00.000Z"`: false, `["2026-01-31","1999-12-31"]`: false,
		`"2026-01-3"`: true, `"2026-13-31"`: true, `"5550-10-10"`: true, `"2026-01-31 5"`: true, `"2026-01-31T+15550100"`: true, `"2026-01-31Ta@b"`: true,
		`"a@b"`: true, `"a\u0040b"`: true, `"a%40b"`: true, `"+1 555 0100"`: true, `5550100`: true, `-555.0100`: true,
		`{"a":"b@c"}`: true, `{"b@c":1}`: true, `{"x":"b@c","x":"d"}`: true, `[[["b@c"]]]`: true, `["555","01","00"]`: true, `["555","2026-01-31","0100"]`: true,
		`{`: true, ``: false, `"`: true, `{"a":}`: true,
	} {
		if got := NewValue(json.RawMessage(raw)).HoldsAddress(); got != want {
			t.Errorf("%s: %t", raw, got)
		}
	}
}

func TestFindable(t *testing.T) {
	t.Parallel()
	p := AttributePolicy{Type: AttributeNumber, Searchable: true, Indexed: true}
	waiting, off := p, p
	waiting.Indexed, off.Searchable = false, false
	if !p.Findable(AttributeNumber) || p.Findable(AttributeText) || waiting.Findable(AttributeNumber) || off.Findable(AttributeNumber) {
		t.Error("values are looked for by tags that do not say all of them")
	}
}
