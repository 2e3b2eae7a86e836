package vault

import (
	"context"
	"fmt"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
)

// RecordReads puts on record what a service was shown in one answer: one entry for each account, with the contacts whose
// values these were, by kind. Call it before the answer leaves, and give nothing of it where this fails.
func (v *Vault) RecordReads(ctx context.Context, readings []chat.Reading) error {
	byAccount := make(map[int64][]chat.Reading)
	for _, r := range readings {
		byAccount[r.AccountID] = append(byAccount[r.AccountID], r)
	}
	for accountID, list := range byAccount {
		if err := v.recordReads(ctx, accountID, list); err != nil {
			return fmt.Errorf("put on record what was shown of account %d: %w", accountID, err)
		}
	}
	return nil
}

func (v *Vault) recordReads(ctx context.Context, accountID int64, readings []chat.Reading) error {
	contacts, err := v.contactsOf(ctx, accountID, readings)
	if err != nil {
		return err
	}
	shown, all := make(map[chat.Kind][]int64), make(map[int64]bool)
	for _, r := range readings {
		id := contacts[r.Of]
		all[id] = true
		if !slices.Contains(shown[r.Kind], id) {
			shown[r.Kind] = append(shown[r.Kind], id)
		}
	}
	for _, ids := range shown {
		slices.Sort(ids)
	}
	entry := chat.AuditEntry{AccountID: accountID, Actor: ActorFrom(ctx), Action: chat.PIIRead, EntityType: recordNames[chat.ContactRecord],
		EntityID: several, Details: map[string]any{"shown": shown}}
	if len(all) == 1 {
		entry.EntityID = chat.FormatID(contacts[readings[0].Of])
	}
	return v.Record(ctx, entry)
}

// several stands for the ids of more contacts than one, which are among the details.
const several = "several"

// contactsOf says whose each value is; 0 where a conversation has no contact, or is gone by now. Only values that hang on
// messages have to be asked for.
func (v *Vault) contactsOf(ctx context.Context, accountID int64, readings []chat.Reading) (map[chat.Whose]int64, error) {
	contacts := make(map[chat.Whose]int64, len(readings))
	var conversations, messages []int64
	for _, r := range readings {
		if _, known := contacts[r.Of]; known {
			continue
		}
		contacts[r.Of] = 0
		switch r.Of.Kind {
		case chat.ContactRecord:
			contacts[r.Of] = r.Of.ID
		case chat.ConversationRecord:
			conversations = append(conversations, r.Of.ID)
		case chat.MessageRecord:
			messages = append(messages, r.Of.ID)
		}
	}
	if len(conversations)+len(messages) == 0 {
		return contacts, nil
	}
	found, err := v.store.ContactsOfThreads(ctx, accountID, conversations, messages)
	for of, id := range found {
		contacts[of] = id
	}
	return contacts, err
}
