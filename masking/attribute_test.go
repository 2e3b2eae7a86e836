package masking

import (
	"encoding/json"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
)

// decided are attributes of every kind that decisions tell apart, in account 1; in account 2 nothing is personal.
var decided = []struct {
	what   string
	model  chat.AttributeModel
	key    string
	value  string // its JSON, "" for none
	public bool   // a super admin decided that it is not personal
	plain  bool   // and nothing of it looks like an address
}{
	{"not personal", chat.ContactAttributes, "plan", `"Gold"`, true, true},
	{"not personal, of a conversation", chat.ConversationAttributes, "order", `12`, true, true},
	{"not personal, a day", chat.ContactAttributes, "plan", `"2026-01-31"`, true, true},
	{"not personal, without a value", chat.ContactAttributes, "plan", "", true, true},
	{"not personal, an e-mail", chat.ContactAttributes, "plan", `"ines@example.org"`, true, false},
	{"not personal, an escaped e-mail", chat.ContactAttributes, "plan", `"ines\u0040example.org"`, true, false},
	{"not personal, a number as of a phone", chat.ContactAttributes, "plan", `15550100`, true, false},
	{"not personal, an e-mail in an object", chat.ContactAttributes, "plan", `{"a":{"b":["ines@example.org"]}}`, true, false},
	{"not personal, an e-mail for a key", chat.ContactAttributes, "plan", `{"ines@example.org":1}`, true, false},
	{"not personal, a phone in parts", chat.ContactAttributes, "plan", `["+1 555","0100"]`, true, false},
	{"not personal, not JSON", chat.ContactAttributes, "plan", `{`, true, false},
	{"the same key of the other model", chat.ConversationAttributes, "plan", `"Gold"`, false, true},
	{"nobody decided", chat.ContactAttributes, "size", `"XL"`, false, true},
	{"personal by decision", chat.ContactAttributes, "secret", `"XL"`, false, true},
	{"no custom attribute", "", "plan", `"Gold"`, false, true},
	{"a key that looks like an address", chat.ContactAttributes, "ines@example.org", `"Gold"`, true, false},
}

func policies() chat.SearchSettings {
	return chat.SearchSettings{Mode: chat.SearchByTokens, Attributes: []chat.AttributePolicy{
		{Model: chat.ContactAttributes, Key: "plan", Version: 1}, {Model: chat.ConversationAttributes, Key: "order", Version: 1},
		{Model: chat.ContactAttributes, Key: "secret", Personal: true, Version: 2}, {Model: chat.ContactAttributes, Key: "ines@example.org", Version: 1}}}
}

// withPolicies gives a viewer's accounts what was decided, account 2 that everything but a phone is public.
func withPolicies(v *chat.Viewer, read bool) *chat.Viewer {
	for _, a := range v.Accounts() {
		switch {
		case !read:
		case a.ID == 1:
			a.Settings.Search = policies()
		default:
			a.Settings.Search = chat.SearchSettings{Mode: chat.SearchByTokens}
			for _, d := range decided {
				a.Settings.Search.Attributes = append(a.Settings.Search.Attributes, chat.AttributePolicy{Model: d.model, Key: d.key, Version: 1})
			}
		}
	}
	return v
}

// TestAttribute goes through everybody of the policy's table. Who sees attributes sees all of them. Everybody else who
// belongs to the account, services without the scope included, sees what is not personal and looks like no address, as
// long as it is known what was decided.
func TestAttribute(t *testing.T) {
	t.Parallel()
	shown := 0
	for _, w := range everybody() {
		for _, read := range []bool{true, false} {
			v := withPolicies(w.viewer(), read)
			for _, d := range decided {
				a := &chat.CustomAttribute{AccountID: 1, Model: d.model, Key: d.key}
				if d.value != "" {
					value := chat.NewValue(json.RawMessage(d.value))
					a.Value = &value
				}
				all, known := w.want(chat.Attribute) == Show, w.role != "" && w.readable && read
				byKey := verdict(all || known && d.public)
				if got := DecideAttribute(v, 1, d.model, d.key); got != byKey {
					t.Errorf("%+v, %s: decided %d, want %d", w, d.what, got, byKey)
				}
				want := verdict(all || known && d.public && d.plain)
				if got := Attribute(v, a); got != want {
					t.Errorf("%+v, %s: %d, want %d", w, d.what, got, want)
				}
				state := map[Verdict]chat.PIIState{Show: chat.Visible, Hide: chat.Hidden}[want]
				if d.value == "" {
					state = chat.Absent
				}
				if got := AttributeState(v, a); got != state {
					t.Errorf("%+v, %s: state %s, want %s", w, d.what, got, state)
				}
				if want == Show && !all {
					shown++
				}
				a.AccountID = 3
				if Attribute(v, a) == Show || DecideAttribute(v, 3, d.model, d.key) == Show {
					t.Errorf("%+v, %s: shown in an account they do not belong to", w, d.what)
				}
			}
		}
	}
	if shown == 0 {
		t.Error("nobody from whom attributes are hidden saw one that is not personal")
	}
}

func TestWhatChangesForAViewer(t *testing.T) {
	t.Parallel()
	agent := who{kind: chat.KindAgent, role: chat.Agent, flag: true, readable: true}
	admin := who{kind: chat.KindAgent, role: chat.Administrator, flag: true, readable: true}
	change := func(w who, p chat.AttributePolicy) *chat.Viewer {
		v := withPolicies(w.viewer(), true)
		account, _ := v.Account(1)
		account.Settings.Search.Attributes = append([]chat.AttributePolicy{p}, account.Settings.Search.Attributes...)
		return v
	}
	for _, c := range []struct {
		what string
		of   who
		to   chat.AttributePolicy
		same bool
	}{
		{"one more is public", agent, chat.AttributePolicy{Model: chat.ContactAttributes, Key: "size", Version: 1}, false},
		{"one less is public", agent, chat.AttributePolicy{Model: chat.ContactAttributes, Key: "plan", Personal: true, Version: 2}, false},
		{"one is searchable", agent, chat.AttributePolicy{Model: chat.ContactAttributes, Key: "size", Personal: true, Searchable: true, Version: 1}, true},
		{"for who sees all", admin, chat.AttributePolicy{Model: chat.ContactAttributes, Key: "size", Version: 1}, true},
	} {
		before, after := withPolicies(c.of.viewer(), true), change(c.of, c.to)
		if same := SameAttributes(before, after, 1); same != c.same || SameAttributes(after, before, 1) != c.same {
			t.Errorf("%s: the same is %t", c.what, same)
		}
		if moved := PolicyVersion(before) != PolicyVersion(after); !c.same && !moved {
			t.Errorf("%s: the policy has the version of before", c.what)
		}
	}
}
