package chat

import "slices"

// Reach is how far a viewer's view of conversations goes (Chatwoot's permission filter).
type Reach int

// The zero value reaches nothing.
const (
	ReachNothing    Reach = iota
	ReachMine             // of the viewer's inboxes, those assigned to them
	ReachUnassigned       // of the viewer's inboxes, those assigned to them or to nobody
	ReachInboxes          // those of the viewer's inboxes
	ReachAll              // the whole account
)

// Visibility is whose conversations are listed.
type Visibility struct {
	Reach  Reach
	UserID int64
}

// Permissions of a custom role (Chatwoot EE), strongest first: the first match decides.
var permissionReach = []struct {
	name  string
	reach Reach
}{
	{"conversation_manage", ReachInboxes},
	{"conversation_unassigned_manage", ReachUnassigned},
	{"conversation_participating_manage", ReachMine},
}

// Visibility of a viewer in an account: administrators and services see all, agents their inboxes, narrowed by
// a custom role where they have one, strangers nothing.
func (v *Viewer) Visibility(accountID int64) Visibility {
	if v.Service != nil {
		if _, ok := v.Account(accountID); ok && v.Has(ScopeConversationRead) {
			return Visibility{Reach: ReachAll}
		}
		return Visibility{}
	}
	m, ok := v.Membership(accountID)
	switch {
	case !ok:
		return Visibility{}
	case m.Role == Administrator:
		return Visibility{Reach: ReachAll, UserID: v.UserID()}
	case !m.Permissions.HasRole:
		return Visibility{Reach: ReachInboxes, UserID: v.UserID()}
	}
	for _, p := range permissionReach {
		if slices.Contains(m.Permissions.Names, p.name) {
			return Visibility{Reach: p.reach, UserID: v.UserID()}
		}
	}
	return Visibility{UserID: v.UserID()}
}
