package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// origins says where each kind's fields stand in Chatwoot's tables and in ours: written down once more, so that a column
// that moved in one place shows.
var origins = map[chat.RecordKind]struct {
	id, parent string // of the plain row
	plain      []string
	from       string
	table      string
	sealedID   string
	sealed     []string
}{
	chat.ContactRecord: {"c.id", "0", []string{"c.email", "c.phone_number", "c.identifier", "NULL"}, "contacts c WHERE c.account_id = 1",
		"contacts", "contact_id", []string{"email_sealed", "phone_number_sealed", "identifier_sealed", "name_sealed"}},
	chat.ContactAttributesRecord: {"c.id", "0", []string{"c.additional_attributes", "c.custom_attributes"}, "contacts c WHERE c.account_id = 1",
		"contacts", "contact_id", []string{"profile_sealed", "custom_attributes_sealed"}},
	chat.ContactInboxRecord: {"c.id", "0", []string{"c.source_id"}, "contact_inboxes c JOIN inboxes i ON i.id = c.inbox_id WHERE i.account_id = 1",
		"contact_inboxes", "contact_inbox_id", []string{"source_id_sealed"}},
	chat.ConversationRecord: {"c.id", "0", []string{"c.additional_attributes", "c.custom_attributes"}, "conversations c WHERE c.account_id = 1",
		"conversations", "conversation_id", []string{"additional_attributes_sealed", "custom_attributes_sealed"}},
	chat.MessageRecord: {"c.id", "c.conversation_id", []string{"c.content", "c.content_attributes"}, "messages c WHERE c.account_id = 1",
		"messages", "message_id", []string{"content_sealed", "attributes_sealed"}},
	chat.AttachmentRecord: {"c.id", "c.message_id", []string{"c.fallback_title", "c.meta", `(SELECT filename FROM active_storage_blobs b JOIN active_storage_attachments f ON f.blob_id = b.id
		WHERE f.record_type = 'Attachment' AND f.record_id = c.id)`}, "attachments c WHERE c.account_id = 1", "attachments", "attachment_id", []string{"title_sealed", "meta_sealed", "file_name_sealed"}},
	chat.NoteRecord: {"c.id", "c.contact_id", []string{"c.content"}, "notes c WHERE c.account_id = 1", "notes", "note_id", []string{"content_sealed"}},
}

// columnsOf reads one column of every row of a kind, by id, as text; NULL is "<null>".
func columnsOf(t testing.TB, s *store.Store, id, expression, from string) map[int64]string {
	t.Helper()
	ids := storetest.Value[[]int64](t, s, fmt.Sprintf(`SELECT COALESCE(array_agg(%s::int8 ORDER BY %s), '{}') FROM %s`, id, id, from))
	texts := storetest.Value[[]string](t, s, fmt.Sprintf(`SELECT COALESCE(array_agg(COALESCE((%s)::text, '<null>') ORDER BY %s), '{}') FROM %s`, expression, id, from))
	found := make(map[int64]string, len(ids))
	for i, id := range ids {
		found[id] = texts[i]
	}
	return found
}

func keysOf(t testing.TB, s *store.Store, kind chat.RecordKind) []chat.RecordKey {
	t.Helper()
	o := origins[kind]
	var keys []chat.RecordKey
	for id, parent := range columnsOf(t, s, o.id, o.parent, o.from) {
		k := chat.RecordKey{Kind: kind, ID: id}
		if _, err := fmt.Sscan(parent, &k.Parent); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	return keys
}

// TestRecordsByKeysPlain reads every record of every kind in one statement.
func TestRecordsByKeysPlain(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	var wanted []store.RecordsWanted
	total := 0
	for kind := range origins {
		keys := keysOf(t, s, kind)
		total += len(keys)
		wanted = append(wanted, store.RecordsWanted{Kind: kind, Keys: append(keys, keys[0], chat.RecordKey{Kind: kind, Parent: 1, ID: 999_999_999})})
	}
	ctx, count := store.WithCount(t.Context())
	records, err := s.RecordsByKeys(ctx, schema.Acme, wanted)
	if err != nil || len(records) != total || count.Statements.Load() != 1 {
		t.Fatalf("%d records, want %d, by %d statements, %v", len(records), total, count.Statements.Load(), err)
	}
	compare(t, s, records, false)
	if other, err := s.RecordsByKeys(t.Context(), schema.Borealis, wanted); err != nil || len(other) != 0 {
		t.Errorf("another account reads %d of the records, %v", len(other), err)
	}
	if none, err := s.RecordsByKeys(t.Context(), schema.Acme, []store.RecordsWanted{{Kind: chat.NoteRecord}}); err != nil || none != nil {
		t.Errorf("%v, %v", none, err)
	}
}

// compare holds records against the columns they come from.
func compare(t *testing.T, s *store.Store, records []*chat.Record, sealed bool) {
	t.Helper()
	got := map[chat.RecordKind]map[int64]*chat.Record{}
	for _, r := range records {
		if got[r.Kind] == nil {
			got[r.Kind] = map[int64]*chat.Record{}
		}
		if got[r.Kind][r.ID] = r; r.Sealed != sealed {
			t.Errorf("record %+v is sealed: %v", r.RecordKey, r.Sealed)
		}
	}
	for kind, o := range origins {
		if len(o.plain) != len(chat.RecordShapes[kind].Fields) || len(o.sealed) != len(o.plain) {
			t.Errorf("kind %d has %d fields", kind, len(chat.RecordShapes[kind].Fields))
		}
		for i := range o.plain {
			id, expression, from := o.id, o.plain[i], o.from
			if sealed {
				id, expression, from = o.sealedID, o.sealed[i], "cloakroom."+o.table+" WHERE account_id = 1"
			}
			for id, want := range columnsOf(t, s, id, expression, from) {
				text := "<null>"
				if column := got[kind][id].Columns[i]; column != nil && sealed {
					text = fmt.Sprintf("\\x%x", column)
				} else if column != nil {
					text = string(column)
				}
				if diff := cmp.Diff(want, text); diff != "" {
					t.Fatalf("kind %d, row %d, column %d: %s", kind, id, i, diff)
				}
			}
		}
	}
}

// TestRecordsByKeysSealed fills the sealed tables with values that say where they stand, every third missing.
func TestRecordsByKeysSealed(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	storetest.Exec(t, s, `INSERT INTO cloakroom.subject_keys (account_id, subject_key_id, contact_id, key_id, key_sealed)
		SELECT 1, g, 1000 + g, 1, convert_to('key ' || g, 'UTF8') FROM generate_series(1, 7) g`)
	done := map[string]bool{}
	for _, o := range origins {
		if done[o.table] {
			continue
		}
		done[o.table] = true
		columns := []string{"account_id", o.sealedID, "subject_key_id", "key_id", "row_version"}
		values := []string{"1", o.id, "1 + " + o.id + " % 7", "1", "10 + " + o.id}
		if parent := map[string]string{"messages": "conversation_id", "attachments": "message_id", "notes": "contact_id", "contact_inboxes": "contact_id"}[o.table]; parent != "" {
			columns, values = append(columns, parent), append(values, "c."+parent)
		}
		for i, column := range sealedColumns(o.table) {
			columns = append(columns, column)
			values = append(values, fmt.Sprintf("CASE WHEN (%s + %d) %% 3 > 0 THEN convert_to('%s %s ' || %s, 'UTF8') END", o.id, i, o.table, column, o.id))
		}
		storetest.Exec(t, s, fmt.Sprintf(`INSERT INTO cloakroom.%s (%s) SELECT %s FROM %s`, o.table, strings.Join(columns, ", "), strings.Join(values, ", "), o.from))
	}
	var wanted []store.RecordsWanted
	total := 0
	for kind := range origins {
		keys := keysOf(t, s, kind)
		total += len(keys)
		wanted = append(wanted, store.RecordsWanted{Kind: kind, Sealed: true, Keys: append(keys, chat.RecordKey{Kind: kind, Parent: 1, ID: 999_999_999})})
	}
	records, err := s.RecordsByKeys(t.Context(), schema.Acme, wanted)
	if err != nil || len(records) != total {
		t.Fatalf("%d records, want %d, %v", len(records), total, err)
	}
	for _, r := range records {
		n := 1 + r.ID%7
		if r.Version != 10+r.ID || r.SubjectKeyID != n || r.ContactID != 1000+n || string(r.KeySealed) != fmt.Sprint("key ", n) {
			t.Fatalf("%+v", r)
		}
	}
	compare(t, s, records, true)
	if other, err := s.RecordsByKeys(t.Context(), schema.Borealis, wanted); err != nil || len(other) != 0 {
		t.Errorf("another account reads %d of the records, %v", len(other), err)
	}
}

func sealedColumns(table string) (columns []string) {
	for kind := chat.ContactRecord; kind <= chat.NoteRecord; kind++ {
		if origins[kind].table == table {
			columns = append(columns, origins[kind].sealed...)
		}
	}
	return columns
}
