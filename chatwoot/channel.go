package chatwoot

// Channel is inboxes.channel_type, in Chatwoot's spelling.
type Channel string

// The channels of Chatwoot 4.14.2.
const (
	ChannelWebWidget    Channel = "Channel::WebWidget"
	ChannelAPI          Channel = "Channel::Api"
	ChannelEmail        Channel = "Channel::Email"
	ChannelWhatsapp     Channel = "Channel::Whatsapp"
	ChannelTwilioSms    Channel = "Channel::TwilioSms"
	ChannelSms          Channel = "Channel::Sms"
	ChannelFacebookPage Channel = "Channel::FacebookPage"
	ChannelInstagram    Channel = "Channel::Instagram"
	ChannelTelegram     Channel = "Channel::Telegram"
	ChannelLine         Channel = "Channel::Line"
	ChannelTiktok       Channel = "Channel::Tiktok"
	ChannelTwitter      Channel = "Channel::TwitterProfile"
)

// FeatureCRMV2 is the bit of accounts.feature_flags by which only leads count as resolved contacts. A bit's
// meaning is its position in the release's list, and positions are re-used between releases: this is the
// fiftieth of 4.14.2, and 4.3.0's list ends before it.
const FeatureCRMV2 = 1 << 49
