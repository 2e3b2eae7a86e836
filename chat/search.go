package chat

// SearchMode is how an account's sealed values are searched.
type SearchMode string

// The modes of search.
const (
	SearchByTokens SearchMode = "TOKENS" // by keyed tokens in the database, which tell how often something occurs
	SearchByScan   SearchMode = "SCAN"   // by opening the newest values until a page is full
)

// SearchSettings is what an account has decided about being searched and put in order. The zero value of Mode stands for
// settings that were not read.
type SearchSettings struct {
	Mode            SearchMode
	MessagesIndexed bool // every sealed message has its tokens
	ContactsIndexed bool // every sealed contact has its tokens
	Orderings       []*ContactOrdering
	Attributes      []AttributePolicy
}

// Ordering finds the order labels of a field; ok is false where there are none.
func (s SearchSettings) Ordering(f ContactOrderField) (o *ContactOrdering, ok bool) {
	for _, o := range s.Orderings {
		if o.Field == f {
			return o, true
		}
	}
	return nil, false
}

// Attribute finds what was decided about an attribute: personal and not searchable where nothing was.
func (s SearchSettings) Attribute(model AttributeModel, key string) AttributePolicy {
	for _, p := range s.Attributes {
		if p.Model == model && p.Key == key {
			return p
		}
	}
	return AttributePolicy{Model: model, Key: key, Personal: true}
}

// ContactOrdering is an account's opt-in to order labels for one field. Generation 0 is none.
type ContactOrdering struct {
	Field    ContactOrderField
	Live     int  // the generation of labels that is read
	Building int  // the one that is being made
	Enabled  bool // false: labels are to go
}

// Ready says that labels can be read.
func (o *ContactOrdering) Ready() bool { return o.Live > 0 }

// ContactSearch finds contacts by a part of what they are called or of an address, or by a whole address. What it may go
// by is decided before it runs.
type ContactSearch struct {
	Text PII
	// Parts are the kinds of values that the viewer sees, of which a part may match. NAME is about names that are addresses,
	// ATTRIBUTE about companies that are: others are seen by everybody.
	Parts map[Kind]bool
	// Whole are the addresses that may match as a whole.
	Whole []Field
	// Found is who has the text for an address that is hidden from the viewer, by a look-up: it comes first, before every
	// other, and nil on every page but the first.
	Found *Contact
	Page  Page
	Needs ContactParts
}

// MessageSearch finds messages by their words.
type MessageSearch struct {
	Text           string
	Visibility     Visibility
	ConversationID int64 // 0 is the account's whole history
	Masked         bool  // addresses are hidden from the viewer, and so is what the system wrote with one in it
	Page           Page
}

// DuplicateReason is why two contacts may be one.
type DuplicateReason string

// The reasons, by what they say of the values. The last two tell a part of one, and so are for viewers who see it.
const (
	SameEmail       DuplicateReason = "SAME_EMAIL"
	SamePhone       DuplicateReason = "SAME_PHONE_NUMBER"
	SameIdentifier  DuplicateReason = "SAME_IDENTIFIER"
	SameName        DuplicateReason = "SAME_NAME"
	SimilarEmail    DuplicateReason = "SIMILAR_EMAIL"     // the same but for case, a tag after a plus, or dots before the @
	SamePhoneEnding DuplicateReason = "SAME_PHONE_ENDING" // the last seven digits
)

// DuplicateCandidate is a contact that may be the same customer, and why. It says nothing of the values.
type DuplicateCandidate struct {
	Contact *Contact
	Reasons []DuplicateReason
}
