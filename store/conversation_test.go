package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

var (
	conversationOrders = []chat.ConversationOrderField{chat.ByLastActivity, chat.ByCreated, chat.ByPriority, chat.ByWaitingSince}
	directions         = []chat.OrderDirection{chat.Ascending, chat.Descending}
	seesAll            = chat.Visibility{Reach: chat.ReachAll, UserID: schema.Ada}
)

// withTies gives the demo with many rows that are equal in what lists are ordered by, and many that lack it.
func withTies(t testing.TB) *store.Store {
	t.Helper()
	s := storetest.WithDemo(t)
	storetest.Exec(t, s, `UPDATE conversations SET last_activity_at = date_trunc('month', last_activity_at), created_at = date_trunc('month', created_at),
		waiting_since = CASE WHEN id % 3 = 0 THEN NULL ELSE date_trunc('month', COALESCE(waiting_since, created_at)) END,
		priority = CASE WHEN id % 5 = 0 THEN NULL ELSE id % 4 END`)
	storetest.Exec(t, s, `UPDATE contacts SET last_activity_at = CASE WHEN id % 3 = 0 THEN NULL ELSE date_trunc('month', last_activity_at) END,
		created_at = date_trunc('month', created_at), name = CASE WHEN id % 4 = 0 THEN 'Twin' WHEN id % 4 = 1 THEN 'twin' ELSE name END`)
	return s
}

func listConversations(t testing.TB, s *store.Store, account int64, q chat.ConversationQuery) []store.ConversationRow {
	t.Helper()
	rows, err := s.ListConversations(t.Context(), account, q)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func pointer[T any](v T) *T { return &v }

// conversationFilters are filters of every member, alone and together.
func conversationFilters() map[string]chat.ConversationFilter {
	since := storetest.DemoTime.Add(-10 * 24 * time.Hour)
	return map[string]chat.ConversationFilter{
		"none": {}, "open": {Status: []chat.ConversationStatus{chat.StatusOpen}},
		"several states": {Status: []chat.ConversationStatus{chat.StatusPending, chat.StatusSnoozed}},
		"every state":    {Status: chat.ConversationStatuses},
		"me":             {Assignee: pointer(chat.AssigneeMe)}, "unassigned": {Assignee: pointer(chat.AssigneeUnassigned)},
		"assigned": {Assignee: pointer(chat.AssigneeAssigned)},
		"assignee": {AssigneeID: pointer(chat.ID(schema.Eve))}, "contradiction": {AssigneeID: pointer(chat.ID(schema.Eve)), Assignee: pointer(chat.AssigneeUnassigned)},
		"inbox": {InboxID: pointer(chat.ID(schema.WhatsApp))}, "foreign inbox": {InboxID: pointer(chat.ID(schema.BorealisMail))},
		"team": {TeamID: pointer(chat.ID(schema.Billing))}, "urgent or low": {Priority: []chat.ConversationPriority{chat.PriorityUrgent, chat.PriorityLow}},
		"since": {UpdatedSince: &since}, "labels": {Labels: []string{" VIP ", "no such label", "Billing"}}, "unknown label": {Labels: []string{"%"}},
		"together": {Status: []chat.ConversationStatus{chat.StatusOpen}, Assignee: pointer(chat.AssigneeAssigned), Priority: chat.ConversationPriorities},
	}
}

func TestListConversationsFilters(t *testing.T) {
	t.Parallel()
	s := withTies(t)
	label := storetest.Value[string](t, s, `SELECT upper(t.name) FROM taggings g JOIN tags t ON t.id = g.tag_id WHERE g.taggable_type = 'Conversation' LIMIT 1`)
	all := readTalks(t, s)
	filters := conversationFilters()
	filters["a label in capitals"] = chat.ConversationFilter{Labels: []string{label}}
	found := 0
	for name, filter := range filters {
		for _, account := range []int64{schema.Acme, schema.Borealis} {
			for _, v := range []chat.Visibility{seesAll, {Reach: chat.ReachInboxes, UserID: schema.Max}} {
				q := chat.ConversationQuery{Visibility: v, Filter: filter, Order: chat.ConversationOrder{Field: chat.ByLastActivity, Direction: chat.Descending}}
				q.Page.Limit = 1000
				var got []int64
				for _, row := range listConversations(t, s, account, q) {
					got = append(got, row.ID)
				}
				if want := naively(all, account, q); !slices.Equal(got, want) {
					t.Errorf("%s, account %d, user %d: %d rows, want %d", name, account, v.UserID, len(got), len(want))
				}
				found += len(got)
			}
		}
	}
	if found < 2000 {
		t.Errorf("the filters found %d rows in all", found)
	}
}

// TestListConversationsPages walks every order in both directions, forwards and backwards, in pages of many sizes.
func TestListConversationsPages(t *testing.T) {
	t.Parallel()
	s := withTies(t)
	all := readTalks(t, s)
	for _, field := range conversationOrders {
		for _, direction := range directions {
			t.Run(fmt.Sprint(field, direction), func(t *testing.T) {
				t.Parallel()
				q := chat.ConversationQuery{Visibility: seesAll, Order: chat.ConversationOrder{Field: field, Direction: direction}}
				want := naively(all, schema.Acme, q)
				for _, limit := range []int{13, 50, len(want) - 1, len(want), len(want) + 1} {
					for _, backward := range []bool{false, true} {
						got := walk(t, limit, backward, func(p chat.Page) []store.ConversationRow {
							q.Page = p
							return listConversations(t, s, schema.Acme, q)
						}, func(r store.ConversationRow) *chat.Position {
							return store.ConversationPosition(q.Order, r.Conversation)
						})
						if !slices.Equal(got, want) {
							t.Errorf("pages of %d, backward %v: %d rows, want %d; %d once", limit, backward, len(got), len(want), len(slices.Compact(slices.Sorted(slices.Values(got)))))
						}
					}
				}
			})
		}
	}
}

func visibilities() map[string]chat.Visibility {
	v := map[string]chat.Visibility{"nobody": {}, "a service": {Reach: chat.ReachAll}, "a stranger's inboxes": {Reach: chat.ReachInboxes, UserID: 999}}
	for _, user := range []int64{schema.Max, schema.Eve, schema.Ivy, schema.Liam, schema.Noor, schema.Tomas, schema.Pia, schema.Zoe, schema.Bob} {
		for _, reach := range []chat.Reach{chat.ReachNothing, chat.ReachMine, chat.ReachUnassigned, chat.ReachInboxes} {
			v[fmt.Sprintf("user %d, reach %d", user, reach)] = chat.Visibility{Reach: reach, UserID: user}
		}
	}
	return v
}

// TestVisibility compares lists, and opening conversations one by one, with the rules of Chatwoot for every user.
func TestVisibility(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	all := readTalks(t, s)
	displays := map[int64]int64{}
	for _, c := range all {
		displays[c.ID] = storetest.Value[int64](t, s, `SELECT display_id FROM conversations WHERE id = $1`, c.ID)
	}
	for name, v := range visibilities() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := chat.ConversationQuery{Visibility: v, Page: chat.Page{Limit: 1000}, Order: chat.ConversationOrder{Field: chat.ByCreated, Direction: chat.Ascending}}
			var got []int64
			for _, row := range listConversations(t, s, schema.Acme, q) {
				got = append(got, row.ID)
			}
			if want := naively(all, schema.Acme, q); !slices.Equal(got, want) {
				t.Errorf("%d are listed, want %d", len(got), len(want))
			}
			for i, c := range all {
				if i%3 != 0 && !slices.Contains(c.Insiders, v.UserID) && !slices.Contains(c.Participants, v.UserID) {
					continue // every third will do, and all that depend on more than the inbox
				}
				row, _, err := s.FindThread(t.Context(), schema.Acme, store.ThreadQuery{Visibility: v, DisplayID: displays[c.ID]})
				own := slices.IndexFunc(all, func(o talk) bool { return o.Account == schema.Acme && displays[o.ID] == displays[c.ID] })
				want := own >= 0 && all[own].opens(v)
				if want && (err != nil || row.ID != all[own].ID) || !want && !errors.Is(err, chat.ErrNotFound) {
					t.Errorf("conversation %d: opened %v, want %v", displays[c.ID], err, want)
				}
			}
		})
	}
	// Max opens conversations of the billing inbox by his team, and sees none of them in a list.
	max := chat.Visibility{Reach: chat.ReachInboxes, UserID: schema.Max}
	if _, _, err := s.FindThread(t.Context(), schema.Acme, store.ThreadQuery{Visibility: max, DisplayID: schema.ContactOfBilling}); err != nil {
		t.Errorf("by team: %v", err)
	}
	if _, _, err := s.FindThread(t.Context(), schema.Acme, store.ThreadQuery{Visibility: max, DisplayID: schema.ContactOfBilling + 2}); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("by nothing: %v", err)
	}
}

// TestConversationParts: unread counts up to ten, the newest message whatever its type, contacts that may be gone.
func TestConversationParts(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	all := map[int64]talk{}
	for _, c := range readTalks(t, s) {
		all[c.ID] = c
	}
	q := chat.ConversationQuery{Visibility: seesAll, Page: chat.Page{Limit: 1000}, Order: chat.ConversationOrder{Field: chat.ByLastActivity, Direction: chat.Descending},
		Parts: chat.ConversationParts{Inbox: true, Assignee: true, Team: true, Contact: true, LastMessage: true, UnreadCount: true}}
	rows := listConversations(t, s, schema.Acme, q)
	kinds, capped, gone := map[chat.MessageType]int{}, 0, 0
	for _, row := range rows {
		want := all[row.ID]
		if *row.UnreadCount != min(want.Unread, 10) {
			t.Errorf("conversation %d: %d unread, want %d", row.ID, *row.UnreadCount, want.Unread)
		}
		if want.Unread > 10 {
			capped++
		}
		if row.LastMessageID != want.LastMessage || (row.LastMessage == nil) != (want.LastMessage == 0) {
			t.Errorf("conversation %d: last message %d, want %d", row.ID, row.LastMessageID, want.LastMessage)
		}
		if row.LastMessage != nil {
			kinds[row.LastMessage.MessageType]++
		}
		if row.Contact == nil {
			gone++
		} else if row.Contact.ID != *want.Contact || row.Contact.AccountID != schema.Acme {
			t.Errorf("conversation %d: contact %d of account %d", row.ID, row.Contact.ID, row.Contact.AccountID)
		}
		if row.Inbox.ID != want.Inbox || row.Inbox.Name == "" || (row.Assignee == nil) != (want.Assignee == nil) || (row.Team == nil) != (want.Team == nil) {
			t.Errorf("conversation %d: %+v", row.ID, row.Conversation)
		}
		if labels := strings.ToLower(strings.Join(row.Labels, ",")); labels != strings.Join(want.Labels, ",") {
			t.Errorf("conversation %d: labels %s, want %v", row.ID, labels, want.Labels)
		}
	}
	if capped < 10 || gone < 2 || len(kinds) < 3 {
		t.Errorf("%d capped, %d contacts gone, last messages of %d types", capped, gone, len(kinds))
	}
	q.Parts = chat.ConversationParts{}
	for _, row := range listConversations(t, s, schema.Acme, q) {
		if row.UnreadCount != nil || row.LastMessage != nil || row.Contact != nil || row.Inbox != nil || row.Assignee != nil || row.Team != nil {
			t.Fatalf("conversation %d has parts that nobody asked for", row.ID)
		}
	}
	ids := []int64{rows[0].ID, rows[1].ID, rows[0].ID, 999_999}
	last, err := s.LastMessagesOf(t.Context(), schema.Acme, ids)
	if err != nil || len(last) != 2 || last[0].AccountID != schema.Acme {
		t.Errorf("%d last messages, %v", len(last), err)
	}
	if none, err := s.LastMessagesOf(t.Context(), schema.Borealis, ids); err != nil || len(none) != 0 {
		t.Errorf("another account has %d of them, %v", len(none), err)
	}
	if diff := cmp.Diff(rows[0].LastMessageID, last[slices.IndexFunc(last, func(m *chat.Message) bool { return m.ConversationID == rows[0].ID })].ID); diff != "" {
		t.Error(diff)
	}
}
