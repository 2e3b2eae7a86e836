package schema

import (
	"strings"
	"time"
)

// contact is a customer while the demo is made.
type contact struct {
	id, account        int64
	name, first        string // first is how an agent greets; empty where the name is an address
	local              string // local part of ordinary addresses of this contact
	email, phone       *string
	identifier         *string
	additional, custom obj
	blocked, deleted   bool
	created, lastSpoke time.Time
	language           string
	company            *int64
	sources            []*source
	writesNames        bool // activity messages name this contact
	labels             []string
}

// source is a contact's address in one inbox.
type source struct {
	id    int64
	inbox *inbox
	value string
}

// digits gives the phone's digits, or those of a phone nobody has when the contact has none.
func (c *contact) digits() string {
	if c.phone == nil || *c.phone == "" {
		return phone(309, c.id)[1:]
	}
	return (*c.phone)[strings.Index(*c.phone, "+")+1:]
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// orNil gives a column's value for a string that may be NULL.
func orNil[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

// profile says what one group of contacts is like; the words are explained by the functions that read them.
type profile struct {
	times                          int
	name, email, phone, identifier string
	inboxes                        []int64
}

// acmeProfiles are the contacts by which tests know the hard cases, in order of id: three of each.
var acmeProfiles = []profile{
	{3, "plain", "own", "us", "crm", []int64{SupportMail, WhatsApp, Website}},          // 1
	{3, "email", "own", "", "", []int64{SupportMail}},                                  // 4
	{3, "local", "own", "", "", []int64{SupportMail}},                                  // 7
	{3, "capital", "own", "", "", []int64{SupportMail, Website}},                       // 10
	{3, "plus", "", "us", "", []int64{SMS}},                                            // 13
	{3, "spaced", "", "us", "", []int64{TwilioSMS}},                                    // 16
	{3, "bracketed", "", "us", "", []int64{TwilioSMS}},                                 // 19
	{3, "digits", "", "us", "", []int64{WhatsApp}},                                     // 22
	{3, "announced", "", "us", "", []int64{WhatsApp}},                                  // 25
	{3, "plain", "own", "", "email", []int64{API}},                                     // 28
	{3, "plain", "", "us", "phone", []int64{API}},                                      // 31
	{3, "plain", "", "us", "jid", []int64{WhatsApp}},                                   // 34
	{3, "words", "", "", "", []int64{Website}},                                         // 37
	{3, "words", "", "blank", "", []int64{Website}},                                    // 40
	{3, "plain", "own", "tel", "", []int64{SMS}},                                       // 43
	{1, "plain", "upper", "", "", []int64{SupportMail}},                                // 46
	{1, "plain", "twin", "", "", []int64{SupportMail}},                                 // 47: the same address in lower case
	{2, "plain", "upper", "", "", []int64{SupportMail}},                                // 48
	{1, "plain", "own", "us", "", []int64{SMS}},                                        // 50
	{2, "plain", "own", "shared", "", []int64{SMS}},                                    // 51: with 50's phone
	{7, "script", "own", "us", "", []int64{SupportMail, WhatsApp}},                     // 53
	{3, "plain", "work", "us", "", []int64{SupportMail}},                               // 60
	{3, "plain", "", "uk", "", []int64{TwilioWhatsApp}},                                // 63
	{3, "plain", "", "", "", []int64{WhatsApp, TwilioWhatsApp}},                        // 66: business-scoped user ids
	{3, "plain", "own", "us", "", []int64{BillingMail}},                                // 69: where Max and Eve are not
	{3, "plain", "own", "us", "", []int64{API, Website}},                               // 72: the API was given an address
	{3, "plain", "", "", "", []int64{Telegram}},                                        // 75
	{3, "plain", "", "", "", []int64{Facebook}},                                        // 78
	{3, "plain", "", "", "crm", []int64{API}},                                          // 81
	{1, "plain", "", "", "blank", []int64{Website}},                                    // 84
	{3, "plain", "own", "us", "", []int64{SupportMail, SMS, TwilioSMS, WhatsApp}},      // 85: blocked
	{3, "nameless", "own", "", "", []int64{SupportMail}},                               // 88: rows of a CSV import
	{3, "plain", "own", "us", "email", []int64{SupportMail, WhatsApp, TwilioSMS, SMS}}, // 91
}

// everyday are the contacts between the hard cases, over and over.
var everyday = []profile{
	{1, "plain", "own", "us", "", []int64{SupportMail}},
	{1, "plain", "", "us", "", []int64{WhatsApp}},
	{1, "plain", "own", "", "crm", []int64{Website}},
	{1, "plain", "own", "uk", "", []int64{SupportMail, TwilioWhatsApp}},
	{1, "plain", "", "us", "", []int64{SMS}},
	{1, "plain", "own", "", "", []int64{Website, SupportMail}},
	{1, "spaced", "", "us", "", []int64{TwilioSMS}},
	{1, "plain", "own", "us", "crm", []int64{API, WhatsApp}},
	{1, "local", "own", "", "", []int64{SupportMail}},
	{1, "plain", "", "", "", []int64{Telegram}},
	{1, "plain", "own", "us", "", []int64{BillingMail, SupportMail}},
	{1, "plain", "", "", "", []int64{Facebook}},
}

const (
	acmeContactCount     = 262
	borealisContactStart = 301
	borealisContactCount = 40
	deletedContactStart  = 271 // rows elsewhere name contacts 271 to 273, which are gone
)

func (b *builder) acmeContacts() {
	id := int64(1)
	for _, p := range acmeProfiles {
		for range p.times {
			b.newContact(id, Acme, p)
			id++
		}
	}
	for ; id <= acmeContactCount; id++ {
		b.newContact(id, Acme, everyday[id%int64(len(everyday))])
	}
	b.silent = true
	for id = deletedContactStart; id < deletedContactStart+3; id++ {
		b.newContact(id, Acme, everyday[0]).deleted = true
	}
	b.silent = false
}

// borealisContacts share no address with Acme, so that whoever looks through the database of the demo for what Acme
// has sealed finds none of it.
func (b *builder) borealisContacts() {
	profiles := []profile{
		{1, "plain", "own", "us", "", []int64{BorealisMail}},
		{1, "plain", "", "us", "", []int64{BorealisWhatsApp}},
		{1, "plain", "own", "", "crm", []int64{BorealisWebsite}},
		{1, "words", "", "", "", []int64{BorealisWebsite}},
	}
	for i := range int64(borealisContactCount) {
		p := profiles[i%int64(len(profiles))]
		if i < 10 {
			p = profile{1, "plain", "own", "us", "", []int64{BorealisMail, BorealisWhatsApp}}
		}
		b.newContact(borealisContactStart+i, Borealis, p)
	}
}

func (b *builder) newContact(id, account int64, p profile) *contact {
	c := &contact{id: id, account: account, additional: obj{}, custom: obj{}}
	age := b.now.Sub(b.epoch)
	c.created = b.epoch.Add(age * time.Duration(id%300) / 320).Truncate(time.Second)
	person := b.person(c, p.name)
	c.local = person.local + "." + number(id)
	c.language = person.language
	c.first = person.first
	b.addresses(c, p)
	b.name(c, p.name, person)
	b.describe(c)
	for _, inbox := range p.inboxes {
		b.address(c, inboxByID(inbox))
	}
	c.labels = b.someLabels(account, 35)
	c.blocked = account == Acme && (id >= 85 && id < 88 || id == 130)
	b.contacts = append(b.contacts, c)
	return c
}
