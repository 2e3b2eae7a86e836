package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/leaktest"
)

// round is one state of the installation in which everybody asks.
type round struct {
	name   string
	faulty bool // something is broken on purpose: a failure that shows nothing is no finding
	blind  bool // the policy cannot be read, and with it which account is sealed: rows of those that are not do not open
}

// harness is a run: the servers under test, who asks, what is asked, and what came of it.
type harness struct {
	options
	*installation
	ledger    *ledger
	questions *questions
	secrets   *secrets
	masked    []viewer
	shown     []viewer
	open      *process // runs any document
	trusted   *process // runs those of the manifest
	client    *http.Client
	done      atomic.Int64
}

// ask asks a list of requests as several connections do, and gives each answer to look, from several goroutines.
func (h *harness) ask(ctx context.Context, list func(yield func(asked) bool), look func(asked, *reply)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan asked)
	var all sync.WaitGroup
	for range h.connections {
		all.Go(func() {
			for a := range queue {
				if err := h.one(ctx, a, look); err != nil {
					cancel(err)
				}
			}
		})
	}
	for a := range list {
		if ctx.Err() != nil {
			break
		}
		queue <- a
	}
	close(queue)
	all.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func (h *harness) one(ctx context.Context, a asked, look func(asked, *reply)) error {
	r, err := send(ctx, h.client, a)
	if err != nil {
		return errors.Join(err, a.server.ended())
	}
	h.done.Add(1)
	look(a, r)
	return nil
}

// each gives every request to every viewer.
func each(r *round, server *process, viewers []viewer, lists ...[]request) func(yield func(asked) bool) {
	return func(yield func(asked) bool) {
		for _, list := range lists {
			for _, q := range list {
				for _, v := range viewers {
					if !yield(asked{q, v, server, r}) {
						return
					}
				}
			}
		}
	}
}

// mutations is the share of random documents that would change something. All must be refused.
const mutations = 0.02

func (h *harness) generator(seed uint64) *leaktest.Generator {
	g := leaktest.NewGenerator(h.questions.schema, seed, leaktest.DemoValues(h.demo))
	g.Mutations = mutations
	return g
}

// random gives random documents, each to the next viewer.
func (h *harness) random(r *round, viewers []viewer, seed uint64, count int) func(yield func(asked) bool) {
	return func(yield func(asked) bool) {
		g := h.generator(seed)
		for n := range count {
			if !h.give(g.Document(), n/len(viewers), viewers[n%len(viewers):][:1], r, yield) {
				return
			}
		}
	}
}

// only gives one random document to everybody.
func (h *harness) only(r *round) func(yield func(asked) bool) {
	return func(yield func(asked) bool) {
		g := h.generator(h.seed)
		for range h.options.only {
			g.Document()
		}
		h.give(g.Document(), 0, h.masked, r, yield)
	}
}

// give hands a document to viewers, but for one that changes something to the super admin, who would unmask somebody.
func (h *harness) give(d leaktest.Document, n int, viewers []viewer, r *round, yield func(asked) bool) bool {
	q, err := document(d, n)
	if err != nil {
		h.ledger.fault("answers", err.Error())
		return false
	}
	for _, v := range viewers {
		if v.user == schema.Root && strings.Contains(d.Query, "mutation") {
			continue
		}
		if !yield(asked{q, v, h.open, r}) {
			return false
		}
	}
	return true
}

// sound is the round in which nothing is broken.
func (h *harness) sound(ctx context.Context) error {
	r := &round{name: "sound"}
	if h.options.only >= 0 {
		return h.ask(ctx, h.only(r), h.ledger.answer)
	}
	for _, part := range []struct {
		what string
		list func(yield func(asked) bool)
	}{
		{"trusted documents", each(r, h.trusted, h.masked, h.questions.trusted)},
		{"every path", each(r, h.open, h.masked, h.questions.walk)},
		{"every contact and thread", each(r, h.open, h.masked, h.questions.threads)},
		{"malformed requests", each(r, h.open, h.masked, h.questions.odd)},
		{"malformed requests where documents are trusted", each(r, h.trusted, h.masked[:min(2, len(h.masked))], h.questions.odd)},
		{fmt.Sprintf("%d random documents of seed %d", h.documents, h.seed), h.random(r, h.masked, h.seed, h.documents)},
	} {
		if err := h.part(ctx, r, part.what, part.list); err != nil {
			return err
		}
	}
	return nil
}

func (h *harness) part(ctx context.Context, r *round, what string, list func(yield func(asked) bool)) error {
	before, began := h.done.Load(), time.Now()
	tell := func() {
		say("%s: %s: %d answers in %.1f s, %d kinds of findings so far", r.name, what, h.done.Load()-before, time.Since(began).Seconds(), len(h.ledger.findings()))
	}
	finished := make(chan struct{})
	var progress sync.WaitGroup
	progress.Go(func() {
		tick := time.NewTicker(15 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				tell()
			case <-finished:
				return
			}
		}
	})
	err := h.ask(ctx, list, h.ledger.answer)
	close(finished)
	progress.Wait()
	tell()
	return err
}

// broken are the rounds in which nobody may see anything: the policy cannot be read, then Redis is gone as well, then
// the policy is back and Redis is not. In the last, values are shown again to those who may see them.
func (h *harness) broken(ctx context.Context) error {
	everybody := slices.Concat(h.masked, slices.DeleteFunc(slices.Clone(h.shown), func(v viewer) bool { return v.user == 0 }))
	if err := h.policy(ctx, false); err != nil {
		return err
	}
	if err := h.fault(ctx, &round{name: "policy unreadable", faulty: true, blind: true}, everybody, 1); err != nil {
		return err
	}
	h.proxy.Sever()
	if err := h.fault(ctx, &round{name: "policy unreadable, Redis gone", faulty: true, blind: true}, everybody, 2); err != nil {
		return err
	}
	if err := h.policy(ctx, true); err != nil {
		return err
	}
	if err := h.fault(ctx, &round{name: "Redis gone", faulty: true}, h.masked, 3); err != nil {
		return err
	}
	h.proxy.Mend()
	return nil
}

func (h *harness) fault(ctx context.Context, r *round, viewers []viewer, n uint64) error {
	share := h.documents / 10
	walk, odd := h.questions.walk, h.questions.odd
	if h.quick {
		walk, odd = walk[:len(walk)/4], nil
	}
	err := h.part(ctx, r, "trusted documents", each(r, h.trusted, viewers, h.questions.trusted))
	if err == nil {
		err = h.part(ctx, r, "every path", each(r, h.open, viewers, walk))
	}
	if err == nil {
		err = h.part(ctx, r, "malformed requests", each(r, h.open, viewers[:1], odd))
	}
	if err == nil {
		err = h.part(ctx, r, fmt.Sprintf("%d random documents of seed %d", share, h.seed+n), h.random(r, viewers, h.seed+n, share))
	}
	return err
}

// policy makes the masking policy readable or not, and waits until both servers have noticed.
func (h *harness) policy(ctx context.Context, readable bool) error {
	from, to := "agent_masking", "agent_masking_gone"
	if readable {
		from, to = to, from
	}
	if err := execute(ctx, h.databaseURL, "ALTER TABLE cloakroom."+from+" RENAME TO "+to); err != nil {
		return err
	}
	for _, server := range []*process{h.open, h.trusted} {
		for _, v := range h.shown {
			if v.user == 0 {
				continue
			}
			err := until(ctx, v.name+" notices that the policy has gone or come back", 20*time.Second, func() (bool, error) {
				masked, err := h.isMasked(ctx, server, v)
				return masked != readable, err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
