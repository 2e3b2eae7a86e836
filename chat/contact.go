package chat

import (
	"encoding/json"
	"time"
)

// Contact is the customer. Its personal values lie in Values and are opened one by one, where shown.
type Contact struct {
	ID             int64
	AccountID      int64
	ListedName     string // Chatwoot's name column: empty where the name is an address and was sealed away
	Blocked        bool
	LastActivityAt *time.Time
	CreatedAt      time.Time
	Values         Values // email, phone, identifier, and the name where it is an address
	Attributes     Values // profile and custom attributes, loaded on their own
	AliasOf        func(contactID int64) (string, error)
}

// Owner is the account the contact belongs to.
func (c *Contact) Owner() int64 { return c.AccountID }

// FullName is the contact's true name, for viewers who may see it.
func (c *Contact) FullName() (string, error) {
	sealed, err := c.Values.Text(FieldName)
	if err != nil || sealed == nil {
		return c.ListedName, err
	}
	return *sealed, nil
}

// Alias is the stable stand-in a masked viewer sees, keyed from the id.
func (c *Contact) Alias() (string, error) {
	if c.AliasOf == nil {
		return "", errNotLoaded
	}
	return c.AliasOf(c.ID)
}

// Email opens the address, nil when there is none.
func (c *Contact) Email() (*PII, error) { return c.Values.Get(FieldEmail) }

// PhoneNumber opens the number, nil when there is none.
func (c *Contact) PhoneNumber() (*PII, error) { return c.Values.Get(FieldPhone) }

// Identifier opens the external id, nil when there is none.
func (c *Contact) Identifier() (*PII, error) { return c.Values.Get(FieldIdentifier) }

// CustomAttributes opens the attributes, by key.
func (c *Contact) CustomAttributes() ([]*CustomAttribute, error) {
	object, err := c.Attributes.Object(FieldCustomAttributes)
	return attributesOf(c.AccountID, c.Whose(), ContactAttributes, object), err
}

// Profile opens the profile that channels and agents have gathered, nil when there is none.
func (c *Contact) Profile() (*ContactProfile, error) {
	object, err := c.Attributes.Object(FieldProfile)
	if err != nil || len(object) == 0 {
		return nil, err
	}
	return newContactProfile(c, object), nil
}

// ContactProfile is Chatwoot's contacts.additional_attributes. The five keys that the dashboard lists and
// sorts by are texts; every other key is a personal attribute.
type ContactProfile struct {
	AccountID      int64
	ContactID      int64
	CompanyName    *string
	City           *string
	Country        *string
	CountryCode    *string
	SocialProfiles []*CustomAttribute
	Others         []*CustomAttribute
}

// Owner is the account the profile belongs to.
func (p *ContactProfile) Owner() int64 { return p.AccountID }

// Keys that are never shown: with avatar_url_hash an address can be confirmed offline (Chatwoot fact 20).
var unshownProfileKeys = []string{"avatar_url_hash", "last_avatar_sync_at"}

func newContactProfile(c *Contact, object map[string]json.RawMessage) *ContactProfile {
	p := &ContactProfile{
		AccountID:   c.AccountID,
		ContactID:   c.ID,
		CompanyName: takeString(object, "company_name"),
		City:        takeString(object, "city"),
		Country:     takeString(object, "country"),
		CountryCode: takeString(object, "country_code"),
	}
	for _, key := range unshownProfileKeys {
		delete(object, key)
	}
	var social map[string]json.RawMessage
	if raw, ok := object["social_profiles"]; ok && json.Unmarshal(raw, &social) == nil {
		delete(object, "social_profiles")
	}
	p.SocialProfiles = attributesOf(c.AccountID, c.Whose(), "", social)
	p.Others = attributesOf(c.AccountID, c.Whose(), "", object)
	return p
}

// takeString moves a non-empty string out of object; a value of another type stays among the others.
func takeString(object map[string]json.RawMessage, key string) *string {
	var s string
	if raw, ok := object[key]; !ok || json.Unmarshal(raw, &s) != nil {
		return nil
	}
	delete(object, key)
	if s == "" {
		return nil
	}
	return &s
}

// ContactInbox is a contact's address in one channel. The source id can itself be a phone number or an e-mail.
type ContactInbox struct {
	ID        int64
	AccountID int64
	ContactID int64
	Inbox     *Inbox
	CanReply  bool
	Values    Values
}

// Owner is the account the address belongs to.
func (ci *ContactInbox) Owner() int64 { return ci.AccountID }

// SourceID opens the address in the channel.
func (ci *ContactInbox) SourceID() (*PII, error) { return ci.Values.Get(FieldSourceID) }
