package schema

import (
	"time"

	"github.com/cloakroom/cloakroom/chatwoot"
)

// template is a card that Chatwoot sends by itself. In the web widget the contact's answers stay on it.
func (b *builder) template(t *conversation, at time.Time) {
	text := "Give the team a way to reach you."
	m := b.add(t, &message{at: at, kind: template, content: &text, attrs: obj{}})
	if t.source.inbox.channel != chatwoot.ChannelWebWidget {
		text = "Thank you for your message. Our team answers between 9 and 17 o’clock."
		return
	}
	switch len(b.messages) % 4 {
	case 0:
		m.contentType = 3
		m.attrs["submitted_email"] = b.plant(carrierSubmitted, t.account, b.invent("submitted"))
	case 1:
		b.form(m)
	case 2:
		b.cards(m)
	default:
		b.survey(m)
	}
}

func (b *builder) form(m *message) {
	account := m.talk.account
	text := "Please fill in the form."
	m.content, m.contentType = &text, 6
	m.attrs["items"] = []obj{
		{"name": "email", "label": "E-mail", "type": "email", "placeholder": "you@example.org"},
		{"name": "phone", "label": "Phone", "type": "text"},
	}
	m.attrs["submitted_values"] = []obj{
		{"name": "email", "title": "E-mail", "value": b.plant(carrierForm, account, b.invent("form"))},
		{"name": "phone", "title": "Phone", "value": b.plant(carrierForm, account, b.inventPhone(308))},
	}
}

func (b *builder) cards(m *message) {
	text := "Is this how we can reach you?"
	m.content, m.contentType = &text, 5
	address := b.plant(carrierItems, m.talk.account, b.invent("card"))
	m.attrs["items"] = []obj{{"title": "Your details", "description": address, "actions": []obj{{"type": "link", "text": "Write", "uri": "mailto:" + address}}}}
	m.attrs["data"] = obj{"reply_to": address}
}

// survey is the card that asks for satisfaction; the answer stands on it, and in a table of its own.
func (b *builder) survey(m *message) {
	text := "Please rate this conversation."
	m.content, m.contentType = &text, 9
	if b.chance(25) {
		return // not answered
	}
	feedback := "Quick help, thank you. Reach me at " + b.plant(carrierFeedback, m.talk.account, b.invent("rated")) + " next time."
	rating := int64(1 + b.rng.IntN(5))
	m.attrs["submitted_values"] = obj{"csat_survey_response": obj{"rating": rating, "feedback_message": feedback}}
	b.ratings = append(b.ratings, rated{m, rating, feedback})
}

// rated is an answered survey.
type rated struct {
	message  *message
	rating   int64
	feedback string
}

func (b *builder) surveys() {
	for _, r := range b.ratings {
		t := r.message.talk
		b.insert("csat_survey_responses", row{
			"account_id": t.account, "conversation_id": t.id, "message_id": r.message.id, "rating": r.rating,
			"feedback_message": r.feedback, "contact_id": t.contact.id, "assigned_agent_id": orNil(t.assignee), "created_at": r.message.at,
		})
	}
}
