package chat

// Kind says what sort of personal value a field holds; @pii names it in the schema.
type Kind string

// The kinds of the contract's PiiKind.
const (
	Email          Kind = "EMAIL"
	Phone          Kind = "PHONE"
	Identifier     Kind = "IDENTIFIER"
	ChannelAddress Kind = "CHANNEL_ADDRESS"
	Attribute      Kind = "ATTRIBUTE"
	Name           Kind = "NAME"
)

// Kinds lists every kind, for tables that must be complete.
var Kinds = []Kind{Email, Phone, Identifier, ChannelAddress, Attribute, Name}

// PIIState tells a client which absence it is looking at.
type PIIState string

// VISIBLE: the value is there. HIDDEN: there is one, but not for this viewer. ABSENT: there is none.
const (
	Visible PIIState = "VISIBLE"
	Hidden  PIIState = "HIDDEN"
	Absent  PIIState = "ABSENT"
)

// PIIArgPolicy is the rule under which a personal value, or an order by one, may be given; @piiArg names it in the
// schema.
type PIIArgPolicy string

// EXACT_LOOKUP: a whole value, under a budget for viewers from whom the kind is hidden. PRIVILEGED: only for viewers
// who may see the kind. WRITE: a value to be kept, which answers no question.
const (
	ExactLookup PIIArgPolicy = "EXACT_LOOKUP"
	Privileged  PIIArgPolicy = "PRIVILEGED"
	WriteValue  PIIArgPolicy = "WRITE"
)

// Scope is one right of a service token.
type Scope string

// The scopes of the contract.
const (
	ScopeContactRead      Scope = "contact:read"
	ScopePIIEmail         Scope = "contact:pii.email"
	ScopePIIPhone         Scope = "contact:pii.phone"
	ScopePIIIdentifier    Scope = "contact:pii.identifier"
	ScopePIIAttributes    Scope = "contact:pii.attributes"
	ScopeContactLookup    Scope = "contact:lookup"
	ScopeConversationRead Scope = "conversation:read"
	ScopeMessageContent   Scope = "message:content"
	ScopeChannelAddress   Scope = "channel:address"
	ScopeTokenRead        Scope = "token:read"
	ScopeTokenWrite       Scope = "token:write"
	ScopePolicyWrite      Scope = "policy:write"
	ScopeAuditRead        Scope = "audit:read"
)

// Scopes lists every scope, in the contract's order.
var Scopes = []Scope{
	ScopeContactRead, ScopePIIEmail, ScopePIIPhone, ScopePIIIdentifier, ScopePIIAttributes, ScopeContactLookup,
	ScopeConversationRead, ScopeMessageContent, ScopeChannelAddress, ScopeTokenRead, ScopeTokenWrite,
	ScopePolicyWrite, ScopeAuditRead,
}
