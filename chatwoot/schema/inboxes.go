package schema

import (
	"slices"

	"github.com/cloakroom/cloakroom/chatwoot"
)

// The inboxes of the demo, by id.
const (
	SupportMail    int64 = 1
	WhatsApp       int64 = 2
	SMS            int64 = 3
	TwilioSMS      int64 = 4
	TwilioWhatsApp int64 = 5
	Website        int64 = 6
	API            int64 = 7 // the agent may answer for 48 hours
	Telegram       int64 = 8
	Facebook       int64 = 9
	BillingMail    int64 = 10 // neither Max nor Eve is a member; Max reaches some of its conversations by team

	BorealisMail     int64 = 11
	BorealisWhatsApp int64 = 12
	BorealisWebsite  int64 = 13
)

// The teams of the demo, by id.
const (
	Sales       int64 = 1
	Returns     int64 = 2
	Billing     int64 = 3 // Max and Tomas
	Expeditions int64 = 4 // of Borealis
)

// inbox is what contacts and messages need to know of an inbox.
type inbox struct {
	id, account int64
	name        string
	channel     chatwoot.Channel
	whatsapp    bool // the medium of a Twilio channel
	address     string
	members     []int64
}

var inboxes = []inbox{
	{SupportMail, Acme, "Support e-mail", chatwoot.ChannelEmail, false, "support@acme-support.example", []int64{Max, Eve, Ivy, Noor}},
	{WhatsApp, Acme, "WhatsApp", chatwoot.ChannelWhatsapp, false, "+15550100002", []int64{Max, Eve, Liam}},
	{SMS, Acme, "SMS", chatwoot.ChannelSms, false, "+15550100003", []int64{Max, Eve, Liam}},
	{TwilioSMS, Acme, "Twilio SMS", chatwoot.ChannelTwilioSms, false, "+15550100004", []int64{Max, Eve, Liam, Tomas}},
	{TwilioWhatsApp, Acme, "Twilio WhatsApp", chatwoot.ChannelTwilioSms, true, "+15550100005", []int64{Max, Eve, Liam}},
	{Website, Acme, "acme-support.example", chatwoot.ChannelWebWidget, false, "https://acme-support.example", []int64{Max, Eve, Ivy, Noor, Pia}},
	{API, Acme, "Mobile app", chatwoot.ChannelAPI, false, "https://app.acme-support.example/hook", []int64{Max, Eve, Noor}},
	{Telegram, Acme, "Telegram", chatwoot.ChannelTelegram, false, "acme_support_bot", []int64{Max, Eve, Ivy, Pia}},
	{Facebook, Acme, "Facebook", chatwoot.ChannelFacebookPage, false, "104200000000001", []int64{Max, Eve, Ivy, Pia}},
	{BillingMail, Acme, "Billing e-mail", chatwoot.ChannelEmail, false, "billing@acme-support.example", []int64{Tomas}},
	{BorealisMail, Borealis, "Borealis e-mail", chatwoot.ChannelEmail, false, "hello@borealis.example", []int64{Bob}},
	{BorealisWhatsApp, Borealis, "Borealis WhatsApp", chatwoot.ChannelWhatsapp, false, "+15550200012", []int64{Bob}},
	{BorealisWebsite, Borealis, "borealis.example", chatwoot.ChannelWebWidget, false, "https://borealis.example", []int64{Bob}},
}

func inboxByID(id int64) *inbox {
	i := slices.IndexFunc(inboxes, func(in inbox) bool { return in.id == id })
	return &inboxes[max(i, 0)]
}

func (b *builder) inboxes() {
	for _, in := range inboxes {
		r := row{
			"id": in.id, "account_id": in.account, "name": in.name, "channel_type": string(in.channel),
			"channel_id": b.channel(in), "csat_survey_enabled": in.channel == chatwoot.ChannelWebWidget,
		}
		if in.id == Website {
			r["greeting_enabled"] = true
			r["greeting_message"] = "Hi! How can we help?"
		}
		b.insert("inboxes", r)
		for _, user := range in.members {
			b.insert("inbox_members", row{"inbox_id": in.id, "user_id": user})
		}
	}
	b.insert("agent_bot_inboxes", row{"inbox_id": Website, "agent_bot_id": int64(1), "status": int64(1), "account_id": Acme})
}

// channel adds the row that the inbox's channel_type and channel_id point at.
func (b *builder) channel(in inbox) int64 {
	switch in.channel {
	case chatwoot.ChannelEmail:
		return b.insert("channel_email", row{
			"account_id": in.account, "email": in.address, "forward_to_email": b.random(base36, 16) + "@in.acme-support.example",
			"imap_enabled": true, "imap_address": "imap.acme-support.example", "imap_login": in.address,
			"imap_password": b.credential(18), "smtp_password": b.credential(18), "provider": nil,
		})
	case chatwoot.ChannelWhatsapp:
		return b.insert("channel_whatsapp", row{
			"account_id": in.account, "phone_number": in.address, "provider": "whatsapp_cloud",
			"provider_config": b.json(obj{"api_key": b.credential(40), "phone_number_id": b.random(digits, 15)}),
		})
	case chatwoot.ChannelSms:
		return b.insert("channel_sms", row{
			"account_id": in.account, "phone_number": in.address, "provider": "default",
			"provider_config": b.json(obj{"api_key": b.credential(20), "api_secret": b.credential(30)}),
		})
	case chatwoot.ChannelTwilioSms:
		medium := int64(0)
		if in.whatsapp {
			medium = 1
		}
		return b.insert("channel_twilio_sms", row{
			"account_id": in.account, "phone_number": in.address, "auth_token": b.credential(32),
			"account_sid": "AC" + b.random(hex, 32), "medium": medium, "voice_enabled": !in.whatsapp,
		})
	default:
		return b.otherChannel(in)
	}
}

func (b *builder) otherChannel(in inbox) int64 {
	switch in.channel {
	case chatwoot.ChannelWebWidget:
		return b.insert("channel_web_widgets", row{
			"account_id": in.account, "website_url": in.address, "website_token": b.random(base58, 24), "hmac_token": b.credential(24),
			"welcome_title": "Welcome",
		})
	case chatwoot.ChannelAPI:
		return b.insert("channel_api", row{
			"account_id": in.account, "webhook_url": in.address, "identifier": b.random(base58, 24), "hmac_token": b.credential(24),
			"additional_attributes": b.json(obj{"agent_reply_time_window": "48"}),
		})
	case chatwoot.ChannelTelegram:
		return b.insert("channel_telegram", row{"account_id": in.account, "bot_name": in.address, "bot_token": b.credential(35)})
	default:
		return b.insert("channel_facebook_pages", row{
			"account_id": in.account, "page_id": in.address, "user_access_token": b.credential(40), "page_access_token": b.credential(40),
		})
	}
}

func (b *builder) teams() {
	teams := []struct {
		id, account int64
		name, about string
		members     []int64
	}{
		{Sales, Acme, "sales", "Before the purchase", []int64{Ivy, Liam}},
		{Returns, Acme, "returns", "What comes back", []int64{Noor, Pia, Eve}},
		{Billing, Acme, "billing", "Invoices and refunds", []int64{Max, Tomas}},
		{Expeditions, Borealis, "expeditions", "Tours", []int64{Bob}},
	}
	for _, t := range teams {
		b.insert("teams", row{"id": t.id, "account_id": t.account, "name": t.name, "description": t.about})
		for _, user := range t.members {
			b.insert("team_members", row{"team_id": t.id, "user_id": user})
		}
	}
}
