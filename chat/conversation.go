package chat

import "time"

// ConversationStatus is Chatwoot's conversations.status.
type ConversationStatus string

// Chatwoot stores these as 0 to 3, in this order.
const (
	StatusOpen     ConversationStatus = "OPEN"
	StatusResolved ConversationStatus = "RESOLVED"
	StatusPending  ConversationStatus = "PENDING"
	StatusSnoozed  ConversationStatus = "SNOOZED"
)

// ConversationStatuses lists the statuses at the index Chatwoot stores.
var ConversationStatuses = []ConversationStatus{StatusOpen, StatusResolved, StatusPending, StatusSnoozed}

// ConversationPriority is Chatwoot's conversations.priority; NULL is none.
type ConversationPriority string

// Chatwoot stores these as 0 to 3, in this order.
const (
	PriorityLow    ConversationPriority = "LOW"
	PriorityMedium ConversationPriority = "MEDIUM"
	PriorityHigh   ConversationPriority = "HIGH"
	PriorityUrgent ConversationPriority = "URGENT"
)

// ConversationPriorities lists the priorities at the index Chatwoot stores.
var ConversationPriorities = []ConversationPriority{PriorityLow, PriorityMedium, PriorityHigh, PriorityUrgent}

// Conversation is one exchange with a contact in one inbox. Parts that cost a join are filled in only when
// the query asks for them.
type Conversation struct {
	ID             int64
	AccountID      int64
	DisplayID      int64
	ContactID      int64
	Status         ConversationStatus
	Priority       *ConversationPriority
	Inbox          *Inbox
	Assignee       *User
	Team           *Team
	Labels         []string
	UnreadCount    *int // incoming messages since an agent looked, at most 10; nil when not asked for
	LastMessageID  int64
	LastActivityAt time.Time
	CreatedAt      time.Time
	WaitingSince   *time.Time
	SnoozedUntil   *time.Time
	Values         Values
}

// Owner is the account the conversation belongs to.
func (c *Conversation) Owner() int64 { return c.AccountID }

// CustomAttributes opens the attributes, by key.
func (c *Conversation) CustomAttributes() ([]*CustomAttribute, error) {
	object, err := c.Values.Object(FieldCustomAttributes)
	return attributesOf(c.AccountID, c.Whose(), ConversationAttributes, object), err
}
