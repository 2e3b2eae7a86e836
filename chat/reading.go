package chat

// Whose says whose personal values a row holds, as far as the row knows: a contact, or a row by which its contact is
// found.
type Whose struct {
	Kind RecordKind // ContactRecord, ConversationRecord or MessageRecord
	ID   int64
}

// Reading is that somebody was shown a value: whose it is and of which kind, never the value.
type Reading struct {
	AccountID int64
	Of        Whose
	Kind      Kind
}

// Whose is the contact itself.
func (c *Contact) Whose() Whose { return Whose{ContactRecord, c.ID} }

// Whose is the contact of the profile.
func (p *ContactProfile) Whose() Whose { return Whose{ContactRecord, p.ContactID} }

// Whose is the contact who has the address.
func (ci *ContactInbox) Whose() Whose { return Whose{ContactRecord, ci.ContactID} }

// Whose is the contact whom the note is about.
func (n *Note) Whose() Whose { return Whose{ContactRecord, n.ContactID} }

// Whose is the contact, conversation or message that has the attribute.
func (a *CustomAttribute) Whose() Whose { return a.Of }

// Whose is the conversation's contact, where the row was read with it.
func (c *Conversation) Whose() Whose {
	if c.ContactID != 0 {
		return Whose{ContactRecord, c.ContactID}
	}
	return Whose{ConversationRecord, c.ID}
}

// Whose is the contact of the message's conversation.
func (m *Message) Whose() Whose {
	if m.ContactID != 0 {
		return Whose{ContactRecord, m.ContactID}
	}
	return Whose{ConversationRecord, m.ConversationID}
}

// Whose is the contact of the message that has the headers.
func (h *EmailHeaders) Whose() Whose { return h.Of }

// Whose is the contact of the conversation of the message.
func (a *Attachment) Whose() Whose { return Whose{MessageRecord, a.MessageID} }
