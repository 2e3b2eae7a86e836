package main

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// size says how much data there is. Every number of it is part of the data's fingerprint.
type size struct {
	name          string
	contacts      int
	conversations int
	messages      int
	long          int // conversations of 60 messages or more
	openPercent   int
}

const (
	agents         = 50
	inboxes        = 8
	inboxesOfAgent = 5
	generation     = 1 // raised whenever the rows change, so that kept data is made again
)

var (
	full  = size{name: "full", contacts: 20_000, conversations: 50_000, messages: 1_000_000, long: 400, openPercent: 40}
	small = size{name: "small", contacts: 1_000, conversations: 2_500, messages: 50_000, long: 100, openPercent: 80}
)

func (s size) fingerprint(schema ...string) string {
	sum := fnv.New64a()
	fmt.Fprintf(sum, "%+v %d %q", s, generation, schema)
	return fmt.Sprintf("%s %x", s.name, sum.Sum64())
}

// epoch is when the installation began; the last message was written 400 days later.
var epoch = time.Date(2025, time.May, 1, 8, 0, 0, 0, time.UTC)

const history = 400 * 24 * time.Hour

// generator makes rows that are the same every time.
type generator struct {
	size
	accountID int64
	rng       *rand.Rand
	talks     []talk
}

// talk is a conversation while its messages are made.
type talk struct {
	contact  int64
	inbox    int64
	assignee int64 // 0 for nobody
	count    int
	began    time.Time
	last     time.Time
	seen     *time.Time // agent_last_seen_at
}

func newGenerator(s size, accountID int64) *generator {
	return &generator{size: s, accountID: accountID, rng: rand.New(rand.NewPCG(20_000, 50_000))} // the data must be the same every time
}

func (g *generator) chance(percent int) bool { return g.rng.IntN(100) < percent }

func pick[T any](g *generator, list []T) T { return list[g.rng.IntN(len(list))] }

// memberOf says which inboxes an agent works in: five in a row of the eight, so that every agent misses some.
func memberOf(agent, inbox int64) bool {
	return (inbox-1-agent%inboxes+inboxes)%inboxes < inboxesOfAgent
}

func homeInbox(contact int64) int64 { return 1 + contact%inboxes }

// emailOf is known without reading a row: after sealing no row says it.
func emailOf(contact int64) string {
	return fmt.Sprintf("%s.%s%d@customer.example", firstNames[contact%int64(len(firstNames))].slug, lastNames[contact%int64(len(lastNames))].slug, contact)
}

func phoneOf(contact int64) string { return fmt.Sprintf("+1555%07d", contact) }

// nameOf gives one contact in twenty its phone number for a name, as channels do: such names are sealed.
func nameOf(contact int64) string {
	if contact%20 == 7 {
		return phoneOf(contact)
	}
	return firstNames[contact%int64(len(firstNames))].name + " " + lastNames[contact%int64(len(lastNames))].name
}

// token is an agent's access token of Chatwoot: fixed, for a database that nobody else gets to see.
func token(agent int64) string { return fmt.Sprintf("benchAccessToken%08d", agent) }

// within gives a time from 0 to below d.
func (g *generator) within(d time.Duration) time.Duration {
	return time.Duration(g.rng.Int64N(int64(d)))
}
