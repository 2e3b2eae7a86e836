package vault

import (
	"context"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

// indexContacts keeps what contacts are found and ordered by in step with their values, in the transaction that writes
// them. Rows are as they are to be: every column of contactFields in clear. They get their labels after everything else
// that the transaction writes, because who places one keeps others from it until the commit.
func (v *Vault) indexContacts(ctx context.Context, tx *store.Store, keys *keyring.Account, rows []store.PlainRow) error {
	settings, err := tx.HoldSearchSettings(ctx, keys.ID())
	if err != nil {
		return err
	}
	if settings.Mode == chat.SearchByTokens {
		err = putContactTokens(ctx, tx, keys, rows)
	} else { // what is not kept in step must not be taken for what is, when the account goes back to tokens
		err = tx.DropContactTokens(ctx, keys.ID(), idsOf(rows))
	}
	if err != nil {
		return err
	}
	if err := putAttributeTags(ctx, tx, keys, chat.ContactAttributes, settings.Attributes, contactAttributeRows(rows)); err != nil {
		return err
	}
	return tx.AtLast(ctx, func(ctx context.Context) error {
		return v.placeContacts(ctx, tx, keys, settings.Orderings, rows)
	})
}

// indexMessages gives messages that are sealed their tokens, in the same transaction.
func (v *Vault) indexMessages(ctx context.Context, tx *store.Store, keys *keyring.Account, rows []store.PlainRow) error {
	settings, err := tx.HoldSearchSettings(ctx, keys.ID())
	if err != nil || settings.Mode != chat.SearchByTokens {
		return err
	}
	return putMessageTokens(ctx, tx, keys, rows)
}

// indexConversations gives conversations that are sealed the tags of their searchable attributes, in the same transaction.
func (v *Vault) indexConversations(ctx context.Context, tx *store.Store, keys *keyring.Account, rows []store.PlainRow) error {
	settings, err := tx.HoldSearchSettings(ctx, keys.ID())
	if err != nil {
		return err
	}
	return putAttributeTags(ctx, tx, keys, chat.ConversationAttributes, settings.Attributes, conversationAttributeRows(rows))
}

// index keeps the indexes of one kind in step with rows that are sealed.
func (v *Vault) index(ctx context.Context, tx *store.Store, keys *keyring.Account, kind chat.RecordKind, rows []store.PlainRow) error {
	switch kind {
	case chat.ContactRecord:
		return v.indexContacts(ctx, tx, keys, rows)
	case chat.ConversationRecord:
		return v.indexConversations(ctx, tx, keys, rows)
	case chat.MessageRecord:
		return v.indexMessages(ctx, tx, keys, rows)
	default:
		return nil
	}
}

func idsOf(rows []store.PlainRow) []int64 {
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	return ids
}

// attributeRow is an entity's attributes as JSON objects, which Rails may have wrapped in a string.
type attributeRow struct {
	ID      int64
	Custom  []byte
	Profile []byte // a contact's
}

// contactAttributeRows takes the attributes out of contacts' rows.
func contactAttributeRows(rows []store.PlainRow) []attributeRow {
	list := make([]attributeRow, len(rows))
	for i, row := range rows {
		list[i] = attributeRow{ID: row.ID, Profile: row.Columns[4], Custom: row.Columns[5]}
	}
	return list
}

// conversationAttributeRows takes the attributes out of conversations' rows.
func conversationAttributeRows(rows []store.PlainRow) []attributeRow {
	list := make([]attributeRow, len(rows))
	for i, row := range rows {
		list[i] = attributeRow{ID: row.ID, Custom: row.Columns[1]}
	}
	return list
}
