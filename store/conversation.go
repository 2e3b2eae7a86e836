package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// ConversationRow is a conversation with the parts that were asked for: its contact and its last message as
// rows without their personal values, and the records that came with the same statement.
type ConversationRow struct {
	*chat.Conversation
	Contact       *chat.Contact // nil when not asked for, or deleted
	ContactRecord *chat.Record
	LastMessage   *chat.Message
}

// Orders of conversations. waiting_since and priority can be NULL; Chatwoot puts those rows last.
var conversationKeys = map[chat.ConversationOrderField]orderKey{
	chat.ByLastActivity: {expression: "c.last_activity_at", id: "c.id", value: timeOf},
	chat.ByCreated:      {expression: "c.created_at", id: "c.id", value: timeOf},
	chat.ByPriority:     {expression: "c.priority", id: "c.id", nullable: true, value: intOf},
	chat.ByWaitingSince: {expression: "c.waiting_since", id: "c.id", nullable: true, value: timeOf},
}

// ConversationPosition is a conversation's place in an order.
func ConversationPosition(order chat.ConversationOrder, c *chat.Conversation) *chat.Position {
	p := &chat.Position{ID: c.ID}
	switch order.Field {
	case chat.ByCreated:
		p.Time = &c.CreatedAt
	case chat.ByWaitingSince:
		p.Time = c.WaitingSince
	case chat.ByPriority:
		if c.Priority != nil {
			n := indexOf(chat.ConversationPriorities, *c.Priority)
			p.Int = &n
		}
	default:
		p.Time = &c.LastActivityAt
	}
	return p
}

// The columns that are read of c; c is a sub-select of conversations.
const conversationColumns = `c.id::int8, c.account_id::int8, c.display_id::int8, c.contact_id, c.status, c.priority + 1,
 c.cached_label_list, c.last_activity_at, c.created_at, c.waiting_since, c.snoozed_until, c.inbox_id::int8`

// The parts that cost a join.
const (
	inboxColumns    = `, i.name, i.channel_type`
	inboxJoin       = ` LEFT JOIN inboxes i ON i.id = c.inbox_id`
	assigneeColumns = `, u.id::int8, COALESCE(NULLIF(u.display_name, ''), u.name) user_name, u.email`
	assigneeJoin    = ` LEFT JOIN users u ON u.id = c.assignee_id`
	teamColumns     = `, t.id team_id, t.name team_name, t.description`
	teamJoin        = ` LEFT JOIN teams t ON t.id = c.team_id AND t.account_id = c.account_id`
)

// At most 10 are counted, as Chatwoot does (facts of §6.3).
const unreadCount = `(SELECT count(*) FROM (SELECT 1 FROM messages x WHERE x.conversation_id = c.id AND x.account_id = c.account_id
 AND x.message_type = 0 AND (c.agent_last_seen_at IS NULL OR x.created_at > c.agent_last_seen_at) LIMIT 10) unread)`

// The newest message of any type, private notes and activities included. Each type is its own range of the
// index (conversation_id, account_id, message_type, created_at), so a long thread is not read through.
const lastMessageJoin = ` LEFT JOIN LATERAL (SELECT n.* FROM generate_series(0, 3) kind(n), LATERAL (
 SELECT x.id, x.message_type, x.content_type, x.status, x.private, x.sender_type, x.sender_id, x.created_at FROM messages x
 WHERE x.conversation_id = c.id AND x.account_id = c.account_id AND x.message_type = kind.n
 ORDER BY x.created_at DESC, x.id DESC LIMIT 1) n ORDER BY n.created_at DESC, n.id DESC LIMIT 1) m ON true`

// A contact's row without its personal values.
const contactColumns = `ct.id::int8, ct.name, ct.blocked, ct.last_activity_at, ct.created_at`

// ListConversations reads one page and one row more, so that the caller knows whether there are more.
func (s *Store) ListConversations(ctx context.Context, accountID int64, q chat.ConversationQuery) ([]ConversationRow, error) {
	key := conversationKeys[q.Order.Field]
	rows, err := readPage(q.Page, key, func(limit int, overrun bool) ([]ConversationRow, error) {
		st := new(statement)
		selectConversations(st, q.Parts)
		st.add(" FROM (SELECT * FROM conversations c WHERE c.account_id = ?", accountID)
		visibleConversations(st, q.Visibility)
		filterConversations(st, q)
		st.beyond(key, q.Order.Direction, q.Page, overrun)
		st.orderBy(key, q.Order.Direction, q.Page.Backward)
		st.add(" LIMIT ?) c", limit)
		joinConversations(st, q.Parts)
		st.orderBy(key, q.Order.Direction, q.Page.Backward)
		return collect(ctx, s.db, conversationScan(q.Parts), st.sql.String(), st.args...)
	})
	if err != nil {
		return nil, fmt.Errorf("list conversations of account %d: %w", accountID, err)
	}
	return rows, nil
}

func selectConversations(st *statement, parts chat.ConversationParts) {
	st.add("SELECT " + conversationColumns)
	for _, p := range []struct {
		asked   bool
		columns string
	}{
		{parts.Inbox, inboxColumns}, {parts.Assignee, assigneeColumns}, {parts.Team, teamColumns},
		{parts.UnreadCount, ", " + unreadCount}, {parts.LastMessage, ", " + messageColumns}, {parts.Contact, ", " + contactColumns},
	} {
		if p.asked {
			st.add(p.columns)
		}
	}
}

func joinConversations(st *statement, parts chat.ConversationParts) {
	for _, p := range []struct {
		asked bool
		join  string
	}{
		{parts.Inbox, inboxJoin}, {parts.Assignee, assigneeJoin}, {parts.Team, teamJoin}, {parts.LastMessage, lastMessageJoin},
		{parts.Contact, " LEFT JOIN contacts ct ON ct.id = c.contact_id AND ct.account_id = c.account_id"},
	} {
		if p.asked {
			st.add(p.join)
		}
	}
}

// visibleConversations appends Chatwoot's permission filter for lists: teams do not widen it.
func visibleConversations(st *statement, v chat.Visibility) {
	switch v.Reach {
	case chat.ReachAll:
		return
	case chat.ReachNothing:
		st.add(" AND false")
		return
	case chat.ReachMine:
		st.add(" AND c.assignee_id = ?", v.UserID)
	case chat.ReachUnassigned:
		st.add(" AND (c.assignee_id = ? OR c.assignee_id IS NULL)", v.UserID)
	}
	st.add(" AND c.inbox_id IN (SELECT im.inbox_id FROM inbox_members im WHERE im.user_id = ?)", v.UserID)
}

func filterConversations(st *statement, q chat.ConversationQuery) {
	f := q.Filter
	if q.ContactID != 0 {
		st.add(" AND c.contact_id = ?", q.ContactID)
	}
	if len(f.Status) == 1 {
		st.add(" AND c.status = ?", indexOf(chat.ConversationStatuses, f.Status[0]))
	} else if len(f.Status) > 1 {
		st.add(" AND c.status = ANY(?)", indexesOf(chat.ConversationStatuses, f.Status))
	}
	if len(f.Priority) > 0 {
		st.add(" AND c.priority = ANY(?)", indexesOf(chat.ConversationPriorities, f.Priority))
	}
	if f.Assignee != nil {
		filterAssignee(st, *f.Assignee, q.Visibility.UserID)
	}
	if f.AssigneeID != nil {
		st.add(" AND c.assignee_id = ?::bigint", int64(*f.AssigneeID))
	}
	if f.InboxID != nil {
		st.add(" AND c.inbox_id = ?::bigint", int64(*f.InboxID))
	}
	if f.TeamID != nil {
		st.add(" AND c.team_id = ?::bigint", int64(*f.TeamID))
	}
	if f.UpdatedSince != nil {
		st.add(" AND c.updated_at > ?", f.UpdatedSince.UTC())
	}
	if len(f.Labels) > 0 {
		st.add(labelled, "Conversation", lowerAll(f.Labels))
	}
	st.where(q.Where, compareConversation)
}

// Label names are matched in any case; taggings are the truth, cached_label_list only a copy.
const labelled = ` AND EXISTS (SELECT 1 FROM taggings tg JOIN tags ON tags.id = tg.tag_id WHERE tg.taggable_type = ?
 AND tg.context = 'labels' AND tg.taggable_id = c.id AND lower(tags.name) = ANY(?))`

func filterAssignee(st *statement, scope chat.AssigneeScope, userID int64) {
	switch scope {
	case chat.AssigneeMe:
		st.add(" AND c.assignee_id = ?", userID)
	case chat.AssigneeUnassigned:
		st.add(" AND c.assignee_id IS NULL")
	case chat.AssigneeAssigned:
		st.add(" AND c.assignee_id IS NOT NULL")
	}
}

func indexOf[T comparable](words []T, word T) int64 {
	for i, w := range words {
		if w == word {
			return int64(i)
		}
	}
	return -1
}

func indexesOf[T comparable](words, wanted []T) []int64 {
	list := make([]int64, len(wanted))
	for i, w := range wanted {
		list[i] = indexOf(words, w)
	}
	return list
}

func lowerAll(words []string) []string {
	lower := make([]string, len(words))
	for i, w := range words {
		lower[i] = strings.ToLower(strings.TrimSpace(w))
	}
	return lower
}

const displayIDsOf = `SELECT c.id::int8, c.display_id::int8 FROM conversations c WHERE c.account_id = $1 AND c.id = ANY($2)`

// DisplayIDsOf gives the numbers of conversations as the dashboard shows them, by id; those that do not exist are not in
// the answer.
func (s *Store) DisplayIDsOf(ctx context.Context, accountID int64, ids []int64) (map[int64]int64, error) {
	numbers := make(map[int64]int64, len(ids))
	_, err := collect(ctx, s.db, func(rows pgx.Rows) (struct{}, error) {
		var id, displayID int64
		err := rows.Scan(&id, &displayID)
		numbers[id] = displayID
		return struct{}{}, err
	}, displayIDsOf, accountID, ids)
	if err != nil {
		return nil, fmt.Errorf("read the numbers of conversations of account %d: %w", accountID, err)
	}
	return numbers, nil
}
