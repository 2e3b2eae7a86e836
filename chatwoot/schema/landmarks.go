package schema

// Contacts of Acme that tests know. Each stands for a group of at least two with consecutive ids, unless the
// comment says otherwise. Display ids 1 to 250 of Acme are conversations of the contacts of the very same ids.
const (
	ContactWithEverything        int64 = 1  // alone: e-mail, phone, crm identifier, three inboxes, every attribute; talks 1 and 251 to 256
	ContactNamedByEmail          int64 = 4  // the name is the e-mail; a second, decorated source id
	ContactNamedByLocalPart      int64 = 7  // the name is the part before the @
	ContactNamedByCapitalised    int64 = 10 // the same with a capital first letter
	ContactNamedByPhone          int64 = 13 // +15552010013; a second, decorated source id
	ContactNamedBySpacedPhone    int64 = 16 // +1 555-201-0016
	ContactNamedByBracketedPhone int64 = 19 // (555) 201-0019
	ContactNamedByDigits         int64 = 22 // 15552010022
	ContactNamedInActivity       int64 = 25 // named by a spaced phone, and activity messages say so
	ContactIdentifiedByEmail     int64 = 28
	ContactIdentifiedByPhone     int64 = 31
	ContactIdentifiedByJID       int64 = 34
	ContactWithoutAddress        int64 = 37 // phone_number NULL
	ContactWithBlankPhone        int64 = 40 // phone_number ''
	ContactWithTelPhone          int64 = 43 // tel:+15552010043
	ContactWithUpperCaseEmail    int64 = 46 // alone
	ContactWithLowerCaseTwin     int64 = 47 // alone: 46's address in lower case
	ContactWithSharedPhone       int64 = 50 // 51 and 52 have the same phone
	ContactInOtherScript         int64 = 53 // to 59: right to left, ideographs, emoji, combining marks
	ContactOfCompany             int64 = 60
	ContactInBritain             int64 = 63
	ContactWithBusinessScopedID  int64 = 66 // WhatsApp without a phone
	ContactOfBilling             int64 = 69 // conversations where Max and Eve have no inbox: 69 and 70 by Max's team, 71 by none
	ContactOfAPI                 int64 = 72
	ContactOfTelegram            int64 = 75
	ContactOfFacebook            int64 = 78
	ContactWithIdentifierOnly    int64 = 81
	ContactWithBlankIdentifier   int64 = 84 // alone
	ContactBlocked               int64 = 85
	ContactWithoutName           int64 = 88
	ContactDeleted               int64 = deletedContactStart  // no row, yet conversations 358, 359 and 360 name 271 to 273
	ContactOfBorealis            int64 = borealisContactStart // the first of Borealis, with e-mail and phone
)

// ConversationID gives conversations.id for a display id: in this demo, as in most databases, they differ.
func ConversationID(accountID, displayID int64) int64 {
	if accountID == Borealis {
		return borealisConversationBase + displayID
	}
	return acmeConversationBase + displayID
}
