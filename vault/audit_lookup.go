package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloakroom/cloakroom/chat"
)

// LookupByService is LookupContact for a service, which its scope lets look contacts up: hit and miss are on record before
// the answer leaves, and a look-up that cannot be put there has none.
func (v *Vault) LookupByService(ctx context.Context, viewer *chat.Viewer, account *chat.Account, l LookupField) (*chat.Contact, error) {
	contact, err := v.LookupContact(ctx, account, l)
	return v.lookedUp(ctx, lookupEntry(viewer, account, l, chat.ContactLookedUp), contact, err)
}

// SearchByService finds the contact that has a text for one of its addresses, of a service from which these are hidden and
// which may look contacts up. nil where none has it. It is on record like a look-up.
func (v *Vault) SearchByService(ctx context.Context, viewer *chat.Viewer, account *chat.Account, text chat.PII, fields []chat.Field) (*chat.Contact, error) {
	contact, err := v.LookupAny(ctx, account, text, fields)
	contact, err = v.lookedUp(ctx, searchEntry(viewer, account, fields), contact, err)
	if errors.Is(err, chat.ErrNotFound) {
		return nil, nil
	}
	return contact, err
}

// RecordSearch puts on record that a service searches for a text that may be the whole of addresses which it may see; what
// it is shown of whom it finds is another entry.
func (v *Vault) RecordSearch(ctx context.Context, viewer *chat.Viewer, account *chat.Account, fields []chat.Field) error {
	if err := v.Record(ctx, searchEntry(viewer, account, fields)); err != nil {
		return fmt.Errorf("put a search by a whole address on record: %w", err)
	}
	return nil
}

func searchEntry(viewer *chat.Viewer, account *chat.Account, fields []chat.Field) chat.AuditEntry {
	entry := lookupEntry(viewer, account, LookupField{Field: fields[0]}, chat.ContactLookedUp)
	entry.Details["by"], entry.Details["kind"] = "search", kindsOf(fields)
	return entry
}
