package resolvers

import (
	"context"
	"slices"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/vault"
)

// SetPIIMasking is the resolver for the setPiiMasking field.
func (r *mutationResolver) SetPIIMasking(ctx context.Context, input graph.SetPIIMaskingInput) (*graph.SetPIIMaskingPayload, error) {
	change := vault.MaskingChange{AgentID: int64(input.AgentID), Masked: input.Masked, Reason: input.Reason, ExpectedVersion: input.ExpectedVersion}
	err := r.Vault.SetMasking(ctx, auth.Viewer(ctx), change)
	r.Auth.Forget(change.AgentID) // after an error too: a commit may be made although its answer did not arrive
	if err != nil {
		return nil, named("input.agentId", err)
	}
	if err := r.Auth.AwaitForgotten(ctx); err != nil {
		return nil, err
	}
	agent, err := r.Vault.FindUser(ctx, change.AgentID)
	return &graph.SetPIIMaskingPayload{Agent: agent}, err
}

// SetFeatureFlag is the resolver for the setFeatureFlag field.
func (r *mutationResolver) SetFeatureFlag(ctx context.Context, input graph.SetFeatureFlagInput) (*graph.SetFeatureFlagPayload, error) {
	account, err := r.Vault.SetFlag(ctx, auth.Viewer(ctx), int64(input.AccountID), chat.Flag(input.Name), input.Enabled, input.Reason)
	r.Auth.ForgetAll()
	if err != nil {
		return nil, named("input.accountId", err)
	}
	if err := r.Auth.AwaitForgotten(ctx); err != nil {
		return nil, err
	}
	features := account.Features()
	set := slices.IndexFunc(features, func(f *chat.FeatureFlag) bool { return f.Name == input.Name }) // there, or SetFlag had refused
	return &graph.SetFeatureFlagPayload{Account: account, Feature: features[set]}, nil
}

// CreateContact is the resolver for the createContact field.
func (r *mutationResolver) CreateContact(ctx context.Context, input graph.CreateContactInput) (*graph.CreateContactPayload, error) {
	account, err := accountOf(ctx, input.AccountID)
	if err != nil {
		return nil, err
	}
	c, err := r.createContact(ctx, account, input)
	if err != nil {
		return nil, err
	}
	return &graph.CreateContactPayload{Contact: c}, nil
}

// UpdateContact is the resolver for the updateContact field.
func (r *mutationResolver) UpdateContact(ctx context.Context, input graph.UpdateContactInput) (*graph.UpdateContactPayload, error) {
	account, err := accountOf(ctx, input.AccountID)
	if err != nil {
		return nil, err
	}
	c, err := r.updateContact(ctx, account, input)
	if err != nil {
		return nil, err
	}
	return &graph.UpdateContactPayload{Contact: c}, nil
}

// MergeContacts is the resolver for the mergeContacts field.
func (r *mutationResolver) MergeContacts(ctx context.Context, input graph.MergeContactsInput) (*graph.MergeContactsPayload, error) {
	account, err := accountOf(ctx, input.AccountID)
	if err != nil {
		return nil, err
	}
	c, err := r.mergeContacts(ctx, account, input)
	if err != nil {
		return nil, err
	}
	return &graph.MergeContactsPayload{Contact: c}, nil
}

// EraseContact is the resolver for the eraseContact field.
func (r *mutationResolver) EraseContact(ctx context.Context, input graph.EraseContactInput) (*graph.EraseContactPayload, error) {
	if err := mayErase(ctx, int64(input.AccountID)); err != nil {
		return nil, err
	}
	erasure, err := r.Vault.EraseContact(ctx, int64(input.AccountID), int64(input.ContactID), input.Reason)
	r.Auth.ForgetAll() // after an error too: a commit may be made although its answer did not arrive
	if err != nil {
		return nil, named("input.contactId", err)
	}
	if err := r.Auth.AwaitForgotten(ctx); err != nil {
		return nil, err
	}
	return &graph.EraseContactPayload{Erasure: erasure}, nil
}

// UpdateContactAttributes is the resolver for the updateContactAttributes field.
func (r *mutationResolver) UpdateContactAttributes(ctx context.Context, input graph.UpdateContactAttributesInput) (*graph.UpdateContactAttributesPayload, error) {
	account, err := accountOf(ctx, input.AccountID)
	if err != nil {
		return nil, err
	}
	c, err := r.updateContactAttributes(ctx, account, input)
	if err != nil {
		return nil, named("input.contactId", err)
	}
	return &graph.UpdateContactAttributesPayload{Contact: c}, nil
}

// UpdateConversationAttributes is the resolver for the updateConversationAttributes field.
func (r *mutationResolver) UpdateConversationAttributes(ctx context.Context, input graph.UpdateConversationAttributesInput) (*graph.UpdateConversationAttributesPayload, error) {
	account, err := accountOf(ctx, input.AccountID)
	if err != nil {
		return nil, err
	}
	c, err := r.updateConversationAttributes(ctx, account, input)
	if err != nil {
		return nil, named("input.displayId", err)
	}
	return &graph.UpdateConversationAttributesPayload{Conversation: c}, nil
}

// SetAttributePolicy is the resolver for the setAttributePolicy field.
func (r *mutationResolver) SetAttributePolicy(ctx context.Context, input graph.SetAttributePolicyInput) (*graph.SetAttributePolicyPayload, error) {
	d, err := r.setAttributePolicy(ctx, input)
	if err != nil {
		return nil, err
	}
	return &graph.SetAttributePolicyPayload{Definition: d}, nil
}

// SetSearchMode is the resolver for the setSearchMode field.
func (r *mutationResolver) SetSearchMode(ctx context.Context, input graph.SetSearchModeInput) (*graph.SetSearchModePayload, error) {
	account, err := r.setSearchMode(ctx, input)
	if err != nil {
		return nil, named("input.accountId", err)
	}
	return &graph.SetSearchModePayload{Account: account}, nil
}

// SetContactOrdering is the resolver for the setContactOrdering field.
func (r *mutationResolver) SetContactOrdering(ctx context.Context, input graph.SetContactOrderingInput) (*graph.SetContactOrderingPayload, error) {
	account, err := r.setContactOrdering(ctx, input)
	if err != nil {
		return nil, named("input.accountId", err)
	}
	return &graph.SetContactOrderingPayload{Account: account}, nil
}

// Viewer is the resolver for the viewer field.
func (r *queryResolver) Viewer(ctx context.Context) (*chat.Viewer, error) {
	return auth.Viewer(ctx), nil
}

// Account is the resolver for the account field.
func (r *queryResolver) Account(ctx context.Context, id chat.ID) (*chat.Account, error) {
	account, ok := auth.Viewer(ctx).Account(int64(id))
	if !ok {
		return nil, named("id", chat.ErrNotFound)
	}
	return account, nil
}

// Mutation returns graph.MutationResolver implementation.
func (r *Resolver) Mutation() graph.MutationResolver { return &mutationResolver{r} }

// Query returns graph.QueryResolver implementation.
func (r *Resolver) Query() graph.QueryResolver { return &queryResolver{r} }

type mutationResolver struct{ *Resolver }
type queryResolver struct{ *Resolver }
