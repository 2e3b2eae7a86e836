package chatwoot

import "time"

// ReplyFacts is what decides whether a conversation can be answered.
type ReplyFacts struct {
	Channel        Channel
	TwilioWhatsApp bool          // channel_twilio_sms.medium is 1
	HumanAgent     bool          // the installation may answer on Facebook and Instagram for seven days
	APIWindow      time.Duration // the API channel's agent_reply_time_window; zero when it has none
	LastIncoming   time.Time     // zero when the contact has written nothing
}

// CanReply tells whether Chatwoot lets an agent answer now: always, but for channels whose platform closes
// a window after the contact's last message. There, a contact who has written nothing cannot be answered.
func CanReply(f ReplyFacts, now time.Time) bool {
	window := f.window()
	if window == 0 {
		return true
	}
	return !f.LastIncoming.IsZero() && now.Before(f.LastIncoming.Add(window))
}

// window gives how long the channel stays open after the contact's last message; zero is for ever.
func (f ReplyFacts) window() time.Duration {
	const day = 24 * time.Hour
	switch f.Channel {
	case ChannelWhatsapp:
		return day
	case ChannelTwilioSms:
		if f.TwilioWhatsApp {
			return day
		}
		return 0
	case ChannelFacebookPage, ChannelInstagram:
		if f.HumanAgent {
			return 7 * day
		}
		return day
	case ChannelTiktok:
		return 2 * day
	case ChannelAPI:
		return max(f.APIWindow, 0)
	default:
		return 0
	}
}
