package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/rollout"
	"github.com/cloakroom/cloakroom/store"
)

// ContactChange is what a writer gives of a contact's personal values, nil being none. CheckContact makes one of it that
// Chatwoot would save.
type ContactChange = map[chat.Field]*chat.PII

// contactArguments names the fields of a contact as clients do.
var contactArguments = map[chat.Field]string{
	chat.FieldName: "input.name", chat.FieldEmail: "input.email", chat.FieldPhone: "input.phoneNumber",
	chat.FieldIdentifier: "input.identifier", chat.FieldCustomAttributes: "input.customAttributes",
}

// contactRules are Chatwoot's, field by field, with what is said of a value that breaks one.
var contactRules = map[chat.Field]struct {
	fits func(string) (string, bool)
	want string
}{
	chat.FieldName:       {chatwoot.ContactText, "must not be longer than 255 characters"},
	chat.FieldEmail:      {chatwoot.ContactEmail, "must be one e-mail address"},
	chat.FieldPhone:      {chatwoot.ContactPhone, "must be a phone number in E.164 form, such as +15550100"},
	chat.FieldIdentifier: {chatwoot.ContactText, "must not be longer than 255 characters"},
}

// CheckContact gives a change as Chatwoot would save it: addresses in lower case, blank values as none. Its error names
// the argument and never the value.
func CheckContact(given ContactChange) (ContactChange, error) {
	change := make(ContactChange, len(given))
	for _, f := range contactFields {
		value, ok := given[f]
		rule, ruled := contactRules[f]
		if !ok || value == nil || !ruled {
			if ok {
				change[f] = value
			}
			continue
		}
		kept, fits := rule.fits(value.Reveal())
		if !fits {
			return nil, chat.InvalidField(contactArguments[f], "%s", rule.want)
		}
		if change[f] = nil; kept != "" {
			p := chat.PII(kept)
			change[f] = &p
		}
	}
	return change, nil
}

// maxAttributes bounds the custom attributes that are given with a contact.
const maxAttributes = 100

// AttributesOf makes the JSON object of custom attributes, nil of none.
func AttributesOf(keys []string, values []*string) (*chat.PII, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	object := make(map[string]*string, len(keys))
	for i, key := range keys {
		if kept, fits := chatwoot.ContactText(key); kept == "" || !fits {
			return nil, chat.InvalidField(contactArguments[chat.FieldCustomAttributes], "must have a key of 1 to %d characters each", chatwoot.MaxContactText)
		}
		object[key] = values[i]
	}
	if len(object) != len(keys) || len(keys) > maxAttributes {
		return nil, chat.InvalidField(contactArguments[chat.FieldCustomAttributes], "must be at most %d, each key once", maxAttributes)
	}
	text, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("encode custom attributes: %w", err)
	}
	p := chat.PII(text)
	return &p, nil
}

// errUnsealed is the one answer where contacts are not read sealed: Chatwoot's own columns are written by Rails alone.
var errUnsealed = chat.InvalidField("input.accountId", "this account's contacts are Chatwoot's to write: they are not read sealed")

// writable says that what is to change is read sealed. Where nobody could read the account's settings nobody knows, and
// nothing is written.
func writable(account *chat.Account, attributes bool) error {
	switch {
	case account.Settings.Phases == nil:
		return fmt.Errorf("the settings of account %d could not be read", account.ID)
	case !sealedContacts(account), attributes && rollout.ReadFrom(account.Settings, chat.Attributes) != rollout.Sealed:
		return errUnsealed
	}
	return nil
}

// givesAttributes says that a change touches what lies in the dataset of attributes.
func givesAttributes(change ContactChange) bool {
	_, profile := change[chat.FieldProfile]
	_, custom := change[chat.FieldCustomAttributes]
	return profile || custom
}

// CreateContact makes a contact of an account that is read sealed, on record, and gives it. Chatwoot's own row holds
// none of its personal values. chat.ErrDuplicate when another contact of the account has one of the addresses.
func (v *Vault) CreateContact(ctx context.Context, account *chat.Account, values ContactChange) (*chat.Contact, error) {
	if err := errors.Join(writable(account, givesAttributes(values)), checkChange(values)); err != nil {
		return nil, fmt.Errorf("create a contact: %w", err)
	}
	keys, err := v.keys.Account(ctx, account.ID)
	if err != nil {
		return nil, err
	}
	plain := store.PlainRow{Columns: make([][]byte, len(contactFields))}
	for i, f := range contactFields {
		if value := values[f]; value != nil {
			plain.Columns[i] = []byte(value.Reveal())
		}
	}
	entry := &chat.AuditEntry{AccountID: account.ID, Actor: ActorFrom(ctx), Action: chat.ContactCreated, EntityType: "contact",
		Details: map[string]any{"fields": fieldsGiven(values)}}
	err = v.Change(ctx, entry, func(tx *store.Store) error {
		if err := v.createContact(ctx, tx, keys, &plain); err != nil {
			return err
		}
		entry.EntityID = chat.FormatID(plain.ID)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("create a contact: %w", err)
	}
	return v.FindContact(ctx, account, plain.ID)
}

// createContact writes Chatwoot's row, which gives the id, then the sealed one under a key of its own.
func (v *Vault) createContact(ctx context.Context, tx *store.Store, keys *keyring.Account, plain *store.PlainRow) error {
	row := store.NewContact{Lead: hasAddress(plain.Columns)}
	if !worthSealing(keyring.FieldName, plain.Columns[nameColumn], *plain) {
		row.ListedName = string(plain.Columns[nameColumn])
	}
	var err error
	if plain.ID, err = tx.CreateContact(ctx, keys.ID(), row, time.Now()); err != nil {
		return err
	}
	plain.ContactID = plain.ID
	subject, err := createSubject(ctx, tx, keys, plain.ID)
	if err != nil {
		return err
	}
	sealed, err := sealRow(keys, subject, chat.ContactRecord, *plain, 1)
	if err != nil {
		return err
	}
	if err := tx.CreateSealedRows(ctx, keys.ID(), chat.ContactRecord, []store.SealedRow{sealed}); err != nil {
		return err
	}
	if err := putTags(ctx, tx, keys, *plain, map[chat.Field]bool{chat.FieldEmail: true, chat.FieldPhone: true, chat.FieldIdentifier: true}); err != nil {
		return err
	}
	return v.indexContacts(ctx, tx, keys, []store.PlainRow{*plain})
}

// hasAddress is Chatwoot's test of a lead: an e-mail address or a phone number.
func hasAddress(columns [][]byte) bool { return len(columns[0]) > 0 || len(columns[1]) > 0 }

func createSubject(ctx context.Context, tx *store.Store, keys *keyring.Account, contactID int64) (*keyring.Subject, error) {
	ids, err := tx.ReserveSubjectKeys(ctx, 1)
	if err != nil {
		return nil, fmt.Errorf("reserve a subject key: %w", err)
	}
	subject, wrapped, err := keys.NewSubject(contactID, ids[0])
	if err != nil {
		return nil, fmt.Errorf("make a subject key for contact %d: %w", contactID, err)
	}
	made := store.SubjectKey{ID: ids[0], ContactID: contactID, KeyID: keys.Generation(), Epoch: keys.Epoch(), Wrapped: wrapped}
	return subject, tx.CreateSubjectKeys(ctx, keys.ID(), []store.SubjectKey{made})
}

// fieldsGiven names the fields of a change, for the record.
func fieldsGiven(change ContactChange) []string {
	names := make([]string, 0, len(change))
	for _, f := range contactFields {
		if _, ok := change[f]; ok {
			names = append(names, fieldNames[f])
		}
	}
	return names
}
