package vault

import (
	"bytes"
	"context"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

// addressFields are the fields that have a blind index and must be unique in their account.
var addressFields = []chat.Field{chat.FieldEmail, chat.FieldPhone, chat.FieldIdentifier}

// putTags makes a contact's blind index entries those of its addresses, plain being its values. An address that is new
// to the contact is claimed under every generation that is written, and chat.ErrDuplicate if it is another's; one that
// stays keeps its entries as they are, held or not, those of generations this replica does not know included.
func putTags(ctx context.Context, tx *store.Store, keys *keyring.Account, plain store.PlainRow, changed map[chat.Field]bool) error {
	wanted, err := appendTags(nil, keys, plain)
	if err != nil {
		return err
	}
	have, err := tx.TagsOf(ctx, keys.ID(), plain.ID)
	if err != nil {
		return err
	}
	var claim, add, drop []store.TagRow
	for _, f := range addressFields {
		want, has := tagsOfField(wanted, f), tagsOfField(have, f)
		if !changed[f] || slices.ContainsFunc(want, func(t store.TagRow) bool { return among(has, t) }) {
			add = append(add, missingTags(want, has)...)
			continue
		}
		claim, drop = append(claim, want...), append(drop, has...)
	}
	if err := tx.ClaimTags(ctx, keys.ID(), claim); err != nil { // before anything is given up, so that two who swap do not wait for each other
		return err
	}
	if err := tx.DropTags(ctx, keys.ID(), drop); err != nil || len(add) == 0 {
		return err
	}
	return tx.CreateTags(ctx, keys.ID(), add)
}

func tagsOfField(tags []store.TagRow, f chat.Field) (own []store.TagRow) {
	for _, t := range tags {
		if t.Field == int16(tagFields[f]) {
			own = append(own, t)
		}
	}
	return own
}

// missingTags are the entries that an address lacks under some generation, to be held as it is held under another.
func missingTags(want, has []store.TagRow) (missing []store.TagRow) {
	held := len(has) == 0 || slices.ContainsFunc(has, func(t store.TagRow) bool { return t.Exclusive })
	for _, t := range want {
		if !among(has, t) {
			t.Exclusive = held
			missing = append(missing, t)
		}
	}
	return missing
}

func among(tags []store.TagRow, tag store.TagRow) bool {
	return slices.ContainsFunc(tags, func(t store.TagRow) bool {
		return t.Field == tag.Field && t.Generation == tag.Generation && bytes.Equal(t.Tag, tag.Tag)
	})
}
