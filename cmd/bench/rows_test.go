package main

import (
	"testing"
	"unicode/utf8"
)

func TestPlanMakesExactlyTheMessagesAskedFor(t *testing.T) {
	t.Parallel()
	g := newGenerator(small, 1)
	g.plan()
	messages, long := 0, 0
	for _, talk := range g.talks {
		messages += talk.count
		if talk.count >= 60 {
			long++
		}
		if talk.assignee != 0 && !memberOf(talk.assignee, talk.inbox) {
			t.Fatalf("agent %d has a conversation of inbox %d, where it is no member", talk.assignee, talk.inbox)
		}
	}
	if messages != small.messages {
		t.Errorf("there are %d messages, want %d", messages, small.messages)
	}
	if long < small.long {
		t.Errorf("%d conversations have 60 messages or more, want at least %d", long, small.long)
	}
	if lines := g.lines(); len(lines) != small.messages {
		t.Errorf("there are %d lines, want %d", len(lines), small.messages)
	}
}

func TestLinesComeInTheOrderOfTime(t *testing.T) {
	t.Parallel()
	g := newGenerator(small, 1)
	g.plan()
	lines := g.lines()
	for i := 1; i < len(lines); i++ {
		if lines[i].at.Before(lines[i-1].at) {
			t.Fatalf("line %d was written before line %d", i, i-1)
		}
	}
}

func TestRowsAreTheSameEveryTime(t *testing.T) {
	t.Parallel()
	a, b := newGenerator(small, 1), newGenerator(small, 1)
	for range 100 {
		if x, y := a.prose(), b.prose(); x != y {
			t.Fatalf("two generators wrote %q and %q", x, y)
		}
	}
}

func TestProseIsAboutEightyCharacters(t *testing.T) {
	t.Parallel()
	g := newGenerator(small, 1)
	sum := 0
	const texts = 5000
	for range texts {
		s := g.prose()
		if !utf8.ValidString(s) {
			t.Fatalf("%q is not UTF-8", s)
		}
		sum += utf8.RuneCountInString(s)
	}
	if average := sum / texts; average < 75 || average > 90 {
		t.Errorf("a text has %d characters on average, want about 80", average)
	}
}

func TestEveryAgentMissesSomeInboxes(t *testing.T) {
	t.Parallel()
	for agent := int64(1); agent <= agents; agent++ {
		n := 0
		for inbox := int64(1); inbox <= inboxes; inbox++ {
			if memberOf(agent, inbox) {
				n++
			}
		}
		if n != inboxesOfAgent {
			t.Errorf("agent %d is in %d inboxes, want %d", agent, n, inboxesOfAgent)
		}
	}
}

func TestAddressesAreUnique(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for id := int64(1); id <= int64(full.contacts); id++ {
		for _, address := range []string{emailOf(id), phoneOf(id)} {
			if seen[address] {
				t.Fatalf("%s comes twice", address)
			}
			seen[address] = true
		}
	}
}
