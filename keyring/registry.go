package keyring

import "fmt"

// Table is the number by which sealed values name the table they lie in. Numbers are bound into every
// sealed value, so a table may be renamed but never renumbered, and a number is never used again.
type Table uint16

// The registry of tables.
const (
	TableContacts       Table = 1
	TableContactInboxes Table = 2
	TableConversations  Table = 3
	TableMessages       Table = 4
	TableAttachments    Table = 5
	TableNotes          Table = 6
	TableSubjectKeys    Table = 7
	TableAuditEntries   Table = 8
	TableCursor         Table = 9  // not a table: page cursors, which clients hold
	TableVaultTokens    Table = 10 // its one sealed column has no field: see TokenPlace
)

// Field is the number by which sealed values and blind indexes name their column. A number is unique
// over all tables; like a table's it is never changed and never used again.
type Field uint16

// The registry of fields.
const (
	FieldEmail                            Field = 1
	FieldPhoneNumber                      Field = 2
	FieldIdentifier                       Field = 3
	FieldName                             Field = 4
	FieldProfile                          Field = 5
	FieldCustomAttributes                 Field = 6
	FieldSourceID                         Field = 7
	FieldConversationAdditionalAttributes Field = 8
	FieldConversationCustomAttributes     Field = 9
	FieldMessageContent                   Field = 10
	FieldMessageAttributes                Field = 11
	FieldAttachmentTitle                  Field = 12
	FieldAttachmentMeta                   Field = 13
	FieldNoteContent                      Field = 14
	FieldAuditDetails                     Field = 15
	FieldAttachmentFileName               Field = 16
	FieldMessageRest                      Field = 17
	FieldConversationRest                 Field = 18
)

var tableNames = map[Table]string{
	TableContacts:       "contacts",
	TableContactInboxes: "contact_inboxes",
	TableConversations:  "conversations",
	TableMessages:       "messages",
	TableAttachments:    "attachments",
	TableNotes:          "notes",
	TableSubjectKeys:    "subject_keys",
	TableAuditEntries:   "audit_entries",
	TableCursor:         "cursor",
	TableVaultTokens:    "vault_tokens",
}

var fields = map[Field]struct {
	table Table
	name  string
}{
	FieldEmail:                            {TableContacts, "email"},
	FieldPhoneNumber:                      {TableContacts, "phone_number"},
	FieldIdentifier:                       {TableContacts, "identifier"},
	FieldName:                             {TableContacts, "name"},
	FieldProfile:                          {TableContacts, "profile"},
	FieldCustomAttributes:                 {TableContacts, "custom_attributes"},
	FieldSourceID:                         {TableContactInboxes, "source_id"},
	FieldConversationAdditionalAttributes: {TableConversations, "additional_attributes"},
	FieldConversationCustomAttributes:     {TableConversations, "custom_attributes"},
	FieldMessageContent:                   {TableMessages, "content"},
	FieldMessageAttributes:                {TableMessages, "attributes"},
	FieldAttachmentTitle:                  {TableAttachments, "title"},
	FieldAttachmentMeta:                   {TableAttachments, "meta"},
	FieldNoteContent:                      {TableNotes, "content"},
	FieldAuditDetails:                     {TableAuditEntries, "details"},
	FieldAttachmentFileName:               {TableAttachments, "file_name"},
	FieldMessageRest:                      {TableMessages, "rest"},
	FieldConversationRest:                 {TableConversations, "rest"},
}

// String gives the table's name, for errors and metrics.
func (t Table) String() string {
	if name, ok := tableNames[t]; ok {
		return name
	}
	return fmt.Sprintf("table %d", uint16(t))
}

// Table gives the table a field belongs to, 0 for a number that is not in the registry.
func (f Field) Table() Table { return fields[f].table }

// String gives the field's name without its table, for errors and metrics.
func (f Field) String() string {
	if known, ok := fields[f]; ok {
		return known.name
	}
	return fmt.Sprintf("field %d", uint16(f))
}
