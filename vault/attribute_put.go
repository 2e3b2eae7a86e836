package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

// UpdateContactAttributes merges custom attributes into those of a contact whose account is read sealed, as Chatwoot does:
// a key that is given has the given value, a key in remove goes, every other stays as it is. The change is on record by
// its keys. chat.ErrNotFound when there is no such contact; INVALID with the argument for what does not fit its
// definition; an error that wraps chat.ErrUnreadable when the attributes there are do not open: nothing is written then.
func (v *Vault) UpdateContactAttributes(ctx context.Context, account *chat.Account, contactID int64, given []GivenAttribute, remove []string) error {
	if err := writable(account, true); err != nil {
		return fmt.Errorf("change attributes of contact %d of account %d: %w", contactID, account.ID, err)
	}
	typed, err := v.checkAttributes(ctx, account, chat.ContactAttributes, given, remove)
	if err != nil {
		return err
	}
	keys, err := v.keys.Account(ctx, account.ID)
	if err != nil {
		return err
	}
	p := &putting{vault: v, keys: keys, account: account, contactID: contactID, merge: func(before []byte) ([]byte, error) {
		object, err := openedAttributes(before)
		if err != nil {
			return nil, err
		}
		maps.Copy(object, typed)
		for _, key := range remove {
			delete(object, key)
		}
		return plainJSON(object)
	}}
	entry := p.entry(ctx)
	entry.Details = attributeDetails(typed, remove)
	err = v.Change(ctx, entry, func(tx *store.Store) error {
		if err := p.write(ctx, tx); err != nil {
			return err
		}
		return p.drop(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("change attributes of contact %d: %w", contactID, err)
	}
	p.settle(ctx)
	return nil
}

// checkAttributes types what is given, and wants every key once.
func (v *Vault) checkAttributes(ctx context.Context, account *chat.Account, model chat.AttributeModel, given []GivenAttribute, remove []string) (map[string]json.RawMessage, error) {
	definitions, err := v.store.ListAttributeDefinitions(ctx, account.ID, account.Settings.Search)
	if err != nil {
		return nil, err
	}
	typed, err := typedAttributes(given, definitions, model)
	if err != nil {
		return nil, err
	}
	if len(remove) > maxAttributes {
		return nil, chat.InvalidField("input.remove", "must be at most %d", maxAttributes)
	}
	for i, key := range remove {
		if _, both := typed[key]; both || slices.Contains(remove[:i], key) {
			return nil, chat.InvalidField(fmt.Sprintf("input.remove[%d]", i), "is given twice")
		}
	}
	return typed, nil
}

// openedAttributes reads an opened column; one that is no object cannot be merged into.
func openedAttributes(column []byte) (map[string]json.RawMessage, error) {
	object := make(map[string]json.RawMessage)
	if len(column) == 0 || emptyJSON(column) {
		return object, nil
	}
	if err := json.Unmarshal([]byte(plainText(chat.FieldCustomAttributes, column).Reveal()), &object); err != nil {
		return nil, fmt.Errorf("read custom attributes: %w", chat.ErrUnreadable)
	}
	return object, nil
}

// attributeDetails are a change of attributes as it is put on record: by keys, those left out that look like an address,
// because the trail outlives the customer's data.
func attributeDetails(typed map[string]json.RawMessage, removed []string) map[string]any {
	withheld := 0
	listed := func(keys []string) []string {
		kept := make([]string, 0, len(keys))
		for _, key := range keys {
			if chat.TextHoldsAddress(key) {
				withheld++
				continue
			}
			kept = append(kept, key)
		}
		slices.Sort(kept)
		return kept
	}
	details := map[string]any{"fields": []string{fieldNames[chat.FieldCustomAttributes]}, "set": listed(slices.Collect(maps.Keys(typed))), "removed": listed(removed)}
	if withheld > 0 {
		details["withheld"] = withheld
	}
	return details
}
