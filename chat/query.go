package chat

import "time"

// AssigneeScope narrows a list of conversations by who works on them.
type AssigneeScope string

// Chatwoot's assignee_type: a bot does not count as an assignee.
const (
	AssigneeMe         AssigneeScope = "ME"
	AssigneeUnassigned AssigneeScope = "UNASSIGNED"
	AssigneeAssigned   AssigneeScope = "ASSIGNED"
)

// ConversationFilter narrows a list of conversations; members that are nil or empty do not.
type ConversationFilter struct {
	Status       []ConversationStatus
	Assignee     *AssigneeScope
	AssigneeID   *ID
	InboxID      *ID
	TeamID       *ID
	Labels       []string // any of them, in any case
	Priority     []ConversationPriority
	UpdatedSince *time.Time
	Conditions   []*Condition
	SavedViewID  *ID // its conditions are joined to the others by AND
}

// ConversationOrderField is what conversations are ordered by.
type ConversationOrderField string

// The order fields of the contract.
const (
	ByLastActivity ConversationOrderField = "LAST_ACTIVITY_AT"
	ByCreated      ConversationOrderField = "CREATED_AT"
	ByPriority     ConversationOrderField = "PRIORITY"
	ByWaitingSince ConversationOrderField = "WAITING_SINCE"
)

// ConversationOrder is an order of conversations, with the id as tie-break.
type ConversationOrder struct {
	Field     ConversationOrderField
	Direction OrderDirection
}

// ConversationParts are the parts of a conversation that cost a join or a look-up of their own, as far as the
// query asks for them.
type ConversationParts struct {
	Inbox             bool
	Assignee          bool
	Team              bool
	Contact           bool
	ContactAttributes bool
	LastMessage       bool
	UnreadCount       bool
	CustomAttributes  bool
}

// ConversationQuery asks for a page of conversations.
type ConversationQuery struct {
	Visibility Visibility
	ContactID  int64 // 0 is any
	Filter     ConversationFilter
	Where      [][]*Comparison // each list in parentheses; Filter's own conditions stay unread
	Order      ConversationOrder
	Page       Page
	Parts      ConversationParts
}

// ContactType is Chatwoot's contacts.contact_type.
type ContactType string

// ContactTypes lists the types at the index Chatwoot stores.
var ContactTypes = []ContactType{"VISITOR", "LEAD", "CUSTOMER"}

// ContactFilter narrows a list of contacts by what is not PII.
type ContactFilter struct {
	Resolved          *bool // Chatwoot's contact list: contacts with an address, or leads where crm_v2 is on
	Labels            []string
	Blocked           *bool
	ContactType       *ContactType
	LastActivitySince *time.Time
	CreatedSince      *time.Time
	Conditions        []*Condition
	SavedViewID       *ID // its conditions are joined to the others by AND
}

// ContactParts are the parts of a contact that cost a look-up of their own, as far as the query asks for them.
type ContactParts struct {
	Attributes    bool               // profile or custom attributes
	Record        bool               // the sealed record, in the same statement
	Conversations *ConversationQuery // the first page of each contact's conversations
}

// ContactQuery asks for a page of contacts.
type ContactQuery struct {
	Filter ContactFilter
	Where  [][]*Comparison // each list in parentheses; Filter's own conditions stay unread
	CRMV2  bool
	Sealed bool // whether the contacts dataset is read from sealed rows
	Order  ContactOrder
	Page   Page
	Parts  ContactParts
}
