package chat

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
)

// ID is Chatwoot's own number, a string in GraphQL. Structs keep plain int64s; this type stands at the edge.
type ID int64

// MarshalGQL writes the number as a string.
func (id ID) MarshalGQL(w io.Writer) {
	var buf [24]byte
	b := append(buf[:0], '"')
	b = strconv.AppendInt(b, int64(id), 10)
	_, _ = w.Write(append(b, '"'))
}

// UnmarshalGQL accepts a decimal number from 1 up, as a string or an integer literal.
func (id *ID) UnmarshalGQL(v any) error {
	n, err := int64(0), error(nil)
	switch v := v.(type) {
	case string:
		n, err = strconv.ParseInt(v, 10, 64)
	case json.Number:
		n, err = v.Int64()
	case int64:
		n = v
	case int:
		n = int64(v)
	default:
		err = strconv.ErrSyntax
	}
	if err != nil || n < 1 {
		return errors.New("must be an id: a whole number from 1 up")
	}
	*id = ID(n)
	return nil
}

// The ids of the types as GraphQL has them, bound in gqlgen.yml.

// GraphID is the account's id.
func (a *Account) GraphID() ID { return ID(a.ID) }

// GraphID is the user's id.
func (u *User) GraphID() ID { return ID(u.ID) }

// GraphID is the token's id.
func (t *VaultToken) GraphID() ID { return ID(t.ID) }

// GraphID is the contact's id.
func (c *Contact) GraphID() ID { return ID(c.ID) }

// GraphID is the conversation's id.
func (c *Conversation) GraphID() ID { return ID(c.ID) }

// GraphDisplayID is the conversation's number in its account.
func (c *Conversation) GraphDisplayID() ID { return ID(c.DisplayID) }

// GraphID is the message's id.
func (m *Message) GraphID() ID { return ID(m.ID) }

// GraphID is the attachment's id.
func (a *Attachment) GraphID() ID { return ID(a.ID) }

// GraphID is the inbox's id.
func (i *Inbox) GraphID() ID { return ID(i.ID) }

// GraphID is the team's id.
func (t *Team) GraphID() ID { return ID(t.ID) }

// GraphID is the label's id.
func (l *Label) GraphID() ID { return ID(l.ID) }

// GraphID is the note's id.
func (n *Note) GraphID() ID { return ID(n.ID) }

// GraphID is the bot's id.
func (b *AgentBot) GraphID() ID { return ID(b.ID) }

// GraphID is the definition's id.
func (d *AttributeDefinition) GraphID() ID { return ID(d.ID) }

// GraphID is the view's id.
func (v *SavedView) GraphID() ID { return ID(v.ID) }

// FormatID writes an id as the contract does.
func FormatID(id int64) string { return strconv.FormatInt(id, 10) }
