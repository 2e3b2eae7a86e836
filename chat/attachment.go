package chat

// AttachmentType is Chatwoot's attachments.file_type, in upper case.
type AttachmentType string

// AttachmentTypes lists the types at the index Chatwoot stores; index 4 and up follow its gaps.
var AttachmentTypes = map[int]AttachmentType{
	0: "IMAGE", 1: "AUDIO", 2: "VIDEO", 3: "FILE", 4: "LOCATION", 5: "FALLBACK", 6: "SHARE", 7: "STORY_MENTION",
	8: "CONTACT", 9: "IG_REEL", 10: "IG_POST", 11: "IG_STORY", 12: "EMBED",
}

// Attachment is a file, place or card of a message. A shared contact card carries its phone number in the
// title, so the title is PII; the file name can hold an address.
type Attachment struct {
	ID          int64
	AccountID   int64
	MessageID   int64
	FileType    AttachmentType
	Extension   *string
	ContentType *string
	ByteSize    *int
	Values      Values
}

// Owner is the account the attachment belongs to.
func (a *Attachment) Owner() int64 { return a.AccountID }

// Title opens the fallback title: the phone number of a shared contact, or a place's or link's name.
func (a *Attachment) Title() (*PII, error) { return a.Values.Get(FieldTitle) }

// FileName opens the name as it was uploaded, which can hold an address.
func (a *Attachment) FileName() (*string, error) { return a.Values.Text(FieldFileName) }

// Meta opens what the channel said about the attachment, such as the names on a contact card.
func (a *Attachment) Meta() ([]*CustomAttribute, error) {
	object, err := a.Values.Object(FieldMeta)
	return attributesOf(a.AccountID, a.Whose(), "", object), err
}
