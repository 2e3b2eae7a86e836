package resolvers

import (
	"context"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/loaders"
	"github.com/cloakroom/cloakroom/masking"
)

// Contact is the resolver for the contact field.
func (r *conversationResolver) Contact(ctx context.Context, obj *chat.Conversation) (*chat.Contact, error) {
	return loaders.For(ctx).Contact(ctx, obj.AccountID, obj.ContactID)
}

// LastMessage is the resolver for the lastMessage field.
func (r *conversationResolver) LastMessage(ctx context.Context, obj *chat.Conversation) (*chat.Message, error) {
	return loaders.For(ctx).LastMessage(ctx, obj)
}

// Messages is the resolver for the messages field.
func (r *conversationResolver) Messages(ctx context.Context, obj *chat.Conversation, last *int, before *string, first *int, after *string) (*chat.MessageConnection, error) {
	return loaders.For(ctx).Messages(ctx, obj, loaders.NewPageArgs(first, after, last, before))
}

// CustomAttributes is the resolver for the customAttributes field.
func (r *conversationResolver) CustomAttributes(ctx context.Context, obj *chat.Conversation) ([]*chat.CustomAttribute, error) {
	c, err := loaders.For(ctx).ConversationAttributes(ctx, obj)
	if err != nil {
		return nil, err
	}
	list, err := c.CustomAttributes()
	return masking.Attributes(auth.Viewer(ctx), obj.AccountID, list), err
}

// SearchMessages is the resolver for the searchMessages field.
func (r *conversationResolver) SearchMessages(ctx context.Context, obj *chat.Conversation, query string, first *int, after *string) (*chat.MessageConnection, error) {
	return loaders.For(ctx).SearchThread(ctx, obj, query, loaders.NewPageArgs(first, after, nil, nil))
}

// Conversation returns graph.ConversationResolver implementation.
func (r *Resolver) Conversation() graph.ConversationResolver { return &conversationResolver{r} }

type conversationResolver struct{ *Resolver }
