package schema

import "time"

// DemoPassword is the password of every demo user.
const DemoPassword = "Cloakroom-demo-1"

// demoPasswordHash is bcrypt of DemoPassword at Chatwoot's cost 11, made once: bcrypt salts at random, and
// the demo must be the same every time. A test keeps the two together.
const demoPasswordHash = "$2a$11$Gm01gi1jV/mB53AasbMKfOe24GNs/2j4euM33lPK.14WI/xrhqhMS"

// The accounts of the demo.
const (
	Acme     int64 = 1 // Acme Support: masking on, everything sealed
	Borealis int64 = 2 // Borealis: nothing masked, nothing sealed; its bit crm_v2 is set
)

// Demo makes the demo installation as it stands at now, which is cut to the second.
func Demo(now time.Time) (Data, error) {
	b := newBuilder(now)
	b.accounts()
	b.users()
	b.bots()
	b.inboxes()
	b.teams()
	b.labels()
	b.acmeContacts()
	b.borealisContacts()
	b.acmeConversations()
	b.borealisConversations()
	b.converse()
	b.writeContacts()
	b.campaigns()
	b.writeConversations()
	b.writeMessages()
	b.files()
	b.notes()
	b.teamwork()
	b.surveys()
	b.definitions()
	b.filters()
	b.notifications()
	b.hooks()
	b.calls()
	b.audits()
	return b.finish()
}
