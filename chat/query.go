package chat

import (
	"cmp"
	"strings"
	"time"
)

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

// ContactOrderField is what contacts are ordered by.
type ContactOrderField string

// The order fields of the contract. E-mail and phone number are addresses, for viewers who may see them.
const (
	ContactsByLastActivity ContactOrderField = "LAST_ACTIVITY_AT"
	ContactsByCreated      ContactOrderField = "CREATED_AT"
	ContactsByName         ContactOrderField = "NAME"
	ContactsByEmail        ContactOrderField = "EMAIL"
	ContactsByPhone        ContactOrderField = "PHONE_NUMBER"
	ContactsByCompany      ContactOrderField = "COMPANY"
	ContactsByCity         ContactOrderField = "CITY"
	ContactsByCountry      ContactOrderField = "COUNTRY"
)

// ContactsByShownName is NAME for viewers from whom names that are addresses are hidden: those are listed as blank. It is
// no value of the schema's enum.
const ContactsByShownName ContactOrderField = "SHOWN_NAME"

// Address gives the field whose values contacts are ordered by; ok is false for an order that needs no address.
func (f ContactOrderField) Address() (field Field, ok bool) {
	switch f {
	case ContactsByEmail:
		return FieldEmail, true
	case ContactsByPhone:
		return FieldPhone, true
	}
	return 0, false
}

// Norm gives the text, compared bytewise, by which a contact with an address is ordered; nil for a blank one. Of an
// e-mail only ASCII letters are brought to lower case: what PostgreSQL makes of others depends on the database's
// locale, and a contact must have one place whether it is sealed or not.
func (f ContactOrderField) Norm(address PII) *string {
	text := address.Reveal()
	trimmed := strings.Trim(text, " \t\n\v\f\r")
	if trimmed == "" {
		return nil
	}
	if f == ContactsByEmail {
		text = strings.Map(lowerASCII, trimmed)
	}
	return &text
}

func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// ContactOrder is an order of contacts, with the id as tie-break.
type ContactOrder struct {
	Field     ContactOrderField
	Direction OrderDirection
}

// Compare orders two places in a list by texts: those without one come last in both directions.
func (o ContactOrder) Compare(a, b *Position) int {
	switch {
	case a.Text == nil && b.Text != nil:
		return 1
	case a.Text != nil && b.Text == nil:
		return -1
	}
	order := cmp.Compare(a.ID, b.ID)
	if a.Text != nil {
		order = cmp.Or(strings.Compare(*a.Text, *b.Text), order)
	}
	if o.Direction == Descending {
		return -order
	}
	return order
}

// ContactParts are the parts of a contact that cost a look-up of their own, as far as the query asks for them.
type ContactParts struct {
	Attributes    bool               // profile or custom attributes
	Conversations *ConversationQuery // the first page of each contact's conversations
}

// ContactQuery asks for a page of contacts.
type ContactQuery struct {
	Filter ContactFilter
	CRMV2  bool
	Sealed bool // whether the contacts dataset is read from sealed rows
	Order  ContactOrder
	Page   Page
	Parts  ContactParts
}
