package store_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// line is a message as a naive reader has it.
type line struct {
	ID               int64
	Content, Attrs   *string
	Kind, State      int
	Private          bool
	SenderType, User *string
	SenderID         *int64
}

func readThread(t testing.TB, s *store.Store, conversation int64) []line {
	t.Helper()
	var list []line
	raw := storetest.Value[[]byte](t, s, `SELECT json_agg(json_build_object('ID', m.id, 'Content', content, 'Attrs', content_attributes::text, 'Kind', message_type,
		'State', m.status, 'Private', private, 'SenderType', sender_type, 'SenderID', sender_id, 'User', COALESCE(NULLIF(u.display_name, ''), u.name)) ORDER BY m.created_at, m.id)
		FROM messages m LEFT JOIN users u ON m.sender_type = 'User' AND u.id = m.sender_id WHERE conversation_id = $1`, conversation)
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

func bytesOf(s *string) []byte {
	if s == nil {
		return nil
	}
	return []byte(*s)
}

// TestThreadPages walks threads with equal times in pages, forwards and backwards, by ListMessages and by FindThread.
func TestThreadPages(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	storetest.Exec(t, s, `UPDATE messages SET created_at = date_trunc('day', created_at) WHERE id % 2 = 0`)
	for _, display := range []int64{1, 2, 3, 100} {
		conversation := schema.ConversationID(schema.Acme, display)
		lines := readThread(t, s, conversation)
		var want []int64
		for _, l := range lines {
			want = append(want, l.ID)
		}
		position := func(m store.MessageRow) *chat.Position { return store.MessagePosition(m.Message) }
		for _, limit := range []int{3, 20, len(want), 500} {
			for _, backward := range []bool{false, true} {
				list := walk(t, limit, backward, func(p chat.Page) []store.MessageRow {
					rows, err := s.ListMessages(t.Context(), schema.Acme, conversation, store.MessageQuery{Page: p})
					if err != nil {
						t.Fatal(err)
					}
					return rows
				}, position)
				thread := walk(t, limit, backward, func(p chat.Page) []store.MessageRow {
					_, rows, err := s.FindThread(t.Context(), schema.Acme, store.ThreadQuery{Visibility: seesAll, DisplayID: display, Messages: &store.MessageQuery{Page: p}})
					if err != nil {
						t.Fatal(err)
					}
					return rows
				}, position)
				if !slices.Equal(list, want) || !slices.Equal(thread, want) {
					t.Errorf("conversation %d, pages of %d, backward %v: %d and %d messages, want %d", display, limit, backward, len(list), len(thread), len(want))
				}
			}
		}
	}
	if rows, err := s.ListMessages(t.Context(), schema.Borealis, schema.ConversationID(schema.Acme, 1), store.MessageQuery{Page: chat.Page{Limit: 5}}); err != nil || len(rows) != 0 {
		t.Errorf("another account reads %d messages, %v", len(rows), err)
	}
}

func TestThreadRows(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	senders := map[chat.SenderType]int{}
	for display := int64(1); display <= 60; display++ {
		conversation := schema.ConversationID(schema.Acme, display)
		ctx, count := store.WithCount(t.Context())
		row, rows, err := s.FindThread(ctx, schema.Acme, store.ThreadQuery{Visibility: seesAll, DisplayID: display,
			Parts: chat.ConversationParts{Contact: true, Inbox: true}, Messages: &store.MessageQuery{Page: chat.Page{Limit: 500}}})
		if err != nil || count.Statements.Load() != 2 || count.RoundTrips.Load() != 1 {
			t.Fatalf("conversation %d: %d statements in %d trips, %v", display, count.Statements.Load(), count.RoundTrips.Load(), err)
		}
		email := storetest.Value[*string](t, s, `SELECT email FROM contacts WHERE id = $1`, row.Contact.ID)
		if diff := cmp.Diff(bytesOf(email), row.ContactRecord.Columns[0]); diff != "" || row.ContactRecord.Sealed {
			t.Errorf("conversation %d: the contact's record: %s", display, diff)
		}
		for i, l := range readThread(t, s, conversation) {
			m := rows[i]
			senders[m.SenderType]++
			if m.ID != l.ID || m.MessageType != chat.MessageTypes[l.Kind] || m.Status != chat.MessageStatuses[l.State] || m.Private != l.Private ||
				m.ConversationID != conversation || m.AccountID != schema.Acme {
				t.Errorf("message %d: %+v, want %+v", l.ID, m.Message, l)
			}
			if diff := cmp.Diff([2][]byte{bytesOf(l.Content), bytesOf(l.Attrs)}, [2][]byte{m.Record.Columns[0], m.Record.Columns[1]}); diff != "" {
				t.Errorf("message %d: %s", l.ID, diff)
			}
			user, isUser := m.Sender.(*chat.User)
			if isUser != (l.User != nil) || isUser && (user.Name != *l.User || user.ID != *l.SenderID || user.AccountID != schema.Acme) {
				t.Errorf("message %d: sender %+v, want %v", l.ID, m.Sender, l.User)
			}
			if _, isBot := m.Sender.(*chat.AgentBot); isBot != (m.SenderType == chat.SenderAgentBot) {
				t.Errorf("message %d: sender %+v of type %s", l.ID, m.Sender, m.SenderType)
			}
		}
	}
	if len(senders) < 4 {
		t.Errorf("senders of types %v", senders)
	}
	for _, display := range []int64{0, -1, 999_999, 1 << 40} {
		if _, _, err := s.FindThread(t.Context(), schema.Acme, store.ThreadQuery{Visibility: seesAll, DisplayID: display, Messages: &store.MessageQuery{}}); !errors.Is(err, chat.ErrNotFound) {
			t.Errorf("conversation %d: %v", display, err)
		}
	}
}
