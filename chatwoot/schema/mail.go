package schema

import (
	"fmt"
	"time"
)

// receiveMail makes m an incoming e-mail: its headers stand once more in content_attributes, and the texts
// there hold what Chatwoot trimmed from content, signatures and quoted threads with addresses in them.
func (b *builder) receiveMail(m *message) {
	t, c := m.talk, m.talk.contact
	from := c.local + "@example.org"
	if c.email != nil {
		from = *c.email
	}
	id := b.plant(carrierMessageID, c.account, b.messageID(c))
	b.plant(carrierThread, c.account, id)
	b.plant(carrierHeader, c.account, from)
	m.sourceID, m.contentType = id, 8
	n := len(b.messages)
	mail := obj{
		"from": []string{from}, "to": []string{t.source.inbox.address}, "cc": nil, "bcc": nil, "headers": nil,
		"subject": t.subject, "date": m.at.Format(time.RFC3339), "message_id": id, "in_reply_to": nil, "references": []string{},
		"content_type": "multipart/alternative; boundary=\"b1\"; charset=UTF-8", "multipart": true, "number_of_attachments": 0, "auto_reply": false,
	}
	if t.lastMail != nil {
		mail["in_reply_to"], mail["references"] = t.lastMail.sourceID, []string{t.lastMail.sourceID}
	}
	m.attrs = obj{"email": mail, "cc_email": nil, "bcc_email": nil}
	if n%4 == 1 {
		cc := b.plant(carrierHeader, c.account, b.invent("cc"))
		b.plant(carrierRecipient, c.account, cc)
		mail["cc"], m.attrs["cc_email"] = []string{cc}, []string{cc}
	}
	if n%6 == 2 {
		bcc := b.plant(carrierHeader, c.account, b.invent("hidden"))
		mail["bcc"], m.attrs["bcc_email"] = []string{bcc}, []string{bcc}
	}
	if n%5 == 3 {
		mail["headers"] = b.relays(m)
	}
	b.mailTexts(m, mail, from, n)
	t.lastMail = m
}

// relays are the headers that a forwarding server leaves behind.
func (b *builder) relays(m *message) obj {
	account := m.talk.account
	sender := b.plant(carrierRelay, account, b.invent("original"))
	relay := b.plant(carrierRelay, account, b.invent("relay"))
	return obj{"x-original-from": "Front Desk <" + sender + ">", "x-original-sender": sender, "x-forwarded-for": relay + " " + m.talk.source.inbox.address}
}

func (b *builder) mailTexts(m *message, mail obj, from string, n int) {
	account := m.talk.account
	reply := *m.content
	trimmed := reply
	if n%3 == 0 {
		trimmed += "\n-- \nTel. " + b.plant(carrierProcessed, account, spaced(b.inventPhone(307)))
	}
	signature := b.plant(carrierMailText, account, b.invent("signature"))
	full := fmt.Sprintf("%s\n-- \n%s\n\nOn Monday, %s wrote:\n> We are on it.\n", trimmed, signature, from)
	mail["text_content"] = obj{"full": full, "reply": reply, "quoted": trimmed}
	mail["html_content"] = obj{
		"full":  "<p>" + reply + "</p><a href=\"mailto:" + signature + "\">" + signature + "</a>",
		"reply": reply, "quoted": trimmed,
	}
	m.processed = &trimmed
}

// sendMail makes m an outgoing e-mail: recipients that the browser worked out and posted.
func (b *builder) sendMail(m *message) {
	t, account := m.talk, m.talk.account
	n := len(b.messages)
	to := t.source.value
	b.plant(carrierRecipient, account, to)
	m.attrs = obj{"to_emails": []string{to}, "cc_emails": []string{}, "bcc_emails": []string{}}
	if n%4 == 2 {
		m.attrs["cc_emails"] = []string{b.plant(carrierRecipient, account, b.invent("copy"))}
	}
	if n%9 == 4 {
		m.attrs["bcc_emails"] = []string{b.plant(carrierRecipient, account, b.invent("blind"))}
	}
	if n%6 == 1 {
		m.attrs["email"] = obj{
			"html_content": obj{"full": "<p>" + *m.content + "</p>", "reply": "<p>" + *m.content + "</p>"},
			"text_content": obj{"full": *m.content, "reply": *m.content},
		}
	}
	m.sourceID = fmt.Sprintf("conversation/%s/messages/%d@acme-support.example", t.uuid, n)
}
