package chat

import (
	"cmp"
	"encoding/json"
	"regexp"
	"strings"
)

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

// LabelledFields are those by which the database may keep contacts in order. Phone numbers lie too close together: their
// order alone tells most of their digits.
var LabelledFields = []ContactOrderField{ContactsByName, ContactsByEmail, ContactsByCompany, ContactsByCity, ContactsByCountry}

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

// ProfileKey gives the member of a contact's profile that is ordered by; ok is false for an order by something else.
func (f ContactOrderField) ProfileKey() (key string, ok bool) {
	switch f {
	case ContactsByCompany:
		return "company_name", true
	case ContactsByCity:
		return "city", true
	case ContactsByCountry:
		return "country", true
	}
	return "", false
}

// Source gives the field that must be opened to know a contact's place; ok is false where the place lies in the open.
func (f ContactOrderField) Source() (field Field, ok bool) {
	if _, ok := f.ProfileKey(); ok {
		return FieldProfile, true
	}
	return f.Address()
}

// Dataset is whose phase says where the values that are ordered by are read.
func (f ContactOrderField) Dataset() Dataset {
	if _, ok := f.ProfileKey(); ok {
		return Attributes
	}
	return Contacts
}

// ByText says that contacts stand at a text; at a moment otherwise.
func (f ContactOrderField) ByText() bool {
	_, opened := f.Source()
	return opened || f == ContactsByName || f == ContactsByShownName
}

// TextIn gives the text by which a contact is ordered whose source, a profile as JSON or the value itself, is in clear.
func (f ContactOrderField) TextIn(source PII) *string {
	if key, ok := f.ProfileKey(); ok {
		source = profileText(source.Reveal(), key)
	}
	return f.Norm(source)
}

// TextOf gives the text by which a contact is ordered that is loaded, with its profile where the order is by a part of it.
func (f ContactOrderField) TextOf(c *Contact) (*string, error) {
	source, opened := f.Source()
	if !opened { // a name that is sealed away is listed as blank
		if c.Values.Present.Has(FieldName) {
			return nil, nil
		}
		return f.TextIn(PII(c.ListedName)), nil
	}
	values := c.Values
	if source == FieldProfile {
		values = c.Attributes
	}
	value, err := values.Get(source)
	if err != nil || value == nil {
		return nil, err
	}
	return f.TextIn(*value), nil
}

// A profile that Rails has wrapped in a string is read as far as PostgreSQL can be trusted with it: a character that it
// cannot hold, or a depth that it cannot follow, would fail the whole list.
const maxWrapped = 8192

var unheld = regexp.MustCompile(`(?i)\\u(0000|d[89a-f])`)

// profileText gives a member of a profile that is a text, "" where there is none.
func profileText(profile, key string) PII {
	var wrapped string
	if json.Unmarshal([]byte(profile), &wrapped) == nil {
		if len(wrapped) > maxWrapped || unheld.MatchString(wrapped) {
			return ""
		}
		profile = wrapped
	}
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(profile), &object) != nil {
		return ""
	}
	var text *string
	if raw, ok := object[key]; !ok || json.Unmarshal(raw, &text) != nil || text == nil {
		return ""
	}
	return PII(*text)
}

// Norm gives the text, compared bytewise, by which a contact with a value is ordered; nil for a blank one, and for a name
// or a place that looks like an address: everybody sees one list, and to some of them it is hidden. Only ASCII letters are
// brought to lower case: what PostgreSQL makes of others depends on the database's locale, and a contact must have one
// place whether it is sealed or not.
func (f ContactOrderField) Norm(value PII) *string {
	text := value.Reveal()
	trimmed := strings.Trim(text, " \t\n\v\f\r")
	_, address := f.Address()
	if trimmed == "" || !address && TextHoldsAddress(text) {
		return nil
	}
	if f != ContactsByPhone {
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
