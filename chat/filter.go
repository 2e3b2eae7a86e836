package chat

// FilterOperator compares an attribute with values (Chatwoot's filter_operator).
type FilterOperator string

// Chatwoot's operators.
const (
	EqualTo        FilterOperator = "EQUAL_TO"
	NotEqualTo     FilterOperator = "NOT_EQUAL_TO"
	Contains       FilterOperator = "CONTAINS"
	DoesNotContain FilterOperator = "DOES_NOT_CONTAIN"
	StartsWith     FilterOperator = "STARTS_WITH"
	IsPresent      FilterOperator = "IS_PRESENT"
	IsNotPresent   FilterOperator = "IS_NOT_PRESENT"
	IsGreaterThan  FilterOperator = "IS_GREATER_THAN"
	IsLessThan     FilterOperator = "IS_LESS_THAN"
	DaysBefore     FilterOperator = "DAYS_BEFORE"
)

// FilterJoin joins a condition to the next one (Chatwoot's query_operator). AND binds tighter than OR.
type FilterJoin string

// The joins.
const (
	And FilterJoin = "AND"
	Or  FilterJoin = "OR"
)

// FilterAttribute names what a condition compares, in Chatwoot's words in upper case.
type FilterAttribute string

// The attributes of contacts and conversations that are not custom ones.
const (
	ByName       FilterAttribute = "NAME"
	ByEmail      FilterAttribute = "EMAIL"
	ByPhone      FilterAttribute = "PHONE_NUMBER"
	ByIdentifier FilterAttribute = "IDENTIFIER"
	ByCountry    FilterAttribute = "COUNTRY_CODE"
	ByCity       FilterAttribute = "CITY"
	ByCompany    FilterAttribute = "COMPANY_NAME"
	ByBlocked    FilterAttribute = "BLOCKED"

	ByLabels         FilterAttribute = "LABELS"
	ByCreatedAt      FilterAttribute = "CREATED_AT"
	ByLastActivityAt FilterAttribute = "LAST_ACTIVITY_AT"

	ByStatus               FilterAttribute = "STATUS"
	ByPriorityOf           FilterAttribute = "PRIORITY"
	ByAssignee             FilterAttribute = "ASSIGNEE_ID"
	ByInbox                FilterAttribute = "INBOX_ID"
	ByTeam                 FilterAttribute = "TEAM_ID"
	ByCampaign             FilterAttribute = "CAMPAIGN_ID"
	ByContact              FilterAttribute = "CONTACT_ID"
	ByDisplayID            FilterAttribute = "DISPLAY_ID"
	ByBrowserLanguage      FilterAttribute = "BROWSER_LANGUAGE"
	ByConversationLanguage FilterAttribute = "CONVERSATION_LANGUAGE"
	ByReferer              FilterAttribute = "REFERER"
	ByMailSubject          FilterAttribute = "MAIL_SUBJECT"
)

// Condition compares one attribute with values. Exactly one of Attribute and CustomAttribute is given.
type Condition struct {
	Attribute       *FilterAttribute
	CustomAttribute *string
	Operator        FilterOperator
	Values          []string
	JoinedBy        *FilterJoin // to the next condition; nil is AND, and of the last one no matter
}

// SavedView is a filter that a user has saved (Chatwoot's custom_filters).
type SavedView struct {
	ID        int64
	AccountID int64
	Name      string
	Kind      SavedViewKind
	Query     []byte // Chatwoot's JSON, which may hold addresses: it never leaves
}

// SavedViewKind says what a saved view lists.
type SavedViewKind string

// SavedViewKinds lists the kinds at the index Chatwoot stores in filter_type; others are no lists.
var SavedViewKinds = []SavedViewKind{SavedConversations, SavedContacts}

// The kinds of saved views.
const (
	SavedConversations SavedViewKind = "CONVERSATION"
	SavedContacts      SavedViewKind = "CONTACT"
)
