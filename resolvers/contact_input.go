package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/masking"
	"github.com/cloakroom/cloakroom/vault"
)

// accountOf finds the account that a mutation names.
func accountOf(ctx context.Context, id chat.ID) (*chat.Account, error) {
	account, ok := auth.Viewer(ctx).Account(int64(id))
	if !ok {
		return nil, named("input.accountId", chat.ErrNotFound)
	}
	return account, nil
}

// newContact is what is given of a contact to be made.
func newContact(input graph.CreateContactInput) (vault.ContactChange, error) {
	keys, values := make([]string, len(input.CustomAttributes)), make([]*string, len(input.CustomAttributes))
	for i, a := range input.CustomAttributes {
		keys[i], values[i] = a.Key, a.Value
	}
	attributes, err := vault.AttributesOf(keys, values)
	if err != nil {
		return nil, err
	}
	given := vault.ContactChange{}
	for f, value := range map[chat.Field]*string{chat.FieldName: input.Name, chat.FieldEmail: input.Email,
		chat.FieldPhone: input.PhoneNumber, chat.FieldIdentifier: input.Identifier} {
		if value != nil {
			given[f] = personal(value)
		}
	}
	if attributes != nil {
		given[chat.FieldCustomAttributes] = attributes
	}
	return vault.CheckContact(given)
}

// contactChange is what is given of a contact to be changed: null is a value, what is left out is none.
func contactChange(input graph.UpdateContactInput) (vault.ContactChange, error) {
	given := vault.ContactChange{}
	for f, value := range map[chat.Field]graphql.Omittable[*string]{chat.FieldName: input.Name, chat.FieldEmail: input.Email,
		chat.FieldPhone: input.PhoneNumber, chat.FieldIdentifier: input.Identifier} {
		if text, ok := value.ValueOK(); ok {
			given[f] = personal(text)
		}
	}
	if len(given) == 0 {
		return nil, chat.InvalidField("input", "give at least one of name, email, phoneNumber, identifier")
	}
	return vault.CheckContact(given)
}

func personal(text *string) *chat.PII {
	if text == nil {
		return nil
	}
	p := chat.PII(*text)
	return &p
}

// guesses are the fields of a change that a viewer from whom their kind is hidden could learn something by: an address
// whether it is taken, the name of a contact that has addresses whether it is one of them. A name is bounded as well.
func guesses(viewer *chat.Viewer, accountID int64, change vault.ContactChange, existing bool) ([]chat.Field, error) {
	var fields []chat.Field
	for _, f := range []chat.Field{chat.FieldEmail, chat.FieldPhone, chat.FieldIdentifier, chat.FieldName} {
		value := change[f]
		if value == nil || masking.Decide(viewer, accountID, vault.LookupField{Field: f}.Kind()) == masking.Show {
			continue
		}
		if f == chat.FieldName {
			if err := vault.CheckNameUnseen(value.Reveal()); err != nil {
				return nil, err
			}
			if !existing {
				continue
			}
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// write makes a write, under the look-up budget where it answers guesses, and gives the contact as it is then.
func (r *Resolver) write(ctx context.Context, account *chat.Account, guesses []chat.Field, write func() (*chat.Contact, error)) (c *chat.Contact, err error) {
	err = r.Vault.WriteUnseen(ctx, auth.Viewer(ctx), account, guesses, func() (err error) {
		c, err = write()
		return err
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// createContact makes a contact.
func (r *Resolver) createContact(ctx context.Context, account *chat.Account, input graph.CreateContactInput) (*chat.Contact, error) {
	values, err := newContact(input)
	if err != nil {
		return nil, err
	}
	unseen, err := guesses(auth.Viewer(ctx), account.ID, values, false)
	if err != nil {
		return nil, err
	}
	return r.write(ctx, account, unseen, func() (*chat.Contact, error) { return r.Vault.CreateContact(ctx, account, values) })
}

// updateContact changes a contact.
func (r *Resolver) updateContact(ctx context.Context, account *chat.Account, input graph.UpdateContactInput) (*chat.Contact, error) {
	change, err := contactChange(input)
	if err != nil {
		return nil, err
	}
	unseen, err := guesses(auth.Viewer(ctx), account.ID, change, true)
	if err != nil {
		return nil, err
	}
	return r.write(ctx, account, unseen, func() (*chat.Contact, error) {
		if err := r.Vault.PutContact(ctx, account, int64(input.ContactID), change); err != nil {
			return nil, named("input.contactId", err)
		}
		return r.Vault.FindContact(ctx, account, int64(input.ContactID))
	})
}

// mergeContacts merges two contacts. A name of one meets addresses of the other, so that a merge answers a guess.
func (r *Resolver) mergeContacts(ctx context.Context, account *chat.Account, input graph.MergeContactsInput) (*chat.Contact, error) {
	var unseen []chat.Field
	if masking.Decide(auth.Viewer(ctx), account.ID, chat.Name) == masking.Hide {
		unseen = []chat.Field{chat.FieldName}
	}
	return r.write(ctx, account, unseen, func() (*chat.Contact, error) {
		return r.Vault.MergeContacts(ctx, account, int64(input.BaseContactID), int64(input.MergeeContactID))
	})
}
