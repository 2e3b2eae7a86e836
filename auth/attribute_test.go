package auth

import (
	"testing"

	"github.com/cloakroom/cloakroom/chat"
)

// unset are the settings of search of an account that has chosen nothing.
var unset = chat.SearchSettings{Mode: chat.SearchByTokens}

// What is decided about an attribute concerns those from whom attributes are hidden, and nobody else.
func TestSameRightsByAttributes(t *testing.T) {
	t.Parallel()
	viewer := func(role chat.Role, personal bool) *chat.Viewer {
		decided := chat.SearchSettings{Mode: chat.SearchByTokens, Attributes: []chat.AttributePolicy{{Model: chat.ContactAttributes, Key: "plan", Personal: personal}}}
		settings := chat.AccountSettings{ContactPIIMasking: true, Search: decided}
		return &chat.Viewer{User: &chat.User{ID: 1}, Policy: chat.PolicyRead,
			Memberships: []chat.Membership{{Account: chat.Account{ID: 1, Settings: settings}, Role: role}}}
	}
	if SameRights(viewer(chat.Agent, true), viewer(chat.Agent, false)) || SameRights(viewer(chat.Agent, false), viewer(chat.Agent, true)) {
		t.Error("an answer with an attribute that became personal may leave to a masked agent")
	}
	if !SameRights(viewer(chat.Agent, false), viewer(chat.Agent, false)) {
		t.Error("the same rights are others")
	}
	if !SameRights(viewer(chat.Administrator, true), viewer(chat.Administrator, false)) {
		t.Error("the decision takes an administrator's answer away")
	}
}
