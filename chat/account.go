package chat

import "time"

// Account is the tenant: every row and every key belongs to one.
type Account struct {
	ID       int64
	Name     string
	CRMV2    bool // Chatwoot's feature bit crm_v2, which changes what "resolved contact" means
	Settings AccountSettings
}

// AccountSettings is what Cloakroom has decided for an account. Settings that were read name a phase for every
// dataset; the zero value stands for settings that could not be read.
type AccountSettings struct {
	ContactPIIMasking bool // feature flag contact_pii_masking
	MaskedLookup      bool // feature flag masked_contact_lookup; false as well where settings could not be read
	Phases            map[Dataset]Phase
	Search            SearchSettings
	CacheEpoch        int64 // part of every Redis key name of the account; moves when a drop may have been missed
}

// Flag names a feature flag of ours.
type Flag string

// FlagContactPIIMasking hides e-mail and phone from masked agents of the account.
const FlagContactPIIMasking Flag = "contact_pii_masking"

// FlagMaskedContactLookup lets masked agents look a contact up by a whole address, under a budget. It is on until
// someone switches it off.
const FlagMaskedContactLookup Flag = "masked_contact_lookup"

// FeatureFlag is a flag as a viewer sees it.
type FeatureFlag struct {
	Name    string
	Enabled bool
}

// Features lists the account's flags.
func (a *Account) Features() []*FeatureFlag {
	return []*FeatureFlag{
		{Name: string(FlagContactPIIMasking), Enabled: a.Settings.ContactPIIMasking},
		{Name: string(FlagMaskedContactLookup), Enabled: a.Settings.MaskedLookup},
	}
}

// Dataset is what is sealed as one: its phase moves on its own.
type Dataset string

// The datasets of the contract's rollout command.
const (
	Contacts   Dataset = "contacts"
	Messages   Dataset = "messages"
	Attributes Dataset = "attributes"
)

// Datasets lists every dataset, for tables that must be complete.
var Datasets = []Dataset{Contacts, Messages, Attributes}

// Phase is how far the sealing of a dataset has come in one account.
type Phase string

// The phases of the contract, in order.
const (
	Off        Phase = "off"
	DualWrite  Phase = "dual-write"
	ReadSealed Phase = "read-sealed"
	SealedOnly Phase = "sealed-only"
)

// Inbox is where messages of one channel arrive.
type Inbox struct {
	ID          int64
	AccountID   int64
	Name        string
	ChannelType string // Chatwoot's word, such as Channel::Email
}

// Team is a group of agents; Chatwoot keeps its name in lower case.
type Team struct {
	ID          int64
	AccountID   int64
	Name        string
	Description *string
}

// Label is a tag an account has defined.
type Label struct {
	ID          int64
	AccountID   int64
	Title       string
	Description *string
	Color       string
}

// Note is what an agent wrote about a contact: free text.
type Note struct {
	ID        int64
	AccountID int64
	ContactID int64
	UserID    *int64
	CreatedAt time.Time
	Values    Values
}

// Owner is the account the note belongs to.
func (n *Note) Owner() int64 { return n.AccountID }

// Content opens the text.
func (n *Note) Content() (*string, error) { return n.Values.Text(FieldContent) }
