package store

import (
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"github.com/cloakroom/cloakroom/chat"
)

// conversationScan reads a row of conversationColumns and of the parts that were asked for.
func conversationScan(parts chat.ConversationParts) func(pgx.Rows) (ConversationRow, error) {
	return func(rows pgx.Rows) (ConversationRow, error) {
		scan := newConversationScan(parts)
		err := rows.Scan(scan.targets...)
		return scan.row(parts), err
	}
}

// conversationScanner reads with zeronull: a conversation that was joined to a contact may not be there.
type conversationScanner struct {
	c                chat.Conversation
	status, priority zeronull.Int4 // priority counts from 1, so that 0 is none
	labels           zeronull.Text
	waiting, snoozed zeronull.Timestamp
	inbox            chat.Inbox
	user             chat.User
	userEmail        *string
	team             chat.Team
	teamDetail       *string
	unread           zeronull.Int8
	message          messageScanner
	contact          contactScanner
	targets          []any
}

func newConversationScan(parts chat.ConversationParts) *conversationScanner {
	s := new(conversationScanner)
	c := &s.c
	s.targets = append(make([]any, 0, 40), i8(&c.ID), i8(&c.AccountID), i8(&c.DisplayID), i8(&c.ContactID), &s.status,
		&s.priority, &s.labels, at(&c.LastActivityAt), at(&c.CreatedAt), &s.waiting, &s.snoozed, i8(&s.inbox.ID))
	if parts.Inbox {
		s.targets = append(s.targets, text(&s.inbox.Name), text(&s.inbox.ChannelType))
	}
	if parts.Assignee {
		s.targets = append(s.targets, i8(&s.user.ID), text(&s.user.Name), &s.userEmail)
	}
	if parts.Team {
		s.targets = append(s.targets, i8(&s.team.ID), text(&s.team.Name), &s.teamDetail)
	}
	if parts.UnreadCount {
		s.targets = append(s.targets, &s.unread)
	}
	if parts.LastMessage {
		s.targets = s.message.targets(s.targets)
	}
	if parts.Contact {
		s.targets = s.contact.targets(s.targets)
	}
	return s
}

// row is empty when the join found no conversation.
func (s *conversationScanner) row(parts chat.ConversationParts) ConversationRow {
	c := &s.c
	if c.ID == 0 {
		return ConversationRow{}
	}
	c.Status = word(chat.ConversationStatuses, int(s.status))
	if s.priority > 0 {
		p := word(chat.ConversationPriorities, int(s.priority)-1)
		c.Priority = &p
	}
	c.Labels = splitLabels(string(s.labels))
	c.WaitingSince, c.SnoozedUntil = optional(s.waiting), optional(s.snoozed)
	if parts.Inbox {
		s.inbox.AccountID, c.Inbox = c.AccountID, &s.inbox
	}
	if s.user.ID != 0 {
		s.user.AccountID, s.user.Email, c.Assignee = c.AccountID, s.userEmail, &s.user
	}
	if s.team.ID != 0 {
		s.team.AccountID, s.team.Description, c.Team = c.AccountID, s.teamDetail, &s.team
	}
	row := ConversationRow{Conversation: c}
	if parts.UnreadCount {
		unread := int(s.unread)
		c.UnreadCount = &unread
	}
	if parts.LastMessage {
		if row.LastMessage = s.message.message(c.AccountID, c.ID); row.LastMessage != nil {
			c.LastMessageID = row.LastMessage.ID
		}
	}
	if parts.Contact {
		row.Contact = s.contact.contact(c.AccountID)
	}
	return row
}

// splitLabels reads cached_label_list, "a, b, c".
func splitLabels(cached string) []string {
	labels := []string{}
	for part := range strings.SplitSeq(cached, ",") {
		if label := strings.TrimSpace(part); label != "" {
			labels = append(labels, label)
		}
	}
	return labels
}

// word is what Chatwoot's number stands for; a number that its later releases may add is the empty word.
func word[T ~string](words []T, n int) T {
	if n < 0 || n >= len(words) {
		return ""
	}
	return words[n]
}

type contactScanner struct {
	id           zeronull.Int8
	name         zeronull.Text
	blocked      *bool
	lastActivity zeronull.Timestamp
	created      zeronull.Timestamp
}

func (s *contactScanner) targets(list []any) []any {
	return append(list, &s.id, &s.name, &s.blocked, &s.lastActivity, &s.created)
}

// contact is nil when the join found none.
func (s *contactScanner) contact(accountID int64) *chat.Contact {
	if s.id == 0 {
		return nil
	}
	return &chat.Contact{ID: int64(s.id), AccountID: accountID, ListedName: string(s.name),
		Blocked: s.blocked != nil && *s.blocked, LastActivityAt: optional(s.lastActivity), CreatedAt: time.Time(s.created)}
}
