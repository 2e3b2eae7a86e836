package chat

import "time"

// ServiceToken is a back end's credential as it is stored: never the secret, only a keyed hash of it.
type ServiceToken struct {
	ID         string // public, eight characters, what a look-up goes by
	Name       string
	SecretHash []byte
	Scopes     []Scope
	AccountIDs []int64
	Documents  []string // SHA-256 of the only documents it may run, in hexadecimal; empty is no such limit
	CreatedAt  time.Time
	ExpiresAt  time.Time
	RevokedAt  *time.Time
	LastUsedAt *time.Time
}

// Active says that the token may be used at the given time.
func (t *ServiceToken) Active(at time.Time) bool { return t.RevokedAt == nil && at.Before(t.ExpiresAt) }
