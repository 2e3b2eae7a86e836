package vault

import (
	"errors"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// broken asks for a contact's fields twice and wants exactly those that are named to be errors; the counter and the
// audit trail must say so, the trail only once per record.
func (r *replica) broken(id int64, want ...chat.Field) {
	r.t.Helper()
	fields := map[chat.Field]bool{}
	for _, f := range want {
		fields[f] = true
	}
	before, entries := r.counted(unreadableCounter, ""), r.audited(chat.SealedUnreadableHit)
	for range 2 {
		c := r.contacts(r.account(schema.Acme), id)[0]
		for _, f := range []chat.Field{chat.FieldEmail, chat.FieldPhone, chat.FieldIdentifier} {
			_, err := c.Values.Get(f)
			if fields[f] != errors.Is(err, chat.ErrUnreadable) || chat.CodeOf(err) != chat.SealedUnreadable && fields[f] {
				r.t.Errorf("%s of contact %d: %v", fieldNames[f], id, err)
			}
		}
		for _, f := range []chat.Field{chat.FieldProfile, chat.FieldCustomAttributes} {
			if _, err := c.Attributes.Get(f); fields[f] != errors.Is(err, chat.ErrUnreadable) {
				r.t.Errorf("%s of contact %d: %v", fieldNames[f], id, err)
			}
		}
	}
	if n := r.counted(unreadableCounter, "") - before; int(n) != 2*len(want) {
		r.t.Errorf("contact %d: counted %v, want %d", id, n, 2*len(want))
	}
	records := 1 // profile and custom attributes are a record of their own
	if fields[chat.FieldProfile] {
		records++
	}
	if n := r.audited(chat.SealedUnreadableHit) - entries; n != records {
		r.t.Errorf("contact %d: %d audit entries, want %d", id, n, records)
	}
	if address := plainValue(r, id, "email"); address != "" && r.journal.has(address) {
		r.t.Error("the log quotes the address")
	}
}

func plainValue(r *replica, id int64, column string) string {
	return storetest.Value[string](r.t, r.store, `SELECT COALESCE(`+column+`, '') FROM contacts WHERE id = $1`, id)
}

const everything = schema.ContactWithEverything

func TestFlippedByte(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	storetest.Exec(t, r.store, `UPDATE cloakroom.contacts SET email_sealed = set_byte(email_sealed, length(email_sealed) - 1,
		get_byte(email_sealed, length(email_sealed) - 1) # 1) WHERE account_id = 1 AND contact_id = $1`, everything)
	r.broken(everything, chat.FieldEmail)
	if n := r.counted(unreadableCounter, "email"); n != 2 {
		t.Errorf("email is counted %v times", n)
	}
	entries, err := r.Entries(t.Context(), schema.Acme, storetest.DemoTime.AddDate(-1, 0, 0), 5)
	if err != nil || entries[0].Action != chat.SealedUnreadableHit || entries[0].EntityID != "1" || entries[0].Details["field"] != "email" {
		t.Errorf("%+v, %v", entries[0], err)
	}
}

func TestColumnsSwapped(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	storetest.Exec(t, r.store, `UPDATE cloakroom.contacts SET email_sealed = phone_number_sealed, phone_number_sealed = email_sealed
		WHERE account_id = 1 AND contact_id = $1`, everything)
	r.broken(everything, chat.FieldEmail, chat.FieldPhone)
}

func TestOldVersionPutBack(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	storetest.Exec(t, r.store, `UPDATE cloakroom.contacts SET row_version = row_version + 1 WHERE account_id = 1 AND contact_id = $1`, everything)
	r.broken(everything, chat.FieldEmail, chat.FieldPhone, chat.FieldIdentifier, chat.FieldProfile, chat.FieldCustomAttributes)
}

func TestSubjectKeySwapped(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	storetest.Exec(t, r.store, `UPDATE cloakroom.contacts c SET subject_key_id = k.subject_key_id FROM cloakroom.subject_keys k
		WHERE c.account_id = 1 AND c.contact_id = $1 AND k.account_id = 1 AND k.contact_id = $2`, everything, schema.ContactIdentifiedByEmail)
	r.broken(everything, chat.FieldEmail, chat.FieldPhone, chat.FieldIdentifier, chat.FieldProfile, chat.FieldCustomAttributes)
	// The wrapped key of one contact in the row of another opens nothing either.
	const other = schema.ContactIdentifiedByPhone
	storetest.Exec(t, r.store, `UPDATE cloakroom.subject_keys k SET key_sealed = o.key_sealed FROM cloakroom.subject_keys o
		WHERE k.account_id = 1 AND k.contact_id = $1 AND o.account_id = 1 AND o.contact_id = $2`, other, everything)
	fresh := newReplica(t, r.store, nil)
	if _, err := fresh.contacts(fresh.account(schema.Acme), other)[0].Identifier(); !errors.Is(err, chat.ErrUnreadable) {
		t.Errorf("under another's key: %v", err)
	}
}

func TestMissingTwin(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	storetest.Exec(t, r.store, `DELETE FROM cloakroom.contacts WHERE account_id = 1 AND contact_id = $1`, everything)
	r.t = t
	c, err := r.FindContact(t.Context(), r.account(schema.Acme), everything)
	if err != nil {
		t.Fatal(err)
	}
	for _, get := range []func() (*chat.PII, error){c.Email, c.PhoneNumber, c.Identifier} {
		if p, err := get(); !errors.Is(err, chat.ErrUnreadable) || p != nil {
			t.Errorf("%v, %v", p, err)
		}
	}
	if n := r.audited(chat.SealedUnreadableHit); n != 1 {
		t.Errorf("%d audit entries, want one", n)
	}
	if name, err := c.FullName(); err != nil || name == "" {
		t.Errorf("the name that is listed: %q, %v", name, err)
	}
}

// TestMovedCacheEntry puts a contact's cached record under another contact's key, as one who writes to Redis could.
func TestMovedCacheEntry(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	acme := r.account(schema.Acme)
	const other = schema.ContactIdentifiedByEmail
	_ = r.contacts(acme, everything, other)
	r.Settle()
	name := func(id int64) string {
		return cacheKey(acme.ID, acme.Settings.CacheEpoch, chat.RecordKey{Kind: chat.ContactRecord, ID: id})
	}
	moved := r.client.Get(t.Context(), name(everything)).Val()
	if moved == "" {
		t.Fatal("nothing is cached")
	}
	if err := r.client.Set(t.Context(), name(other), moved, cacheTTLMin).Err(); err != nil {
		t.Fatal(err)
	}
	r.broken(other, chat.FieldEmail, chat.FieldPhone, chat.FieldIdentifier)
	if got, want := r.email(everything), plainValue(r, everything, "email"); got != want {
		t.Errorf("the contact itself: %q, want %q", got, want)
	}
	// What is no record at all is a miss.
	for _, junk := range []string{"x", "\x01", moved[:len(moved)-1], moved + "x"} {
		if err := r.client.Set(t.Context(), name(everything), junk, cacheTTLMin).Err(); err != nil {
			t.Fatal(err)
		}
		if got, want := r.email(everything), plainValue(r, everything, "email"); got != want {
			t.Errorf("beside %d bytes of junk: %q, want %q", len(junk), got, want)
		}
	}
}

func TestTagLedAstray(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	acme := r.account(schema.Acme)
	address := chat.PII(plainValue(r, everything, "email"))
	storetest.Exec(t, r.store, `UPDATE cloakroom.lookup_tags SET contact_id = $2 WHERE account_id = 1 AND contact_id = $1`,
		everything, schema.ContactIdentifiedByEmail)
	_, err := r.LookupContact(t.Context(), acme, LookupField{Field: chat.FieldEmail, Value: address})
	if !errors.Is(err, chat.ErrUnreadable) {
		t.Errorf("a tag that leads to another contact: %v", err)
	}
	if r.counted(unreadableCounter, "email") != 1 || r.audited(chat.SealedUnreadableHit) != 1 {
		t.Error("neither counted nor on record")
	}
}

func TestMessagesFailAlone(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	acme := r.account(schema.Acme)
	conversation := schema.ConversationID(schema.Acme, 1)
	page := chat.Page{Limit: 50}
	read := func() []store.MessageRow {
		rows, err := r.ListMessages(t.Context(), acme, conversation, page)
		if err != nil || len(rows) < 3 {
			t.Fatalf("%d messages, %v", len(rows), err)
		}
		return rows
	}
	victim := read()[1].ID
	storetest.Exec(t, r.store, `UPDATE cloakroom.messages SET content_sealed = '\x0102' WHERE account_id = 1 AND message_id = $1`, victim)
	for _, m := range read() {
		if _, err := m.Content(); (m.ID == victim) != errors.Is(err, chat.ErrUnreadable) {
			t.Errorf("message %d: %v", m.ID, err)
		}
	}
}
