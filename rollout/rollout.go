// Package rollout is the room of phases: where a dataset of an account is read from, and what must be sealed.
// An account's settings come in; the rules are tables and read nothing.
// What leaves is a source, never plain when a dataset is past the point where plain columns are kept.
package rollout

import "github.com/cloakroom/cloakroom/chat"

// Source is which columns hold the truth for a reader.
type Source int

// The zero value is sealed: a dataset in a phase nobody knows is never read in clear.
const (
	Sealed Source = iota
	Plain
)

var sources = map[chat.Phase]Source{
	chat.Off:        Plain,
	chat.DualWrite:  Plain,
	chat.ReadSealed: Sealed,
	chat.SealedOnly: Sealed,
}

// ReadFrom says where a dataset of an account is read from. Settings that could not be read name no phase, and
// then the sealed rows are asked: an account past read-sealed must never fall back to plain columns.
func ReadFrom(s chat.AccountSettings, d chat.Dataset) Source { return sources[s.Phases[d]] }
