package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
)

// load is readers and writers at several servers at once. Every fault is kept; none is allowed.
type load struct {
	ctx     context.Context
	stop    context.CancelFunc
	group   sync.WaitGroup
	clients []client

	reads, writes, lost, found atomic.Int64

	mu     sync.Mutex
	faults []string
}

// startLoad asks every steady question once, and then over and over at every server; writers race for addresses.
func startLoad(t *testing.T, r *rotating) *load {
	t.Helper()
	l := &load{}
	l.ctx, l.stop = context.WithCancel(t.Context())
	for _, p := range r.servers {
		l.clients = append(l.clients, newClient(t, p))
	}
	t.Cleanup(l.end)
	for _, viewer := range viewersOfLoad {
		for _, name := range slices.Sorted(maps.Keys(steady)) {
			if name == "look-up" && viewer == schema.Max {
				continue // a masked viewer's look-ups have a budget
			}
			o, err := l.clients[0].ask(t.Context(), viewer, steady[name])
			want, ok := data(o.body)
			if err != nil || !ok || len(want) < 20 {
				t.Fatalf("%s before anything was rotated: %v, %.500s", name, err, o.body)
			}
			for i := range l.clients {
				l.group.Go(func() { l.read(i, viewer, name, want) })
			}
		}
	}
	for writer := range 2 {
		l.group.Go(func() { l.race(writer) })
	}
	return l
}

func (l *load) end() {
	l.stop()
	l.group.Wait()
}

func (l *load) fault(format string, args ...any) {
	if l.ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// wait paces a client, so that the servers have time for the others.
func (l *load) wait() bool {
	timer := time.NewTimer(pace)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.ctx.Done():
		return false
	}
}

// read asks one question over and over, and compares.
func (l *load) read(server int, viewer int64, name, want string) {
	for l.wait() {
		o, err := l.clients[server].ask(l.ctx, viewer, steady[name])
		got, ok := data(o.body)
		switch {
		case err != nil:
			l.fault("server %d, %s: %v", server, name, err)
		case !ok || got != want:
			l.fault("server %d, %s of user %d: status %d, %.700s", server, name, viewer, o.status, o.body)
		}
		l.reads.Add(1)
	}
}

// race has every server create a contact with the same address: one may. Every server must find it at once, and after
// it has moved find it at its new address and no more at its old one.
func (l *load) race(writer int) {
	for n := 0; l.wait(); n++ {
		address := fmt.Sprintf("racer-%d-%d@rotation.example", writer, n)
		id := l.create(address)
		if id == "" {
			continue
		}
		l.find(address, id)
		moved := "moved-" + address
		at := n % len(l.clients)
		body, err := l.mutate(at, fmt.Sprintf(`mutation { updateContact(input: {accountId: "1", contactId: "%s", email: "%s"}) { contact { id email } } }`, id, moved))
		if got, ok := data(body); err != nil || !ok || !strings.Contains(got, moved) {
			l.fault("server %d, move contact %s: %v, %.500s", at, id, err, body)
			continue
		}
		l.find(moved, id)
		l.find(address, "")
	}
}

func (l *load) mutate(server int, document string) ([]byte, error) {
	l.writes.Add(1)
	o, err := l.clients[server].ask(l.ctx, schema.Eve, document)
	return o.body, err
}

// create races for an address and gives the id of the one contact that got it.
func (l *load) create(address string) string {
	bodies := make([][]byte, len(l.clients))
	var group sync.WaitGroup
	for i := range l.clients {
		group.Go(func() {
			var err error
			bodies[i], err = l.mutate(i, fmt.Sprintf(`mutation { createContact(input: {accountId: "1", name: "Racer", email: "%s"}) { contact { id } } }`, address))
			if err != nil {
				l.fault("server %d, create a contact: %v", i, err)
			}
		})
	}
	group.Wait()
	var ids []string
	for i, body := range bodies {
		var answer struct {
			Data *struct {
				CreateContact *struct{ Contact struct{ ID string } }
			}
			Errors []struct{ Extensions struct{ Code string } }
		}
		switch err := json.Unmarshal(body, &answer); {
		case err == nil && answer.Data != nil && answer.Data.CreateContact != nil:
			ids = append(ids, answer.Data.CreateContact.Contact.ID)
		case err == nil && len(answer.Errors) == 1 && answer.Errors[0].Extensions.Code == "CONFLICT":
			l.lost.Add(1)
		default:
			l.fault("server %d, create a contact: %.500s", i, body)
		}
	}
	if len(ids) != 1 {
		l.fault("%d contacts have the address %s", len(ids), address)
		return ""
	}
	return ids[0]
}

// find looks an address up at every server; id is "" where nobody may have it.
func (l *load) find(address, id string) {
	for i, c := range l.clients {
		o, err := c.ask(l.ctx, schema.Eve, fmt.Sprintf(`{ account(id: "1") { lookupContact(input: {email: "%s"}) { id email } } }`, address))
		got, ok := data(o.body)
		want := `{"account":{"lookupContact":null}}`
		if id != "" {
			want = fmt.Sprintf(`{"account":{"lookupContact":{"id":"%s","email":"%s"}}}`, id, address)
		}
		if err != nil || !ok || got != want {
			l.fault("server %d, look %s up: %v, %.500s, want %s", i, address, err, o.body, want)
			continue
		}
		l.found.Add(1)
	}
}

// judge reports every fault, and load that was too little to show anything.
func (l *load) judge(t *testing.T) {
	t.Helper()
	t.Logf("%d answers compared, %d writes of which %d lost a race, %d look-ups right", l.reads.Load(), l.writes.Load(), l.lost.Load(), l.found.Load())
	for i, fault := range l.faults {
		if i == 20 {
			t.Errorf("and %d more", len(l.faults)-i)
			break
		}
		t.Error(fault)
	}
	if l.reads.Load() < 500 || l.writes.Load() < 100 || l.found.Load() < 100 {
		t.Error("that is too little load to show anything")
	}
}
