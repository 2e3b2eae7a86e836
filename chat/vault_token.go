package chat

import "time"

// VaultToken is a third party's credential as anybody may know of it: whose it is and how it stands, never the credential.
type VaultToken struct {
	AccountID int64
	ID        int64
	Provider  string // such as "google"
	Subject   string // what it is for within account and provider: a reference such as "hook/5" or a shop's domain, no address
	Kind      VaultTokenKind
	State     VaultTokenState
	Version   int64      // counts what was stored, from 1
	Scopes    []string   // as the provider granted them
	ExpiresAt *time.Time // nil is never
	RotatedAt time.Time  // when the credential was last replaced
	CreatedAt time.Time
	UpdatedAt time.Time
}

// VaultTokenKind is what sort of credential it is.
type VaultTokenKind string

// The kinds.
const (
	OAuth2Token VaultTokenKind = "OAUTH2" // an access token, and what is needed to refresh it
	StaticToken VaultTokenKind = "STATIC" // a key, a password or a secret, which stays until it is replaced
)

// VaultTokenState is where a token stands.
type VaultTokenState string

// The states.
const (
	TokenActive VaultTokenState = "ACTIVE"
	TokenGone   VaultTokenState = "REVOKED" // the credential was deleted, and what is known of it stays
)

// Credential is a credential in clear, as it is sealed.
type Credential struct {
	Access    Secret // the access token, or the whole of a static one
	Refresh   Secret // "" where there is none; it never leaves package vault
	TokenType string // such as "Bearer"; "" where nobody said
}
