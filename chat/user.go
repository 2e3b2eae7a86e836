package chat

// User is a colleague: an agent, an administrator or a super admin. Their e-mail is not PII here.
type User struct {
	ID           int64
	Name         string // display name where one is set
	Email        *string
	Availability *Availability // as configured in the account the user was read for
	SuperAdmin   bool
	Roles        []AccountRole
	Masking      Masking
}

// AccountRole is a user's role in one account.
type AccountRole struct {
	AccountID int64
	Role      Role
}

// Availability is the configured one, not presence (Chatwoot account_users.availability).
type Availability string

// Chatwoot stores online as 0, offline as 1, busy as 2.
const (
	Online  Availability = "ONLINE"
	Offline Availability = "OFFLINE"
	Busy    Availability = "BUSY"
)

// RoleIn gives the user's role in an account, nil when they are no member or it was not read.
func (u *User) RoleIn(accountID int64) *Role {
	for i := range u.Roles {
		if u.Roles[i].AccountID == accountID {
			return &u.Roles[i].Role
		}
	}
	return nil
}

// MaskingVersion counts how often a super admin has decided about this user.
func (u *User) MaskingVersion() int { return u.Masking.Version }

// AgentBot sends messages on its own.
type AgentBot struct {
	ID   int64
	Name string
}
