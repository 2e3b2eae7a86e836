package schema

import (
	"math"
	"slices"
	"time"
)

// conversation is a talk while the demo is made.
type conversation struct {
	id, display, account   int64
	contact                *contact
	source                 *source
	status                 int64
	assignee, bot, team    *int64
	priority               *int64
	created, last          time.Time
	snoozed, seen          *time.Time
	firstReply, waiting    *time.Time
	additional, custom     obj
	identifier             *string
	uuid, subject          string
	labels                 []string
	length                 int
	unread                 int // incoming messages after the agents' last look; neverSeen: they never looked
	messages               []*message
	lastMail, lastIncoming *message
}

const (
	open, resolved, pending, snoozed int64 = 0, 1, 2, 3

	neverSeen = -1

	acmeConversationCount     = 360
	borealisConversationCount = 40
	acmeConversationBase      = 500 // a conversation's id is not its display id, in a real database as here
	borealisConversationBase  = 900
	ownConversations          = 250 // display ids 1 to 250 belong to the contacts of these very ids
)

func (b *builder) acmeConversations() {
	for display := int64(1); display <= acmeConversationCount; display++ {
		c := b.talker(display)
		created := b.begun(display, acmeConversationCount)
		t := b.newConversation(acmeConversationBase+display, display, c, c.sources[display%int64(len(c.sources))], created)
		if display <= ownConversations {
			t.source = c.sources[0]
		}
		b.circumstances(t)
		b.landmark(t)
		b.settle(t)
	}
}

// talker picks the contact of a conversation of Acme: each of the first contacts has one with their own
// number, the first of all has six more, the last three are with contacts who were deleted.
func (b *builder) talker(display int64) *contact {
	switch {
	case display <= ownConversations:
		return b.contacts[display-1]
	case display <= ownConversations+6:
		return b.contacts[0]
	case display > acmeConversationCount-3:
		return b.contacts[acmeContactCount+display-(acmeConversationCount-2)]
	default:
		return b.contacts[b.rng.IntN(ownConversations)]
	}
}

func (b *builder) borealisConversations() {
	first := slices.IndexFunc(b.contacts, func(c *contact) bool { return c.account == Borealis })
	for display := int64(1); display <= borealisConversationCount; display++ {
		c := b.contacts[int64(first)+display-1]
		t := b.newConversation(borealisConversationBase+display, display, c, c.sources[0], b.begun(display, borealisConversationCount))
		t.length = 7 + int(display%2) // 300 in all
		bob := Bob
		if t.status = []int64{open, open, resolved, pending}[display%4]; display%3 != 0 {
			t.assignee = &bob
		}
		t.unread = int(display % 3)
		b.settle(t)
	}
}

// begun spreads the beginnings over the installation's age, more of them in recent weeks.
func (b *builder) begun(i, n int64) time.Time {
	age := b.now.Sub(b.epoch) - 36*time.Hour
	return b.epoch.Add(time.Duration(float64(age) * math.Pow(float64(i)/float64(n), 0.6))).Truncate(time.Second)
}

func (b *builder) newConversation(id, display int64, c *contact, s *source, created time.Time) *conversation {
	t := &conversation{
		id: id, display: display, account: c.account, contact: c, source: s, created: created,
		uuid: b.uuid(), length: 8 + b.rng.IntN(18), labels: b.someLabels(c.account, 45),
	}
	if created.Before(c.created) {
		c.created = created.Add(-time.Minute)
	}
	b.plant(carrierTalkUUID, c.account, t.uuid)
	b.conversations = append(b.conversations, t)
	return t
}

// circumstances gives a conversation of Acme its status, its people and how far it was read.
func (b *builder) circumstances(t *conversation) {
	t.status = []int64{open, open, open, open, open, open, resolved, resolved, pending, snoozed}[b.rng.IntN(10)]
	switch in := t.source.inbox; {
	case b.chance(22) || len(in.members) == 0:
	case b.chance(30) && slices.Contains(in.members, Max):
		t.assignee = who(Max)
	case b.chance(42) && slices.Contains(in.members, Eve):
		t.assignee = who(Eve)
	default:
		t.assignee = who(pick(b, in.members))
	}
	if b.chance(20) {
		t.team = teamOf(t.assignee, b.rng.IntN(3))
	}
	if b.chance(45) {
		t.priority = who(int64(b.rng.IntN(4)))
	}
	t.unread = []int{0, 0, 0, 1, 2, 3, 5, 12, neverSeen, neverSeen}[b.rng.IntN(10)]
}

func who(id int64) *int64 { return &id }

// teamOf gives a team that the assignee is in, since Chatwoot removes an assignee who is not.
func teamOf(assignee *int64, n int) *int64 {
	if assignee == nil {
		return who([]int64{Sales, Returns, Billing}[n])
	}
	teams := map[int64]int64{Ivy: Sales, Liam: Sales, Noor: Returns, Pia: Returns, Eve: Returns, Max: Billing, Tomas: Billing}
	if team, ok := teams[*assignee]; ok {
		return &team
	}
	return nil
}

// landmark sets the conversations that tests know by display id.
func (b *builder) landmark(t *conversation) {
	set := func(status int64, assignee, team, priority *int64, unread int, labels ...string) {
		t.status, t.assignee, t.team, t.priority, t.unread, t.labels = status, assignee, team, priority, unread, labels
	}
	switch t.display {
	case 1:
		set(open, who(Max), who(Billing), who(3), 12, "billing", "vip")
	case 2:
		set(open, who(Eve), nil, who(2), neverSeen, "shipping")
	case 3:
		set(open, nil, nil, nil, 3)
	case 4:
		set(pending, nil, nil, nil, 1)
		t.bot = who(1)
	case 5:
		set(snoozed, who(Max), nil, who(1), 0, "returns")
	case 6:
		set(resolved, who(Eve), who(Returns), who(0), 0, "returns", "Wholesale")
	case 69:
		set(open, nil, who(Billing), who(2), 2, "billing")
	case 70:
		set(open, who(Max), who(Billing), nil, 1, "billing")
	case 71:
		set(open, who(Tomas), nil, nil, 1, "billing")
	case 72: // to an agent of no inbox: she was taken out of it later
		set(open, who(Zoe), nil, nil, 1)
	case 37, 38:
		set(pending, nil, nil, nil, 1)
		t.bot = who(1)
	}
	if t.display <= 6 {
		t.length = 30
	}
	if t.unread > 10 {
		t.length = 34
	}
}

// settle decides when a conversation was last active and what follows from its status.
func (b *builder) settle(t *conversation) {
	room := b.now.Sub(t.created) - time.Hour
	switch {
	case t.display <= 60:
		t.last = b.now.Add(-time.Duration(t.display*47+10) * time.Minute)
	case t.status == resolved:
		t.last = t.created.Add(min(time.Duration(20+b.rng.IntN(300))*time.Hour, room))
	default:
		t.last = b.now.Add(-min(time.Duration(b.rng.IntN(60*24*25)+70)*time.Minute, room-time.Hour))
	}
	if t.status == snoozed {
		until := b.now.Add(time.Duration(6+t.display%90) * time.Hour)
		t.snoozed = &until
	}
	if t.contact.blocked {
		t.status, t.snoozed = resolved, nil
	}
}
