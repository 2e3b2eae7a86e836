package chat

import "time"

// Erasure is a contact that was erased, as the ledger has it: ids, times and counts, no value of anybody's.
type Erasure struct {
	ID            int64
	AccountID     int64
	ContactID     int64
	SubjectKeyIDs []int64 // all that were destroyed
	Epoch         int     // the youngest that wrapped one of them, 0 for none
	Actor         Actor
	ErasedAt      time.Time
	Counts        map[string]int64 // rows emptied or deleted, by table; Cloakroom's own begin with "cloakroom."
	VerifiedAt    time.Time        // zero: not yet, or something was left
	Leftovers     map[string]int64 // what the last verification found, by place; nil before the first
}

// Proven says that a verification found nothing left.
func (e *Erasure) Proven() bool { return !e.VerifiedAt.IsZero() && len(e.Leftovers) == 0 }

// GraphContactID is the contact's id as clients see it.
func (e *Erasure) GraphContactID() ID { return ID(e.ContactID) }

// ProvenAt is when a verification last found nothing left, nil when none has.
func (e *Erasure) ProvenAt() *time.Time {
	if !e.Proven() {
		return nil
	}
	return &e.VerifiedAt
}

// Epochs is how long subject keys that are destroyed can still be opened from a backup: each is wrapped under an epoch
// key for a length of time, and that key is destroyed a retention after it was followed by the next.
type Epochs struct {
	Length    time.Duration // 0: no epochs
	Retention time.Duration
}

// Certificate says what an erasure did and what is known of it, without a value of anybody's. Its field Tag proves that
// this installation wrote it.
type Certificate struct {
	Version       int              `json:"version"`
	AccountID     ID               `json:"accountId"`
	ContactID     ID               `json:"contactId"`
	ErasureID     ID               `json:"erasureId"`
	By            string           `json:"by"` // kind and id of whoever asked for it
	ErasedAt      time.Time        `json:"erasedAt"`
	SubjectKeyIDs []ID             `json:"subjectKeyIds"`
	Rows          map[string]int64 `json:"rows"`
	Verified      bool             `json:"verified"`
	VerifiedAt    time.Time        `json:"verifiedAt,omitzero"`
	Leftovers     map[string]int64 `json:"leftovers"` // null before the first verification
	Epoch         int              `json:"epoch"`
	Backups       Backups          `json:"backups"`
	LeftToOthers  LeftToOthers     `json:"leftToOthers"`
	IssuedAt      time.Time        `json:"issuedAt"`
	SHA256        string           `json:"sha256,omitempty"` // of the certificate without this and the tag
	Tag           string           `json:"tag,omitempty"`
}

// Backups says until when one of the database could bring the contact back.
type Backups struct {
	UnreadableAfter time.Time `json:"unreadableAfter,omitzero"`
	Statement       string    `json:"statement"`
}

// LeftToOthers is what lies outside the database.
type LeftToOthers struct {
	AttachmentIDs []ID   `json:"attachmentIds"` // whose files lie in Chatwoot's storage
	Avatar        bool   `json:"avatar"`        // a picture of the contact lies there
	Statement     string `json:"statement"`
}
