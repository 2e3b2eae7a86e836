package chatwoot

import (
	"testing"
	"time"
)

var now = time.Date(2026, 6, 10, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

const hour, day = time.Hour, 24 * time.Hour

var never time.Time

var replies = map[string]struct {
	facts ReplyFacts
	want  bool
}{
	"e-mail, never written":                  {ReplyFacts{Channel: ChannelEmail, LastIncoming: never}, true},
	"web widget, long ago":                   {ReplyFacts{Channel: ChannelWebWidget, LastIncoming: ago(400 * day)}, true},
	"SMS":                                    {ReplyFacts{Channel: ChannelSms}, true},
	"Telegram":                               {ReplyFacts{Channel: ChannelTelegram}, true},
	"Line":                                   {ReplyFacts{Channel: ChannelLine}, true},
	"WhatsApp, just inside":                  {ReplyFacts{Channel: ChannelWhatsapp, LastIncoming: ago(day - time.Second)}, true},
	"WhatsApp, at the end":                   {ReplyFacts{Channel: ChannelWhatsapp, LastIncoming: ago(day)}, false},
	"WhatsApp, never written":                {ReplyFacts{Channel: ChannelWhatsapp, LastIncoming: never}, false},
	"Twilio SMS, never written":              {ReplyFacts{Channel: ChannelTwilioSms}, true},
	"Twilio WhatsApp, inside":                {ReplyFacts{Channel: ChannelTwilioSms, TwilioWhatsApp: true, LastIncoming: ago(hour)}, true},
	"Twilio WhatsApp, over":                  {ReplyFacts{Channel: ChannelTwilioSms, TwilioWhatsApp: true, LastIncoming: ago(25 * hour)}, false},
	"Twilio WhatsApp, never":                 {ReplyFacts{Channel: ChannelTwilioSms, TwilioWhatsApp: true}, false},
	"medium is Twilio's alone":               {ReplyFacts{Channel: ChannelSms, TwilioWhatsApp: true}, true},
	"Facebook, inside":                       {ReplyFacts{Channel: ChannelFacebookPage, LastIncoming: ago(23 * hour)}, true},
	"Facebook, over":                         {ReplyFacts{Channel: ChannelFacebookPage, LastIncoming: ago(2 * day)}, false},
	"Facebook, human agent":                  {ReplyFacts{Channel: ChannelFacebookPage, HumanAgent: true, LastIncoming: ago(6 * day)}, true},
	"Facebook, human agent, over":            {ReplyFacts{Channel: ChannelFacebookPage, HumanAgent: true, LastIncoming: ago(7 * day)}, false},
	"Instagram, over":                        {ReplyFacts{Channel: ChannelInstagram, LastIncoming: ago(25 * hour)}, false},
	"human agent is not WhatsApp's":          {ReplyFacts{Channel: ChannelWhatsapp, HumanAgent: true, LastIncoming: ago(2 * day)}, false},
	"TikTok, inside":                         {ReplyFacts{Channel: ChannelTiktok, LastIncoming: ago(47 * hour)}, true},
	"TikTok, over":                           {ReplyFacts{Channel: ChannelTiktok, LastIncoming: ago(48 * hour)}, false},
	"API without a window, never written":    {ReplyFacts{Channel: ChannelAPI}, true},
	"API with a window, inside":              {ReplyFacts{Channel: ChannelAPI, APIWindow: 48 * hour, LastIncoming: ago(47 * hour)}, true},
	"API with a window, over":                {ReplyFacts{Channel: ChannelAPI, APIWindow: 48 * hour, LastIncoming: ago(49 * hour)}, false},
	"API with a window, never written":       {ReplyFacts{Channel: ChannelAPI, APIWindow: 48 * hour}, false},
	"a channel that is newer than this list": {ReplyFacts{Channel: "Channel::Pigeon"}, true},
}

func TestCanReply(t *testing.T) {
	t.Parallel()
	for name, c := range replies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := CanReply(c.facts, now); got != c.want {
				t.Errorf("CanReply = %t, want %t", got, c.want)
			}
		})
	}
}
