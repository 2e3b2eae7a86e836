package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/masking"
	"github.com/cloakroom/cloakroom/store"
)

// UpdateConversationAttributes gives a conversation of an account that is read sealed the given custom attributes in place
// of all it has, as Chatwoot does, but for those that are hidden from the viewer and not given: what they do not see is not
// theirs to take away. The change is on record by its keys. chat.ErrNotFound when there is no such conversation that the
// viewer may open; INVALID with the argument for what does not fit its definition; an error that wraps chat.ErrUnreadable
// when something of the conversation does not open: nothing is written then.
func (v *Vault) UpdateConversationAttributes(ctx context.Context, viewer *chat.Viewer, account *chat.Account, displayID int64, given []GivenAttribute) error {
	if err := writable(account, true); err != nil {
		return fmt.Errorf("change attributes of conversation %d of account %d: %w", displayID, account.ID, err)
	}
	typed, err := v.checkAttributes(ctx, account, chat.ConversationAttributes, given, nil)
	if err != nil {
		return err
	}
	keys, err := v.keys.Account(ctx, account.ID)
	if err != nil {
		return err
	}
	c := &conversing{vault: v, keys: keys, viewer: viewer, account: account, displayID: displayID, attributes: typed}
	entry := &chat.AuditEntry{AccountID: account.ID, Actor: ActorFrom(ctx), Action: chat.ConversationUpdated, EntityType: "conversation"}
	err = v.Change(ctx, entry, func(tx *store.Store) error {
		removed, err := c.write(ctx, tx)
		if err != nil {
			return err
		}
		entry.EntityID, entry.Details = chat.FormatID(c.records[0].ID), attributeDetails(typed, removed)
		c.moved, err = v.drop(ctx, tx, account, c.records)
		return err
	})
	if err != nil {
		return fmt.Errorf("change attributes of conversation %d: %w", displayID, err)
	}
	v.settle(ctx, account, c.records, c.moved)
	return nil
}

// conversing is one change of one conversation.
type conversing struct {
	vault      *Vault
	keys       *keyring.Account
	viewer     *chat.Viewer
	account    *chat.Account
	displayID  int64
	attributes map[string]json.RawMessage
	records    []chat.RecordKey // what of the cache it makes old
	moved      bool
}

// write seals the row anew and gives the keys that are there no more.
func (c *conversing) write(ctx context.Context, tx *store.Store) (removed []string, err error) {
	row, err := c.lock(ctx, tx)
	if err != nil {
		return nil, err
	}
	c.records = []chat.RecordKey{{Kind: chat.ConversationRecord, ID: row.ID}}
	subject, err := c.keys.Subject(row.KeyContactID, row.SubjectKeyID, row.KeySealed)
	if err != nil {
		return nil, c.unreadable(ctx, 0, err)
	}
	plain, err := c.open(ctx, subject, row)
	if err != nil {
		return nil, err
	}
	if plain.Columns[1], removed, err = c.replace(plain.Columns[1]); err != nil {
		return nil, err
	}
	sealed, err := sealRow(c.keys, subject, chat.ConversationRecord, plain, row.Version+1)
	if err != nil {
		return nil, err
	}
	if err := tx.PutConversation(ctx, c.account.ID, sealed); err != nil {
		return nil, err
	}
	return removed, c.vault.indexConversations(ctx, tx, c.keys, []store.PlainRow{plain})
}

// lock asks twice: a row whose contact was merged while the lock was waited for lies under another key after, and a
// contact is merged once.
func (c *conversing) lock(ctx context.Context, tx *store.Store) (store.LockedConversation, error) {
	visible := c.viewer.Visibility(c.account.ID)
	row, err := tx.LockConversation(ctx, c.account.ID, c.displayID, visible)
	if errors.Is(err, chat.ErrNotFound) {
		return tx.LockConversation(ctx, c.account.ID, c.displayID, visible)
	}
	return row, err
}

func (c *conversing) open(ctx context.Context, subject *keyring.Subject, row store.LockedConversation) (store.PlainRow, error) {
	plain := store.PlainRow{ID: row.ID, ContactID: row.KeyContactID, Columns: make([][]byte, len(row.Columns))}
	for i, f := range sealFields[chat.ConversationRecord] {
		if row.Columns[i] == nil {
			continue
		}
		var err error
		place := keyring.Place{Table: f.Table(), Field: f, Row: row.ID, Version: row.Version}
		if plain.Columns[i], err = subject.Open(place, row.Columns[i]); err != nil {
			return plain, c.unreadable(ctx, i, err)
		}
	}
	return plain, nil
}

func (c *conversing) unreadable(ctx context.Context, column int, cause error) error {
	return c.vault.unreadable(ctx, c.account.ID, c.records[0], recordField(chat.ConversationRecord, column), cause)
}

// replace gives the attributes as they are to be, and the keys that are there no more.
func (c *conversing) replace(column []byte) (replaced []byte, removed []string, err error) {
	before, err := openedAttributes(column)
	if err != nil {
		return nil, nil, err
	}
	after := make(map[string]json.RawMessage, len(c.attributes))
	for key, raw := range before {
		switch _, given := c.attributes[key]; {
		case given:
		case c.hides(key, raw):
			after[key] = raw
		default:
			removed = append(removed, key)
		}
	}
	for key, raw := range c.attributes {
		after[key] = raw
	}
	replaced, err = plainJSON(after)
	return replaced, removed, err
}

// hides says that the viewer does not see that an attribute is there, or what its value is. A key without a value has
// nothing that could be hidden.
func (c *conversing) hides(key string, raw json.RawMessage) bool {
	a := &chat.CustomAttribute{AccountID: c.account.ID, Model: chat.ConversationAttributes, Key: key}
	if string(raw) != "null" {
		value := chat.NewValue(raw)
		a.Value = &value
	}
	listed := masking.Attributes(c.viewer, c.account.ID, []*chat.CustomAttribute{a})
	return len(listed) == 0 || masking.AttributeState(c.viewer, a) == chat.Hidden
}
