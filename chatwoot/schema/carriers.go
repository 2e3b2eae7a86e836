package schema

import "slices"

// Canary is a personal value (or a credential) that stands in one place of the demo, so that a test can scan
// every byte that leaves for it. AccountID is 0 for what belongs to the installation.
type Canary struct {
	Carrier   string // one of Carriers, such as "P01 contacts.email"
	AccountID int64
	Value     string
	FreeText  bool // stands in text that people or Chatwoot wrote, which masking exempts
}

// Canaries lists what was planted, each carrier's values once. A value whose FreeText is false never stands
// in a message's content, but for activity messages that name a contact whose name is an address.
func (d Data) Canaries() []Canary { return slices.Clone(d.canaries) }

// Carriers lists the places that hold personal values, by the P-numbers of Cloakroom's list of leaks. Each
// is planted at least three times in account 1.
func Carriers() []string {
	names := make([]string, len(carriers))
	for i, c := range carriers {
		names[i] = c.name
	}
	return names
}

const (
	carrierEmail        = "P01 contacts.email"
	carrierPhone        = "P02 contacts.phone_number"
	carrierIdentifier   = "P03 contacts.identifier"
	carrierName         = "P04 contacts.name"
	carrierSocial       = "P05 additional_attributes.social_profiles"
	carrierScreenName   = "P05 additional_attributes.screen_name"
	carrierUsername     = "P05 additional_attributes.username"
	carrierProfileMail  = "P05 additional_attributes.source_id"
	carrierExternal     = "P05 additional_attributes.external"
	carrierDescription  = "P05 additional_attributes.description"
	carrierIP           = "P05 additional_attributes.created_at_ip"
	carrierUnknown      = "P05 additional_attributes.unknown_key"
	carrierCustom       = "P06 contacts.custom_attributes"
	carrierAvatar       = "P07 avatar file name"
	carrierCompany      = "P08 companies.domain"
	carrierNote         = "P09 notes.content"
	carrierSource       = "P10 contact_inboxes.source_id"
	carrierPubsub       = "P12 contact_inboxes.pubsub_token"
	carrierMessageID    = "P13 messages.source_id"
	carrierHeader       = "P14 content_attributes.email"
	carrierRelay        = "P14 content_attributes.email.headers"
	carrierThread       = "P14 content_attributes.email.message_id"
	carrierRecipient    = "P15 content_attributes.cc_emails"
	carrierSubmitted    = "P16 content_attributes.submitted_email"
	carrierForm         = "P16 content_attributes.submitted_values"
	carrierMailText     = "P17 content_attributes.email.text_content"
	carrierTranslation  = "P17 content_attributes.translations"
	carrierItems        = "P17 content_attributes.items"
	carrierProcessed    = "P18 messages.processed_message_content"
	carrierTemplate     = "P19 template_params.processed_params"
	carrierCard         = "P21 attachments.fallback_title"
	carrierCardName     = "P21 attachments.meta"
	carrierFile         = "P21 attachment file name"
	carrierTranscribed  = "P21 attachments.meta.transcribed_text"
	carrierReferer      = "P22 conversations.additional_attributes.referer"
	carrierSubject      = "P22 conversations.additional_attributes.mail_subject"
	carrierInReplyTo    = "P22 conversations.additional_attributes.in_reply_to"
	carrierTalkCustom   = "P22 conversations.custom_attributes"
	carrierAvatarHash   = "P23 additional_attributes.avatar_url_hash"
	carrierTalkID       = "P24 conversations.identifier"
	carrierTalkUUID     = "P24 conversations.uuid"
	carrierCall         = "P25 calls.meta"
	carrierTranscript   = "P25 calls.transcript"
	carrierActivity     = "P27 activity content"
	carrierContent      = "P28 messages.content"
	carrierFeedback     = "P28 csat_survey_responses.feedback_message"
	carrierNotification = "P29 notifications.meta"
	carrierFilter       = "P31 custom_filters.query"
	carrierCredential   = "credential of a channel or integration"
)

// carriers says of each carrier whether it is text that people wrote.
var carriers = []struct {
	name     string
	freeText bool
}{
	{carrierEmail, false}, {carrierPhone, false}, {carrierIdentifier, false}, {carrierName, false},
	{carrierSocial, false}, {carrierScreenName, false}, {carrierUsername, false}, {carrierProfileMail, false},
	{carrierExternal, false}, {carrierDescription, false}, {carrierIP, false}, {carrierUnknown, false},
	{carrierCustom, false}, {carrierAvatar, false}, {carrierCompany, false}, {carrierNote, true},
	{carrierSource, false}, {carrierPubsub, false}, {carrierMessageID, false}, {carrierHeader, false},
	{carrierRelay, false}, {carrierThread, false}, {carrierRecipient, false}, {carrierSubmitted, false},
	{carrierForm, false}, {carrierMailText, true}, {carrierTranslation, true}, {carrierItems, true},
	{carrierProcessed, true}, {carrierTemplate, false}, {carrierCard, false}, {carrierCardName, false},
	{carrierFile, false}, {carrierTranscribed, true}, {carrierReferer, false}, {carrierSubject, false},
	{carrierInReplyTo, false}, {carrierTalkCustom, false}, {carrierAvatarHash, false}, {carrierTalkID, false},
	{carrierTalkUUID, false}, {carrierCall, false}, {carrierTranscript, true}, {carrierActivity, true},
	{carrierContent, true}, {carrierFeedback, true}, {carrierNotification, true}, {carrierFilter, true},
	{carrierCredential, false},
}

func freeText(carrier string) bool {
	for _, c := range carriers {
		if c.name == carrier {
			return c.freeText
		}
	}
	return false
}
