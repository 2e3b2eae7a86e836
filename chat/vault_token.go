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

	ReauthReason *ReauthReason // with TokenReauth alone
	RefreshAfter *time.Time    // when it is refreshed by itself; nil where there is nothing to refresh, or nothing to do it with
	NextTryAt    *time.Time    // after a failure: not before that
	LastError    *RefreshError // of the last refresh, when it failed
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
	TokenReauth VaultTokenState = "REAUTH_REQUIRED" // the third party does not refresh it any more: a person has to grant access anew
	TokenGone   VaultTokenState = "REVOKED"         // the credential was deleted, and what is known of it stays
)

// ReauthReason is why a token cannot be refreshed any more.
type ReauthReason string

// The reasons.
const (
	// ResponseLost is that it was asked for before and no answer was read: the third party may have given out the next
	// refresh token, and nobody has it.
	ResponseLost ReauthReason = "RESPONSE_LOST"
	// RevokedOrReused is that the grant was taken back, has run out, or was used by somebody else.
	RevokedOrReused ReauthReason = "REVOKED_OR_REUSED"
)

// RefreshError is how a refresh has failed.
type RefreshError string

// The errors. All but InvalidGrant are tried again by themselves.
const (
	RefreshUnreachable  RefreshError = "UNREACHABLE"   // the third party did not answer in time
	RefreshLimited      RefreshError = "LIMITED"       // it was asked too often
	RefreshBroken       RefreshError = "BROKEN"        // it failed, or its answer was none
	RefreshRefused      RefreshError = "REFUSED"       // it does not take what the operator has configured
	RefreshInvalidGrant RefreshError = "INVALID_GRANT" // it does not take the refresh token
	RefreshUnreadable   RefreshError = "UNREADABLE"    // what is kept here does not open
)

// AtProvider is what became at its provider of a token that was revoked here.
type AtProvider string

// What became of it.
const (
	RevokedThere    AtProvider = "REVOKED"     // it is void there as well
	NotRevokedThere AtProvider = "NOT_REVOKED" // the provider was told, and did not say that it is void; or it could not be told
	NotTold         AtProvider = "NOT_TOLD"    // there was nothing to tell, or nobody to tell it to
)

// Credential is a credential in clear, as it is sealed.
type Credential struct {
	Access    Secret // the access token, or the whole of a static one
	Refresh   Secret // "" where there is none; it never leaves package vault
	TokenType string // such as "Bearer"; "" where nobody said
}
