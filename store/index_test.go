package store_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// everyQuery runs what a request may ask of the store, one after the other.
func everyQuery(ctx context.Context, s *store.Store, account int64) iter.Seq2[string, error] {
	at := storetest.DemoTime
	page := chat.Page{Limit: 25, From: &chat.Position{Time: &at, ID: 1 << 30}}
	parts := chat.ConversationParts{Inbox: true, Assignee: true, Team: true, Contact: true, LastMessage: true, UnreadCount: true}
	conversations := chat.ConversationQuery{Visibility: seesAll, Page: page, Parts: parts, Order: chat.ConversationOrder{Field: chat.ByLastActivity, Direction: chat.Descending}}
	mine := conversations
	mine.Visibility = chat.Visibility{Reach: chat.ReachInboxes, UserID: schema.Max}
	mine.Filter = chat.ConversationFilter{Status: []chat.ConversationStatus{chat.StatusOpen}, Assignee: pointer(chat.AssigneeMe), Labels: []string{"vip"}, UpdatedSince: &at}
	contacts := chat.ContactQuery{Page: page, Order: chat.ContactOrder{Field: chat.ContactsByLastActivity, Direction: chat.Descending}}
	withTalks, resolved := contacts, contacts
	withTalks.Parts.Conversations = &conversations
	resolved.Filter.Resolved, resolved.Sealed = pointer(true), true
	threads := func(sealed bool) store.ThreadQuery {
		return store.ThreadQuery{Visibility: mine.Visibility, DisplayID: 1, Parts: parts, ContactsSealed: sealed,
			Messages: &store.MessageQuery{Sealed: sealed, Page: chat.Page{Limit: 20, Backward: true}}}
	}
	ids := []int64{1, 2, 3}
	words := func(n int) store.MessageCandidates {
		return store.MessageCandidates{Visibility: mine.Visibility, Sealed: true, Months: []store.MonthTokens{{Month: 202601, Lists: [][]int64{make([]int64, n)}}}, From: page.From, Limit: 10}
	}
	patterns := store.MessageCandidates{Visibility: mine.Visibility, Patterns: [][]string{{"word"}}, From: page.From, Limit: 10}
	var keys [2][]store.RecordsWanted
	for kind := chat.ContactRecord; kind <= chat.NoteRecord; kind++ {
		for i := range keys {
			keys[i] = append(keys[i], store.RecordsWanted{Kind: kind, Sealed: i == 1, Keys: []chat.RecordKey{{Kind: kind, Parent: 1, ID: 1}, {Kind: kind, Parent: 2, ID: 2}}})
		}
	}
	found := func(err error) error { // that there is none is an answer
		if chat.CodeOf(err) == chat.NotFound {
			return nil
		}
		return err
	}
	queries := []struct {
		name string
		run  func() error
	}{
		{"conversations", func() error { _, err := s.ListConversations(ctx, account, conversations); return err }},
		{"my conversations", func() error { _, err := s.ListConversations(ctx, account, mine); return err }},
		{"contacts", func() error { _, err := s.ListContacts(ctx, account, contacts); return err }},
		{"contacts with conversations", func() error { _, err := s.ListContacts(ctx, account, withTalks); return err }},
		{"resolved contacts", func() error { _, err := s.ListContacts(ctx, account, resolved); return err }},
		{"a thread", func() error { _, _, err := s.FindThread(ctx, account, threads(false)); return found(err) }},
		{"a sealed thread", func() error { _, _, err := s.FindThread(ctx, account, threads(true)); return found(err) }},
		{"a contact", func() error { _, err := s.FindContact(ctx, account, 1, false); return found(err) }},
		{"a sealed contact", func() error { _, err := s.FindContact(ctx, account, 1, true); return found(err) }},
		{"a look-up", func() error {
			_, err := s.LookupContact(ctx, account, store.LookupTag{Field: 1, Generation: 1, Tag: make([]byte, 16)})
			return found(err)
		}},
		{"by e-mail", func() error { _, err := s.LookupContactPlain(ctx, account, chat.FieldEmail, "x"); return found(err) }},
		{"by phone", func() error { _, err := s.LookupContactPlain(ctx, account, chat.FieldPhone, "x"); return found(err) }},
		{"by identifier", func() error {
			_, err := s.LookupContactPlain(ctx, account, chat.FieldIdentifier, "x")
			return found(err)
		}},
		{"contacts by id", func() error { _, err := s.ContactsByIDs(ctx, account, ids); return err }},
		{"records", func() error { _, err := s.RecordsByKeys(ctx, account, keys[0]); return err }},
		{"sealed records", func() error { _, err := s.RecordsByKeys(ctx, account, keys[1]); return err }},
		{"last messages", func() error { _, err := s.LastMessagesOf(ctx, account, ids); return err }},
		{"messages by a word", func() error { _, _, err := s.FindAmongNewest(ctx, account, words(1)); return err }},
		{"messages by words", func() error { _, _, err := s.FindByTokens(ctx, account, words(2)); return err }},
		{"plain messages", func() error { _, err := s.FindByPatterns(ctx, account, patterns); return err }},
		{"newest messages", func() error { _, err := s.NewestMessages(ctx, account, patterns); return err }},
		{"labels", func() error { _, err := s.LabelsOfContacts(ctx, account, ids); return err }},
		{"contact inboxes", func() error { _, err := s.ContactInboxesOf(ctx, account, ids); return err }},
		{"notes", func() error { _, err := s.NotesOf(ctx, account, ids); return err }},
		{"attachments", func() error { _, err := s.AttachmentsOf(ctx, account, ids); return err }},
		{"inboxes", func() error { _, err := s.ListInboxes(ctx, account, mine.Visibility); return err }},
		{"teams", func() error { _, err := s.ListTeams(ctx, account); return err }},
		{"account labels", func() error { _, err := s.ListLabels(ctx, account); return err }},
		{"agents", func() error { _, err := s.ListAgents(ctx, account); return err }},
		{"users", func() error { _, err := s.UsersByIDs(ctx, account, ids); return err }},
		{"bots", func() error { _, err := s.AgentBotsByIDs(ctx, ids); return err }},
		{"standings", func() error { _, err := s.StandingsByIDs(ctx, ids); return err }},
		{"policy", func() error { _, err := s.ReadPolicy(ctx, schema.Max, []int64{account}); return err }},
		{"viewer", func() error { _, err := s.FindViewerByUID(ctx, "x"); return found(err) }},
		{"token", func() error { _, err := s.FindViewerByAccessToken(ctx, "x"); return found(err) }},
		{"audit", func() error { _, err := s.ListAuditEntries(ctx, account, time.Time{}, 10); return err }},
		{"account", func() error { _, err := s.FindAccount(ctx, account); return err }},
		{"what is unsealed", func() error {
			for _, kind := range []chat.RecordKind{chat.ContactRecord, chat.ContactInboxRecord, chat.ConversationRecord, chat.MessageRecord, chat.AttachmentRecord, chat.NoteRecord} {
				if _, err := s.ListUnsealed(ctx, account, kind, 0, 0, 10); err != nil {
					return err
				}
			}
			return nil
		}},
	}
	return func(yield func(string, error) bool) {
		for _, q := range queries {
			if !yield(q.name, q.run()) {
				return
			}
		}
	}
}

// TestHotQueriesUseIndexes forbids sequential reads where an index would do, and looks at what was read: on a table of
// the demo's size PostgreSQL might prefer to read it whole, on a million rows it must not have to.
func TestHotQueriesUseIndexes(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	storetest.Exec(t, s, `INSERT INTO cloakroom.lookup_tags (account_id, field, generation, tag_index, contact_id)
		SELECT account_id, f, 1, decode(md5(id::text || f), 'hex'), id FROM contacts, generate_series(1, 3) f`)
	sealPresence(t, s)
	storetest.Exec(t, s, `ANALYZE`)
	storetest.Exec(t, s, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET enable_seqscan = off', current_database()); END $$`)
	forced, err := store.Open(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	const scans = `SELECT sum(seq_scan)::bigint FROM pg_stat_user_tables WHERE schemaname = 'cloakroom' AND relname NOT IN ('migrations')
		OR relname IN ('messages', 'conversations', 'contacts', 'contact_inboxes', 'attachments', 'notes', 'taggings')`
	storetest.Exec(t, s, `SELECT pg_stat_force_next_flush()`) // what was read above is reported by now, and not later
	before := storetest.Value[int64](t, s, scans)
	for name, err := range everyQuery(t.Context(), forced, schema.Acme) {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	forced.Close() // a session reports what it did when it ends
	want := []string{"index_conversations_on_account_id_and_display_id", "index_contacts_on_account_id_and_last_activity_at",
		"lookup_tags_pkey", "message_tokens_by_time", "contacts_pkey", "messages_pkey", "subject_keys_pkey", "audit_entries_by_time"}
	for deadline := time.Now().Add(10 * time.Second); ; {
		used := storetest.Value[[]string](t, s, `SELECT array_agg(DISTINCT indexrelname::text) FROM pg_stat_user_indexes WHERE idx_scan > 0`)
		var unused []string
		for _, name := range want {
			if !contains(used, name) {
				unused = append(unused, name)
			}
		}
		if len(unused) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("indexes nobody used: %v", unused)
		}
	}
	if after := storetest.Value[int64](t, s, scans); after != before {
		tables := storetest.Value[[]string](t, s, `SELECT array_agg(relname || ' ' || seq_scan) FROM pg_stat_user_tables WHERE seq_scan > 0`)
		t.Errorf("%d sequential reads of tables that grow: %v", after-before, tables)
	}
}
