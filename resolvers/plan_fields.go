package resolvers

import (
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/masking"
)

// scalarKinds are the kinds that the schema's scalars carry; a test holds it against the schema.
var scalarKinds = map[string]chat.Kind{
	"EmailAddress": chat.Email, "PhoneNumber": chat.Phone, "ChannelAddress": chat.ChannelAddress, "AttributeValue": chat.Attribute,
}

// planFields says how fields are written that need nothing but what is at hand. A field that is not here, or a type
// that is not, keeps the whole selection with the executor.
var planFields map[string]map[string]fieldWriter

// on gives a fieldWriter for objects of one Go type.
func on[T any](write func(w *planWriter, f *planField, obj T) bool) fieldWriter {
	return func(w *planWriter, f *planField, obj any) bool {
		typed, ok := obj.(T)
		return ok && write(w, f, typed)
	}
}

func init() {
	planFields = map[string]map[string]fieldWriter{
		"Contact": contactFields(), "Attribute": attributeFields(), "Conversation": conversationFields(), "Message": messageFields(),
		"User": userFields(), "Inbox": inboxFields(), "Team": teamFields(), "AgentBot": agentBotFields(), "PageInfo": pageInfoFields(),
		"ContactConnection": searchedFields(connectionFields(func(c *chat.ContactConnection) ([]*chat.Contact, *chat.PageInfo) { return c.Nodes, c.PageInfo }),
			func(c *chat.ContactConnection) bool { return c.Partial }),
		"ConversationConnection": connectionFields(func(c *chat.ConversationConnection) ([]*chat.Conversation, *chat.PageInfo) {
			return c.Nodes, c.PageInfo
		}),
		"MessageConnection": searchedFields(connectionFields(func(c *chat.MessageConnection) ([]*chat.Message, *chat.PageInfo) { return c.Nodes, c.PageInfo }),
			func(c *chat.MessageConnection) bool { return c.Partial }),
	}
}

func contactFields() map[string]fieldWriter {
	return map[string]fieldWriter{
		"id": on(func(w *planWriter, _ *planField, c *chat.Contact) bool { return w.id(c.ID) }),
		"alias": on(func(w *planWriter, _ *planField, c *chat.Contact) bool {
			s, err := c.Alias()
			return err == nil && w.text(s)
		}),
		"name":  on(func(w *planWriter, _ *planField, c *chat.Contact) bool { return w.name(c) }),
		"email": on(func(w *planWriter, f *planField, c *chat.Contact) bool { p, err := c.Email(); return w.pii(f, p, err) }),
		"phoneNumber": on(func(w *planWriter, f *planField, c *chat.Contact) bool {
			p, err := c.PhoneNumber()
			return w.pii(f, p, err)
		}),
		"identifier": on(func(w *planWriter, f *planField, c *chat.Contact) bool {
			p, err := c.Identifier()
			return w.pii(f, p, err)
		}),
		"emailState": on(func(w *planWriter, _ *planField, c *chat.Contact) bool {
			return w.state(c, chat.Email, c.Values.Present.Has(chat.FieldEmail))
		}),
		"phoneState": on(func(w *planWriter, _ *planField, c *chat.Contact) bool {
			return w.state(c, chat.Phone, c.Values.Present.Has(chat.FieldPhone))
		}),
		"identifierState": on(func(w *planWriter, _ *planField, c *chat.Contact) bool {
			return w.state(c, chat.Identifier, c.Values.Present.Has(chat.FieldIdentifier))
		}),
		"blocked":        on(func(w *planWriter, _ *planField, c *chat.Contact) bool { return w.truth(c.Blocked) }),
		"lastActivityAt": on(func(w *planWriter, _ *planField, c *chat.Contact) bool { return w.optionalMoment(c.LastActivityAt) }),
		"createdAt":      on(func(w *planWriter, _ *planField, c *chat.Contact) bool { return w.moment(c.CreatedAt) }),
		"customAttributes": on(func(w *planWriter, f *planField, c *chat.Contact) bool {
			with, ok := w.set().PrimedAttributes(w.ctx, c)
			if !ok {
				return false
			}
			list, err := with.CustomAttributes()
			return err == nil && writeList(w, f.sub, masking.Attributes(w.viewer, c.AccountID, list))
		}),
		"conversations": on(func(w *planWriter, f *planField, c *chat.Contact) bool {
			page, ok := w.set().PrimedContactConversations(w.ctx, c, f.args, f.needs)
			return ok && w.object(f.sub, page)
		}),
	}
}

func attributeFields() map[string]fieldWriter {
	return map[string]fieldWriter{
		"key": on(func(w *planWriter, _ *planField, a *chat.CustomAttribute) bool { return w.text(a.Key) }),
		"value": on(func(w *planWriter, f *planField, a *chat.CustomAttribute) bool {
			return f.kind != "" && w.value(a.Value)
		}),
		"valueState": on(func(w *planWriter, _ *planField, a *chat.CustomAttribute) bool {
			return w.text(string(masking.AttributeState(w.viewer, a)))
		}),
	}
}

func conversationFields() map[string]fieldWriter {
	return map[string]fieldWriter{
		"id":        on(func(w *planWriter, _ *planField, c *chat.Conversation) bool { return w.id(c.ID) }),
		"displayId": on(func(w *planWriter, _ *planField, c *chat.Conversation) bool { return w.id(c.DisplayID) }),
		"status":    on(func(w *planWriter, _ *planField, c *chat.Conversation) bool { return w.enum(string(c.Status)) }),
		"priority": on(func(w *planWriter, _ *planField, c *chat.Conversation) bool {
			if c.Priority == nil {
				return w.null()
			}
			return w.enum(string(*c.Priority))
		}),
		"contact": on(func(w *planWriter, f *planField, c *chat.Conversation) bool {
			contact, ok := w.set().PrimedContact(w.ctx, c.AccountID, c.ContactID)
			return ok && contact != nil && w.object(f.sub, contact)
		}),
		"inbox": on(func(w *planWriter, f *planField, c *chat.Conversation) bool {
			return c.Inbox != nil && w.object(f.sub, c.Inbox)
		}),
		"assignee": on(func(w *planWriter, f *planField, c *chat.Conversation) bool {
			if c.Assignee == nil {
				return w.null()
			}
			return w.object(f.sub, c.Assignee)
		}),
		"team": on(func(w *planWriter, f *planField, c *chat.Conversation) bool {
			if c.Team == nil {
				return w.null()
			}
			return w.object(f.sub, c.Team)
		}),
		"labels": on(func(w *planWriter, _ *planField, c *chat.Conversation) bool { return w.texts(c.Labels) }),
		"unreadCount": on(func(w *planWriter, _ *planField, c *chat.Conversation) bool {
			return c.UnreadCount != nil && w.number(*c.UnreadCount)
		}),
		"lastMessage": on(func(w *planWriter, f *planField, c *chat.Conversation) bool {
			m, ok := w.set().PrimedLastMessage(w.ctx, c)
			if ok && m == nil {
				return w.null()
			}
			return ok && w.object(f.sub, m)
		}),
		"messages": on(func(w *planWriter, f *planField, c *chat.Conversation) bool {
			page, ok := w.set().PrimedMessages(w.ctx, c, f.args, f.needs)
			return ok && w.object(f.sub, page)
		}),
		"lastActivityAt": on(func(w *planWriter, _ *planField, c *chat.Conversation) bool { return w.moment(c.LastActivityAt) }),
		"createdAt":      on(func(w *planWriter, _ *planField, c *chat.Conversation) bool { return w.moment(c.CreatedAt) }),
		"waitingSince":   on(func(w *planWriter, _ *planField, c *chat.Conversation) bool { return w.optionalMoment(c.WaitingSince) }),
		"snoozedUntil":   on(func(w *planWriter, _ *planField, c *chat.Conversation) bool { return w.optionalMoment(c.SnoozedUntil) }),
		"customAttributes": on(func(w *planWriter, f *planField, c *chat.Conversation) bool {
			with, ok := w.set().PrimedConversationAttributes(w.ctx, c)
			if !ok {
				return false
			}
			list, err := with.CustomAttributes()
			return err == nil && writeList(w, f.sub, masking.Attributes(w.viewer, c.AccountID, list))
		}),
	}
}

func messageFields() map[string]fieldWriter {
	return map[string]fieldWriter{
		"id": on(func(w *planWriter, _ *planField, m *chat.Message) bool { return w.id(m.ID) }),
		"content": on(func(w *planWriter, f *planField, m *chat.Message) bool {
			s, err := m.Content()
			return w.piiText(f, m, m.IsHistory(), s, err)
		}),
		"conversationDisplayId": on(func(w *planWriter, _ *planField, m *chat.Message) bool {
			id, ok := w.set().PrimedDisplayID(w.ctx, m)
			return ok && w.id(id)
		}),
		"messageType": on(func(w *planWriter, _ *planField, m *chat.Message) bool { return w.enum(string(m.MessageType)) }),
		"contentType": on(func(w *planWriter, _ *planField, m *chat.Message) bool { return w.enum(string(m.ContentType)) }),
		"status":      on(func(w *planWriter, _ *planField, m *chat.Message) bool { return w.enum(string(m.Status)) }),
		"private":     on(func(w *planWriter, _ *planField, m *chat.Message) bool { return w.truth(m.Private) }),
		"createdAt":   on(func(w *planWriter, _ *planField, m *chat.Message) bool { return w.moment(m.CreatedAt) }),
		"sender":      on(writeSender),
	}
}

func writeSender(w *planWriter, f *planField, m *chat.Message) bool {
	sender, ok := w.set().PrimedSender(w.ctx, m)
	if !ok {
		return false
	}
	typeName := ""
	switch sender.(type) {
	case nil:
		return w.null()
	case *chat.User:
		typeName = "User"
	case *chat.Contact:
		typeName = "Contact"
	case *chat.AgentBot:
		typeName = "AgentBot"
	}
	return w.object(f.senders[typeName], sender)
}

func userFields() map[string]fieldWriter {
	return map[string]fieldWriter{
		"id":    on(func(w *planWriter, _ *planField, u *chat.User) bool { return w.id(u.ID) }),
		"name":  on(func(w *planWriter, _ *planField, u *chat.User) bool { return w.text(u.Name) }),
		"email": on(func(w *planWriter, _ *planField, u *chat.User) bool { return w.optional(u.Email) }),
	}
}

func inboxFields() map[string]fieldWriter {
	return map[string]fieldWriter{
		"id":          on(func(w *planWriter, _ *planField, i *chat.Inbox) bool { return w.id(i.ID) }),
		"name":        on(func(w *planWriter, _ *planField, i *chat.Inbox) bool { return w.text(i.Name) }),
		"channelType": on(func(w *planWriter, _ *planField, i *chat.Inbox) bool { return w.text(i.ChannelType) }),
	}
}

func teamFields() map[string]fieldWriter {
	return map[string]fieldWriter{
		"id":          on(func(w *planWriter, _ *planField, t *chat.Team) bool { return w.id(t.ID) }),
		"name":        on(func(w *planWriter, _ *planField, t *chat.Team) bool { return w.text(t.Name) }),
		"description": on(func(w *planWriter, _ *planField, t *chat.Team) bool { return w.optional(t.Description) }),
	}
}

func agentBotFields() map[string]fieldWriter {
	return map[string]fieldWriter{
		"id":   on(func(w *planWriter, _ *planField, b *chat.AgentBot) bool { return w.id(b.ID) }),
		"name": on(func(w *planWriter, _ *planField, b *chat.AgentBot) bool { return w.text(b.Name) }),
	}
}

func pageInfoFields() map[string]fieldWriter {
	return map[string]fieldWriter{
		"hasNextPage":     on(func(w *planWriter, _ *planField, p *chat.PageInfo) bool { return w.truth(p.HasNextPage) }),
		"hasPreviousPage": on(func(w *planWriter, _ *planField, p *chat.PageInfo) bool { return w.truth(p.HasPreviousPage) }),
		"startCursor": on(func(w *planWriter, _ *planField, p *chat.PageInfo) bool {
			s, err := p.StartCursor()
			return err == nil && w.optional(s)
		}),
		"endCursor": on(func(w *planWriter, _ *planField, p *chat.PageInfo) bool {
			s, err := p.EndCursor()
			return err == nil && w.optional(s)
		}),
	}
}

// connectionFields are those of a page; edges are left to the executor.
func connectionFields[C, N any](parts func(C) ([]N, *chat.PageInfo)) map[string]fieldWriter {
	return map[string]fieldWriter{
		"nodes":    on(func(w *planWriter, f *planField, c C) bool { nodes, _ := parts(c); return writeList(w, f.sub, nodes) }),
		"pageInfo": on(func(w *planWriter, f *planField, c C) bool { _, info := parts(c); return w.object(f.sub, info) }),
	}
}

// searchedFields are those of a page that can be one of a search's.
func searchedFields[C any](fields map[string]fieldWriter, partial func(C) bool) map[string]fieldWriter {
	fields["partial"] = on(func(w *planWriter, _ *planField, c C) bool { return w.truth(partial(c)) })
	return fields
}
