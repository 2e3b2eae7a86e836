package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// table is rows of one of Chatwoot's tables, ready for COPY; columns it does not name take their defaults.
type table struct {
	name    string
	columns []string
	rows    [][]any
}

func newTable(name, columns string) *table {
	return &table{name: name, columns: strings.Fields(columns)}
}

func (t *table) add(values ...any) { t.rows = append(t.rows, values) }

// people makes the account, its agents and its inboxes.
func (g *generator) people() []*table {
	accounts := newTable("accounts", "id name created_at updated_at")
	accounts.add(g.accountID, "Bench", epoch, epoch)
	users := newTable("users", "id uid email name display_name confirmed_at created_at updated_at")
	members := newTable("account_users", "account_id user_id role created_at updated_at")
	tokens := newTable("access_tokens", "owner_type owner_id token created_at updated_at")
	for id := int64(1); id <= agents; id++ {
		email := fmt.Sprintf("agent%d@bench.example", id)
		var display any
		if id%3 == 0 {
			display = firstNames[id%int64(len(firstNames))].name
		}
		users.add(id, email, email, lastNames[id%int64(len(lastNames))].name, display, epoch, epoch, epoch)
		members.add(g.accountID, id, 0, epoch, epoch)
		tokens.add("User", id, token(id), epoch, epoch)
	}
	channels := newTable("channel_api", "id account_id identifier hmac_token created_at updated_at")
	boxes := newTable("inboxes", "id channel_id account_id name channel_type created_at updated_at")
	inboxMembers := newTable("inbox_members", "user_id inbox_id created_at updated_at")
	for id := int64(1); id <= inboxes; id++ {
		channels.add(id, g.accountID, fmt.Sprintf("channel%d", id), fmt.Sprintf("hmac%d", id), epoch, epoch)
		boxes.add(id, id, g.accountID, fmt.Sprintf("Inbox %d", id), "Channel::Api", epoch, epoch)
		for agent := int64(1); agent <= agents; agent++ {
			if memberOf(agent, id) {
				inboxMembers.add(agent, id, epoch, epoch)
			}
		}
	}
	bots := newTable("agent_bots", "id name account_id created_at updated_at")
	bots.add(int64(1), "Helper", g.accountID, epoch, epoch)
	return []*table{accounts, users, members, tokens, channels, boxes, inboxMembers, bots}
}

// plan decides about every conversation before its messages are made.
func (g *generator) plan() {
	g.talks = make([]talk, g.conversations)
	left := g.messages
	for i := range g.talks {
		t := &g.talks[i]
		t.contact = 1 + g.rng.Int64N(int64(g.contacts))
		t.inbox = homeInbox(t.contact)
		if !g.chance(6) {
			t.assignee = g.agentOf(t.inbox)
		}
		t.count = 6
		if i < g.long {
			t.count = 60 + g.rng.IntN(80)
		}
		left -= t.count
	}
	for ; left > 0; left-- { // the rest goes to the short ones, most to the first of them
		i := g.long + min(g.rng.IntN(g.conversations-g.long), g.rng.IntN(g.conversations-g.long))
		g.talks[i].count++
	}
	g.rng.Shuffle(len(g.talks), func(i, j int) { g.talks[i], g.talks[j] = g.talks[j], g.talks[i] })
	for i := range g.talks {
		t := &g.talks[i]
		length := time.Duration(t.count) * (2*time.Minute + g.within(4*time.Hour))
		t.began = epoch.Add(g.within(history - length)).Truncate(time.Microsecond)
		t.last = t.began.Add(length)
	}
	slices.SortFunc(g.talks, func(a, b talk) int { return a.began.Compare(b.began) })
}

func (g *generator) agentOf(inbox int64) int64 {
	for {
		if agent := 1 + g.rng.Int64N(agents); memberOf(agent, inbox) {
			return agent
		}
	}
}

// line is a message before it has an id.
type line struct {
	talk int // index of its conversation
	at   time.Time
}

// lines makes every message's time; ids follow it, so that a thread's rows lie scattered, as they do in a table that
// grew by the day.
func (g *generator) lines() []line {
	list := make([]line, 0, g.messages)
	for i := range g.talks {
		t := &g.talks[i]
		every := t.last.Sub(t.began) / time.Duration(t.count)
		unread := g.rng.IntN(2 * t.count) // often more than there are: then all are read
		for n := range t.count {
			at := t.began.Add(time.Duration(n)*every + g.within(every)).Truncate(time.Microsecond)
			list = append(list, line{talk: i, at: at})
			if n == t.count-1-unread%t.count && !g.chance(5) {
				t.seen = &at
			}
		}
		t.last = list[len(list)-1].at
	}
	slices.SortFunc(list, func(a, b line) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.talk, b.talk)) })
	return list
}
