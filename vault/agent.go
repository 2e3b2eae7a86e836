package vault

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/events"
	"github.com/cloakroom/cloakroom/store"
)

// MaskingChange is a super admin's decision about an agent.
type MaskingChange struct {
	AgentID         int64
	Masked          bool
	Reason          string
	ExpectedVersion int
}

// SetMasking changes an agent's setting and puts it on record in one transaction, then tells every replica.
func (v *Vault) SetMasking(ctx context.Context, viewer *chat.Viewer, c MaskingChange) error {
	if err := checkReason(c.Reason); err != nil {
		return err
	}
	entry := &chat.AuditEntry{Actor: chat.ActorOf(viewer), Action: chat.MaskingSet, EntityType: "user", EntityID: chat.FormatID(c.AgentID)}
	err := v.Change(ctx, entry, func(tx *store.Store) error {
		before, err := tx.SetMasking(ctx, c.AgentID, c.Masked, c.ExpectedVersion, viewer.UserID())
		entry.Details = map[string]any{"before": maskingDetails(before), "masked": c.Masked, "reason": c.Reason, "version": c.ExpectedVersion + 1}
		return err
	})
	if err != nil {
		return err
	}
	v.tell(ctx, events.Event{Kind: events.AgentChanged, ID: c.AgentID})
	return nil
}

func maskingDetails(m chat.Masking) any {
	if !m.Set() {
		return "never set"
	}
	return m.Masked
}

// FindUser reads a user outside any account; chat.ErrNotFound when there is none.
func (v *Vault) FindUser(ctx context.Context, userID int64) (*chat.User, error) {
	users, err := v.store.UsersByIDs(ctx, 0, []int64{userID})
	if err != nil {
		return nil, fmt.Errorf("read user %d: %w", userID, err)
	}
	if len(users) == 0 {
		return nil, chat.ErrNotFound
	}
	return users[0], nil
}

// SetFlag changes an account's feature flag and puts it on record in one transaction, then tells every replica.
// It gives the account as it is now.
func (v *Vault) SetFlag(ctx context.Context, viewer *chat.Viewer, accountID int64, flag chat.Flag, enabled bool, reason string) (*chat.Account, error) {
	if err := checkReason(reason); err != nil {
		return nil, err
	}
	if flag != chat.FlagContactPIIMasking && flag != chat.FlagMaskedContactLookup {
		return nil, chat.InvalidField("input.name", "there is no such flag; flags: %s, %s", chat.FlagContactPIIMasking, chat.FlagMaskedContactLookup)
	}
	entry := &chat.AuditEntry{AccountID: accountID, Actor: chat.ActorOf(viewer), Action: chat.FlagSet, EntityType: "account", EntityID: chat.FormatID(accountID)}
	err := v.Change(ctx, entry, func(tx *store.Store) error {
		before, err := tx.SetFlag(ctx, accountID, flag, enabled)
		entry.Details = map[string]any{"flag": flag, "before": before, "enabled": enabled, "reason": reason}
		return err
	})
	if err != nil {
		return nil, err
	}
	v.tell(ctx, events.Event{Kind: events.AccountChanged, ID: accountID})
	return v.findAccount(ctx, accountID)
}

// SetPhase puts a dataset of an account into a phase, on record, and tells every replica.
func (v *Vault) SetPhase(ctx context.Context, accountID int64, d chat.Dataset, phase chat.Phase) error {
	entry := &chat.AuditEntry{AccountID: accountID, Actor: ActorFrom(ctx), Action: chat.PhaseSet, EntityType: "account",
		EntityID: chat.FormatID(accountID), Details: map[string]any{"dataset": d, "phase": phase}}
	err := v.Change(ctx, entry, func(tx *store.Store) error {
		policy, err := tx.ReadPolicy(ctx, 0, []int64{accountID})
		if err != nil {
			return err
		}
		entry.Details["before"] = policy.Settings[accountID].Phases[d]
		return tx.SetPhase(ctx, accountID, d, phase)
	})
	if err != nil {
		return err
	}
	v.tell(ctx, events.Event{Kind: events.AccountChanged, ID: accountID})
	return nil
}

func (v *Vault) findAccount(ctx context.Context, accountID int64) (*chat.Account, error) {
	account, err := v.store.FindAccount(ctx, accountID)
	if err != nil {
		return nil, err
	}
	policy, err := v.store.ReadPolicy(ctx, 0, []int64{accountID})
	account.Settings = policy.Settings[accountID]
	return account, err
}

// maxReason bounds a reason, in characters.
const maxReason = 500

// What looks like an address. Dates and numbers of tickets are no phone numbers: those begin with a plus, or have ten
// digits in a row.
var (
	emailLike = regexp.MustCompile(`\S@\S`)
	phoneLike = regexp.MustCompile(`\+\pZ*\d[\d\pZ().-]{5,}\d|\d{10,}`)
)

// checkReason wants a reason that a later reader can use, without a customer's address in it: the trail outlives
// the customer's data.
func checkReason(reason string) error {
	switch {
	case strings.TrimSpace(reason) == "":
		return chat.InvalidField("input.reason", "must say why")
	case utf8.RuneCountInString(reason) > maxReason:
		return chat.InvalidField("input.reason", "must not be longer than %d characters", maxReason)
	case emailLike.MatchString(reason):
		return chat.InvalidField("input.reason", "must not hold an e-mail address")
	case phoneLike.MatchString(reason):
		return chat.InvalidField("input.reason", "must not hold a phone number")
	}
	return nil
}

// tell publishes an event. A failure delays other replicas by less than a second, so it is logged, not returned.
func (v *Vault) tell(ctx context.Context, e events.Event) {
	if err := v.bus.Publish(ctx, e); err != nil {
		v.log.WarnContext(ctx, "other replicas were not told of a change", "kind", e.Kind, "error", err.Error())
	}
}
