package chat

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"
)

// AttributeModel is what an attribute belongs to.
type AttributeModel string

// Chatwoot's custom_attribute_definitions.attribute_model.
const (
	ConversationAttributes AttributeModel = "CONVERSATION"
	ContactAttributes      AttributeModel = "CONTACT"
)

// AttributeModels lists the models at the index Chatwoot stores.
var AttributeModels = []AttributeModel{ConversationAttributes, ContactAttributes}

// AttributeType is Chatwoot's custom_attribute_definitions.attribute_display_type.
type AttributeType string

// AttributeTypes lists the types at the index Chatwoot stores.
var AttributeTypes = []AttributeType{AttributeText, AttributeNumber, AttributeCurrency, AttributePercent, AttributeLink, AttributeDate,
	AttributeList, AttributeCheckbox}

// The display types.
const (
	AttributeText     AttributeType = "TEXT"
	AttributeNumber   AttributeType = "NUMBER"
	AttributeCurrency AttributeType = "CURRENCY"
	AttributePercent  AttributeType = "PERCENT"
	AttributeLink     AttributeType = "LINK"
	AttributeDate     AttributeType = "DATE"
	AttributeList     AttributeType = "LIST"
	AttributeCheckbox AttributeType = "CHECKBOX"
)

// AttributePolicy is what a super admin has decided about an attribute of an account.
type AttributePolicy struct {
	Model      AttributeModel
	Key        string
	Type       AttributeType // what its values were when that was decided: tags are of values of this type
	Personal   bool          // its values are hidden from masked viewers; so it is unless someone decided otherwise
	Searchable bool          // whole values can be found in sealed rows by keyed tags
	Indexed    bool          // every sealed row has its tag
	Version    int           // 0: nobody decided
}

// Findable says that every sealed row with a value of this type is found by its tag. A definition that was given
// another type since leaves tags that say nothing of its values.
func (p AttributePolicy) Findable(t AttributeType) bool {
	return p.Searchable && p.Indexed && p.Type == t
}

// ProfileAttributes are the keys of a contact's profile that can be made searchable beside custom attributes: texts, and
// never personal by decision.
var ProfileAttributes = []string{"city", "company_name", "country_code"}

// AttributeDefinition is a custom attribute as an account has defined it.
type AttributeDefinition struct {
	ID           int64
	AccountID    int64
	Model        AttributeModel
	Key          string
	DisplayName  string
	Description  *string
	Type         AttributeType
	Choices      []string
	RegexPattern *string
	RegexCue     *string
	Policy       AttributePolicy
}

// Personal says that values are hidden from masked viewers.
func (d *AttributeDefinition) Personal() bool { return d.Policy.Personal }

// Searchable says that whole values can be found in sealed rows.
func (d *AttributeDefinition) Searchable() bool { return d.Policy.Searchable }

// PolicyVersion counts the decisions about the attribute.
func (d *AttributeDefinition) PolicyVersion() int { return d.Policy.Version }

// HoldsAddress says that a value looks as if it held an address: in a text, a number or a key at any depth, or in several
// of them one after the other. So does one that cannot be read. A day is no phone number, although its digits would do.
func (v Value) HoldsAddress() bool {
	if len(v.raw) > 0 && !json.Valid(v.raw) {
		return true
	}
	decoder := json.NewDecoder(strings.NewReader(string(v.raw)))
	decoder.UseNumber()
	var all strings.Builder
	for {
		token, err := decoder.Token() // every token, so that of two members of one name neither is passed over
		if errors.Is(err, io.EOF) {
			return TextHoldsAddress(all.String())
		}
		if err != nil {
			return true
		}
		var text string
		switch token := token.(type) {
		case string:
			if text = token; isDay(text) {
				continue
			}
		case json.Number:
			text = token.String()
		default:
			continue
		}
		all.WriteString(text)
		all.WriteByte(' ')
	}
}

// isDay tells a day of this century or the last, alone or as the dashboard writes it, with a time.
func isDay(text string) bool {
	if len(text) < len(time.DateOnly) {
		return false
	}
	day, rest := text[:len(time.DateOnly)], text[len(time.DateOnly):]
	at, err := time.Parse(time.DateOnly, day)
	return err == nil && at.Year() >= 1900 && at.Year() < 2100 && (rest == "" || rest[0] == 'T' && !TextHoldsAddress(rest[1:]))
}
