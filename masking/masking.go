// Package masking is the room of the masking policy: who sees which kind of personal value.
// A viewer, an account id and a kind come in; nothing is read from anywhere else, so the table test is the policy.
// What leaves is Show or Hide, a state or an alias: never a shortened or a made-up value.
package masking

import (
	"fmt"
	"hash/fnv"
	"strconv"

	"github.com/cloakroom/cloakroom/chat"
)

// Verdict is what becomes of a value.
type Verdict int

// The zero value hides: a decision nobody took shows nothing.
const (
	Hide Verdict = iota
	Show
)

// scopesFor names the scopes a service needs for each kind, all of them. A name can be an e-mail address or a
// phone number, so it takes both. Kinds that are not listed are shown to no service.
var scopesFor = map[chat.Kind][]chat.Scope{
	chat.Email:          {chat.ScopePIIEmail},
	chat.Phone:          {chat.ScopePIIPhone},
	chat.Identifier:     {chat.ScopePIIIdentifier},
	chat.ChannelAddress: {chat.ScopeChannelAddress},
	chat.Attribute:      {chat.ScopePIIAttributes},
	chat.Name:           {chat.ScopePIIEmail, chat.ScopePIIPhone},
}

// Decide says whether the viewer sees values of this kind in this account.
//
// A stranger to the account sees nothing. A service sees what its scopes say, whatever the account's flag.
// A user sees everything while the account's flag contact_pii_masking is off. While it is on, the super
// admin's setting decides; without one agents are masked and administrators are not. Where the policy could
// not be read everybody is masked, because then nobody knows whether the flag is on.
func Decide(v *chat.Viewer, accountID int64, kind chat.Kind) Verdict {
	account, ok := v.Account(accountID)
	if !ok {
		return Hide
	}
	if v.Service != nil {
		return decideService(v, kind)
	}
	if v.Policy != chat.PolicyRead {
		return Hide
	}
	return verdict(!account.Settings.ContactPIIMasking || !Masked(v.Masking, roleIn(v, accountID)))
}

func decideService(v *chat.Viewer, kind chat.Kind) Verdict {
	scopes, known := scopesFor[kind]
	for _, s := range scopes {
		known = known && v.Has(s)
	}
	return verdict(known)
}

// Masked is what a super admin's setting means for a user with this role, nil being none: the setting where
// there is one, else agents are masked and administrators are not.
func Masked(setting chat.Masking, role *chat.Role) bool {
	if setting.Set() {
		return setting.Masked
	}
	return role == nil || *role != chat.Administrator
}

// State tells a client what it is looking at; present says that the record has a value.
func State(v *chat.Viewer, accountID int64, kind chat.Kind, present bool) chat.PIIState {
	switch {
	case !present:
		return chat.Absent
	case Decide(v, accountID, kind) == Show:
		return chat.Visible
	default:
		return chat.Hidden
	}
}

// MaskedIn says that the viewer is masked in an account: some kind of address is hidden from them there.
func MaskedIn(v *chat.Viewer, accountID int64) bool {
	return Decide(v, accountID, chat.Email) == Hide || Decide(v, accountID, chat.Phone) == Hide
}

func verdict(show bool) Verdict {
	if show {
		return Show
	}
	return Hide
}

func roleIn(v *chat.Viewer, accountID int64) *chat.Role {
	m, ok := v.Membership(accountID)
	if !ok {
		return nil
	}
	return &m.Role
}

// PolicyVersion changes whenever what the viewer may see changes.
func PolicyVersion(v *chat.Viewer) string {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s/%d/%d/%t", v.Kind(), v.Policy, v.Masking.Version, v.Masking.Masked)
	for _, a := range v.Accounts() {
		for _, kind := range chat.Kinds {
			_, _ = fmt.Fprintf(h, "/%d:%s:%d", a.ID, kind, Decide(v, a.ID, kind))
		}
		for _, p := range a.Settings.Search.Attributes {
			_, _ = fmt.Fprintf(h, "/%s:%q:%d", p.Model, p.Key, DecideAttribute(v, a.ID, p.Model, p.Key))
		}
	}
	return strconv.FormatUint(h.Sum64(), 36)
}
