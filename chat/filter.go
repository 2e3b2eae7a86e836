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

// Comparison is a condition that was checked, in the form in which rows are held against it.
type Comparison struct {
	Field     string          // the argument it came in
	Or        bool            // joined to the one before by OR, which binds less than AND; else by AND
	Attribute FilterAttribute // "" for a custom one
	Key       string          // of a custom attribute
	Type      AttributeType   // of a custom attribute
	// Operator is no STARTS_WITH, which is EQUAL_TO, and no DAYS_BEFORE, which is IS_LESS_THAN.
	Operator FilterOperator
	Values   []PII   // texts in one form for equal ones, days, true or false; of CONTAINS patterns of LIKE
	Numbers  []int64 // ids, or what Chatwoot stores for a word
	Shown    bool    // what is hidden from a masked viewer counts as absent
	Found    *Found  // the rows, where the value is sealed
}

// Found says which rows pass a comparison whose values the database cannot read: those with one of the ids, or that bear
// one of the tags. With Except it is the others, as far as they have a value where Chatwoot takes only those.
type Found struct {
	AccountID int64 // whose tags they are
	IDs       []int64
	Tags      []AttributeTag
	Except    bool
}

// AttributeTag is the keyed index of a whole value under one generation of the index keyset.
type AttributeTag struct {
	Generation int
	Tag        []byte
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
