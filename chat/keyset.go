package chat

import "time"

// KeysetPurpose says what the keys of a keyset are for; no key serves two purposes.
type KeysetPurpose string

// The purposes. Every account has a keyset for each of them, and so has the installation, as account 0.
const (
	KeysetData   KeysetPurpose = "data"   // wraps subject keys, seals what belongs to the account itself
	KeysetIndex  KeysetPurpose = "index"  // blind indexes
	KeysetVault  KeysetPurpose = "vault"  // third-party credentials
	KeysetCursor KeysetPurpose = "cursor" // page cursors
	KeysetAlias  KeysetPurpose = "alias"  // the names masked agents see
	KeysetAudit  KeysetPurpose = "audit"  // details of audit entries
)

// KeysetPurposes lists every purpose, for tables that must be complete.
var KeysetPurposes = []KeysetPurpose{KeysetData, KeysetIndex, KeysetVault, KeysetCursor, KeysetAlias, KeysetAudit}

// The states of a keyset; it only ever moves down this list. A pending keyset opens but does not seal
// yet, so that every replica can read what the first of them will write; a retired one still opens; a
// refused or destroyed one does nothing any more.
const (
	KeysetPending   = "pending"
	KeysetActive    = "active"
	KeysetRetired   = "retired"
	KeysetRefused   = "refused"
	KeysetDestroyed = "destroyed"
)

// Keyset is one generation of an account's keys as it lies in the database: wrapped by the master key.
// The zero times mean "not yet".
type Keyset struct {
	AccountID   int64 // 0 is the installation
	Purpose     KeysetPurpose
	Generation  int    // 1 to 65535, counted per account and purpose
	Wrapped     []byte // a Tink EncryptedKeyset; empty once destroyed
	MasterKey   string // URI of the key that wrapped it, without credentials
	State       string // one of the states above
	CreatedAt   time.Time
	ActivatedAt time.Time
	RetiredAt   time.Time
	RefusedAt   time.Time
	DestroyedAt time.Time
}

// Epoch is a key of the installation under which subject keys are wrapped once more for about a month. It is wrapped
// by a key of its own in the key service, beside the master key; destroying that key there makes every subject key of
// the epoch unreadable, in backups too. States are those of a keyset, without refused.
type Epoch struct {
	Number      int    // 1 to 65535; 0 is no epoch
	Name        string // of its key, beside the master key
	MasterKey   string // URI of that master key, without credentials
	Wrapped     []byte // a Tink EncryptedKeyset; empty once destroyed
	State       string
	CreatedAt   time.Time
	ActivatedAt time.Time
	RetiredAt   time.Time
	DestroyedAt time.Time
}

// Succession names the master key that follows another, sealed by the one before: only who may use that key can
// name its successor.
type Succession struct {
	MasterKey string // URI without credentials
	Successor string // URI without credentials
	Sealed    []byte
}
