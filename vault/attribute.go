package vault

import (
	"context"
	"errors"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/events"
	"github.com/cloakroom/cloakroom/store"
)

// AttributeDecision is what a super admin decides about an attribute of an account.
type AttributeDecision struct {
	AccountID       int64
	Model           chat.AttributeModel
	Key             string
	Personal        bool
	Searchable      bool
	Reason          string
	ExpectedVersion int // of the policy the decision is based on; 0 for the first
}

// SetAttributePolicy decides about an attribute and puts it on record in one transaction, then tells every replica. What
// is not searchable any more loses its tags in the same transaction; what is from now on gets them by a job, and is found
// by opening until that is done. Errors: NOT_FOUND for an account that does not exist or has not defined the attribute;
// CONFLICT when the version has moved; INVALID for a reason that is none, and for what cannot be decided.
func (v *Vault) SetAttributePolicy(ctx context.Context, d AttributeDecision) (*chat.AttributeDefinition, error) {
	if err := checkReason(d.Reason); err != nil {
		return nil, err
	}
	if _, err := v.store.FindAccount(ctx, d.AccountID); err != nil {
		return nil, noSuch("input.accountId", err)
	}
	entry := &chat.AuditEntry{AccountID: d.AccountID, Actor: ActorFrom(ctx), Action: chat.AttributePolicySet,
		EntityType: "account", EntityID: chat.FormatID(d.AccountID)}
	var policy chat.AttributePolicy
	err := v.Change(ctx, entry, func(tx *store.Store) error {
		settings, err := tx.LockSearchSettings(ctx, d.AccountID)
		if err != nil {
			return err
		}
		before := settings.Attribute(d.Model, d.Key)
		if policy, err = d.policy(ctx, tx, before); err != nil {
			return err
		}
		entry.Details = map[string]any{"model": d.Model, "key": d.Key, "before": policyDetails(before), "personal": d.Personal,
			"searchable": d.Searchable, "reason": d.Reason, "version": policy.Version}
		if before.Searchable && !policy.Indexed {
			if err := tx.ForgetAttributeTags(ctx, d.AccountID, d.Model, d.Key); err != nil {
				return err
			}
		}
		return tx.PutAttributePolicy(ctx, d.AccountID, policy)
	})
	if err != nil {
		return nil, err
	}
	v.tell(ctx, events.Event{Kind: events.AccountChanged, ID: d.AccountID})
	if policy.Searchable && !policy.Indexed {
		if _, _, err := v.StartJob(ctx, chat.IndexSearch, d.AccountID, chat.JobArguments{}); err != nil {
			return nil, err
		}
	}
	return v.findAttributeDefinition(ctx, d.AccountID, policy)
}

// policy is what is to be in force, held against what is.
func (d AttributeDecision) policy(ctx context.Context, tx *store.Store, before chat.AttributePolicy) (chat.AttributePolicy, error) {
	p := chat.AttributePolicy{Model: d.Model, Key: d.Key, Personal: d.Personal, Searchable: d.Searchable, Version: before.Version + 1}
	var err error
	p.Type, err = tx.AttributeTypeOf(ctx, d.AccountID, d.Model, d.Key)
	if errors.Is(err, chat.ErrNotFound) && d.Model == chat.ContactAttributes && slices.Contains(chat.ProfileAttributes, d.Key) {
		p.Type, err = chat.AttributeText, nil
		if !d.Personal {
			return p, chat.InvalidField("input.personal", "must be true: of a contact's profile this is decided value by value")
		}
	}
	switch {
	case err != nil:
		return p, noSuch("input.key", err)
	case before.Version != d.ExpectedVersion:
		return p, &chat.Error{Code: chat.Conflict, Field: "input.expectedVersion",
			Message: "the policy was changed in the meantime: read policyVersion again"}
	case d.Searchable && p.Type == chat.AttributeCheckbox:
		return p, chat.InvalidField("input.searchable", "must be false for a checkbox: tags of two values would tell which row has which")
	}
	p.Indexed = before.Indexed && before.Searchable && d.Searchable && before.Type == p.Type
	return p, nil
}

func policyDetails(p chat.AttributePolicy) any {
	if p.Version == 0 {
		return "never set"
	}
	return map[string]any{"personal": p.Personal, "searchable": p.Searchable}
}

// findAttributeDefinition gives the attribute that was decided about; one of the profile has no definition of Chatwoot's.
func (v *Vault) findAttributeDefinition(ctx context.Context, accountID int64, policy chat.AttributePolicy) (*chat.AttributeDefinition, error) {
	list, err := v.store.ListAttributeDefinitions(ctx, accountID, chat.SearchSettings{Attributes: []chat.AttributePolicy{policy}})
	if err != nil {
		return nil, err
	}
	for _, d := range list {
		if d.Model == policy.Model && d.Key == policy.Key {
			return d, nil
		}
	}
	return &chat.AttributeDefinition{AccountID: accountID, Model: policy.Model, Key: policy.Key, DisplayName: policy.Key, Type: policy.Type,
		Choices: []string{}, Policy: policy}, nil
}

// ListAttributes reads an account's attributes as they are now: those that are defined, and those beside them that
// were decided about.
func (v *Vault) ListAttributes(ctx context.Context, accountID int64) ([]*chat.AttributeDefinition, error) {
	account, err := v.findAccount(ctx, accountID)
	if err != nil {
		return nil, err
	}
	list, err := v.store.ListAttributeDefinitions(ctx, accountID, account.Settings.Search)
	if err != nil {
		return nil, err
	}
	for _, p := range account.Settings.Search.Attributes {
		if !slices.ContainsFunc(list, func(d *chat.AttributeDefinition) bool { return d.Model == p.Model && d.Key == p.Key }) {
			list = append(list, &chat.AttributeDefinition{AccountID: accountID, Model: p.Model, Key: p.Key, DisplayName: p.Key, Type: p.Type, Choices: []string{}, Policy: p})
		}
	}
	return list, nil
}
