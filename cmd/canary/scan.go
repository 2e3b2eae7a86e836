package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/leaktest"
)

// ledger searches whatever comes out, counts it, and keeps what was found.
type ledger struct {
	hidden *leaktest.Needles // what no masked viewer may be answered
	sealed *leaktest.Needles // what may stand in no log, span, metric, cache, error or record: messages as well

	secrets *leaktest.Needles // credentials: they are among sealed, and may stand in no answer to anybody, but for one place, and in no row

	mu       sync.Mutex
	surfaces map[string]*tally
	viewers  map[string]*tally
	codes    map[string]int64 // of errors in answers, by round and code
	kinds    map[string]*finding
	order    []*finding
}

// tally is what was looked at.
type tally struct{ items, bytes, findings int64 }

// finding is one kind of thing that was found, by its first case.
type finding struct {
	Surface  string
	Viewer   string
	Round    string
	Name     string // of what was asked
	Where    string // enough to ask it again, or where something was left behind
	odd      bool
	What     string
	Hit      *leaktest.Hit // nil for an answer that is no leak and yet should not be
	Cases    int64
	Evidence string // what the server logged
}

func newLedger(demo schema.Data) *ledger {
	accounts := []int64{0, schema.Acme, schema.Borealis}
	return &ledger{
		hidden: leaktest.Hidden(demo, accounts...), sealed: leaktest.Sealed(demo, accounts...),
		secrets:  leaktest.NewNeedles(),
		surfaces: make(map[string]*tally), viewers: make(map[string]*tally),
		codes: make(map[string]int64), kinds: make(map[string]*finding),
	}
}

// secret adds a credential to what may stand nowhere; before anything is searched.
func (l *ledger) secret(carrier, text string) {
	for _, n := range []*leaktest.Needles{l.sealed, l.secrets} {
		n.Plant(carrier, text)
		n.PlantText(carrier, hex.EncodeToString([]byte(text)))
	}
}

// traceSecrets searches where personal values may lie, and credentials may not.
func (l *ledger) traceSecrets(surface, where string, text []byte) {
	l.count(surface, text)
	for _, hit := range distinct(l.secrets.FindInAnswer(text)) {
		l.note(finding{Surface: surface, Where: where, Hit: &hit})
	}
}

// trace searches what a server left behind somewhere: nothing personal may be there, whoever asked.
func (l *ledger) trace(surface, where string, text []byte) {
	l.count(surface, text)
	for _, hit := range distinct(l.sealed.FindInAnswer(text)) {
		l.note(finding{Surface: surface, Where: where, Hit: &hit})
	}
}

// fault notes what should not be and is no leak.
func (l *ledger) fault(surface, what string) { l.note(finding{Surface: surface, What: what}) }

// answer searches what a viewer was sent: for what is hidden from those who are masked, and for secrets.
func (l *ledger) answer(a asked, r *reply) {
	l.count("answers", r.body)
	l.count("headers", r.header)
	l.countViewer(a.viewer.name, len(r.body)+len(r.header))
	about := finding{Viewer: a.viewer.name, Round: a.round.name, Name: a.name, Where: a.String(), odd: a.odd}
	held := []*leaktest.Needles{l.secrets, l.hidden}
	if a.viewer.shown {
		held = held[:1]
	}
	var body, header []leaktest.Hit
	for _, n := range held {
		body, header = append(body, n.FindInAnswer(r.body)...), append(header, n.Find(r.header)...)
	}
	body = slices.DeleteFunc(body, func(hit leaktest.Hit) bool { return given(a.viewer, hit.Path, hit.Carrier) })
	for surface, hits := range map[string][]leaktest.Hit{"answers": body, "headers": header, "errors": l.errors(a, r.body)} {
		for _, hit := range distinct(hits) {
			found := about
			found.Surface, found.Hit = surface, &hit
			l.note(found)
		}
	}
	if what := wrong(a, r); what != "" {
		found := about
		found.Surface, found.What, found.Evidence = "answers", what, a.server.errorOf(r.requestID)
		l.note(found)
	}
}

// wrong says what is wrong with an answer that is no leak: a failure inside the server, or no GraphQL at all.
func wrong(a asked, r *reply) string {
	switch {
	case bytes.Contains(r.body, []byte(`"SEALED_UNREADABLE"`)) && !a.round.blind:
		return "SEALED_UNREADABLE"
	case a.round.faulty:
		return ""
	case bytes.Contains(r.body, []byte(`"INTERNAL"`)):
		return "INTERNAL"
	case r.status >= 500:
		return "status 5xx"
	case !a.odd && !json.Valid(r.body):
		return "an answer that is no JSON"
	}
	return ""
}

// errors searches the errors of an answer, where not even texts that are history may stand, and counts their codes.
func (l *ledger) errors(a asked, body []byte) []leaktest.Hit {
	if !bytes.Contains(body, []byte(`"errors"`)) {
		return nil
	}
	var answer struct{ Errors json.RawMessage }
	if json.Unmarshal(body, &answer) != nil || len(answer.Errors) == 0 {
		return nil
	}
	var list []struct {
		Extensions struct{ Code string }
	}
	_ = json.Unmarshal(answer.Errors, &list) // what is no list has no codes
	l.count("errors", answer.Errors)
	l.mu.Lock()
	for _, e := range list {
		l.codes[a.round.name+": "+e.Extensions.Code]++
	}
	l.mu.Unlock()
	if a.viewer.shown {
		return l.secrets.FindInAnswer(answer.Errors)
	}
	return l.sealed.FindInAnswer(answer.Errors)
}

func (l *ledger) count(surface string, text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	tallyOf(l.surfaces, surface).add(len(text))
}

func (l *ledger) countViewer(viewer string, size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	tallyOf(l.viewers, viewer).add(size)
}

func (t *tally) add(size int) {
	t.items++
	t.bytes += int64(size)
}

func tallyOf(tallies map[string]*tally, name string) *tally {
	if tallies[name] == nil {
		tallies[name] = new(tally)
	}
	return tallies[name]
}

// distinct keeps the first hit of each place: one value is planted in several carriers and found in several forms. Where
// the place is not known, it keeps what is no part of another hit's text.
func distinct(hits []leaktest.Hit) []leaktest.Hit {
	var kept []leaktest.Hit
	for _, h := range hits {
		if !slices.ContainsFunc(kept, func(k leaktest.Hit) bool {
			return k.Path == h.Path && (h.Path != "" || strings.Contains(k.Text, h.Text))
		}) {
			kept = append(kept, h)
		}
	}
	return kept
}

var listPlace = regexp.MustCompile(`\[\d+\]`)

// note counts a finding, and keeps the first of its kind: what, where in the schema, and to whom.
func (l *ledger) note(f finding) {
	kind := f.Surface + "\n" + f.Viewer + "\n" + f.What
	if f.Hit != nil {
		kind += "\n" + listPlace.ReplaceAllString(f.Hit.Path, "[]")
		if f.Hit.Path == "" {
			kind += f.Hit.Form
		}
	}
	if f.odd {
		kind += "\n" + f.Name
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	tallyOf(l.surfaces, f.Surface).findings++
	if f.Viewer != "" {
		tallyOf(l.viewers, f.Viewer).findings++
	}
	first := l.kinds[kind]
	if first == nil {
		first = &f
		l.kinds[kind], l.order = first, append(l.order, first)
	}
	first.Cases++
}

// findings gives what was found, by kind, in the order of their first cases.
func (l *ledger) findings() []finding {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]finding, len(l.order))
	for i, f := range l.order {
		list[i] = *f
	}
	return list
}

// seen gives how much was looked at on a surface.
func (l *ledger) seen(surface string) tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *tallyOf(l.surfaces, surface)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
