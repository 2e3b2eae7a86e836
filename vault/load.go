package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/rollout"
	"github.com/cloakroom/cloakroom/store"
)

var (
	errMissing = errors.New("the sealed twin of a row is missing")
	errTag     = errors.New("a blind index leads to a contact without the value")
)

// Rows are rows of one account that lack their personal values.
type Rows struct {
	Contacts               []*chat.Contact
	ContactAttributes      []*chat.Contact // of these the profile and custom attributes as well
	Messages               []*chat.Message
	ConversationAttributes []*chat.Conversation
	ContactInboxes         []*chat.ContactInbox
	Attachments            []*chat.Attachment
	Notes                  []*chat.Note
}

// Load gives rows their values: sealed records from Redis in one round trip, the rest and plain ones from
// PostgreSQL in one statement. Nothing is opened yet.
func (v *Vault) Load(ctx context.Context, account *chat.Account, rows Rows) error {
	r, err := v.reader(ctx, account)
	if err != nil {
		return err
	}
	l := &loading{reader: r, account: account, wanted: make(map[chat.RecordKind][]chat.RecordKey)}
	l.ask(rows)
	records, err := l.read(ctx)
	if err != nil {
		return err
	}
	l.attach(rows, records)
	return nil
}

type loading struct {
	*reader
	account *chat.Account
	wanted  map[chat.RecordKind][]chat.RecordKey
}

func (l *loading) ask(rows Rows) {
	for _, c := range rows.Contacts {
		l.want(contactKey(c))
	}
	for _, c := range rows.ContactAttributes {
		l.want(contactAttributesKey(c))
	}
	for _, m := range rows.Messages {
		l.want(messageKey(m))
	}
	for _, c := range rows.ConversationAttributes {
		l.want(conversationKey(c))
	}
	for _, ci := range rows.ContactInboxes {
		l.want(contactInboxKey(ci))
	}
	for _, a := range rows.Attachments {
		l.want(attachmentKey(a))
	}
	for _, n := range rows.Notes {
		l.want(noteKey(n))
	}
}

func (l *loading) want(k chat.RecordKey) { l.wanted[k.Kind] = append(l.wanted[k.Kind], k) }

func (l *loading) sealed(kind chat.RecordKind) bool {
	return rollout.ReadFrom(l.account.Settings, chat.RecordShapes[kind].Dataset) == rollout.Sealed
}

// recordKinds fixes the order in which kinds are asked for, so that a page is always the same statement.
var recordKinds = []chat.RecordKind{chat.ContactRecord, chat.ContactAttributesRecord, chat.ContactInboxRecord,
	chat.ConversationRecord, chat.MessageRecord, chat.AttachmentRecord, chat.NoteRecord}

func (l *loading) read(ctx context.Context) (map[chat.RecordKey]*chat.Record, error) {
	var cacheable []chat.RecordKey
	for _, kind := range recordKinds {
		if l.sealed(kind) {
			cacheable = append(cacheable, l.wanted[kind]...)
		}
	}
	epoch := l.account.Settings.CacheEpoch
	records := l.vault.cache.get(ctx, l.id, epoch, cacheable)
	if records == nil {
		records = make(map[chat.RecordKey]*chat.Record)
	}
	var missing []store.RecordsWanted
	for _, kind := range recordKinds {
		w := store.RecordsWanted{Kind: kind, Sealed: l.sealed(kind)}
		for _, k := range l.wanted[kind] {
			if records[k] == nil {
				w.Keys = append(w.Keys, k)
			}
		}
		if len(w.Keys) > 0 {
			missing = append(missing, w)
		}
	}
	read, err := l.vault.store.RecordsByKeys(ctx, l.id, missing)
	if err != nil {
		return nil, fmt.Errorf("read records of account %d: %w", l.id, err)
	}
	fresh := make([]*chat.Record, 0, len(read))
	for _, r := range read {
		records[r.RecordKey] = r
		if r.Sealed {
			fresh = append(fresh, r)
		}
	}
	l.vault.cache.fill(l.id, epoch, fresh)
	return records, nil
}

func (l *loading) attach(rows Rows, records map[chat.RecordKey]*chat.Record) {
	for _, c := range rows.Contacts {
		l.attachContact(c, records[contactKey(c)])
	}
	for _, c := range rows.ContactAttributes {
		c.Attributes = l.values(contactAttributesKey(c), records[contactAttributesKey(c)])
	}
	for _, m := range rows.Messages {
		m.Values = l.values(messageKey(m), records[messageKey(m)])
	}
	for _, c := range rows.ConversationAttributes {
		c.Values = l.values(conversationKey(c), records[conversationKey(c)])
	}
	for _, ci := range rows.ContactInboxes {
		ci.Values = l.values(contactInboxKey(ci), records[contactInboxKey(ci)])
	}
	for _, a := range rows.Attachments {
		a.Values = l.values(attachmentKey(a), records[attachmentKey(a)])
	}
	for _, n := range rows.Notes {
		n.Values = l.values(noteKey(n), records[noteKey(n)])
	}
}

func (r *reader) attachContact(c *chat.Contact, record *chat.Record) {
	c.AliasOf = r.account.Alias
	c.Values = r.values(contactKey(c), record)
}

func contactKey(c *chat.Contact) chat.RecordKey {
	return chat.RecordKey{Kind: chat.ContactRecord, ID: c.ID}
}

func contactAttributesKey(c *chat.Contact) chat.RecordKey {
	return chat.RecordKey{Kind: chat.ContactAttributesRecord, ID: c.ID}
}

func messageKey(m *chat.Message) chat.RecordKey {
	return chat.RecordKey{Kind: chat.MessageRecord, Parent: m.ConversationID, ID: m.ID}
}

func conversationKey(c *chat.Conversation) chat.RecordKey {
	return chat.RecordKey{Kind: chat.ConversationRecord, ID: c.ID}
}

func contactInboxKey(ci *chat.ContactInbox) chat.RecordKey {
	return chat.RecordKey{Kind: chat.ContactInboxRecord, ID: ci.ID}
}

func attachmentKey(a *chat.Attachment) chat.RecordKey {
	return chat.RecordKey{Kind: chat.AttachmentRecord, Parent: a.MessageID, ID: a.ID}
}

func noteKey(n *chat.Note) chat.RecordKey {
	return chat.RecordKey{Kind: chat.NoteRecord, Parent: n.ContactID, ID: n.ID}
}

// unknownTime stands where the schema wants a time and nobody knows one.
var unknownTime = time.Unix(0, 0).UTC()

// DeletedContact stands for a contact that a conversation or message still names but that is gone: it has an
// alias and no values.
func (v *Vault) DeletedContact(ctx context.Context, accountID, contactID int64) (*chat.Contact, error) {
	r, err := v.reader(ctx, &chat.Account{ID: accountID})
	if err != nil {
		return nil, err
	}
	c := &chat.Contact{ID: contactID, AccountID: accountID, AliasOf: r.account.Alias, CreatedAt: unknownTime}
	if c.ListedName, err = c.Alias(); err != nil {
		return nil, err
	}
	c.Values = chat.Values{Open: func(chat.Field) (chat.PII, error) { return "", errMissing }}
	c.Attributes = c.Values
	return c, nil
}
