package chat

import "time"

// AuditEntry is one thing that was done. Details are sealed; everything else is clear and holds no value.
type AuditEntry struct {
	AccountID  int64 // 0 for what concerns the installation
	ID         int64
	OccurredAt time.Time
	Actor      Actor
	Action     Action
	EntityType string // such as "user", "account", "service_token"
	EntityID   string
	RequestID  string
	Details    map[string]any // kinds, ids, old and new states, reasons
}

// Actor is who did it: a viewer, or the operator at the command line.
type Actor struct {
	Kind string // a ViewerKind, or "OPERATOR"
	ID   string
}

// Action is what was done, in the past tense.
type Action string

// The actions on record.
const (
	MaskingSet          Action = "masking_set"
	FlagSet             Action = "feature_flag_set"
	PhaseSet            Action = "rollout_phase_set"
	Refused             Action = "refused"
	SealedUnreadableHit Action = "sealed_unreadable"
	TokenCreated        Action = "service_token_created"
	TokenRevoked        Action = "service_token_revoked"
	TokenRotated        Action = "service_token_rotated"
	SignedIn            Action = "signed_in"
	ContactLookedUp     Action = "contact_looked_up"      // by a service, or by a user from whom the value is hidden
	LookupRefused       Action = "contact_lookup_refused" // the same, when their budget was spent
	GenerationCreated   Action = "keyset_created"         // and so on: a generation's way through its states
	GenerationActivated Action = "keyset_activated"
	GenerationRefused   Action = "keyset_refused"
	GenerationDestroyed Action = "keyset_destroyed"
	KeysetsRewrapped    Action = "keysets_rewrapped" // under another master key
	EpochBegun          Action = "key_epoch_begun"
	EpochDestroyed      Action = "key_epoch_destroyed"
	MasterKeyFollowed   Action = "master_key_followed"
	JobStarted          Action = "job_started"
	JobPausedByHand     Action = "job_paused"
	JobResumed          Action = "job_resumed"
	JobStopped          Action = "job_cancelled"
	JobGivenUp          Action = "job_failed"
	JobFinished         Action = "job_done"
	ContactErased       Action = "contact_erased"
	ErasureVerified     Action = "contact_erasure_verified"
	ContactExported     Action = "contact_exported"
	ContactsMerged      Action = "contacts_merged"
	ContactCreated      Action = "contact_created"
	ContactUpdated      Action = "contact_updated"
	SearchModeSet       Action = "search_mode_set"
	ConversationUpdated Action = "conversation_updated"
	AttributePolicySet  Action = "attribute_policy_set"
	ContactOrderingSet  Action = "contact_ordering_set"
	VaultTokenStored    Action = "vault_token_stored"
	VaultTokenRetrieved Action = "vault_token_retrieved"
	VaultTokenRevoked   Action = "vault_token_revoked"
	VaultTokenElsewhere Action = "vault_token_revoked_at_provider" // what its provider made of that
	VaultTokenAsked     Action = "vault_token_refresh_asked"       // by hand: what is due is refreshed without
	VaultTokenRefreshed Action = "vault_token_refreshed"
	VaultTokenUnfresh   Action = "vault_token_refresh_failed"  // the first failure in a row, and each of another kind
	VaultTokenReauth    Action = "vault_token_reauth_required" // it cannot be refreshed any more
	VaultTokensVerified Action = "vault_tokens_verified"       // compared with those that Chatwoot has
	PIIRead             Action = "pii_read"                    // what a service was shown: one entry for each answer
)

// ActorOf names a viewer in the audit trail.
func ActorOf(v *Viewer) Actor {
	if v.Service != nil {
		return Actor{Kind: string(KindService), ID: v.Service.TokenID}
	}
	return Actor{Kind: string(v.Kind()), ID: FormatID(v.UserID())}
}

// Operator is whoever runs the program at the command line.
var Operator = Actor{Kind: "OPERATOR", ID: "cli"}
