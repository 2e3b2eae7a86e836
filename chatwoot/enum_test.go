package chatwoot

import (
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
)

var enums = []Enum{
	MessageType, ContentType, MessageStatus, ConversationStatus, Priority, ContactType, Role, Availability,
	AccountStatus, FileType, AttributeModel, AttributeType, TwilioMedium,
}

func TestEnumsGoBothWays(t *testing.T) {
	t.Parallel()
	for _, e := range enums {
		for n := range int64(e.Len()) {
			w, err := e.Word(n)
			if err != nil {
				t.Fatalf("%s: numbers have a gap: %v", e.column, err)
			}
			if back, err := e.Number(w); err != nil || back != n {
				t.Errorf("%s: %s came back as %d, %v; want %d", e.column, w, back, err, n)
			}
			if w != strings.ToUpper(w) {
				t.Errorf("%s: %s is not upper case", e.column, w)
			}
		}
		if _, err := e.Word(int64(e.Len())); err == nil {
			t.Errorf("%s: a number past the end has a word", e.column)
		}
		if _, err := e.Number("ines@example.org"); err == nil || strings.Contains(err.Error(), "ines") {
			t.Errorf("%s: unknown word: %v; want an error that does not repeat it", e.column, err)
		}
	}
}

func TestEnumAnchors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		enum Enum
		n    int64
		want string
	}{
		{MessageType, 3, "TEMPLATE"}, {ContentType, 8, "INCOMING_EMAIL"}, {ContentType, 12, "VOICE_CALL"},
		{MessageStatus, 3, "FAILED"}, {ConversationStatus, 2, "PENDING"}, {Priority, 0, "LOW"}, {Priority, 3, "URGENT"},
		{ContactType, 1, "LEAD"}, {Role, 1, "ADMINISTRATOR"}, {Availability, 2, "BUSY"}, {FileType, 8, "CONTACT"},
		{FileType, 12, "EMBED"}, {AttributeModel, 1, "CONTACT_ATTRIBUTE"}, {AttributeType, 7, "CHECKBOX"},
	} {
		if got, err := c.enum.Word(c.n); err != nil || got != c.want {
			t.Errorf("%s %d = %q, %v; want %q", c.enum.column, c.n, got, err, c.want)
		}
	}
}

func TestChannelsGoBothWays(t *testing.T) {
	t.Parallel()
	if len(Channels()) != 12 {
		t.Errorf("%d channels; Chatwoot 4.14.2 has 12", len(Channels()))
	}
	for c := range Channels() {
		w, err := c.Word()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseChannel(w); err != nil || back != c {
			t.Errorf("%s came back as %s, %v", c, back, err)
		}
	}
	if _, err := Channel("Channel::Pigeon").Word(); err == nil {
		t.Error("an unknown channel has a word")
	}
	if _, err := ParseChannel("PIGEON"); err == nil {
		t.Error("an unknown word has a channel")
	}
}

// TestEnumsAgreeWithChat holds the tables against the lists that the other rooms index by the stored number.
func TestEnumsAgreeWithChat(t *testing.T) {
	t.Parallel()
	agree(t, MessageType, chat.MessageTypes)
	agree(t, ContentType, chat.MessageContentTypes)
	agree(t, MessageStatus, chat.MessageStatuses)
	agree(t, ConversationStatus, chat.ConversationStatuses)
	agree(t, Priority, chat.ConversationPriorities)
	agree(t, Role, []chat.Role{chat.Agent, chat.Administrator})
	agree(t, Availability, []chat.Availability{chat.Online, chat.Offline, chat.Busy})
}

func agree[W ~string](t *testing.T, e Enum, words []W) {
	t.Helper()
	if len(words) != e.Len() {
		t.Errorf("%s: %d words here, %d in chat", e.column, e.Len(), len(words))
	}
	for i, want := range words {
		if got, err := e.Word(int64(i)); err != nil || got != string(want) {
			t.Errorf("%s %d: %q here, %v; %q in chat", e.column, i, got, err, want)
		}
	}
}
