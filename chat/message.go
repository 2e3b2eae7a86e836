package chat

import (
	"encoding/json"
	"errors"
	"time"
)

// MessageType is Chatwoot's messages.message_type.
type MessageType string

// Chatwoot stores these as 0 to 3, in this order.
const (
	Incoming MessageType = "INCOMING"
	Outgoing MessageType = "OUTGOING"
	Activity MessageType = "ACTIVITY"
	Template MessageType = "TEMPLATE"
)

// MessageTypes lists the types at the index Chatwoot stores.
var MessageTypes = []MessageType{Incoming, Outgoing, Activity, Template}

// MessageContentType is Chatwoot's messages.content_type, in upper case.
type MessageContentType string

// MessageContentTypes lists the content types at the index Chatwoot stores.
var MessageContentTypes = []MessageContentType{
	"TEXT", "INPUT_TEXT", "INPUT_TEXTAREA", "INPUT_EMAIL", "INPUT_SELECT", "CARDS", "FORM", "ARTICLE",
	"INCOMING_EMAIL", "INPUT_CSAT", "INTEGRATIONS", "STICKER", "VOICE_CALL",
}

// MessageStatus is Chatwoot's messages.status, in upper case.
type MessageStatus string

// MessageStatuses lists the statuses at the index Chatwoot stores.
var MessageStatuses = []MessageStatus{"SENT", "DELIVERED", "READ", "FAILED"}

// MessageSender is who wrote a message: *User, *Contact or *AgentBot.
type MessageSender interface{ isMessageSender() }

func (*User) isMessageSender()     {}
func (*Contact) isMessageSender()  {}
func (*AgentBot) isMessageSender() {}

// SenderType is Chatwoot's messages.sender_type.
type SenderType string

// Chatwoot writes User for a super admin as well; every other sender is shown as none.
const (
	SenderUser     SenderType = "User"
	SenderContact  SenderType = "Contact"
	SenderAgentBot SenderType = "AgentBot"
)

// Message is one message of a conversation. Its text is history and exempt from masking; the headers and
// attributes around the text are not.
type Message struct {
	ID             int64
	AccountID      int64
	ConversationID int64
	ContactID      int64 // of the conversation; 0 where a message was read without it
	MessageType    MessageType
	ContentType    MessageContentType
	Status         MessageStatus
	Private        bool
	SenderType     SenderType
	SenderID       int64
	CreatedAt      time.Time
	Values         Values
}

// Owner is the account the message belongs to.
func (m *Message) Owner() int64 { return m.AccountID }

// IsHistory says that a person wrote the text. Activities and templates are written by the system, which puts the
// contact's name and fields into them.
func (m *Message) IsHistory() bool { return m.MessageType == Incoming || m.MessageType == Outgoing }

// Content opens the text.
func (m *Message) Content() (*string, error) { return m.Values.Text(FieldContent) }

// Email opens the mail headers, nil for a message that was not an e-mail.
func (m *Message) Email() (*EmailHeaders, error) {
	if !m.Values.Present.Has(FieldContentAttributes) {
		return nil, nil
	}
	p, err := m.Values.Get(FieldContentAttributes)
	if err != nil {
		return nil, err
	}
	return newEmailHeaders(m, []byte(p.Reveal())), nil
}

// EmailHeaders are the headers of an e-mail message (Chatwoot's content_attributes.email when it came in,
// to_emails and its kin when it went out).
type EmailHeaders struct {
	AccountID      int64
	Of             Whose
	Subject        *string
	From, To       []PII
	Cc, Bcc        []PII
	MessageID      *PII
	InReplyTo      *PII
	SubmittedEmail *PII
}

// Owner is the account the headers belong to.
func (h *EmailHeaders) Owner() int64 { return h.AccountID }

// HasAddress says that some header holds an address.
func (h *EmailHeaders) HasAddress() bool {
	return len(h.From)+len(h.To)+len(h.Cc)+len(h.Bcc) > 0 || h.SubmittedEmail != nil
}

// addresses reads a header that Chatwoot stores as a list, as one string, or as null.
type addresses []PII

func (a *addresses) UnmarshalJSON(raw []byte) error {
	var list []string
	var one string
	if json.Unmarshal(raw, &one) == nil {
		list = []string{one}
	} else {
		_ = json.Unmarshal(raw, &list) // members that are no texts stay empty
	}
	for _, s := range list {
		if s != "" {
			*a = append(*a, PII(s))
		}
	}
	return nil
}

type emailAttributes struct {
	Email *struct {
		From      addresses `json:"from"`
		To        addresses `json:"to"`
		Cc        addresses `json:"cc"`
		Bcc       addresses `json:"bcc"`
		Subject   *string   `json:"subject"`
		MessageID *string   `json:"message_id"`
		InReplyTo *string   `json:"in_reply_to"`
	} `json:"email"`
	Cc        addresses `json:"cc_emails"`
	Bcc       addresses `json:"bcc_emails"`
	To        addresses `json:"to_emails"`
	Submitted *string   `json:"submitted_email"`
}

// newEmailHeaders reads the headers; an object without any gives nil. A part of an unexpected type is left
// out rather than failing the message.
func newEmailHeaders(m *Message, raw []byte) *EmailHeaders {
	var a emailAttributes
	var unexpected *json.UnmarshalTypeError
	if err := json.Unmarshal(raw, &a); err != nil && !errors.As(err, &unexpected) {
		return nil
	}
	h := &EmailHeaders{AccountID: m.AccountID, Of: m.Whose(), To: a.To, Cc: a.Cc, Bcc: a.Bcc, SubmittedEmail: pii(a.Submitted)}
	if e := a.Email; e != nil {
		h.Subject, h.From, h.MessageID, h.InReplyTo = e.Subject, e.From, pii(e.MessageID), pii(e.InReplyTo)
		h.To, h.Cc, h.Bcc = append(h.To, e.To...), append(h.Cc, e.Cc...), append(h.Bcc, e.Bcc...)
	}
	if h.Subject == nil && h.MessageID == nil && !h.HasAddress() {
		return nil
	}
	return h
}

func pii(s *string) *PII {
	if s == nil || *s == "" {
		return nil
	}
	p := PII(*s)
	return &p
}
