package chatwoot

import "fmt"

// Enum is a two-way table between the integers of one of Chatwoot's columns and the upper-case words of the
// contract. It is total: a number or a word that Chatwoot 4.14.2 does not know is an error, never a guess.
type Enum struct {
	column string
	words  map[int64]string
	number map[string]int64
}

func enum(column string, words map[int64]string) Enum {
	number := make(map[string]int64, len(words))
	for n, w := range words {
		number[w] = n
	}
	return Enum{column: column, words: words, number: number}
}

// Word gives the contract's word for a stored number.
func (e Enum) Word(n int64) (string, error) {
	w, ok := e.words[n]
	if !ok {
		return "", fmt.Errorf("chatwoot: %s has no value %d", e.column, n)
	}
	return w, nil
}

// Number gives the stored number for one of the contract's words. The word is not repeated in the error.
func (e Enum) Number(word string) (int64, error) {
	n, ok := e.number[word]
	if !ok {
		return 0, fmt.Errorf("chatwoot: %s has no such word", e.column)
	}
	return n, nil
}

// Len counts the values.
func (e Enum) Len() int { return len(e.words) }

// The enums of Chatwoot 4.14.2. A priority of NULL means none and has no word.
var (
	MessageType = enum("messages.message_type", map[int64]string{
		0: "INCOMING", 1: "OUTGOING", 2: "ACTIVITY", 3: "TEMPLATE",
	})
	ContentType = enum("messages.content_type", map[int64]string{
		0: "TEXT", 1: "INPUT_TEXT", 2: "INPUT_TEXTAREA", 3: "INPUT_EMAIL", 4: "INPUT_SELECT", 5: "CARDS", 6: "FORM",
		7: "ARTICLE", 8: "INCOMING_EMAIL", 9: "INPUT_CSAT", 10: "INTEGRATIONS", 11: "STICKER", 12: "VOICE_CALL",
	})
	MessageStatus = enum("messages.status", map[int64]string{
		0: "SENT", 1: "DELIVERED", 2: "READ", 3: "FAILED",
	})
	ConversationStatus = enum("conversations.status", map[int64]string{
		0: "OPEN", 1: "RESOLVED", 2: "PENDING", 3: "SNOOZED",
	})
	Priority = enum("conversations.priority", map[int64]string{
		0: "LOW", 1: "MEDIUM", 2: "HIGH", 3: "URGENT",
	})
	ContactType = enum("contacts.contact_type", map[int64]string{
		0: "VISITOR", 1: "LEAD", 2: "CUSTOMER",
	})
	Role = enum("account_users.role", map[int64]string{
		0: "AGENT", 1: "ADMINISTRATOR",
	})
	Availability = enum("account_users.availability", map[int64]string{
		0: "ONLINE", 1: "OFFLINE", 2: "BUSY",
	})
	AccountStatus = enum("accounts.status", map[int64]string{
		0: "ACTIVE", 1: "SUSPENDED",
	})
	FileType = enum("attachments.file_type", map[int64]string{
		0: "IMAGE", 1: "AUDIO", 2: "VIDEO", 3: "FILE", 4: "LOCATION", 5: "FALLBACK", 6: "SHARE", 7: "STORY_MENTION",
		8: "CONTACT", 9: "IG_REEL", 10: "IG_POST", 11: "IG_STORY", 12: "EMBED",
	})
	AttributeModel = enum("custom_attribute_definitions.attribute_model", map[int64]string{
		0: "CONVERSATION_ATTRIBUTE", 1: "CONTACT_ATTRIBUTE", 2: "COMPANY_ATTRIBUTE",
	})
	AttributeType = enum("custom_attribute_definitions.attribute_display_type", map[int64]string{
		0: "TEXT", 1: "NUMBER", 2: "CURRENCY", 3: "PERCENT", 4: "LINK", 5: "DATE", 6: "LIST", 7: "CHECKBOX",
	})
	TwilioMedium = enum("channel_twilio_sms.medium", map[int64]string{
		0: "SMS", 1: "WHATSAPP",
	})
)

// Channel is inboxes.channel_type, in Chatwoot's spelling.
type Channel string

// The channels of Chatwoot 4.14.2.
const (
	ChannelWebWidget    Channel = "Channel::WebWidget"
	ChannelAPI          Channel = "Channel::Api"
	ChannelEmail        Channel = "Channel::Email"
	ChannelWhatsapp     Channel = "Channel::Whatsapp"
	ChannelTwilioSms    Channel = "Channel::TwilioSms" //nolint:revive // Chatwoot's word
	ChannelSms          Channel = "Channel::Sms"       //nolint:revive // Chatwoot's word
	ChannelFacebookPage Channel = "Channel::FacebookPage"
	ChannelInstagram    Channel = "Channel::Instagram"
	ChannelTelegram     Channel = "Channel::Telegram"
	ChannelLine         Channel = "Channel::Line"
	ChannelTiktok       Channel = "Channel::Tiktok"
	ChannelTwitter      Channel = "Channel::TwitterProfile"
)

var channelWords = map[Channel]string{
	ChannelWebWidget: "WEB_WIDGET", ChannelAPI: "API", ChannelEmail: "EMAIL", ChannelWhatsapp: "WHATSAPP",
	ChannelTwilioSms: "TWILIO_SMS", ChannelSms: "SMS", ChannelFacebookPage: "FACEBOOK_PAGE",
	ChannelInstagram: "INSTAGRAM", ChannelTelegram: "TELEGRAM", ChannelLine: "LINE", ChannelTiktok: "TIKTOK",
	ChannelTwitter: "TWITTER_PROFILE",
}

// Channels lists every channel with its upper-case word, for tables that must be complete.
func Channels() map[Channel]string {
	all := make(map[Channel]string, len(channelWords))
	for c, w := range channelWords {
		all[c] = w
	}
	return all
}

// Word gives the channel's upper-case word, such as WEB_WIDGET for Channel::WebWidget.
func (c Channel) Word() (string, error) {
	w, ok := channelWords[c]
	if !ok {
		return "", fmt.Errorf("chatwoot: inboxes.channel_type is none that 4.14.2 knows")
	}
	return w, nil
}

// ParseChannel gives the channel for its upper-case word.
func ParseChannel(word string) (Channel, error) {
	for c, w := range channelWords {
		if w == word {
			return c, nil
		}
	}
	return "", fmt.Errorf("chatwoot: no channel has that word")
}

// FeatureCRMV2 is the bit of accounts.feature_flags by which only leads count as resolved contacts. A bit's
// meaning is its position in the release's list, and positions are re-used between releases: this is the
// fiftieth of 4.14.2, and 4.3.0's list ends before it.
const FeatureCRMV2 = 1 << 49
