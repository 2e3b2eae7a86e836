package schema

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/chatwoot"
)

// incoming is what the contact says, with what the channel adds.
func (b *builder) incoming(t *conversation, at time.Time) {
	c := t.contact
	n := len(b.messages)
	if n%83 == 19 {
		b.deleted(t, at, incoming, "Contact", c.id)
		return
	}
	text := b.ask(c)
	if n%23 == 5 {
		text += " " + fmt.Sprintf(pick(b, reaches), b.plant(carrierContent, c.account, b.reach(n)))
	}
	m := b.add(t, &message{at: at, kind: incoming, content: &text, sender: "Contact", senderID: c.id, attrs: obj{}})
	switch t.source.inbox.channel {
	case chatwoot.ChannelEmail:
		b.receiveMail(m)
	case chatwoot.ChannelWhatsapp:
		m.sourceID = b.plant(carrierMessageID, c.account, b.wamid(c.digits()))
	case chatwoot.ChannelTwilioSms, chatwoot.ChannelSms:
		m.sourceID = "SM" + b.random(hex, 32)
	case chatwoot.ChannelTelegram, chatwoot.ChannelFacebookPage:
		m.sourceID = b.random(digits, 12)
	}
	switch {
	case n%31 == 7 && t.lastIncoming != nil:
		m.replyTo = t.lastIncoming
	case n%53 == 11:
		m.attrs["translations"] = obj{"en": "Please write to " + b.plant(carrierTranslation, c.account, b.invent("translated")) + " about it."}
	case n%61 == 13:
		m.form = native
	case n%67 == 17 && len(m.attrs) == 0:
		m.form = bare
	}
	t.lastIncoming = m
	b.attach(m, n)
}

// reach gives an address or a number to be quoted in free text.
func (b *builder) reach(n int) string {
	if n%2 == 0 {
		return spaced(b.inventPhone(304))
	}
	return b.invent("private")
}

// deleted is what Chatwoot leaves of a message that was deleted.
func (b *builder) deleted(t *conversation, at time.Time, kind int64, sender string, id int64) {
	text := deletedText
	b.add(t, &message{at: at, kind: kind, content: &text, sender: sender, senderID: id, attrs: obj{"deleted": true}})
}

// wamid makes WhatsApp's message id, which holds the contact's number in base64.
func (b *builder) wamid(number string) string {
	raw := append([]byte{0x1c, 0x18, byte(len(number))}, number...)
	raw = append(raw, 0x15, 0x02, 0x00, 0x11, 0x18, 0x12)
	raw = append(raw, strings.ToUpper(b.random(hex, 18))...)
	return "wamid." + base64.StdEncoding.EncodeToString(append(raw, 0))
}

// speaker picks who answers: mostly the assignee, now and then a colleague, a bot or nobody.
func (b *builder) speaker(t *conversation) (kind string, id int64) {
	members := t.source.inbox.members
	switch n := b.rng.IntN(100); {
	case n < 4 && t.account == Acme:
		return "AgentBot", 1
	case n < 6 && t.account == Acme:
		return "Captain::Assistant", 1
	case n < 9:
		return "", 0 // an echo of what was sent elsewhere
	case t.assignee != nil && n < 75:
		return "User", *t.assignee
	default:
		return "User", pick(b, members)
	}
}

func (b *builder) outgoing(t *conversation, at time.Time) {
	n := len(b.messages)
	if n%89 == 23 {
		b.deleted(t, at, outgoing, "User", t.source.inbox.members[0])
		return
	}
	text := b.answer(t.contact)
	m := b.add(t, &message{at: at, kind: outgoing, content: &text, status: int64(b.rng.IntN(3)), attrs: obj{}})
	m.sender, m.senderID = b.speaker(t)
	switch t.source.inbox.channel {
	case chatwoot.ChannelEmail:
		b.sendMail(m)
	case chatwoot.ChannelWhatsapp:
		m.sourceID = b.plant(carrierMessageID, t.account, b.wamid(t.contact.digits()))
		if n%5 == 0 {
			b.sendTemplate(m)
		}
	}
	switch {
	case n%41 == 3:
		m.status, m.attrs["external_error"] = 3, "131026: Message undeliverable"
	case n%37 == 5 && t.lastIncoming != nil:
		m.replyTo = t.lastIncoming
	}
	b.attach(m, n)
}

// sendTemplate notes a WhatsApp template with what was filled in: the contact's own data.
func (b *builder) sendTemplate(m *message) {
	number := b.plant(carrierTemplate, m.talk.account, b.inventPhone(306))
	address := b.plant(carrierTemplate, m.talk.account, b.invent("template"))
	m.additional = obj{"template_params": obj{
		"name": "delivery_update", "category": "UTILITY", "language": "en_US", "namespace": "acme_templates",
		"processed_params": obj{"body": obj{"1": m.talk.contact.name, "2": number, "3": address}},
	}}
}

func (b *builder) note(t *conversation, at time.Time) {
	text := b.say(t.account, pick(b, sideNotes))
	if n := len(b.messages); n%7 == 2 {
		text += " Customer’s private contact: " + b.plant(carrierContent, t.account, b.reach(n))
	}
	m := b.add(t, &message{at: at, kind: outgoing, private: true, content: &text})
	m.sender, m.senderID = "User", pick(b, append([]int64{administratorOf(t.account)}, t.source.inbox.members...))
}

func administratorOf(account int64) int64 {
	if account == Borealis {
		return Bea
	}
	return Ada
}

// activity is a sentence that Chatwoot writes about what happened.
func (b *builder) activity(t *conversation, at time.Time) {
	agentName := "Bea Rautio"
	if t.account == Acme {
		agentName = pick(b, []string{"Ada Lindqvist", "Max Okafor", "Eve Castellano", "Ivy Nakamura", "Noor Haddad"})
	}
	text := pick(b, []string{
		"Assigned to " + agentName + " by Ada Lindqvist", "Conversation was reopened by " + agentName, agentName + " self-assigned this conversation",
		agentName + " added " + strings.ToLower(labelsOf(t.account)[0]), agentName + " set the priority to high",
		"Conversation was marked resolved by " + agentName,
	})
	if t.contact.writesNames || t.contact.first != "" && b.chance(15) {
		text = "Conversation was resolved by " + t.contact.name
	}
	b.add(t, &message{at: at, kind: activity, content: &text})
}
