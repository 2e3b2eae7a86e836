package schema

import (
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/chatwoot"
)

// notes are what agents wrote about contacts, addresses included.
func (b *builder) notes() {
	for _, c := range b.contacts {
		if c.deleted || c.id%5 != 1 {
			continue
		}
		author := any(Ivy)
		switch {
		case c.account == Borealis:
			author = Bob
		case c.id%35 == 1 && c.id > 1:
			author = nil // written by a machine, or by somebody who left
		case c.id%10 == 1:
			author = Max
		}
		text := "Prefers calls in the afternoon. Second address: " + b.plant(carrierNote, c.account, b.invent("noted")) + "."
		b.insert("notes", row{"content": text, "account_id": c.account, "contact_id": c.id, "user_id": author, "created_at": c.created.Add(time.Hour)})
		if c.id%15 == 1 {
			b.insert("notes", row{"content": "Spoke on the phone, all settled.", "account_id": c.account, "contact_id": c.id, "user_id": author, "created_at": c.created.Add(2 * time.Hour)})
		}
	}
}

// teamwork is who takes part in a conversation, and who was mentioned in it.
func (b *builder) teamwork() {
	for _, t := range b.conversations {
		if t.account != Acme {
			continue
		}
		user := []int64{Max, Eve, Noor, Pia}[t.display%4]
		if t.display%13 == 2 || t.display == 71 { // Pia takes part in 71, in an inbox that is not hers
			b.insert("conversation_participants", row{"account_id": t.account, "user_id": user, "conversation_id": t.id, "created_at": t.created})
		}
		if t.display%17 == 3 {
			b.insert("mentions", row{"account_id": t.account, "user_id": user, "conversation_id": t.id, "mentioned_at": t.last, "created_at": t.last})
		}
	}
}

// notifications tell agents of conversations and messages; some clients keep title and body in meta.
func (b *builder) notifications() {
	for _, t := range b.conversations {
		if t.account != Acme || t.display%6 != 1 || t.assignee == nil {
			continue
		}
		last := t.messages[len(t.messages)-1]
		r := row{
			"account_id": t.account, "user_id": *t.assignee, "notification_type": 1 + t.display%5, "primary_actor_type": "Conversation",
			"primary_actor_id": t.id, "secondary_actor_type": "Message", "secondary_actor_id": last.id, "created_at": t.last,
			"last_activity_at": t.last, "read_at": nil,
		}
		body := b.plant(carrierNotification, t.account, b.invent("pushed"))
		r["meta"] = b.json(obj{"push_message_title": fmt.Sprintf("New message in #%d", t.display), "push_message_body": "Customer: write to " + body})
		if t.display%12 == 1 {
			r["read_at"] = t.last.Add(time.Minute)
		}
		b.insert("notifications", r)
	}
}

// calls hold the contact's number in their details and whatever was said in the transcript.
func (b *builder) calls() {
	for _, t := range b.conversations {
		if t.account != Acme || t.source.inbox.channel != chatwoot.ChannelTwilioSms || t.source.inbox.whatsapp {
			continue
		}
		number := b.plant(carrierCall, t.account, b.inventPhone(313))
		spoken := b.plant(carrierTranscript, t.account, spaced(b.inventPhone(314)))
		b.insert("calls", row{
			"account_id": t.account, "inbox_id": t.source.inbox.id, "conversation_id": t.id, "contact_id": t.contact.id,
			"message_id": t.messages[0].id, "accepted_by_agent_id": orNil(t.assignee), "provider_call_id": "CA" + b.random(hex, 32),
			"provider": int64(0), "direction": t.display % 2, "status": "completed", "started_at": t.created,
			"duration_seconds": 40 + t.display, "end_reason": "hangup", "created_at": t.created,
			"meta":       b.json(obj{"conference_sid": "CF" + b.random(hex, 32), "from_number": number, "to_number": t.source.inbox.address}),
			"transcript": "Agent: Acme Support, good morning. Customer: please call " + spoken + " next time.",
		})
	}
}
