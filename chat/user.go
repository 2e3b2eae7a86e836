package chat

// User is a colleague: an agent, an administrator or a super admin. Their e-mail is not PII here.
type User struct {
	ID        int64
	AccountID int64  // the account the user was read for, 0 for the viewer
	Name      string // display name where one is set
	Email     *string
}

// Standing is what a user is in their accounts, and what super admins have decided about them.
type Standing struct {
	UserID  int64
	Places  []Place
	Masking Masking
}

// Place is a user's role and configured availability in one account.
type Place struct {
	AccountID    int64
	Role         Role
	Availability Availability
}

// In gives the user's place in an account, nil when they are no member.
func (s *Standing) In(accountID int64) *Place {
	for i := range s.Places {
		if s.Places[i].AccountID == accountID {
			return &s.Places[i]
		}
	}
	return nil
}

// Availability is the configured one, not presence (Chatwoot account_users.availability).
type Availability string

// RoleIn gives the user's role in an account, nil when they are no member.
func (s *Standing) RoleIn(accountID int64) *Role {
	if p := s.In(accountID); p != nil {
		return &p.Role
	}
	return nil
}

// RoleOf gives the role that decides about a user as they are shown: the one in the account they were read for,
// and outside any account their highest.
func (s *Standing) RoleOf(u *User) *Role {
	if u.AccountID != 0 {
		return s.RoleIn(u.AccountID)
	}
	var highest *Role
	for i := range s.Places {
		if highest == nil || s.Places[i].Role == Administrator {
			highest = &s.Places[i].Role
		}
	}
	return highest
}

// AvailabilityIn gives the user's availability in an account, nil when they are no member.
func (s *Standing) AvailabilityIn(accountID int64) *Availability {
	if p := s.In(accountID); p != nil {
		return &p.Availability
	}
	return nil
}

// Chatwoot stores these as 0 to 2, in this order.
const (
	Online  Availability = "ONLINE"
	Offline Availability = "OFFLINE"
	Busy    Availability = "BUSY"
)

// Availabilities lists the words at the index Chatwoot stores.
var Availabilities = []Availability{Online, Offline, Busy}

// Roles lists the roles at the index Chatwoot stores.
var Roles = []Role{Agent, Administrator}

// AgentBot sends messages on its own.
type AgentBot struct {
	ID   int64
	Name string
}
