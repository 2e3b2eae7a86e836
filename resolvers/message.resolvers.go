package resolvers

import (
	"context"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/loaders"
	"github.com/cloakroom/cloakroom/masking"
)

// TitleState is the resolver for the titleState field.
func (r *attachmentResolver) TitleState(ctx context.Context, obj *chat.Attachment) (chat.PIIState, error) {
	return masking.State(auth.Viewer(ctx), obj.AccountID, chat.ChannelAddress, obj.Values.Present.Has(chat.FieldTitle)), nil
}

// Meta is the resolver for the meta field.
func (r *attachmentResolver) Meta(ctx context.Context, obj *chat.Attachment) ([]*chat.CustomAttribute, error) {
	list, err := obj.Meta()
	return masking.Attributes(auth.Viewer(ctx), obj.AccountID, list), err
}

// State is the resolver for the state field.
func (r *emailHeadersResolver) State(ctx context.Context, obj *chat.EmailHeaders) (chat.PIIState, error) {
	return masking.State(auth.Viewer(ctx), obj.AccountID, chat.Email, obj.HasAddress()), nil
}

// ConversationDisplayID is the resolver for the conversationDisplayId field.
func (r *messageResolver) ConversationDisplayID(ctx context.Context, obj *chat.Message) (chat.ID, error) {
	id, err := loaders.For(ctx).DisplayID(ctx, obj)
	return chat.ID(id), err
}

// Sender is the resolver for the sender field.
func (r *messageResolver) Sender(ctx context.Context, obj *chat.Message) (chat.MessageSender, error) {
	return loaders.For(ctx).Sender(ctx, obj)
}

// Attachments is the resolver for the attachments field.
func (r *messageResolver) Attachments(ctx context.Context, obj *chat.Message) ([]*chat.Attachment, error) {
	return loaders.For(ctx).Attachments(ctx, obj)
}

// Attachment returns graph.AttachmentResolver implementation.
func (r *Resolver) Attachment() graph.AttachmentResolver { return &attachmentResolver{r} }

// EmailHeaders returns graph.EmailHeadersResolver implementation.
func (r *Resolver) EmailHeaders() graph.EmailHeadersResolver { return &emailHeadersResolver{r} }

// Message returns graph.MessageResolver implementation.
func (r *Resolver) Message() graph.MessageResolver { return &messageResolver{r} }

type attachmentResolver struct{ *Resolver }
type emailHeadersResolver struct{ *Resolver }
type messageResolver struct{ *Resolver }
