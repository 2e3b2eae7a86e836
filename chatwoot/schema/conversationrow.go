package schema

import (
	"fmt"
	"net/url"
	"time"

	"github.com/cloakroom/cloakroom/chatwoot"
)

// surround fills additional_attributes and custom_attributes as the channel does, addresses included.
func (b *builder) surround(t *conversation) {
	t.additional, t.custom = obj{}, obj{}
	started := obj{"timestamp": t.created.Format(time.RFC1123Z)}
	switch t.source.inbox.channel {
	case chatwoot.ChannelEmail:
		t.subject = b.subject(t)
		t.additional = obj{"source": "email", "mail_subject": t.subject, "auto_reply": false, "initiated_at": started}
		if t.display%4 == 2 {
			t.additional["in_reply_to"] = b.plant(carrierInReplyTo, t.account, b.messageID(t.contact))
		}
	case chatwoot.ChannelWebWidget:
		t.additional = obj{
			"browser":          obj{"browser_name": "Firefox", "browser_version": "139.0", "device_name": "Unknown", "platform_name": "Linux", "platform_version": ""},
			"browser_language": t.contact.language, "initiated_at": started, "referer": "https://acme-support.example/help",
		}
		if t.display%3 > 0 {
			address := b.invent("visitor")
			if t.display%3 == 1 { // as browsers write it; others leave the @ alone
				address = url.QueryEscape(address)
			}
			t.additional["referer"] = "https://acme-support.example/orders?utm=mail&email=" + b.plant(carrierReferer, t.account, address)
		}
	case chatwoot.ChannelTelegram:
		t.additional["chat_id"] = 770000000 + t.contact.id
	case chatwoot.ChannelTwilioSms:
		t.additional["from_country"], t.additional["from_state"] = "US", "CA"
	}
	if t.display%12 == 1 {
		t.custom["delivery_contact"] = b.plant(carrierTalkCustom, t.account, b.invent("deliver"))
		t.custom["delivery_phone"] = b.plant(carrierTalkCustom, t.account, b.inventPhone(310))
		t.custom["order_value"], t.custom["gift"] = 129.5, true
	}
	if t.display%50 == 14 {
		t.custom = nil // NULL, as rows not written by Rails may be
	}
	if t.display%15 == 3 {
		id := b.plant(carrierTalkID, t.account, "session-"+b.invent("client"))
		t.identifier = &id
	}
}

func (b *builder) subject(t *conversation) string {
	if t.display%3 == 1 {
		return "Fwd: invoice for " + b.plant(carrierSubject, t.account, b.invent("account"))
	}
	return pick(b, []string{"Parcel has not arrived", "Rechnung fehlt", "Retour demandé", "Question about my order", "Pedido incompleto", "受注番号について"})
}

func (b *builder) writeConversations() {
	for _, t := range b.conversations {
		t.source.id = max(t.source.id, b.lostSource(t))
		r := row{
			"id": t.id, "display_id": t.display, "account_id": t.account, "inbox_id": t.source.inbox.id, "status": t.status,
			"assignee_id": orNil(t.assignee), "assignee_agent_bot_id": orNil(t.bot), "team_id": orNil(t.team),
			"priority": orNil(t.priority), "created_at": t.created, "updated_at": t.last, "contact_id": t.contact.id,
			"contact_inbox_id": t.source.id, "uuid": t.uuid, "identifier": orNil(t.identifier), "last_activity_at": t.last,
			"snoozed_until": orNil(t.snoozed), "agent_last_seen_at": orNil(t.seen), "contact_last_seen_at": t.last.Add(-time.Minute),
			"first_reply_created_at": orNil(t.firstReply), "waiting_since": orNil(t.waiting),
			"additional_attributes": b.json(t.additional), "custom_attributes": nil, "cached_label_list": nil,
		}
		if t.custom != nil {
			r["custom_attributes"] = b.json(t.custom)
		}
		if t.assignee != nil && t.seen != nil {
			r["assignee_last_seen_at"] = *t.seen
		}
		if len(t.labels) > 0 {
			r["cached_label_list"] = joinLabels(t.labels)
		}
		if t.display%40 == 9 && t.source.inbox.channel == chatwoot.ChannelWebWidget {
			r["campaign_id"] = int64(1)
		}
		b.insert("conversations", r)
		b.tag("Conversation", t.id, t.labels)
	}
}

// lostSource gives the id of an address that was removed with its contact: a number nobody has any more.
func (b *builder) lostSource(t *conversation) int64 {
	if t.source.id == 0 {
		return 90000 + t.contact.id
	}
	return 0
}

func joinLabels(labels []string) string {
	list := ""
	for i, l := range labels {
		if i > 0 {
			list += ", "
		}
		list += l
	}
	return list
}

func (b *builder) campaigns() {
	for i, title := range []string{"Summer greeting", "Winter sale"} {
		b.insert("campaigns", row{
			"display_id": int64(i + 1), "title": title, "message": "Need a hand finding something?", "sender_id": Ivy,
			"account_id": Acme, "inbox_id": Website, "created_at": b.epoch.AddDate(0, i, 0),
		})
	}
}

// messageID makes the RFC Message-ID of a mail the contact sent.
func (b *builder) messageID(c *contact) string {
	d := "example.org"
	if c.email != nil {
		d = domain(*c.email)
	}
	return fmt.Sprintf("CAF%s@mail.%s", b.random(base58, 22), d)
}
