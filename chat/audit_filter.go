package chat

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// AuditFilter says which entries of the audit trail are wanted; what is empty does not matter. It is written as JSON into
// what proves a report.
type AuditFilter struct {
	EntityType string     `json:"entity_type,omitempty"`
	EntityID   string     `json:"entity_id,omitempty"`
	ActorKind  string     `json:"actor_kind,omitempty"`
	ActorID    string     `json:"actor_id,omitempty"`
	Action     string     `json:"action,omitempty"`
	From       *time.Time `json:"from,omitempty"` // inclusive
	To         *time.Time `json:"to,omitempty"`   // exclusive
}

// OnlyByTime says that nothing but the time decides.
func (f AuditFilter) OnlyByTime() bool {
	f.From, f.To = nil, nil
	return f == AuditFilter{}
}

// Matches says that an entry is wanted.
func (f AuditFilter) Matches(e *AuditEntry) bool {
	for _, c := range [][2]string{{f.EntityType, e.EntityType}, {f.EntityID, e.EntityID}, {f.ActorKind, e.Actor.Kind}, {f.ActorID, e.Actor.ID}, {f.Action, string(e.Action)}} {
		if c[0] != "" && c[0] != c[1] {
			return false
		}
	}
	return (f.From == nil || !e.OccurredAt.Before(*f.From)) && (f.To == nil || e.OccurredAt.Before(*f.To))
}

// maxPurpose bounds a purpose, in characters.
const maxPurpose = 200

// CheckPurpose says whether a text can be what somebody asks for: one line without an address. field names where it stood.
func CheckPurpose(field, purpose string) error {
	printable := utf8.ValidString(purpose) && !strings.ContainsFunc(purpose, func(c rune) bool { return !unicode.IsPrint(c) })
	if strings.TrimSpace(purpose) == "" || !printable || utf8.RuneCountInString(purpose) > maxPurpose || TextHoldsAddress(purpose) {
		return InvalidField(field, "must be one line of at most %d characters without an address", maxPurpose)
	}
	return nil
}
