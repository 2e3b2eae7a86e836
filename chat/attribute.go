package chat

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
	Personal   bool // its values are hidden from masked viewers; so it is unless someone decided otherwise
	Searchable bool // whole values can be found in sealed rows by keyed tags
	Indexed    bool // every sealed row has its tag
	Version    int  // 0: nobody decided
}

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
