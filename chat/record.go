package chat

// RecordKind says whose personal values a record holds.
type RecordKind uint8

// The kinds of records, each read and cached as one. A contact's attributes are a record of their own: they
// are large, are rarely asked for, and are another dataset.
const (
	ContactRecord RecordKind = iota + 1
	ContactAttributesRecord
	ContactInboxRecord
	ConversationRecord
	MessageRecord
	AttachmentRecord
	NoteRecord
)

// RecordShape lists a kind's fields in the order of Record.Columns, and the dataset whose phase says where it is
// read from.
type RecordShape struct {
	Fields  []Field
	Dataset Dataset
}

// RecordShapes is the shape of every kind.
var RecordShapes = map[RecordKind]RecordShape{
	ContactRecord:           {[]Field{FieldEmail, FieldPhone, FieldIdentifier, FieldName}, Contacts},
	ContactAttributesRecord: {[]Field{FieldProfile, FieldCustomAttributes}, Attributes},
	ContactInboxRecord:      {[]Field{FieldSourceID}, Contacts},
	ConversationRecord:      {[]Field{FieldAdditionalAttributes, FieldCustomAttributes}, Attributes},
	MessageRecord:           {[]Field{FieldContent, FieldContentAttributes}, Messages},
	AttachmentRecord:        {[]Field{FieldTitle, FieldMeta, FieldFileName}, Messages},
	NoteRecord:              {[]Field{FieldContent}, Contacts},
}

// RecordColumns is how many columns the widest record has.
const RecordColumns = 4

// RecordKey names one record of an account. Parent is the id that leads the table's key before ID: the
// conversation of a message, the message of an attachment, the contact of a note; else 0.
type RecordKey struct {
	Kind   RecordKind
	Parent int64
	ID     int64
}

// Record is a row's personal values as they lie at rest.
type Record struct {
	RecordKey
	Sealed       bool // Columns are envelopes; else they are Chatwoot's plain text
	ContactID    int64
	Version      int64
	SubjectKeyID int64
	KeySealed    []byte // the contact's subject key, wrapped by the account's keyset
	Columns      [RecordColumns][]byte
}
