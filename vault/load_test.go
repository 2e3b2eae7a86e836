package vault

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// ids reads a column of ids in order.
func ids(t testing.TB, s *store.Store, sql string, account int64) []int64 {
	t.Helper()
	return storetest.Value[[]int64](t, s, `SELECT COALESCE(array_agg(x ORDER BY id), '{}') FROM (`+sql+`) q(id, x)`, account)
}

// everyRow names every row of an account that has personal values.
func everyRow(t testing.TB, s *store.Store, account int64) Rows {
	t.Helper()
	var rows Rows
	names := storetest.Value[[]string](t, s, `SELECT array_agg(COALESCE(name, '') ORDER BY id) FROM contacts WHERE account_id = $1`, account)
	for i, id := range ids(t, s, `SELECT id, id FROM contacts WHERE account_id = $1`, account) {
		rows.Contacts = append(rows.Contacts, &chat.Contact{ID: id, AccountID: account, ListedName: names[i]})
	}
	rows.ContactAttributes = rows.Contacts
	conversations := ids(t, s, `SELECT id, conversation_id FROM messages WHERE account_id = $1`, account)
	for i, id := range ids(t, s, `SELECT id, id FROM messages WHERE account_id = $1`, account) {
		rows.Messages = append(rows.Messages, &chat.Message{ID: id, AccountID: account, ConversationID: conversations[i]})
	}
	for _, id := range ids(t, s, `SELECT id, id FROM conversations WHERE account_id = $1`, account) {
		rows.ConversationAttributes = append(rows.ConversationAttributes, &chat.Conversation{ID: id, AccountID: account})
	}
	for _, id := range ids(t, s, `SELECT ci.id, ci.id FROM contact_inboxes ci JOIN inboxes i ON i.id = ci.inbox_id WHERE i.account_id = $1`, account) {
		rows.ContactInboxes = append(rows.ContactInboxes, &chat.ContactInbox{ID: id, AccountID: account})
	}
	messages := ids(t, s, `SELECT id, message_id FROM attachments WHERE account_id = $1`, account)
	for i, id := range ids(t, s, `SELECT id, id FROM attachments WHERE account_id = $1`, account) {
		rows.Attachments = append(rows.Attachments, &chat.Attachment{ID: id, AccountID: account, MessageID: messages[i]})
	}
	contacts := ids(t, s, `SELECT id, contact_id FROM notes WHERE account_id = $1`, account)
	for i, id := range ids(t, s, `SELECT id, id FROM notes WHERE account_id = $1`, account) {
		rows.Notes = append(rows.Notes, &chat.Note{ID: id, AccountID: account, ContactID: contacts[i]})
	}
	return rows
}

// values gives every value of rows, by kind, id and field; an absent one is not in the answer.
func values(t testing.TB, rows Rows) map[string]string {
	t.Helper()
	found := make(map[string]string)
	put := func(kind chat.RecordKind, id int64, v *chat.Values) {
		for _, f := range chat.RecordShapes[kind].Fields {
			if p, err := v.Get(f); (p != nil || err != nil) && f != chat.FieldName {
				found[fmt.Sprintf("%s %d %s", recordNames[kind], id, fieldNames[f])] = show(p, err)
			}
		}
	}
	for _, c := range rows.Contacts {
		put(chat.ContactRecord, c.ID, &c.Values)
		name, err := c.FullName()
		found[fmt.Sprintf("contact %d full name", c.ID)] = fmt.Sprint(name, err)
	}
	for _, c := range rows.ContactAttributes {
		put(chat.ContactAttributesRecord, c.ID, &c.Attributes)
	}
	for _, m := range rows.Messages {
		put(chat.MessageRecord, m.ID, &m.Values)
	}
	for _, c := range rows.ConversationAttributes {
		put(chat.ConversationRecord, c.ID, &c.Values)
	}
	for _, ci := range rows.ContactInboxes {
		put(chat.ContactInboxRecord, ci.ID, &ci.Values)
	}
	for _, a := range rows.Attachments {
		put(chat.AttachmentRecord, a.ID, &a.Values)
	}
	for _, n := range rows.Notes {
		put(chat.NoteRecord, n.ID, &n.Values)
	}
	return found
}

// all loads and opens every value of an account.
func (r *replica) all(account *chat.Account) map[string]string {
	r.t.Helper()
	rows := everyRow(r.t, r.store, account.ID)
	if err := r.Load(r.t.Context(), account, rows); err != nil {
		r.t.Fatal(err)
	}
	return values(r.t, rows)
}

// TestSealedEqualsPlain opens every value of the sealed account, from PostgreSQL and again from Redis, and compares it
// with Chatwoot's own columns.
func TestSealedEqualsPlain(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	acme := r.account(schema.Acme)
	plain := r.all(plainly(acme))
	if len(plain) < 7000 {
		t.Fatalf("%d values", len(plain))
	}
	if diff := cmp.Diff(plain, r.all(acme)); diff != "" {
		t.Errorf("sealed, from PostgreSQL: %.4000s", diff)
	}
	r.Settle()
	if n := r.counted(cacheCounter, "hit"); n != 0 {
		t.Errorf("%v hits in an empty cache", n)
	}
	cached := len(r.cached(acme))
	if cached < 6000 {
		t.Fatalf("%d records in the cache", cached)
	}
	if diff := cmp.Diff(plain, r.all(acme)); diff != "" {
		t.Errorf("sealed, from Redis: %.4000s", diff)
	}
	if n := r.counted(cacheCounter, "hit"); int(n) != cached {
		t.Errorf("%v hits, want %d", n, cached)
	}
	if n := r.counted(unreadableCounter, ""); n != 0 || r.audited(chat.SealedUnreadableHit) != 0 {
		t.Errorf("%v values did not open", n)
	}
}

func TestCacheHoldsOnlyCiphertext(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	acme := r.account(schema.Acme)
	plain := r.all(acme)
	held := r.cached(acme)
	var all strings.Builder
	for key, value := range held {
		all.WriteString(key + "\n" + value + "\n")
		ttl, err := r.client.TTL(t.Context(), key).Result()
		if err != nil || ttl > cacheTTLMax || ttl < cacheTTLMin-time.Minute {
			t.Fatalf("%s stays %v, %v", key, ttl, err)
		}
	}
	demo, err := storetest.Demo()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range demo.Canaries() {
		plain["carrier "+c.Carrier+" "+c.Value] = c.Value
	}
	if what := standsIn(all.String(), plain); what != "" {
		t.Errorf("Redis holds %s in clear", what)
	}
}

// standsIn looks for all values at once, by their first eight bytes, and names one that it finds.
func standsIn(text string, values map[string]string) string {
	const n = 8
	starts := make(map[string][]string)
	for what, value := range values {
		if len(value) >= n {
			starts[value[:n]] = append(starts[value[:n]], what)
		}
	}
	for i := 0; i+n <= len(text); i++ {
		for _, what := range starts[text[i:i+n]] {
			if strings.HasPrefix(text[i:], values[what]) {
				return what
			}
		}
	}
	return ""
}

func TestPlainAccountsAreNotCached(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	borealis := r.account(schema.Borealis)
	borealis.Settings.CacheEpoch = r.account(schema.Acme).Settings.CacheEpoch
	if n := len(r.all(borealis)); n < 300 {
		t.Errorf("%d values", n)
	}
	if held := r.cached(borealis); len(held) != 0 {
		t.Errorf("%d records of a plain account are in Redis", len(held))
	}
}

func TestLoadIsOneTripEach(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	acme := r.account(schema.Acme)
	rows := everyRow(t, r.store, schema.Acme)
	rows.Contacts = append(rows.Contacts, rows.Contacts[0], rows.Contacts[0]) // asked twice, answered twice
	if err := r.CheckKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.keys.Account(t.Context(), schema.Acme); err != nil { // keys are read once and kept
		t.Fatal(err)
	}
	for round, statements := range []int64{1, 0} {
		ctx, count := store.WithCount(t.Context())
		ctx, trips := WithTrips(ctx)
		if err := r.Load(ctx, acme, rows); err != nil {
			t.Fatal(err)
		}
		r.Settle()
		if count.Statements.Load() != statements || trips.Load() != 1 {
			t.Errorf("round %d: %d statements, %d trips", round, count.Statements.Load(), trips.Load())
		}
	}
	ctx, trips := WithTrips(t.Context())
	if err := r.Load(ctx, plainly(acme), rows); err != nil || trips.Load() != 0 {
		t.Errorf("plain rows: %d trips, %v", trips.Load(), err)
	}
}

// TestUnknownSettingsAccuseNoRow reads an account that is not sealed while its settings cannot be read: the sealed rows
// are asked, there are none, and that is no sign of tampering.
func TestUnknownSettingsAccuseNoRow(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	borealis := r.account(schema.Borealis)
	borealis.Settings = chat.AccountSettings{}
	contact, err := r.FindContact(t.Context(), borealis, schema.ContactOfBorealis)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := contact.Email(); chat.CodeOf(err) != chat.SealedUnreadable {
		t.Errorf("the e-mail gives %v", err)
	}
	if n := r.counted(unreadableCounter, ""); n != 0 || r.audited(chat.SealedUnreadableHit) != 0 {
		t.Errorf("%v rows are said to be broken, %d on record", n, r.audited(chat.SealedUnreadableHit))
	}
}
