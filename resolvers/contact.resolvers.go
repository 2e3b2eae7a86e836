package resolvers

import (
	"context"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/loaders"
	"github.com/cloakroom/cloakroom/masking"
)

// ValueState is the resolver for the valueState field.
func (r *attributeResolver) ValueState(ctx context.Context, obj *chat.CustomAttribute) (chat.PIIState, error) {
	return masking.AttributeState(auth.Viewer(ctx), obj), nil
}

// Name is the resolver for the name field.
func (r *contactResolver) Name(ctx context.Context, obj *chat.Contact) (string, error) {
	return nameOf(ctx, obj)
}

// EmailState is the resolver for the emailState field.
func (r *contactResolver) EmailState(ctx context.Context, obj *chat.Contact) (chat.PIIState, error) {
	return masking.State(auth.Viewer(ctx), obj.AccountID, chat.Email, obj.Values.Present.Has(chat.FieldEmail)), nil
}

// PhoneState is the resolver for the phoneState field.
func (r *contactResolver) PhoneState(ctx context.Context, obj *chat.Contact) (chat.PIIState, error) {
	return masking.State(auth.Viewer(ctx), obj.AccountID, chat.Phone, obj.Values.Present.Has(chat.FieldPhone)), nil
}

// IdentifierState is the resolver for the identifierState field.
func (r *contactResolver) IdentifierState(ctx context.Context, obj *chat.Contact) (chat.PIIState, error) {
	return masking.State(auth.Viewer(ctx), obj.AccountID, chat.Identifier, obj.Values.Present.Has(chat.FieldIdentifier)), nil
}

// CustomAttributes is the resolver for the customAttributes field.
func (r *contactResolver) CustomAttributes(ctx context.Context, obj *chat.Contact) ([]*chat.CustomAttribute, error) {
	c, err := loaders.For(ctx).ContactAttributes(ctx, obj)
	if err != nil {
		return nil, err
	}
	list, err := c.CustomAttributes()
	return masking.Attributes(auth.Viewer(ctx), obj.AccountID, list), err
}

// AdditionalAttributes is the resolver for the additionalAttributes field.
func (r *contactResolver) AdditionalAttributes(ctx context.Context, obj *chat.Contact) (*chat.ContactProfile, error) {
	c, err := loaders.For(ctx).ContactAttributes(ctx, obj)
	if err != nil {
		return nil, err
	}
	return c.Profile()
}

// ContactInboxes is the resolver for the contactInboxes field.
func (r *contactResolver) ContactInboxes(ctx context.Context, obj *chat.Contact) ([]*chat.ContactInbox, error) {
	return loaders.For(ctx).ContactInboxes(ctx, obj)
}

// Labels is the resolver for the labels field.
func (r *contactResolver) Labels(ctx context.Context, obj *chat.Contact) ([]string, error) {
	return loaders.For(ctx).ContactLabels(ctx, obj)
}

// Conversations is the resolver for the conversations field.
func (r *contactResolver) Conversations(ctx context.Context, obj *chat.Contact, first *int, after *string) (*chat.ConversationConnection, error) {
	return loaders.For(ctx).ContactConversations(ctx, obj, loaders.NewPageArgs(first, after, nil, nil))
}

// Notes is the resolver for the notes field.
func (r *contactResolver) Notes(ctx context.Context, obj *chat.Contact) ([]*chat.Note, error) {
	return loaders.For(ctx).Notes(ctx, obj)
}

// SourceIDState is the resolver for the sourceIdState field.
func (r *contactInboxResolver) SourceIDState(ctx context.Context, obj *chat.ContactInbox) (chat.PIIState, error) {
	return masking.State(auth.Viewer(ctx), obj.AccountID, chat.ChannelAddress, obj.Values.Present.Has(chat.FieldSourceID)), nil
}

// SocialProfiles is the resolver for the socialProfiles field.
func (r *contactProfileResolver) SocialProfiles(ctx context.Context, obj *chat.ContactProfile) ([]*chat.CustomAttribute, error) {
	return masking.Attributes(auth.Viewer(ctx), obj.AccountID, obj.SocialProfiles), nil
}

// Others is the resolver for the others field.
func (r *contactProfileResolver) Others(ctx context.Context, obj *chat.ContactProfile) ([]*chat.CustomAttribute, error) {
	return masking.Attributes(auth.Viewer(ctx), obj.AccountID, obj.Others), nil
}

// User is the resolver for the user field.
func (r *noteResolver) User(ctx context.Context, obj *chat.Note) (*chat.User, error) {
	if obj.UserID == nil {
		return nil, nil
	}
	return loaders.For(ctx).User(ctx, obj.AccountID, *obj.UserID)
}

// Attribute returns graph.AttributeResolver implementation.
func (r *Resolver) Attribute() graph.AttributeResolver { return &attributeResolver{r} }

// Contact returns graph.ContactResolver implementation.
func (r *Resolver) Contact() graph.ContactResolver { return &contactResolver{r} }

// ContactInbox returns graph.ContactInboxResolver implementation.
func (r *Resolver) ContactInbox() graph.ContactInboxResolver { return &contactInboxResolver{r} }

// ContactProfile returns graph.ContactProfileResolver implementation.
func (r *Resolver) ContactProfile() graph.ContactProfileResolver { return &contactProfileResolver{r} }

// Note returns graph.NoteResolver implementation.
func (r *Resolver) Note() graph.NoteResolver { return &noteResolver{r} }

type attributeResolver struct{ *Resolver }
type contactResolver struct{ *Resolver }
type contactInboxResolver struct{ *Resolver }
type contactProfileResolver struct{ *Resolver }
type noteResolver struct{ *Resolver }
