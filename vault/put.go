package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/events"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

// contactFields are the fields of a contact's sealed row, in the order in which they are sealed. Two records read
// from that row.
var contactFields = slices.Concat(chat.RecordShapes[chat.ContactRecord].Fields, chat.RecordShapes[chat.ContactAttributesRecord].Fields)

// afterCommit bounds what is done for a change that stands already, whether or not its asker still waits.
const afterCommit = 3 * time.Second

// PutContact changes personal values of a contact whose account is read sealed: every field in change gets its new
// value, nil being none; the others stay. Profile and custom attributes are JSON objects. The row is sealed anew
// as a whole, under its next version; look-ups find the new addresses and no old one; when it returns, no old
// value is read from Redis. The change is on record, by its fields. chat.ErrNotFound when there is no such contact, or
// no longer; chat.ErrDuplicate when another contact of the account has one of the new addresses; an error that wraps
// chat.ErrUnreadable when a value that is to stay does not open.
func (v *Vault) PutContact(ctx context.Context, account *chat.Account, contactID int64, change ContactChange) error {
	if err := errors.Join(writable(account, givesAttributes(change)), checkChange(change)); err != nil {
		return fmt.Errorf("change contact %d of account %d: %w", contactID, account.ID, err)
	}
	keys, err := v.keys.Account(ctx, account.ID)
	if err != nil {
		return err
	}
	p := &putting{vault: v, keys: keys, account: account, contactID: contactID, Change: change}
	err = v.Change(ctx, p.entry(ctx), func(tx *store.Store) error {
		if err := p.write(ctx, tx); err != nil {
			return err
		}
		return p.drop(ctx, tx) // before the commit as well: a process that dies right after it leaves nothing old behind
	})
	if err != nil {
		return fmt.Errorf("change contact %d: %w", contactID, err)
	}
	p.settle(ctx)
	return nil
}

func checkChange(change ContactChange) error {
	for f, p := range change {
		if !slices.Contains(contactFields, f) {
			return fmt.Errorf("%s is no field of a contact", fieldNames[f])
		}
		var object map[string]json.RawMessage
		if p != nil && jsonFields.Has(f) && json.Unmarshal([]byte(p.Reveal()), &object) != nil {
			return fmt.Errorf("%s is not a JSON object", fieldNames[f])
		}
	}
	return nil
}

// putting is one change of one contact.
type putting struct {
	vault     *Vault
	keys      *keyring.Account
	account   *chat.Account
	contactID int64
	Change    ContactChange // exported, so that fmt asks the values how they print
	moved     bool          // the cache's epoch, because a record could not be dropped

	merge func(attributes []byte) ([]byte, error) // makes the custom attributes that are to be of those that are there
}

func (p *putting) write(ctx context.Context, tx *store.Store) error {
	row, err := tx.LockContact(ctx, p.account.ID, p.contactID)
	if err != nil {
		return err
	}
	subject, columns, err := p.open(ctx, row)
	if err != nil {
		return err
	}
	plain := store.PlainRow{ID: row.ID, ContactID: row.ID, Columns: columns}
	_, renamed := p.Change[chat.FieldName]
	sealed, err := sealContact(p.keys, subject, plain, row.Version+1, !renamed && row.Columns[nameColumn] != nil)
	if err != nil {
		return err
	}
	if err := tx.PutContact(ctx, p.account.ID, sealed, listedName(p.account, row.ListedName, plain, sealed)); err != nil {
		return err
	}
	changed := make(map[chat.Field]bool, len(p.Change))
	for f := range p.Change {
		changed[f] = true
	}
	if err := putTags(ctx, tx, p.keys, plain, changed); err != nil {
		return err
	}
	if hasAddress(plain.Columns) {
		if err := tx.PromoteContact(ctx, p.account.ID, p.contactID); err != nil {
			return err
		}
	}
	return p.vault.indexContacts(ctx, tx, p.keys, []store.PlainRow{plain})
}

// entry is the change on record: which fields, and never a value.
func (p *putting) entry(ctx context.Context) *chat.AuditEntry {
	return &chat.AuditEntry{AccountID: p.account.ID, Actor: ActorFrom(ctx), Action: chat.ContactUpdated, EntityType: "contact",
		EntityID: chat.FormatID(p.contactID), Details: map[string]any{"fields": fieldsGiven(p.Change)}}
}

// Where a contact's name and its custom attributes lie in its sealed row.
var (
	nameColumn       = slices.Index(contactFields, chat.FieldName)
	attributesColumn = slices.Index(contactFields, chat.FieldCustomAttributes)
)

// sealContact is sealRow for a contact whose name may have to stay sealed although it is no address any more: it was
// one, and would tell what the contact's address was before that was changed.
func sealContact(keys *keyring.Account, subject *keyring.Subject, plain store.PlainRow, version int64, keepName bool) (store.SealedRow, error) {
	sealed, err := sealRow(keys, subject, chat.ContactRecord, plain, version)
	if err != nil || !keepName || sealed.Columns[nameColumn] != nil || len(plain.Columns[nameColumn]) == 0 {
		return sealed, err
	}
	place := keyring.Place{Table: keyring.TableContacts, Field: keyring.FieldName, Row: plain.ID, Version: version}
	if sealed.Columns[nameColumn], err = subject.Seal(place, plain.Columns[nameColumn]); err != nil {
		return sealed, fmt.Errorf("seal the name of contact %d: %w", plain.ID, err)
	}
	return sealed, nil
}

// open gives a contact's key and its values as they are to be.
func (p *putting) open(ctx context.Context, row store.LockedContact) (*keyring.Subject, [][]byte, error) {
	subject, err := p.keys.Subject(row.KeyContactID, row.SubjectKeyID, row.KeySealed)
	if err != nil {
		return nil, nil, p.unreadable(ctx, chat.FieldEmail, err)
	}
	columns, err := p.values(ctx, subject, row)
	return subject, columns, err
}

// values gives every field as it is to be: changed, or opened from what is there.
func (p *putting) values(ctx context.Context, subject *keyring.Subject, row store.LockedContact) ([][]byte, error) {
	columns := make([][]byte, len(contactFields))
	for i, f := range contactFields {
		if value, changed := p.Change[f]; changed {
			if value != nil {
				columns[i] = []byte(value.Reveal())
			}
			continue
		}
		if row.Columns[i] == nil {
			if f == chat.FieldName {
				columns[i] = []byte(row.ListedName)
			}
			continue
		}
		field := sealFields[chat.ContactRecord][i]
		clear, err := subject.Open(keyring.Place{Table: field.Table(), Field: field, Row: row.ID, Version: row.Version}, row.Columns[i])
		if err != nil {
			return nil, p.unreadable(ctx, f, err)
		}
		columns[i] = clear
	}
	if p.merge == nil {
		return columns, nil
	}
	var err error
	columns[attributesColumn], err = p.merge(columns[attributesColumn])
	return columns, err
}

func (p *putting) unreadable(ctx context.Context, f chat.Field, cause error) error {
	return p.vault.unreadable(ctx, p.account.ID, chat.RecordKey{Kind: chat.ContactRecord, ID: p.contactID}, f, cause)
}

// listedName is what stands in Chatwoot's own column, before which stands there now: the name unless it was sealed
// away, and then nothing once plain columns are given up.
func listedName(account *chat.Account, before string, plain store.PlainRow, sealed store.SealedRow) string {
	switch {
	case sealed.Columns[nameColumn] == nil:
		return string(plain.Columns[nameColumn])
	case account.Settings.Phases[chat.Contacts] == chat.SealedOnly:
		return ""
	default:
		return before
	}
}

// drop takes the contact's records out of the cache.
func (p *putting) drop(ctx context.Context, tx *store.Store) (err error) {
	p.moved, err = p.vault.drop(ctx, tx, p.account, p.records())
	return err
}

func (p *putting) settle(ctx context.Context) { p.vault.settle(ctx, p.account, p.records(), p.moved) }

func (p *putting) records() []chat.RecordKey {
	return []chat.RecordKey{{Kind: chat.ContactRecord, ID: p.contactID}, {Kind: chat.ContactAttributesRecord, ID: p.contactID}}
}

// drop takes records out of the cache, under the epoch that is in force and under the one the caller still knows; where
// Redis does not answer, the epoch moves instead.
func (v *Vault) drop(ctx context.Context, s *store.Store, account *chat.Account, records []chat.RecordKey) (moved bool, err error) {
	policy, err := s.ReadPolicy(ctx, 0, []int64{account.ID})
	if err != nil {
		return false, fmt.Errorf("read the cache epoch: %w", err)
	}
	epochs := []int64{account.Settings.CacheEpoch, policy.Settings[account.ID].CacheEpoch}
	for _, epoch := range slices.Compact(epochs) {
		if err := v.cache.drop(ctx, account.ID, epoch, records); err != nil {
			v.cache.failed(ctx, err)
			return true, s.MoveCacheEpoch(ctx, account.ID)
		}
	}
	return false, nil
}

// settle drops once more after the commit, against a reader that filled the cache with the row of before. When even
// the epoch cannot be moved, the first tombstones still stand for longer than any reader takes.
func (v *Vault) settle(ctx context.Context, account *chat.Account, records []chat.RecordKey, moved bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterCommit)
	defer cancel()
	again, err := v.drop(ctx, v.store, account, records)
	if err != nil {
		v.log.ErrorContext(ctx, "the cache was not told again of a change", "account", account.ID, "count", len(records), "error", store.Redact(err))
	}
	if moved || again {
		v.tell(ctx, events.Event{Kind: events.AccountChanged, ID: account.ID})
	}
}
