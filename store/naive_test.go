package store_test

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// talk is a conversation as a naive reader has it: everything at once, to be filtered and sorted in Go. Times are
// microseconds since 1970.
type talk struct {
	ID, Account, Inbox, Status, LastActivity, Created, Updated, LastMessage int64
	Unread                                                                  int
	Priority, Assignee, Team, Contact, Waiting                              *int64
	Labels                                                                  []string
	Members, Insiders, Participants                                         []int64 // of the inbox; of the team; of the talk
}

const everyTalk = `SELECT json_agg(json_build_object('ID', c.id, 'Account', c.account_id, 'Inbox', c.inbox_id, 'Status', c.status,
 'LastActivity', micros(c.last_activity_at), 'Created', micros(c.created_at), 'Updated', micros(c.updated_at), 'Waiting', micros(c.waiting_since),
 'Priority', c.priority, 'Assignee', c.assignee_id, 'Team', c.team_id, 'Contact', c.contact_id,
 'LastMessage', COALESCE((SELECT m.id FROM messages m WHERE m.conversation_id = c.id ORDER BY m.created_at DESC, m.id DESC LIMIT 1), 0),
 'Unread', (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id AND m.message_type = 0 AND m.created_at > COALESCE(c.agent_last_seen_at, '-infinity')),
 'Labels', (SELECT json_agg(lower(t.name)) FROM taggings g JOIN tags t ON t.id = g.tag_id WHERE g.taggable_type = 'Conversation' AND g.taggable_id = c.id),
 'Members', (SELECT json_agg(user_id) FROM inbox_members WHERE inbox_id = c.inbox_id),
 'Insiders', (SELECT json_agg(user_id) FROM team_members WHERE team_id = c.team_id),
 'Participants', (SELECT json_agg(user_id) FROM conversation_participants WHERE conversation_id = c.id))) FROM conversations c`

// readTalks reads every conversation. It leaves a function micros in the test's database.
func readTalks(t testing.TB, s *store.Store) []talk {
	t.Helper()
	storetest.Exec(t, s, `CREATE OR REPLACE FUNCTION micros(timestamp) RETURNS bigint LANGUAGE sql AS 'SELECT (extract(epoch FROM $1) * 1000000)::bigint'`)
	var list []talk
	if err := json.Unmarshal(storetest.Value[[]byte](t, s, everyTalk), &list); err != nil {
		t.Fatal(err)
	}
	return list
}

func is(p *int64, v int64) bool { return p != nil && *p == v }

// listed is Chatwoot's permission filter: the inboxes of an agent, narrowed by a custom role; teams do not widen it.
func (c talk) listed(v chat.Visibility) bool {
	member := slices.Contains(c.Members, v.UserID)
	switch v.Reach {
	case chat.ReachAll:
		return true
	case chat.ReachInboxes:
		return member
	case chat.ReachUnassigned:
		return member && (c.Assignee == nil || is(c.Assignee, v.UserID))
	case chat.ReachMine:
		return member && is(c.Assignee, v.UserID)
	default:
		return false
	}
}

// opens is who may open one conversation: also by its team, and by taking part.
func (c talk) opens(v chat.Visibility) bool {
	near := slices.Contains(c.Members, v.UserID) || slices.Contains(c.Insiders, v.UserID)
	switch v.Reach {
	case chat.ReachAll:
		return true
	case chat.ReachInboxes:
		return near
	case chat.ReachUnassigned:
		return near && (c.Assignee == nil || is(c.Assignee, v.UserID))
	case chat.ReachMine:
		return near && (is(c.Assignee, v.UserID) || slices.Contains(c.Participants, v.UserID))
	default:
		return false
	}
}

func (c talk) matches(f chat.ConversationFilter, me int64) bool {
	if len(f.Status) > 0 && !slices.Contains(f.Status, chat.ConversationStatuses[c.Status]) ||
		len(f.Priority) > 0 && (c.Priority == nil || !slices.Contains(f.Priority, chat.ConversationPriorities[*c.Priority])) ||
		f.AssigneeID != nil && !is(c.Assignee, int64(*f.AssigneeID)) || f.InboxID != nil && c.Inbox != int64(*f.InboxID) ||
		f.TeamID != nil && !is(c.Team, int64(*f.TeamID)) || f.UpdatedSince != nil && c.Updated <= f.UpdatedSince.UnixMicro() {
		return false
	}
	if f.Assignee != nil && !map[chat.AssigneeScope]bool{chat.AssigneeMe: is(c.Assignee, me), chat.AssigneeUnassigned: c.Assignee == nil,
		chat.AssigneeAssigned: c.Assignee != nil}[*f.Assignee] {
		return false
	}
	return len(f.Labels) == 0 || slices.ContainsFunc(f.Labels, func(l string) bool {
		return slices.Contains(c.Labels, strings.ToLower(strings.TrimSpace(l)))
	})
}

func (c talk) key(f chat.ConversationOrderField) *int64 {
	switch f {
	case chat.ByCreated:
		return &c.Created
	case chat.ByPriority:
		return c.Priority
	case chat.ByWaitingSince:
		return c.Waiting
	default:
		return &c.LastActivity
	}
}

// compareKeys orders by a key that may be missing: missing ones last in both directions, ids in the direction.
func compareKeys(a, b *int64, aID, bID int64, d chat.OrderDirection) int {
	sign := 1
	if d == chat.Descending {
		sign = -1
	}
	switch {
	case a == nil && b != nil:
		return 1
	case a != nil && b == nil:
		return -1
	case a != nil && *a != *b:
		return sign * cmp.Compare(*a, *b)
	default:
		return sign * cmp.Compare(aID, bID)
	}
}

// naively answers a query from all conversations, without pages.
func naively(all []talk, account int64, q chat.ConversationQuery) []int64 {
	var kept []talk
	for _, c := range all {
		if c.Account == account && (q.ContactID == 0 || is(c.Contact, q.ContactID)) && c.listed(q.Visibility) && c.matches(q.Filter, q.Visibility.UserID) {
			kept = append(kept, c)
		}
	}
	slices.SortFunc(kept, func(a, b talk) int {
		return compareKeys(a.key(q.Order.Field), b.key(q.Order.Field), a.ID, b.ID, q.Order.Direction)
	})
	ids := make([]int64, len(kept))
	for i, c := range kept {
		ids[i] = c.ID
	}
	return ids
}

// walk reads a list page by page until its end, and gives all ids in the order of the list.
func walk[T any](t testing.TB, limit int, backward bool, read func(chat.Page) []T, position func(T) *chat.Position) []int64 {
	t.Helper()
	page := chat.Page{Limit: limit, Backward: backward}
	ids := []int64{}
	for range 2000 {
		rows, info := chat.Slice(read(page), page, position)
		got := make([]int64, len(rows))
		for i, row := range rows {
			got[i] = position(row).ID
		}
		page.From = info.End
		more := info.HasNextPage
		if backward {
			ids, page.From, more = append(got, ids...), info.Start, info.HasPreviousPage
		} else {
			ids = append(ids, got...)
		}
		if !more {
			return ids
		}
	}
	t.Fatal("the list has no end")
	return nil
}
