package loaders

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/cloakroom/cloakroom/chat"
)

// selection is the fields that a query asks of one type, fragments and conditions resolved.
type selection struct {
	op     *graphql.OperationContext
	fields []graphql.CollectedField
}

// selected gives what is asked of the field that is being resolved.
func selected(ctx context.Context, typeName string) selection {
	op := graphql.GetOperationContext(ctx)
	fc := graphql.GetFieldContext(ctx)
	return selection{op, fieldsOf(op, fc.Field, typeName)}
}

// fieldsOf gives what a field asks of its object, also through the schema's one union: a valid document does that only of
// objects that belong to it.
func fieldsOf(op *graphql.OperationContext, f graphql.CollectedField, typeName string) []graphql.CollectedField {
	return graphql.CollectFields(op, f.Selections, []string{typeName, "MessageSender"})
}

// of gives what is asked of a child, of every alias of it together.
func (s selection) of(child, typeName string) selection {
	sub := selection{op: s.op}
	for _, f := range s.fields {
		if f.Name == child {
			sub.fields = append(sub.fields, fieldsOf(s.op, f, typeName)...)
		}
	}
	return sub
}

// nodes gives what is asked of the items of a connection.
func (s selection) nodes(typeName string) selection {
	direct := s.of("nodes", typeName)
	edges := s.of("edges", typeName+"Edge").of("node", typeName)
	return selection{s.op, append(direct.fields, edges.fields...)}
}

func (s selection) asks(names ...string) bool {
	for _, f := range s.fields {
		for _, name := range names {
			if f.Name == name {
				return true
			}
		}
	}
	return false
}

// only gives the arguments of a child that is asked for once; several aliases of it are left to the loader.
func (s selection) only(child string) (PageArgs, bool) {
	var found *graphql.CollectedField
	for i, f := range s.fields {
		if f.Name != child {
			continue
		}
		if found != nil {
			return PageArgs{}, false
		}
		found = &s.fields[i]
	}
	if found == nil {
		return PageArgs{}, false
	}
	return pageArgs(found.ArgumentMap(s.op.Variables))
}

// pageArgs reads arguments that the executor has not coerced yet; what it cannot read is left to it.
func pageArgs(args map[string]any) (PageArgs, bool) {
	var a PageArgs
	var ok [4]bool
	a.First, a.HasFirst, ok[0] = intArg(args, "first")
	a.Last, a.HasLast, ok[1] = intArg(args, "last")
	a.After, ok[2] = stringArg(args, "after")
	a.Before, ok[3] = stringArg(args, "before")
	return a, ok[0] && ok[1] && ok[2] && ok[3]
}

func intArg(args map[string]any, name string) (n int, given, ok bool) {
	v, given := args[name]
	if !given || v == nil {
		return 0, false, true
	}
	n, err := graphql.UnmarshalInt(v)
	return n, true, err == nil
}

func stringArg(args map[string]any, name string) (string, bool) {
	v, given := args[name]
	if !given || v == nil {
		return "", true
	}
	s, ok := v.(string)
	return s, ok
}

var everyPart = chat.ConversationParts{Inbox: true, Assignee: true, Team: true, Contact: true, ContactAttributes: true, LastMessage: true, UnreadCount: true, CustomAttributes: true}

// exact says that nobody asks a connection where its page lies.
func (s selection) exact() bool { return !s.asks("pageInfo") }

// conversationParts says what the query asks of conversations beyond their own row.
func conversationParts(s selection) chat.ConversationParts {
	contact := s.of("contact", "Contact")
	senders := s.of("messages", "MessageConnection").nodes("Message")
	return chat.ConversationParts{
		Inbox:             s.asks("inbox"),
		Assignee:          s.asks("assignee"),
		Team:              s.asks("team"),
		Contact:           s.asks("contact") || senders.asks("sender"),
		ContactAttributes: contact.asks("customAttributes", "additionalAttributes"),
		LastMessage:       s.asks("lastMessage"),
		UnreadCount:       s.asks("unreadCount"),
		CustomAttributes:  s.asks("customAttributes"),
	}
}
