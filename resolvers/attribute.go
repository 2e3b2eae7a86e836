package resolvers

import (
	"context"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/loaders"
	"github.com/cloakroom/cloakroom/vault"
)

// attributeDefinitions lists what an account has defined, of one model or of both.
func (r *Resolver) attributeDefinitions(ctx context.Context, account *chat.Account, model *chat.AttributeModel) ([]*chat.AttributeDefinition, error) {
	list, err := r.Store.ListAttributeDefinitions(ctx, account.ID, account.Settings.Search)
	if err != nil || model == nil {
		return list, err
	}
	of := make([]*chat.AttributeDefinition, 0, len(list))
	for _, d := range list {
		if d.Model == *model {
			of = append(of, d)
		}
	}
	return of, nil
}

// setAttributePolicy decides about an attribute; no replica answers by what was decided before when it returns.
func (r *Resolver) setAttributePolicy(ctx context.Context, input graph.SetAttributePolicyInput) (*chat.AttributeDefinition, error) {
	d, err := r.Vault.SetAttributePolicy(ctx, vault.AttributeDecision{AccountID: int64(input.AccountID), Model: input.Model, Key: input.Key,
		Personal: input.Personal, Searchable: input.Searchable, Reason: input.Reason, ExpectedVersion: input.ExpectedVersion})
	r.Auth.ForgetAll() // after an error too: a commit may be made although its answer did not arrive
	if err != nil {
		return nil, err
	}
	return d, r.Auth.AwaitForgotten(ctx)
}

// updateContactAttributes merges attributes into a contact's.
func (r *Resolver) updateContactAttributes(ctx context.Context, account *chat.Account, input graph.UpdateContactAttributesInput) (*chat.Contact, error) {
	if len(input.Attributes)+len(input.Remove) == 0 {
		return nil, chat.InvalidField("input", "give attributes, or keys to remove")
	}
	if err := r.Vault.UpdateContactAttributes(ctx, account, int64(input.ContactID), givenAttributes(input.Attributes), input.Remove); err != nil {
		return nil, err
	}
	return loaders.For(ctx).WrittenContact(ctx, account, int64(input.ContactID))
}

// updateConversationAttributes replaces a conversation's attributes.
func (r *Resolver) updateConversationAttributes(ctx context.Context, account *chat.Account, input graph.UpdateConversationAttributesInput) (*chat.Conversation, error) {
	err := r.Vault.UpdateConversationAttributes(ctx, auth.Viewer(ctx), account, int64(input.DisplayID), givenAttributes(input.Attributes))
	if err != nil {
		return nil, err
	}
	return loaders.For(ctx).WrittenConversation(ctx, account, int64(input.DisplayID))
}

func givenAttributes(inputs []*graph.AttributeInput) []vault.GivenAttribute {
	given := make([]vault.GivenAttribute, len(inputs))
	for i, a := range inputs {
		given[i] = vault.GivenAttribute{Key: a.Key, Value: a.Value}
	}
	return given
}
