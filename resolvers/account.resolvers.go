package resolvers

import (
	"context"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/loaders"
)

// Contact is the resolver for the contact field.
func (r *accountResolver) Contact(ctx context.Context, obj *chat.Account, id chat.ID) (*chat.Contact, error) {
	c, err := r.Vault.FindContact(ctx, obj, int64(id))
	return c, named("id", err)
}

// LookupContact is the resolver for the lookupContact field.
func (r *accountResolver) LookupContact(ctx context.Context, obj *chat.Account, input graph.LookupContactInput) (*chat.Contact, error) {
	wanted, err := lookupField(input)
	if err != nil {
		return nil, err
	}
	c, err := r.lookup(ctx, obj, wanted)
	return c, missing(err)
}

// Contacts is the resolver for the contacts field.
func (r *accountResolver) Contacts(ctx context.Context, obj *chat.Account, first *int, after *string, last *int, before *string, filter *chat.ContactFilter, orderBy *chat.ContactOrder) (*chat.ContactConnection, error) {
	order, err := orderFor(ctx, obj, orderBy)
	if err != nil {
		return nil, err
	}
	return loaders.For(ctx).Contacts(ctx, obj, loaders.NewPageArgs(first, after, last, before), filter, order)
}

// Conversation is the resolver for the conversation field.
func (r *accountResolver) Conversation(ctx context.Context, obj *chat.Account, displayID chat.ID) (*chat.Conversation, error) {
	c, err := loaders.For(ctx).Conversation(ctx, obj, int64(displayID))
	return c, named("displayId", err)
}

// Conversations is the resolver for the conversations field.
func (r *accountResolver) Conversations(ctx context.Context, obj *chat.Account, first *int, after *string, last *int, before *string, filter *chat.ConversationFilter, orderBy *chat.ConversationOrder) (*chat.ConversationConnection, error) {
	return loaders.For(ctx).Conversations(ctx, obj, loaders.NewPageArgs(first, after, last, before), filter, orderBy)
}

// SearchContacts is the resolver for the searchContacts field.
func (r *accountResolver) SearchContacts(ctx context.Context, obj *chat.Account, query string, first *int, after *string) (*chat.ContactConnection, error) {
	search, err := r.contactSearch(ctx, obj, query, after == nil)
	if err != nil {
		return nil, err
	}
	return loaders.For(ctx).SearchContacts(ctx, obj, search, loaders.NewPageArgs(first, after, nil, nil))
}

// SearchMessages is the resolver for the searchMessages field.
func (r *accountResolver) SearchMessages(ctx context.Context, obj *chat.Account, query string, first *int, after *string) (*chat.MessageConnection, error) {
	return loaders.For(ctx).SearchMessages(ctx, obj, query, loaders.NewPageArgs(first, after, nil, nil))
}

// DuplicateCandidates is the resolver for the duplicateCandidates field.
func (r *accountResolver) DuplicateCandidates(ctx context.Context, obj *chat.Account, contactID chat.ID) ([]*chat.DuplicateCandidate, error) {
	list, err := r.duplicateCandidates(ctx, obj, int64(contactID))
	return list, named("contactId", err)
}

// Search is the resolver for the search field.
func (r *accountResolver) Search(_ context.Context, obj *chat.Account) (*chat.SearchSettings, error) {
	return &obj.Settings.Search, nil
}

// AttributeDefinitions is the resolver for the attributeDefinitions field.
func (r *accountResolver) AttributeDefinitions(ctx context.Context, obj *chat.Account, model *chat.AttributeModel) ([]*chat.AttributeDefinition, error) {
	return r.attributeDefinitions(ctx, obj, model)
}

// SavedViews is the resolver for the savedViews field.
func (r *accountResolver) SavedViews(ctx context.Context, obj *chat.Account, kind *chat.SavedViewKind) ([]*chat.SavedView, error) {
	return r.savedViews(ctx, obj, kind)
}

// Agents is the resolver for the agents field.
func (r *accountResolver) Agents(ctx context.Context, obj *chat.Account) ([]*chat.User, error) {
	return r.Store.ListAgents(ctx, obj.ID)
}

// Inboxes is the resolver for the inboxes field.
func (r *accountResolver) Inboxes(ctx context.Context, obj *chat.Account) ([]*chat.Inbox, error) {
	return r.Store.ListInboxes(ctx, obj.ID, auth.Viewer(ctx).Visibility(obj.ID))
}

// Teams is the resolver for the teams field.
func (r *accountResolver) Teams(ctx context.Context, obj *chat.Account) ([]*chat.Team, error) {
	return r.Store.ListTeams(ctx, obj.ID)
}

// Labels is the resolver for the labels field.
func (r *accountResolver) Labels(ctx context.Context, obj *chat.Account) ([]*chat.Label, error) {
	return r.Store.ListLabels(ctx, obj.ID)
}

// Account returns graph.AccountResolver implementation.
func (r *Resolver) Account() graph.AccountResolver { return &accountResolver{r} }

type accountResolver struct{ *Resolver }
