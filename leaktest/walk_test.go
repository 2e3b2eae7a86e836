package leaktest

import (
	"slices"
	"strings"
	"testing"
)

func TestEverything(t *testing.T) {
	t.Parallel()
	schema := testSchema()
	documents, err := NewWalk(schema).Everything()
	if err != nil {
		t.Error(err)
	}
	t.Logf("%d documents", len(documents))
	for _, d := range documents {
		if w := weigh(load(t, schema, d), nil); w.depth > 8 || w.cost > 10_000 {
			t.Errorf("%s is %d fields deep and costs %d", d.Name, w.depth, w.cost)
		}
	}
	shallow := NewWalk(schema)
	shallow.Depth = 3
	if _, err := shallow.Everything(); err == nil || !strings.Contains(err.Error(), "EmailHeaders.subject") {
		t.Errorf("a walk that stops early says %v", err)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	schema := testSchema()
	for depth, least := range map[int]int{6: 150, 8: 600} {
		w := NewWalk(schema)
		w.Depth = depth
		documents := w.Paths()
		names := make([]string, len(documents))
		for i, d := range documents {
			names[i] = d.Name
			if got := weigh(load(t, schema, d), nil); got.depth > depth || got.cost > 10_000 {
				t.Errorf("%s is %d fields deep and costs %d", d.Name, got.depth, got.cost)
			}
		}
		t.Logf("%d paths of at most %d fields", len(documents), depth)
		if len(documents) < least || len(slices.Compact(slices.Sorted(slices.Values(names)))) != len(names) {
			t.Errorf("%d paths of at most %d fields", len(documents), depth)
		}
		for _, path := range []string{
			"account.lookupContact.email", "account.conversations.nodes.contact.phoneNumber", "account.contacts.edges.node.customAttributes.value",
			"viewer.accounts.contact.identifier", "account.conversation.messages.nodes.content", "account.conversation.lastMessage.sender.Contact.email",
		} {
			if !slices.Contains(names, "walk of "+path) {
				t.Errorf("no document asks for %s", path)
			}
		}
	}
}
