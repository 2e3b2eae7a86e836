package main

import (
	"fmt"
	"time"
)

var (
	plans   = []string{"free", "starter", "pro", "enterprise"}
	regions = []string{"EMEA", "APAC", "Americas"}
	labels  = []string{"", "", "billing", "delivery", "billing, vip", "delivery, refund, vip"}
)

// customers makes contacts and their places in inboxes. lastActivity is by contact, zero for those that never wrote.
func (g *generator) customers(lastActivity []time.Time) []*table {
	contacts := newTable("contacts", `id name email phone_number account_id created_at updated_at additional_attributes custom_attributes
 last_activity_at contact_type`)
	places := newTable("contact_inboxes", "id contact_id inbox_id source_id created_at updated_at")
	for id := int64(1); id <= int64(g.contacts); id++ {
		custom := fmt.Sprintf(`{"plan": %q, "seats": %d}`, pick(g, plans), 1+g.rng.IntN(500))
		if g.chance(50) {
			custom = fmt.Sprintf(`{"plan": %q, "region": %q, "trial": %t}`, pick(g, plans), pick(g, regions), g.chance(50))
		}
		var last any
		if at := lastActivity[id]; !at.IsZero() {
			last = at
		}
		contacts.add(id, nameOf(id), emailOf(id), phoneOf(id), g.accountID, epoch, epoch,
			fmt.Sprintf(`{"city": "Lisbon", "company_name": "Company %d"}`, id%97), custom, last, 1)
		places.add(id, id, homeInbox(id), fmt.Sprintf("source-%d", id), epoch, epoch)
	}
	return []*table{contacts, places}
}

// conversationTable makes the conversations; a trigger numbers them in the order of their rows, as their ids are.
func (g *generator) conversationTable() *table {
	t := newTable("conversations", `id account_id inbox_id status assignee_id created_at updated_at contact_id display_id agent_last_seen_at
 contact_inbox_id last_activity_at cached_label_list`)
	for i := range g.talks {
		c := &g.talks[i]
		status := 0
		if !g.chance(g.openPercent) {
			status = 1 + g.rng.IntN(20)/18 + g.rng.IntN(20)/19 // most are resolved
		}
		var assignee, seen any
		if c.assignee != 0 {
			assignee = c.assignee
		}
		if c.seen != nil {
			seen = *c.seen
		}
		id := int64(i + 1)
		t.add(id, g.accountID, c.inbox, status, assignee, c.began, c.last, c.contact, id, seen, c.contact, c.last, pick(g, labels))
	}
	return t
}

func (g *generator) lastActivity() []time.Time {
	last := make([]time.Time, g.contacts+1)
	for i := range g.talks {
		if t := &g.talks[i]; t.last.After(last[t.contact]) {
			last[t.contact] = t.last
		}
	}
	return last
}

const messageColumns = `id content account_id inbox_id conversation_id message_type created_at updated_at private status sender_type sender_id`

// message gives the row of one line.
func (g *generator) message(id int64, l line) []any {
	t := &g.talks[l.talk]
	var senderType, sender any
	kind, status, private := 0, 0, false
	switch n := g.rng.IntN(100); {
	case n < 47:
		senderType, sender = "Contact", t.contact
	case n < 90:
		kind, status, private = 1, g.rng.IntN(3), g.chance(5)
		senderType, sender = "User", 1+g.rng.Int64N(agents)
		if t.assignee != 0 && !g.chance(10) {
			sender = t.assignee
		}
	case n < 93:
		kind, senderType, sender = 1, "AgentBot", int64(1)
	case n < 98:
		kind = 2
	default:
		kind = 3
	}
	return []any{id, g.prose(), g.accountID, t.inbox, int64(l.talk + 1), kind, l.at, l.at, private, status, senderType, sender}
}
