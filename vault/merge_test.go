package vault

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

const sealedTables = `(SELECT subject_key_id FROM cloakroom.contacts UNION ALL SELECT subject_key_id FROM cloakroom.contact_inboxes
 UNION ALL SELECT subject_key_id FROM cloakroom.conversations UNION ALL SELECT subject_key_id FROM cloakroom.messages
 UNION ALL SELECT subject_key_id FROM cloakroom.attachments UNION ALL SELECT subject_key_id FROM cloakroom.notes) t`

// TestMergeSealsEverythingUnderOneKey merges each of several contacts into another: every value of the account opens as
// before and is where Chatwoot would have it, nothing names the key that is gone, and what it had sealed is dead.
func TestMergeSealsEverythingUnderOneKey(t *testing.T) {
	t.Parallel()
	const plainBase = schema.ContactOfCompany
	for _, pair := range []struct{ base, mergee int64 }{
		{plainBase, everything}, {everything, plainBase}, {schema.ContactWithoutAddress, schema.ContactNamedByEmail},
		{schema.ContactNamedByPhone, schema.ContactOfTelegram},
	} {
		t.Run(fmt.Sprintf("%d into %d", pair.mergee, pair.base), func(t *testing.T) {
			t.Parallel()
			r := newSealed(t)
			acme := r.account(schema.Acme)
			before := r.all(acme)
			r.Settle()
			key := storetest.Value[int64](t, r.store, `SELECT subject_key_id FROM cloakroom.contacts WHERE contact_id = $1`, pair.mergee)
			wrapped := storetest.Value[[]byte](t, r.store, `SELECT key_sealed FROM cloakroom.subject_keys WHERE subject_key_id = $1`, key)
			old := r.oneOfThread(key)
			if _, err := r.MergeContacts(t.Context(), acme, pair.base, pair.mergee); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(merged(before, pair.base, pair.mergee), r.all(r.account(schema.Acme))); diff != "" {
				t.Errorf("%.3000s", diff)
			}
			if n := storetest.Value[int64](t, r.store, `SELECT count(*) FROM `+sealedTables+` WHERE subject_key_id = $1`, key); n != 0 {
				t.Errorf("%d rows name the key", n)
			}
			const gone = `SELECT state || ' ' || length(key_sealed) || ' ' || contact_id FROM cloakroom.subject_keys WHERE subject_key_id = $1`
			if got := storetest.Value[string](t, r.store, gone, key); got != fmt.Sprintf("destroyed 0 %d", pair.base) {
				t.Errorf("the key is %s", got)
			}
			r.opensNothing(pair.base, pair.mergee, key, wrapped, old)
			for table, column := range map[string]string{"contacts": "id", "conversations": "contact_id", "contact_inboxes": "contact_id", "notes": "contact_id",
				"cloakroom.contacts": "contact_id", "cloakroom.contact_inboxes": "contact_id", "cloakroom.notes": "contact_id", "cloakroom.lookup_tags": "contact_id",
				"messages WHERE sender_type = 'Contact' AND true": "sender_id", "taggings WHERE taggable_type = 'Contact' AND true": "taggable_id"} {
				where := " WHERE "
				if strings.Contains(table, "WHERE") {
					where = " AND "
				}
				if n := storetest.Value[int64](t, r.store, `SELECT count(*) FROM `+table+where+column+` = $1`, pair.mergee); n != 0 {
					t.Errorf("%d rows of %s are still the mergee's", n, table)
				}
			}
			if r.audited(chat.ContactsMerged) != 1 || r.counted(unreadableCounter, "") != 0 {
				t.Errorf("%d entries, %v values that did not open", r.audited(chat.ContactsMerged), r.counted(unreadableCounter, ""))
			}
		})
	}
}

// oneOfThread gives an envelope that a key has sealed, with its place; none for a contact that never talked.
func (r *replica) oneOfThread(key int64) (row store.SealedRow) {
	r.t.Helper()
	rows, err := r.store.RowsUnderSubject(r.t.Context(), schema.Acme, chat.MessageRecord, key, 0, 0, 1)
	if err != nil || len(rows) != 1 {
		r.t.Fatalf("%d messages, %v", len(rows), err)
	}
	return rows[0]
}

// opensNothing tries a copy of an old row, as a backup has it, with what the database holds of its key now, and with the
// key of the contact that stays. With the old wrapped key it opens: that is what the age of backups is bounded for.
func (r *replica) opensNothing(base, mergee, key int64, wrapped []byte, old store.SealedRow) {
	r.t.Helper()
	keys, err := r.keys.Account(r.t.Context(), schema.Acme)
	if err != nil {
		r.t.Fatal(err)
	}
	place := keyring.Place{Table: keyring.TableMessages, Field: keyring.FieldMessageContent, Row: old.ID, Version: old.Version}
	for _, id := range []int64{base, mergee} {
		if _, err := keys.Subject(id, key, nil); !errors.Is(err, chat.ErrUnreadable) {
			r.t.Errorf("an emptied key is usable: %v", err)
		}
	}
	found, err := r.readSubjects(r.t.Context(), keys, []int64{base, mergee})
	if err != nil || len(found) != 1 {
		r.t.Fatalf("%d active keys, %v", len(found), err)
	}
	if _, err := found[base].Open(place, old.Columns[0]); !errors.Is(err, chat.ErrUnreadable) {
		r.t.Errorf("the other key opens it: %v", err)
	}
	subject, err := keys.Subject(mergee, key, wrapped)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := subject.Open(place, old.Columns[0]); err != nil {
		r.t.Errorf("the test's envelope never opened: %v", err)
	}
}

// merged says what a merge makes of an account's values: the base's where there are some, else the mergee's. Objects are
// compared in TestMergeValues.
func merged(before map[string]string, base, mergee int64) map[string]string {
	after := maps.Clone(before)
	for name, value := range before {
		kind, field := "", ""
		for _, k := range []string{"contact", "contact_attributes"} {
			if f, ok := strings.CutPrefix(name, fmt.Sprintf("%s %d ", k, mergee)); ok {
				kind, field = k, f
			}
		}
		if kind == "" {
			continue
		}
		delete(after, name)
		own := fmt.Sprintf("%s %d %s", kind, base, field)
		switch has, ok := before[own]; {
		case kind == "contact_attributes" && ok:
			after[own] = string(mergeObjects([]byte(has), []byte(value)))
		case !ok, has == "<nil>": // a blank name
			after[own] = value
		}
	}
	return after
}

func TestMergeValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		f                  chat.Field
		base, mergee, want string
	}{
		{chat.FieldEmail, "a@x", "b@x", "a@x"}, {chat.FieldEmail, "", "b@x", "b@x"}, {chat.FieldName, "  ", "Ann", "Ann"}, {chat.FieldName, "Ann", "", "Ann"},
		{chat.FieldProfile, `{}`, `{"city":"Porto"}`, `{"city":"Porto"}`}, {chat.FieldProfile, `{"city":"Rio"}`, `null`, `{"city":"Rio"}`},
		{chat.FieldProfile, `{"city":"Rio","a":{"x":1,"y":null}}`, `{"city":"Porto","a":{"y":2,"z":3},"b":[1]}`, `{"a":{"x":1,"y":null,"z":3},"b":[1],"city":"Rio"}`},
		{chat.FieldCustomAttributes, `"{\"a\":1}"`, `{"b":10000000000000000001}`, `{"a":1,"b":10000000000000000001}`},
		{chat.FieldCustomAttributes, `{"a":{"b":1}}`, `{"a":2}`, `{"a":{"b":1}}`}, {chat.FieldCustomAttributes, `{"a":2}`, `{"a":{"b":1}}`, `{"a":2}`},
		{chat.FieldCustomAttributes, `["no object"]`, `{"a":2}`, `["no object"]`},
	} {
		if got := string(mergeValue(c.f, []byte(c.base), []byte(c.mergee))); got != c.want {
			t.Errorf("%s %s with %s: %s, want %s", fieldNames[c.f], c.base, c.mergee, got, c.want)
		}
	}
}

func TestMergeRefuses(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	acme := r.account(schema.Acme)
	partly := r.account(schema.Acme)
	partly.Settings.Phases[chat.Attributes] = chat.DualWrite
	unread := r.account(schema.Acme)
	unread.Settings.Phases = nil
	storetest.Exec(t, r.store, `UPDATE cloakroom.messages SET content_sealed = '\x0102' WHERE message_id = (SELECT min(message_id) FROM cloakroom.messages
		WHERE subject_key_id = (SELECT subject_key_id FROM cloakroom.contacts WHERE contact_id = $1))`, schema.ContactNamedByEmail)
	storetest.Exec(t, r.store, `UPDATE cloakroom.subject_keys SET state = 'destroyed', key_sealed = '' WHERE contact_id = $1`, schema.ContactOfTelegram)
	for name, c := range map[string]struct {
		account      *chat.Account
		base, mergee int64
		code         chat.Code
		field        string
	}{
		"no such base":                   {acme, 999_999, everything, chat.NotFound, "input.baseContactId"},
		"no such mergee":                 {acme, everything, 999_999, chat.NotFound, "input.mergeeContactId"},
		"neither":                        {acme, 999_999, 999_999, chat.NotFound, "input.baseContactId"},
		"another account's":              {acme, everything, schema.ContactOfBorealis, chat.NotFound, "input.mergeeContactId"},
		"into another account's":         {acme, schema.ContactOfBorealis, everything, chat.NotFound, "input.baseContactId"},
		"an erased one":                  {acme, everything, schema.ContactOfTelegram, chat.NotFound, "input.mergeeContactId"},
		"a message that does not open":   {acme, everything, schema.ContactNamedByEmail, chat.SealedUnreadable, ""},
		"an account in clear":            {r.account(schema.Borealis), schema.ContactOfBorealis, schema.ContactOfBorealis + 1, chat.Invalid, "input.accountId"},
		"attributes in clear":            {partly, everything, schema.ContactOfCompany, chat.Invalid, "input.accountId"},
		"settings that cannot be read":   {unread, everything, schema.ContactOfCompany, chat.Internal, ""},
		"one that is merged with itself": {acme, everything, everything, "", ""},
	} {
		_, err := r.MergeContacts(t.Context(), c.account, c.base, c.mergee)
		var coded *chat.Error
		if errors.As(err, &coded) && coded.Field != c.field || (err == nil) != (c.code == "") || err != nil && chat.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := storetest.Value[int64](t, r.store, `SELECT count(*) FROM cloakroom.contacts WHERE row_version <> 1`); n != 0 || r.audited(chat.ContactsMerged) != 0 {
		t.Errorf("%d rows written, %d entries", n, r.audited(chat.ContactsMerged))
	}
}

// TestMergesMeet: two contacts are merged into each other at once, while both are written to. One merge wins, the other
// finds nothing, and no write is lost in between.
func TestMergesMeet(t *testing.T) {
	t.Parallel()
	one := newSealed(t)
	two := newReplica(t, one.store, nil)
	const a, b = schema.ContactOfCompany, schema.ContactOfTelegram
	done := make(chan error)
	acme := one.account(schema.Acme)
	for i, r := range []*replica{one, two} {
		go func() {
			_, err := r.MergeContacts(t.Context(), acme, []int64{a, b}[i], []int64{b, a}[i])
			done <- err
		}()
		go func() {
			done <- r.PutContact(t.Context(), acme, []int64{a, b}[i], changes{chat.FieldCustomAttributes: to(`{"written":true}`)})
		}()
	}
	var missed int
	for range 4 {
		switch err := <-done; {
		case errors.Is(err, chat.ErrNotFound), chat.CodeOf(err) == chat.NotFound:
			missed++
		case err != nil:
			t.Error(err)
		}
	}
	if missed < 1 || missed > 2 {
		t.Errorf("%d found nothing", missed)
	}
	_ = one.all(one.account(schema.Acme))
	if n := one.counted(unreadableCounter, ""); n != 0 {
		t.Errorf("%v values do not open", n)
	}
}

// TestMergeOfALongHistory takes several chunks, over two conversations.
func TestMergeOfALongHistory(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	const mergee, rows = schema.ContactOfCompany, 2*mergeChunk + mergeChunk/2
	storetest.Exec(t, r.store, `INSERT INTO messages (account_id, conversation_id, inbox_id, message_type, content, sender_type, sender_id, created_at, updated_at)
		SELECT 1, c.id, c.inbox_id, 0, 'a long story, part ' || n, 'Contact', $1, now(), now()
		FROM generate_series(1, $2) n, conversations c WHERE c.account_id = 1 AND c.contact_id IN ($1, $3) AND n % 2 = (c.contact_id = $1)::int`, mergee, rows, everything)
	acme := r.sealAll(schema.Acme)
	before := r.all(acme)
	if _, err := r.MergeContacts(t.Context(), acme, everything, mergee); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(merged(before, everything, mergee), r.all(r.account(schema.Acme))); diff != "" {
		t.Errorf("%.2000s", diff)
	}
	const under = `SELECT count(*) FROM cloakroom.messages m JOIN cloakroom.subject_keys k USING (account_id, subject_key_id) WHERE k.contact_id = $1 AND k.state = 'active'`
	if n := storetest.Value[int64](t, r.store, under, everything); n < rows {
		t.Errorf("%d messages lie under the base's key", n)
	}
}

// TestMergeIsReadAtOnce: what a cache holds of both contacts is not read after, under the epoch of before either.
func TestMergeIsReadAtOnce(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	const base = schema.ContactOfCompany
	r.put(base, changes{chat.FieldEmail: nil})
	if err := r.store.MoveCacheEpoch(t.Context(), schema.Acme); err != nil { // no tombstone of that change stands in the way
		t.Fatal(err)
	}
	stale := r.account(schema.Acme)
	if got := show(r.contacts(stale, base)[0].Email()); got != "none" {
		t.Fatal(got)
	}
	want := show(r.contacts(stale, everything)[0].Email())
	r.Settle()
	c, err := r.MergeContacts(t.Context(), stale, base, everything)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*chat.Contact{"the answer": c, "the same epoch": r.contacts(stale, base)[0], "the next": r.contacts(r.account(schema.Acme), base)[0]} {
		if got := show(c.Email()); got != want {
			t.Errorf("%s has %q, want %q", name, got, want)
		}
	}
}
