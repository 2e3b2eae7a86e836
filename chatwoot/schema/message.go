package schema

import (
	"slices"
	"time"
)

// message is one message while the demo is made; it gets its id when all are sorted by time.
type message struct {
	id          int64
	talk        *conversation
	at          time.Time
	kind        int64
	contentType int64
	status      int64
	private     bool
	content     *string
	processed   *string // nil: a copy of content
	sender      string  // sender_type; empty: NULL
	senderID    int64
	sourceID    string
	attrs       obj
	form        form // how attrs lie on disk
	additional  obj
	replyTo     *message
	attachments []attachment
}

// form is how content_attributes lies on disk.
type form int

const (
	doubled   form = iota // as Rails writes it; empty is NULL
	native                // a native object, written by others
	bare                  // the column's default, {}
	broken                // a JSON string that holds no JSON
	nul                   // an object, doubly encoded, with an escaped NUL in a text
	nativeNul             // a native object with one
)

const (
	incoming, outgoing, activity, template int64 = 0, 1, 2, 3

	deletedText = "This message was deleted"
)

// converse makes the messages of every conversation and numbers them by time.
func (b *builder) converse() {
	for _, t := range b.conversations {
		b.surround(t)
		b.talk(t)
		b.look(t)
	}
	b.oddities()
	slices.SortStableFunc(b.messages, func(x, y *message) int { return x.at.Compare(y.at) })
	for i, m := range b.messages {
		m.id = int64(i + 1)
	}
}

// talk makes a conversation's messages, the first by the contact.
func (b *builder) talk(t *conversation) {
	step := t.last.Sub(t.created) / time.Duration(t.length)
	for i := range t.length {
		at := t.created.Add(step * time.Duration(i)).Truncate(time.Second)
		if i == t.length-1 {
			at = t.last
		}
		switch n := b.rng.IntN(100); {
		case i == 0 || n < 48 || t.unread > 10 && n < 62:
			b.incoming(t, at)
		case n < 84:
			b.outgoing(t, at)
		case n < 90:
			b.note(t, at)
		case n < 94:
			b.activity(t, at)
		default:
			b.template(t, at)
		}
		if b.chance(3) { // two in one instant: only the id orders them
			b.incoming(t, at)
		}
	}
	if t.contact.writesNames {
		b.activity(t, t.last)
	}
	t.last = t.messages[len(t.messages)-1].at
}

func (b *builder) add(t *conversation, m *message) *message {
	m.talk = t
	t.messages = append(t.messages, m)
	b.messages = append(b.messages, m)
	return m
}

// look sets how far the agents have read, and what follows from who spoke last.
func (b *builder) look(t *conversation) {
	var in []*message
	for _, m := range t.messages {
		switch {
		case m.kind == incoming:
			in = append(in, m)
			t.waiting = orElse(t.waiting, m.at)
			t.contact.lastSpoke = later(t.contact.lastSpoke, m.at)
		case m.kind == outgoing && !m.private && m.sender != "":
			t.firstReply = orElse(t.firstReply, m.at)
			t.waiting = nil
		}
	}
	if t.status == resolved {
		t.waiting = nil
	}
	if t.unread == neverSeen {
		return
	}
	seen := t.last.Add(time.Minute)
	if t.unread > 0 && t.unread < len(in) {
		seen = in[len(in)-t.unread].at.Add(-time.Second)
	}
	t.seen = &seen
}

func orElse(t *time.Time, other time.Time) *time.Time {
	if t != nil {
		return t
	}
	return &other
}

func later(x, y time.Time) time.Time {
	if y.After(x) {
		return y
	}
	return x
}

// oddities are rows that a real installation has and that no code path above makes: content_attributes that
// do not decode, and messages whose sender is gone.
func (b *builder) oddities() {
	text := "I copied this from our machine’s log."
	for i, f := range []form{broken, nul, nativeNul, broken, nul} {
		t := b.conversations[10+3*i]
		m := b.add(t, &message{at: t.last.Add(-time.Minute), kind: incoming, content: &text, sender: "Contact", senderID: t.contact.id, form: f})
		m.attrs = obj{"email": obj{"subject": "A NUL \u0000 in the log"}}
	}
	for i := range 4 {
		t := b.conversations[30+5*i]
		gone := b.answer(t.contact)
		b.add(t, &message{at: t.created.Add(time.Minute), kind: outgoing, content: &gone, sender: "User", senderID: goneUser})
	}
	long := b.essay(b.contacts[0])
	t := b.conversations[0]
	b.add(t, &message{at: t.created.Add(2 * time.Minute), kind: incoming, content: &long, sender: "Contact", senderID: t.contact.id})
}

func (b *builder) writeMessages() {
	for _, m := range b.messages {
		if m.replyTo != nil {
			m.attrs["in_reply_to"] = m.replyTo.id
		}
		r := row{
			"id": m.id, "content": orNil(m.content), "account_id": m.talk.account, "inbox_id": m.talk.source.inbox.id,
			"conversation_id": m.talk.id, "message_type": m.kind, "created_at": m.at, "updated_at": m.at, "private": m.private,
			"status": m.status, "source_id": nil, "content_type": m.contentType, "content_attributes": b.onDisk(m),
			"sender_type": nil, "sender_id": nil, "processed_message_content": orNil(m.processed),
		}
		b.fragments(m.talk.account, deref(m.content))
		if m.processed == nil {
			r["processed_message_content"] = orNil(m.content)
		}
		if m.sender != "" {
			r["sender_type"], r["sender_id"] = m.sender, m.senderID
		}
		if m.sourceID != "" {
			r["source_id"] = m.sourceID
		}
		if m.additional != nil {
			r["additional_attributes"] = b.json(m.additional)
		}
		if m.id%97 == 0 {
			r["external_source_ids"] = b.doubled(obj{"slack": "cw-origin-" + b.random(digits, 10)})
		}
		b.insert("messages", r)
	}
}

// onDisk gives content_attributes as the column holds it.
func (b *builder) onDisk(m *message) any {
	switch {
	case m.form == broken:
		return `"--- !ruby/hash: not JSON"`
	case m.form == bare:
		return "{}"
	case len(m.attrs) == 0:
		return nil
	case m.form == native, m.form == nativeNul:
		return b.json(m.attrs)
	default:
		return b.doubled(m.attrs)
	}
}
