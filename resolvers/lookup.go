package resolvers

import (
	"context"
	"errors"
	"strings"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/masking"
	"github.com/cloakroom/cloakroom/vault"
)

// maxLookup bounds a looked-up value; Chatwoot's columns hold nothing longer that anybody could type.
const maxLookup = 320

// lookupField takes the one value that is given.
func lookupField(input graph.LookupContactInput) (vault.LookupField, error) {
	candidates := []struct {
		name  string
		field chat.Field
		value *string
	}{
		{"input.email", chat.FieldEmail, input.Email},
		{"input.phoneNumber", chat.FieldPhone, input.PhoneNumber},
		{"input.identifier", chat.FieldIdentifier, input.Identifier},
	}
	var found *vault.LookupField
	for _, c := range candidates {
		if c.value == nil {
			continue
		}
		if found != nil {
			return vault.LookupField{}, chat.InvalidField("input", "give exactly one of email, phoneNumber, identifier")
		}
		if strings.TrimSpace(*c.value) == "" || len(*c.value) > maxLookup || strings.ContainsRune(*c.value, 0) {
			return vault.LookupField{}, chat.InvalidField(c.name, "must be a whole value of 1 to %d bytes", maxLookup)
		}
		found = &vault.LookupField{Field: c.field, Value: chat.PII(*c.value)}
	}
	if found == nil {
		return vault.LookupField{}, chat.InvalidField("input", "give exactly one of email, phoneNumber, identifier")
	}
	return *found, nil
}

// lookup finds a contact by one whole value. From a user who may not see such values it answers a guess, so that it is
// held to a budget and put on record; a service is held by its scope and by what its requests may cost, and is on record
// whatever it may see.
func (r *Resolver) lookup(ctx context.Context, account *chat.Account, wanted vault.LookupField) (*chat.Contact, error) {
	viewer := auth.Viewer(ctx)
	switch {
	case viewer.Service != nil:
		return r.Vault.LookupByService(ctx, viewer, account, wanted)
	case masking.Decide(viewer, account.ID, wanted.Kind()) == masking.Hide:
		return r.Vault.LookupUnseen(ctx, viewer, account, wanted)
	}
	return r.Vault.LookupContact(ctx, account, wanted)
}

// missing makes a look-up that found nothing an absent answer rather than an error: hit and miss look alike.
func missing(err error) error {
	if errors.Is(err, chat.ErrNotFound) {
		return nil
	}
	return err
}

// named says which argument named what was not found.
func named(field string, err error) error {
	if !errors.Is(err, chat.ErrNotFound) {
		return err
	}
	return &chat.Error{Code: chat.NotFound, Message: chat.ErrNotFound.Message, Field: field}
}
