package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// searchData is the one account that is searched. Its rows are the same every time but for their dates: searching goes
// back from today.
type searchData struct {
	accountID int64
	messages  int
	contacts  int
	months    int // over which the messages are spread, this one being the last
	texts     *texts
	said      []int32 // the sentence of each message
	began     time.Time
	ended     time.Time
}

const (
	messagesEach = 20     // a conversation
	segments     = 10_000 // values of the attribute that is filtered by
	segmentKey   = "segment"
	firstRanks   = 4_000  // words that are first names
	lastRanks    = 20_000 // words that are last names, and companies
	cityRanks    = 500
	searcher     = 1 // the agent who searches: a member of five inboxes of eight
)

func newSearchData(o options, accountID int64) *searchData {
	now := time.Now().UTC().Truncate(time.Second)
	d := &searchData{accountID: accountID, messages: o.messages, contacts: o.contacts, months: o.months, texts: newTexts(o.messages), ended: now,
		began: time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC).AddDate(0, 1-o.months, 0)}
	rng := rand.New(rand.NewPCG(1_000, 80)) // the data must be the same every time
	d.said = make([]int32, o.messages)
	for i := range d.said {
		d.said[i] = int32(rng.IntN(len(d.texts.sentences)))
	}
	return d
}

func (d *searchData) conversations() int { return max(d.messages/messagesEach, 1) }

// customer is a contact's values, which are known without reading a row: after sealing no row says them.
type customer struct {
	name, email, phone, company, city, segment string
	identifier                                 any
	seats                                      int
}

func (d *searchData) customer(id int64) customer {
	rng := rand.New(rand.NewPCG(uint64(id), 25)) // the data must be the same every time
	// Names are like words: some are common, most are not.
	word := func(from, n int) string {
		return d.texts.words[from+int(float64(n)*math.Pow(rng.Float64(), 2.5))]
	}
	first, last, company := word(200, firstRanks), word(5_000, lastRanks), word(5_000, lastRanks)
	c := customer{name: capital(first) + " " + capital(last), company: capital(company) + " " + pickOne(rng, "Ltd", "GmbH", "SA", "Trading", "Foods"),
		city: capital(word(12_000, cityRanks)), segment: fmt.Sprintf("S%04d", rng.IntN(segments)), seats: rng.IntN(500),
		phone: fmt.Sprintf("+4915%08d", id*48_271%100_000_000)}
	domain := pickOne(rng, "mail", "postbox", "inbox") + ".example"
	if rng.IntN(100) < 60 {
		domain = company + ".example"
	}
	c.email = fmt.Sprintf("%s.%s%d@%s", first, last, id, domain)
	if id%10 == 0 {
		c.identifier = fmt.Sprintf("crm-%d", id)
	}
	if id%50 == 7 {
		c.name = c.phone // as channels name contacts: such names are sealed
	}
	return c
}

func pickOne(rng *rand.Rand, list ...string) string { return list[rng.IntN(len(list))] }

func capital(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

const searchContactColumns = `id name email phone_number account_id created_at updated_at additional_attributes identifier custom_attributes
 last_activity_at contact_type`

// A second account is as large as the application itself puts in order; nothing of it is indexed.
const (
	smallContacts = 20_000
	smallFrom     = 20_000_001 // its contacts' ids
)

func (d *searchData) smallID() int64 { return d.accountID + 1 }

// contactRow is a contact as Chatwoot has it before anything is sealed: of the account, and then of the small one.
func (d *searchData) contactRow(i int) []any {
	id, account := int64(i+1), d.accountID
	if i >= d.contacts {
		id, account = int64(smallFrom+i-d.contacts), d.smallID()
	}
	c := d.customer(id)
	at := d.began.Add(time.Duration(i) * (d.ended.Sub(d.began) / time.Duration(d.contacts+smallContacts)))
	return []any{id, c.name, c.email, c.phone, account, at, at,
		fmt.Sprintf(`{"city": %q, "country": "Portugal", "country_code": "PT", "company_name": %q}`, c.city, c.company), c.identifier,
		fmt.Sprintf(`{%q: %q, "seats": %d}`, segmentKey, c.segment, c.seats), at, 1}
}

const searchConversationColumns = `id account_id inbox_id status created_at updated_at contact_id display_id last_activity_at`

// conversationRow spreads conversations over contacts and inboxes.
func (d *searchData) conversationRow(id int64) []any {
	contact := 1 + id*7_919%int64(d.contacts)
	return []any{id, d.accountID, homeInbox(id), int(id % 2), d.began, d.ended, contact, id, d.ended}
}

// messageRow is a message as Chatwoot has it before anything is sealed. Ids follow time; neighbours are of different
// conversations, as in a table that grew by the day.
func (d *searchData) messageRow(i int) []any {
	id := int64(i + 1)
	conversation := 1 + id*104_729%int64(d.conversations())
	at := d.began.Add(time.Duration(float64(d.ended.Sub(d.began)) * float64(i) / float64(d.messages))).Truncate(time.Microsecond)
	kind, senderType, sender := 0, "Contact", 1+conversation*7_919%int64(d.contacts)
	if i%2 == 1 {
		kind, senderType, sender = 1, "User", 1+id%agents
	}
	return []any{id, d.texts.text(int(d.said[i])), d.accountID, homeInbox(conversation), conversation, kind, at, at, i%40 == 1, 0, senderType, sender}
}
