package vault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/cloakroom/cloakroom/chat"
)

// WriteUnseen makes a write of a user from whom some of what it is held against is hidden, so that it answers a guess:
// an address that is taken is a conflict, and a name is shown as long as it is no address of its contact (P64, P69).
// guesses are the fields that are compared. Each costs a look-up, and is on record as one, whatever becomes of the
// write: a hit is a conflict. LIMITED when the budget is spent or cannot be read; nothing is written then.
//
// The account's switch of look-ups does not hold here: who may not look up may still write.
func (v *Vault) WriteUnseen(ctx context.Context, viewer *chat.Viewer, account *chat.Account, guesses []chat.Field, write func() error) error {
	if len(guesses) > 0 && viewer.User == nil {
		return chat.Errorf(chat.Forbidden, "only users have a budget for looking contacts up")
	}
	for _, f := range guesses {
		if err := v.spendLookup(ctx, viewer, account, LookupField{Field: f}); err != nil {
			return err
		}
	}
	err := write()
	result := "miss"
	switch {
	case errors.Is(err, chat.ErrDuplicate):
		result = "hit"
	case err != nil:
		result = "failed"
	}
	for _, f := range guesses {
		entry := lookupEntry(viewer, account, LookupField{Field: f}, chat.ContactLookedUp)
		entry.Details["result"], entry.Details["by"] = result, "write"
		if unrecorded := v.Record(ctx, entry); unrecorded != nil {
			return fmt.Errorf("put a look-up by writing on record: %w", unrecorded)
		}
	}
	return err
}

// maxUnseenDigits is one less than chat.NameIsAddress needs to know a phone number by.
const maxUnseenDigits = 5

// CheckNameUnseen refuses a name that could be held against many addresses at once: six digits find a phone number that
// holds them. It does not depend on any contact, so that it tells nothing.
func CheckNameUnseen(name string) error {
	digits := 0
	for _, r := range name {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	if digits > maxUnseenDigits || strings.ContainsRune(name, '@') {
		return chat.InvalidField(contactArguments[chat.FieldName], "must not look like an address: those are hidden from you, and have fields of their own")
	}
	return nil
}
