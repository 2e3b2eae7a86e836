package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/events"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

// mergeChunk is how many rows are sealed anew at a time: a long history does not lie in memory.
const mergeChunk = 500

// MergeContacts merges a contact into another, as Chatwoot does: its conversations, messages, channels and notes go to the
// base, whose values are filled up with its, and it is gone. All that its key sealed is sealed under the base's, and the
// key destroyed. All of it is one transaction, and on record; a contact merged with itself stays as it is. It gives the
// base. Errors: NOT_FOUND with the argument that names no contact; one that wraps chat.ErrUnreadable when something does
// not open, because it could never be opened after.
func (v *Vault) MergeContacts(ctx context.Context, account *chat.Account, baseID, mergeeID int64) (*chat.Contact, error) {
	if err := writable(account, true); err != nil {
		return nil, fmt.Errorf("merge contacts: %w", err)
	}
	if baseID == mergeeID {
		c, err := v.FindContact(ctx, account, baseID)
		return c, noSuch("input.baseContactId", err)
	}
	keys, err := v.keys.Account(ctx, account.ID)
	if err != nil {
		return nil, err
	}
	m := &merging{vault: v, keys: keys, account: account,
		base:   &putting{vault: v, keys: keys, account: account, contactID: baseID},
		mergee: &putting{vault: v, keys: keys, account: account, contactID: mergeeID}}
	entry := &chat.AuditEntry{AccountID: account.ID, Actor: ActorFrom(ctx), Action: chat.ContactsMerged, EntityType: "contact", EntityID: chat.FormatID(baseID)}
	err = v.Change(ctx, entry, func(tx *store.Store) error {
		err := m.merge(ctx, tx)
		entry.Details = map[string]any{"mergee": chat.FormatID(mergeeID), "rows": m.rows, "fields": m.taken}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("merge contact %d into %d: %w", mergeeID, baseID, err)
	}
	m.base.settle(ctx)
	v.keys.Forget(account.ID)
	v.tell(ctx, events.Event{Kind: events.AccountChanged, ID: account.ID})
	v.tell(ctx, events.Event{Kind: events.KeysChanged, ID: account.ID})
	return v.FindContact(ctx, account, baseID)
}

func noSuch(argument string, err error) error {
	if !errors.Is(err, chat.ErrNotFound) {
		return err
	}
	return &chat.Error{Code: chat.NotFound, Message: chat.ErrNotFound.Message, Field: argument}
}

// merging is one merge.
type merging struct {
	vault        *Vault
	keys         *keyring.Account
	account      *chat.Account
	base, mergee *putting
	rows         map[string]int // sealed anew, by kind
	taken        []string       // fields whose value is the mergee's now, or both of theirs
}

// side is one of the two contacts as it is held.
type side struct {
	row     store.LockedContact
	subject *keyring.Subject
	columns [][]byte
}

func (m *merging) merge(ctx context.Context, tx *store.Store) error {
	if err := tx.LockSubjects(ctx, m.account.ID, m.base.contactID, m.mergee.contactID); err != nil {
		return err
	}
	base, mergee, err := m.sides(ctx, tx)
	if err != nil {
		return err
	}
	if err := m.fill(ctx, tx, base, mergee); err != nil {
		return err
	}
	m.rows = make(map[string]int)
	for _, kind := range sealOrder[1:] {
		if err := m.reseal(ctx, tx, kind, mergee.subject, base.subject); err != nil {
			return err
		}
	}
	if err := tx.MergeContacts(ctx, m.account.ID, m.mergee.contactID, m.base.contactID); err != nil {
		return err
	}
	for _, p := range []*putting{m.base, m.mergee} {
		if err := p.drop(ctx, tx); err != nil {
			return err
		}
	}
	if err := tx.MoveCacheEpoch(ctx, m.account.ID); err != nil {
		return err
	}
	return tx.AtLast(ctx, func(ctx context.Context) error { // after the base's labels: until the commit no other change of keys is numbered
		_, err := tx.NoteKeyChange(ctx, m.account.ID)
		return err
	})
}

// sides locks both contacts, lowest id first, and opens their values.
func (m *merging) sides(ctx context.Context, tx *store.Store) (base, mergee side, err error) {
	base, mergee = side{}, side{}
	order := []struct {
		p        *putting
		s        *side
		argument string
	}{{m.base, &base, "input.baseContactId"}, {m.mergee, &mergee, "input.mergeeContactId"}}
	if m.mergee.contactID < m.base.contactID {
		slices.Reverse(order)
	}
	for _, o := range order {
		if o.s.row, err = tx.LockContact(ctx, m.account.ID, o.p.contactID); err != nil {
			return base, mergee, noSuch(o.argument, err)
		}
		if o.s.subject, o.s.columns, err = o.p.open(ctx, o.s.row); err != nil {
			return base, mergee, err
		}
	}
	return base, mergee, nil
}

// fill writes the base with what it lacks of the mergee's values, and gives it the blind index entries of addresses it
// takes over.
func (m *merging) fill(ctx context.Context, tx *store.Store, base, mergee side) error {
	plain := store.PlainRow{ID: m.base.contactID, ContactID: m.base.contactID, Columns: make([][]byte, len(contactFields))}
	keepName, moved := base.row.Columns[nameColumn] != nil, []int16{}
	for i, f := range contactFields {
		plain.Columns[i] = mergeValue(f, base.columns[i], mergee.columns[i])
		if bytes.Equal(plain.Columns[i], base.columns[i]) {
			continue
		}
		m.taken = append(m.taken, fieldNames[f])
		switch {
		case f == chat.FieldName:
			keepName = mergee.row.Columns[nameColumn] != nil
		case slices.Contains(addressFields, f):
			moved = append(moved, int16(tagFields[f]))
		}
	}
	sealed, err := sealContact(m.keys, base.subject, plain, base.row.Version+1, keepName)
	if err != nil {
		return err
	}
	if err := tx.PutContact(ctx, m.account.ID, sealed, listedName(m.account, base.row.ListedName, plain, sealed)); err != nil {
		return err
	}
	if hasAddress(plain.Columns) {
		if err := tx.PromoteContact(ctx, m.account.ID, m.base.contactID); err != nil {
			return err
		}
	}
	if err := tx.MoveTags(ctx, m.account.ID, m.mergee.contactID, m.base.contactID, moved); err != nil {
		return err
	}
	if err := putTags(ctx, tx, m.keys, plain, nil); err != nil {
		return err
	}
	return m.vault.indexContacts(ctx, tx, m.keys, []store.PlainRow{plain})
}

// reseal seals the rows of one kind under another key, at the places where they lie and in the versions they have.
func (m *merging) reseal(ctx context.Context, tx *store.Store, kind chat.RecordKind, from, to *keyring.Subject) error {
	for parent, id := int64(0), int64(0); ; {
		rows, err := tx.RowsUnderSubject(ctx, m.account.ID, kind, from.ID(), parent, id, mergeChunk)
		if err != nil || len(rows) == 0 {
			return err
		}
		parent, id = rows[len(rows)-1].Parent, rows[len(rows)-1].ID
		for i := range rows {
			if err := m.resealRow(ctx, kind, &rows[i], from, to); err != nil {
				return err
			}
		}
		if err := tx.MoveRows(ctx, m.account.ID, kind, m.base.contactID, rows); err != nil {
			return err
		}
		m.rows[recordNames[kind]] += len(rows)
	}
}

func (m *merging) resealRow(ctx context.Context, kind chat.RecordKind, row *store.SealedRow, from, to *keyring.Subject) error {
	row.SubjectKeyID, row.KeyID = to.ID(), m.keys.Generation()
	for i, f := range sealFields[kind] {
		if row.Columns[i] == nil {
			continue
		}
		place := keyring.Place{Table: f.Table(), Field: f, Row: row.ID, Version: row.Version}
		clear, err := from.Open(place, row.Columns[i])
		if err != nil {
			key := chat.RecordKey{Kind: kind, Parent: row.Parent, ID: row.ID}
			return m.vault.unreadable(ctx, m.account.ID, key, recordField(kind, i), err)
		}
		if row.Columns[i], err = to.Seal(place, clear); err != nil {
			return fmt.Errorf("seal %s of %s %d anew: %w", f, recordNames[kind], row.ID, err)
		}
	}
	return nil
}

// recordField is the field a sealed column is read as; one that is kept for the way back counts as the first.
func recordField(kind chat.RecordKind, column int) chat.Field {
	if fields := chat.RecordShapes[kind].Fields; column < len(fields) {
		return fields[column]
	}
	return chat.RecordShapes[kind].Fields[0]
}

// mergeValue is the base's value unless it is blank; objects are merged, the base's members first.
func mergeValue(f chat.Field, base, mergee []byte) []byte {
	if !jsonFields.Has(f) {
		if len(bytes.TrimSpace(base)) == 0 && len(bytes.TrimSpace(mergee)) > 0 {
			return mergee
		}
		return base
	}
	switch {
	case len(mergee) == 0 || emptyJSON(mergee):
		return base
	case len(base) == 0 || emptyJSON(base):
		return mergee
	}
	return mergeObjects([]byte(plainText(f, base).Reveal()), []byte(plainText(f, mergee).Reveal()))
}

// mergeObjects puts into an object what it lacks of another, at every depth. What is no object stays as it is.
func mergeObjects(base, other []byte) []byte {
	var into, from map[string]json.RawMessage
	if json.Unmarshal(base, &into) != nil || json.Unmarshal(other, &from) != nil || into == nil {
		return base
	}
	for key, value := range from {
		if own, ok := into[key]; ok {
			value = mergeObjects(own, value)
		}
		into[key] = value
	}
	merged, err := json.Marshal(into)
	if err != nil {
		return base // what was valid JSON a moment ago
	}
	return merged
}
