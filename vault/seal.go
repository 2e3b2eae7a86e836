package vault

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

// unknownContact stands for the contact of a row that names none: such rows share a subject key of their own.
const unknownContact = math.MaxInt64

// sealChunk is how many rows are sealed in one transaction.
const sealChunk = 5000

// errKeyGone is a subject key that was destroyed between being read and being used.
var errKeyGone = errors.New("a subject key is gone")

// Sealing reports how far the sealing of an account has come.
type Sealing struct {
	Kind string
	Rows int
}

// sealFields names the columns of each kind in the order in which they are sealed.
var sealFields = map[chat.RecordKind][]keyring.Field{
	chat.ContactRecord: {keyring.FieldEmail, keyring.FieldPhoneNumber, keyring.FieldIdentifier, keyring.FieldName,
		keyring.FieldProfile, keyring.FieldCustomAttributes},
	chat.ContactInboxRecord: {keyring.FieldSourceID},
	chat.ConversationRecord: {keyring.FieldConversationAdditionalAttributes, keyring.FieldConversationCustomAttributes, keyring.FieldConversationRest},
	chat.MessageRecord:      {keyring.FieldMessageContent, keyring.FieldMessageAttributes, keyring.FieldMessageRest},
	chat.AttachmentRecord:   {keyring.FieldAttachmentTitle, keyring.FieldAttachmentMeta, keyring.FieldAttachmentFileName},
	chat.NoteRecord:         {keyring.FieldNoteContent},
}

var sealOrder = []chat.RecordKind{chat.ContactRecord, chat.ContactInboxRecord, chat.ConversationRecord,
	chat.MessageRecord, chat.AttachmentRecord, chat.NoteRecord}

// SealAccount seals every row of an account that has no sealed twin yet, so it can be stopped and run again.
// Chatwoot's columns stay as they are.
func (v *Vault) SealAccount(ctx context.Context, accountID int64, report func(Sealing)) error {
	for _, kind := range sealOrder {
		total, parent, id := 0, int64(0), int64(0)
		analysed := sealChunk // while a table grows from nothing, what its statistics say is that it is empty
		for {
			rows, err := v.sealNext(ctx, accountID, kind, parent, id)
			switch {
			case errors.Is(err, errKeyGone):
				continue // a contact was merged or erased since: its rows are read again
			case err != nil:
				return fmt.Errorf("seal account %d: %w", accountID, err)
			}
			if len(rows) == 0 {
				break
			}
			parent, id = rows[len(rows)-1].Parent, rows[len(rows)-1].ID
			if total += len(rows); total >= analysed {
				analysed = 2 * total
				if err := v.store.AnalyzeSealed(ctx); err != nil {
					return err
				}
			}
			report(Sealing{Kind: recordNames[kind], Rows: total})
		}
	}
	if err := v.store.AnalyzeSealed(ctx); err != nil {
		return err
	}
	if err := v.markSealed(ctx, accountID); err != nil {
		return fmt.Errorf("seal account %d: %w", accountID, err)
	}
	return nil
}

// sealNext seals the rows that come after one, with the keys of now: they may change while an account is sealed.
func (v *Vault) sealNext(ctx context.Context, accountID int64, kind chat.RecordKind, parent, id int64) ([]store.PlainRow, error) {
	defer v.Enter()()
	keys, err := v.keys.Account(ctx, accountID)
	if err != nil {
		return nil, err
	}
	rows, err := v.store.ListUnsealed(ctx, accountID, kind, parent, id, sealChunk)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows, v.sealRows(ctx, keys, kind, rows)
}

func (v *Vault) sealRows(ctx context.Context, keys *keyring.Account, kind chat.RecordKind, rows []store.PlainRow) error {
	subjects, err := v.subjects(ctx, keys, rows)
	if err != nil {
		return err
	}
	erased, err := v.erasedAmong(ctx, keys, rows, subjects)
	if err != nil {
		return err
	}
	sealed := make([]store.SealedRow, len(rows))
	var tags []store.TagRow
	living := make([]store.PlainRow, 0, len(rows))
	for i, row := range rows {
		if key, gone := erased[subjectOf(row)]; gone {
			sealed[i] = erasedTwin(row, key)
			continue
		}
		living = append(living, row)
		if sealed[i], err = sealRow(keys, subjects[subjectOf(row)], kind, row, 1); err != nil {
			return err
		}
		if kind == chat.ContactRecord {
			if tags, err = appendTags(tags, keys, row); err != nil {
				return err
			}
		}
	}
	var ids []int64
	for _, s := range subjects {
		ids = append(ids, s.ID())
	}
	return v.store.InTx(ctx, func(tx *store.Store) error {
		if err := tx.HoldErasures(ctx, keys.ID()); err != nil {
			return err
		}
		held, err := tx.HoldSubjectKeys(ctx, keys.ID(), ids)
		if err != nil {
			return err
		}
		if !held {
			return errKeyGone
		}
		if err := tx.CreateSealedRows(ctx, keys.ID(), kind, sealed); err != nil {
			return err
		}
		if len(tags) > 0 {
			if err := tx.CreateTags(ctx, keys.ID(), tags); err != nil {
				return err
			}
		}
		return v.index(ctx, tx, keys, kind, living)
	})
}

// erasedAmong gives the contacts of rows that have no key because they were erased, each with a key that is destroyed.
func (v *Vault) erasedAmong(ctx context.Context, keys *keyring.Account, rows []store.PlainRow, subjects map[int64]*keyring.Subject) (map[int64]int64, error) {
	var without []int64
	for _, row := range rows {
		if id := subjectOf(row); subjects[id] == nil {
			without = append(without, id)
		}
	}
	if len(without) == 0 {
		return nil, nil
	}
	erased, err := v.store.ErasedKeys(ctx, keys.ID(), without)
	if err != nil {
		return nil, err
	}
	for _, id := range without {
		switch key, gone := erased[id]; {
		case !gone:
			return nil, errKeyGone
		case key == 0:
			return nil, fmt.Errorf("contact %d is erased and has not even a destroyed key: erase it again", id)
		}
	}
	return erased, nil
}

// erasedTwin is the sealed twin of a row of an erased contact's: whatever the row holds now, its twin holds nothing.
func erasedTwin(row store.PlainRow, key int64) store.SealedRow {
	return store.SealedRow{Parent: row.Parent, ID: row.ID, ContactID: row.ContactID, SubjectKeyID: key, Version: 1, Columns: make([][]byte, len(row.Columns))}
}

func subjectOf(row store.PlainRow) int64 {
	if row.ContactID == 0 {
		return unknownContact
	}
	return row.ContactID
}

func sealRow(keys *keyring.Account, subject *keyring.Subject, kind chat.RecordKind, row store.PlainRow, version int64) (store.SealedRow, error) {
	s := store.SealedRow{Parent: row.Parent, ID: row.ID, ContactID: row.ContactID, SubjectKeyID: subject.ID(),
		KeyID: keys.Generation(), Version: version, Columns: make([][]byte, len(row.Columns))}
	for i, f := range sealFields[kind] {
		if !worthSealing(f, row.Columns[i], row) {
			continue
		}
		var err error
		place := keyring.Place{Table: f.Table(), Field: f, Row: row.ID, Version: s.Version}
		if s.Columns[i], err = subject.Seal(place, row.Columns[i]); err != nil {
			return s, fmt.Errorf("seal %s of %s %d: %w", f, recordNames[kind], row.ID, err)
		}
	}
	return s, nil
}

// Columns that hold JSON, where an empty object is no value.
var jsonColumns = map[keyring.Field]bool{
	keyring.FieldProfile: true, keyring.FieldCustomAttributes: true, keyring.FieldMessageAttributes: true,
	keyring.FieldConversationAdditionalAttributes: true, keyring.FieldConversationCustomAttributes: true,
	keyring.FieldAttachmentMeta: true, keyring.FieldMessageRest: true, keyring.FieldConversationRest: true,
}

// worthSealing leaves out what is no value, and names that are no addresses: those stay listed in clear, so that
// they can be sorted and searched.
func worthSealing(f keyring.Field, column []byte, row store.PlainRow) bool {
	switch {
	case f == keyring.FieldName:
		c := row.Columns
		return chat.NameIsAddress(string(column), string(c[0]), string(c[1]), string(c[2]))
	case f == keyring.FieldMessageContent:
		return column != nil
	case jsonColumns[f]:
		return len(column) > 0 && !emptyJSON(column)
	default:
		return len(column) > 0
	}
}

// appendTags adds the blind indexes of a contact's addresses, under every generation that is written, to be held where
// nobody holds them.
func appendTags(tags []store.TagRow, keys *keyring.Account, row store.PlainRow) ([]store.TagRow, error) {
	for i, f := range []chat.Field{chat.FieldEmail, chat.FieldPhone, chat.FieldIdentifier} {
		if len(row.Columns[i]) == 0 {
			continue
		}
		values, err := keys.Tags(tagFields[f], []byte(Normalise(f, string(row.Columns[i]))))
		if err != nil {
			return nil, fmt.Errorf("index contact %d: %w", row.ID, err)
		}
		for _, t := range values {
			tag := store.LookupTag{Field: int16(tagFields[f]), Generation: t.Generation, Tag: t.Value}
			tags = append(tags, store.TagRow{LookupTag: tag, ContactID: row.ID, Exclusive: true})
		}
	}
	return tags, nil
}

// subjects gives the keys of the contacts that rows belong to, and makes those that are not there yet.
func (v *Vault) subjects(ctx context.Context, keys *keyring.Account, rows []store.PlainRow) (map[int64]*keyring.Subject, error) {
	contacts := make(map[int64]bool)
	var ids []int64
	for _, row := range rows {
		if id := subjectOf(row); !contacts[id] {
			contacts[id] = true
			ids = append(ids, id)
		}
	}
	found, err := v.readSubjects(ctx, keys, ids)
	if err != nil || len(found) == len(ids) {
		return found, err
	}
	var missing []int64
	for _, id := range ids {
		if found[id] == nil {
			missing = append(missing, id)
		}
	}
	if err := v.createSubjects(ctx, keys, missing); err != nil {
		return nil, err
	}
	return v.readSubjects(ctx, keys, ids)
}

func (v *Vault) readSubjects(ctx context.Context, keys *keyring.Account, contactIDs []int64) (map[int64]*keyring.Subject, error) {
	stored, err := v.store.SubjectKeysOf(ctx, keys.ID(), contactIDs)
	if err != nil {
		return nil, fmt.Errorf("read subject keys: %w", err)
	}
	subjects := make(map[int64]*keyring.Subject, len(stored))
	for _, k := range stored {
		if subjects[k.ContactID], err = keys.Subject(k.ContactID, k.ID, k.Wrapped); err != nil {
			return nil, fmt.Errorf("open the subject key of contact %d: %w", k.ContactID, err)
		}
	}
	return subjects, nil
}

func (v *Vault) createSubjects(ctx context.Context, keys *keyring.Account, contactIDs []int64) error {
	ids, err := v.store.ReserveSubjectKeys(ctx, len(contactIDs))
	if err != nil {
		return fmt.Errorf("reserve subject keys: %w", err)
	}
	made := make([]store.SubjectKey, len(contactIDs))
	for i, contactID := range contactIDs {
		_, wrapped, err := keys.NewSubject(contactID, ids[i])
		if err != nil {
			return fmt.Errorf("make a subject key for contact %d: %w", contactID, err)
		}
		made[i] = store.SubjectKey{ID: ids[i], ContactID: contactID, KeyID: keys.Generation(), Epoch: keys.Epoch(), Wrapped: wrapped}
	}
	return v.store.CreateSubjectKeys(ctx, keys.ID(), made)
}
