package chat

import (
	"slices"
	"time"
)

// ViewerKind is the class of whoever is asking.
type ViewerKind string

// A SuperAdmin is also an ordinary user with memberships (Chatwoot users.type).
const (
	KindAgent         ViewerKind = "AGENT"
	KindAdministrator ViewerKind = "ADMINISTRATOR"
	KindSuperAdmin    ViewerKind = "SUPER_ADMIN"
	KindService       ViewerKind = "SERVICE"
)

// Viewer is whoever is asking: a user with memberships, or a service with scopes and accounts.
type Viewer struct {
	User        *User        // nil for a service
	SuperAdmin  bool         // users.type = 'SuperAdmin'
	Memberships []Membership // of active accounts only, by account id
	Service     *Service     // nil for a user
	Masking     Masking      // the user's own setting
	Policy      PolicyState  // PolicyUnreadable masks everybody
	ReadAt      time.Time    // when all of this was true, by the clock of whoever read it
}

// PolicyState says whether the masking policy could be read for this request.
type PolicyState int

// The zero value is unreadable: a viewer that nobody filled in is masked.
const (
	PolicyUnreadable PolicyState = iota
	PolicyRead
)

// Membership is a user's place in one account, with what the account has decided.
type Membership struct {
	Account     Account
	Role        Role
	Permissions Permissions // of a custom role; see Visibility
}

// Permissions is the list of a custom role (Chatwoot EE); HasRole tells an empty list from no custom role.
type Permissions struct {
	HasRole bool
	Names   []string
}

// Role is a user's role in one account (Chatwoot account_users.role).
type Role string

// Chatwoot stores agent as 0 and administrator as 1.
const (
	Agent         Role = "AGENT"
	Administrator Role = "ADMINISTRATOR"
)

// Service is a back end holding a service token.
type Service struct {
	TokenID  string
	Name     string
	Scopes   []Scope
	Accounts []Account
	// Documents are the hashes of the only documents the token may run, in hexadecimal; empty is no such limit.
	Documents []string
}

// Masking is an agent's setting. Version counts its changes; 0 means that nobody ever set it.
type Masking struct {
	Masked  bool
	Version int
}

// Set says that a super admin has decided about this agent.
func (m Masking) Set() bool { return m.Version > 0 }

// Kind classes the viewer: the highest of what they are anywhere.
func (v *Viewer) Kind() ViewerKind {
	switch {
	case v.Service != nil:
		return KindService
	case v.SuperAdmin:
		return KindSuperAdmin
	case slices.ContainsFunc(v.Memberships, func(m Membership) bool { return m.Role == Administrator }):
		return KindAdministrator
	default:
		return KindAgent
	}
}

// Membership finds the user's place in an account; ok is false for a stranger and for a service.
func (v *Viewer) Membership(accountID int64) (m Membership, ok bool) {
	for _, m := range v.Memberships {
		if m.Account.ID == accountID {
			return m, true
		}
	}
	return Membership{}, false
}

// Account finds an account this viewer belongs to, as a member or as a service.
func (v *Viewer) Account(accountID int64) (*Account, bool) {
	if v.Service != nil {
		for i := range v.Service.Accounts {
			if a := &v.Service.Accounts[i]; a.ID == accountID {
				return a, true
			}
		}
		return nil, false
	}
	for i := range v.Memberships {
		if a := &v.Memberships[i].Account; a.ID == accountID {
			return a, true
		}
	}
	return nil, false
}

// Accounts lists the accounts this viewer belongs to.
func (v *Viewer) Accounts() []*Account {
	if v.Service != nil {
		accounts := make([]*Account, len(v.Service.Accounts))
		for i := range v.Service.Accounts {
			accounts[i] = &v.Service.Accounts[i]
		}
		return accounts
	}
	accounts := make([]*Account, len(v.Memberships))
	for i := range v.Memberships {
		accounts[i] = &v.Memberships[i].Account
	}
	return accounts
}

// Has says that the viewer is a service holding the scope.
func (v *Viewer) Has(s Scope) bool { return v.Service != nil && slices.Contains(v.Service.Scopes, s) }

// UserID is the user's id, 0 for a service.
func (v *Viewer) UserID() int64 {
	if v.User == nil {
		return 0
	}
	return v.User.ID
}
