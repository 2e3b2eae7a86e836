package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/documents"
	"github.com/cloakroom/cloakroom/leaktest"
)

// search is a whole run: false when something was found.
func search(ctx context.Context, o options) (clean bool, err error) {
	began := time.Now()
	h, err := prepare(ctx, o)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, h.remove()) }()
	postgres := newServerLog(o.database)
	spans, err := newCollector(h.ledger)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, spans.close()) }()
	if err := h.start(ctx, spans.url); err != nil {
		return false, err
	}
	err = h.rounds(ctx)
	if err == nil {
		err = h.surfaces(ctx)
	}
	h.open.stop()
	h.trusted.stop()
	postgres.search(h.ledger)
	if err == nil {
		h.mustHaveLooked(spans)
	}
	h.report(os.Stdout, time.Since(began))
	return len(h.ledger.findings()) == 0, err
}

// prepare makes an installation with the demo in it, and everybody who asks.
func prepare(ctx context.Context, o options) (*harness, error) {
	i, err := install(ctx, o)
	if err != nil {
		return nil, err
	}
	h := &harness{options: o, installation: i, client: newClient(o.connections)}
	var viewers []viewer
	for _, s := range []struct {
		what string
		do   func() error
	}{
		{"looking out for every form of every planted value", func() (err error) {
			h.ledger = newLedger(i.demo)
			h.questions, err = newQuestions(i.demo, o.quick)
			return err
		}},
		{"making the demo", func() error { return h.seedDemo(ctx) }},
		{"making credentials", func() (err error) { viewers, err = i.castViewers(ctx, h.ledger, o.server); return err }},
		{"planting secrets", func() (err error) {
			if err = h.plantSecrets(ctx); err == nil {
				h.questions.vault, err = h.vaultQuestions()
				h.secrets.plantInto(h.ledger)
			}
			return err
		}},
	} {
		if err := step(s.what, s.do); err != nil {
			return nil, errors.Join(err, i.remove())
		}
	}
	for _, v := range viewers {
		switch {
		case v.shown:
			h.shown = append(h.shown, v)
		case len(o.viewers) == 0 || slices.Contains(o.viewers, v.name):
			h.masked = append(h.masked, v)
		}
	}
	return h, nil
}

func (h *harness) seedDemo(ctx context.Context) error {
	for _, args := range [][]string{{"migrate", "up"}, {"seed"}} {
		if _, err := h.command(ctx, h.ledger, h.server, args...); err != nil {
			return err
		}
	}
	return nil
}

// start starts a server where any document runs and one where only those of the manifest do.
func (h *harness) start(ctx context.Context, spans string) error {
	settings := []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + spans, "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_TRACES_SAMPLER=always_on", "OTEL_BSP_SCHEDULE_DELAY=500"}
	var err error
	if h.open, err = h.serve(ctx, h.ledger, h.server, "server for any document", append(settings, "DOCUMENTS=any")...); err != nil {
		return err
	}
	if h.trusted, err = h.serve(ctx, h.ledger, h.server, "server for trusted documents", append(settings, "DOCUMENTS=trusted")...); err != nil {
		h.open.stop()
	}
	return err
}

func (h *harness) rounds(ctx context.Context) error {
	for _, s := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"values are shown to those who may see them", h.seeShown},
		{"masking both administrators, and the other account", h.maskMore},
		{"secrets are given to those who may have them, and stand nowhere else", h.guardSecrets},
		{"sound", h.sound},
		{"broken", func(ctx context.Context) error {
			if h.options.only >= 0 {
				return nil
			}
			return h.broken(ctx)
		}},
	} {
		if err := step(s.what, func() error { return s.do(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

// seeShown proves that the search can find: those who may see values see those of every carrier that has a field. It
// comes first, so that whatever a cache keeps of these answers is there for the others.
func (h *harness) seeShown(ctx context.Context) error {
	var mu sync.Mutex
	seen := make(map[string]bool) // viewer and carrier
	look := func(a asked, answer *reply) {
		hits := h.ledger.hidden.Find(answer.body)
		mu.Lock()
		defer mu.Unlock()
		for _, hit := range hits {
			seen[a.viewer.name+hit.Carrier] = true
		}
	}
	if err := h.ask(ctx, each(&round{name: "shown"}, h.open, h.shown, h.questions.walk, h.questions.threads), look); err != nil {
		return err
	}
	for _, v := range h.shown {
		for _, carrier := range leaktest.Shown {
			if !seen[v.name+carrier] {
				return fmt.Errorf("%s never sees a value of %s: the search could not find one either", v.name, carrier)
			}
		}
	}
	return nil
}

// maskMore masks an administrator and the super admin, and everybody in the account that is not sealed, with the
// mutations themselves, whose answers are searched as well.
func (h *harness) maskMore(ctx context.Context) error {
	root := slices.IndexFunc(cast, func(v viewer) bool { return v.user == schema.Root })
	tokens, err := h.accessTokens(ctx)
	if err != nil {
		return err
	}
	asking := cast[root]
	asking.header, asking.credential = "api_access_token", tokens[schema.Root]
	for _, m := range []struct{ document, input string }{
		{"SetFeatureFlag", `{"accountId": "2", "name": "contact_pii_masking", "enabled": true, "reason": "for the search"}`},
		{"SetPiiMasking", fmt.Sprintf(`{"agentId": "%d", "masked": true, "reason": "for the search", "expectedVersion": 0}`, schema.Ada)},
		{"SetPiiMasking", fmt.Sprintf(`{"agentId": "%d", "masked": true, "reason": "for the search", "expectedVersion": 0}`, schema.Root)},
	} {
		if err := h.change(ctx, asking, m.document, m.input); err != nil {
			return err
		}
	}
	for _, v := range h.masked {
		for _, server := range []*process{h.open, h.trusted} {
			err := until(ctx, v.name+" is masked", 20*time.Second, func() (bool, error) { return h.isMasked(ctx, server, v) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *harness) change(ctx context.Context, as viewer, name, input string) error {
	answer, err := h.askTrusted(ctx, h.trusted, as, name, map[string]any{"input": json.RawMessage(input)})
	// Whoever masks themselves is not shown the answer any more.
	if err == nil && bytes.Contains(answer.body, []byte(`"errors"`)) && !bytes.Contains(answer.body, []byte("what was asked is done")) {
		err = fmt.Errorf("%s %s: %s", name, input, answer.body)
	}
	return err
}

// isMasked asks a server whether values are hidden from a viewer wherever they belong.
func (h *harness) isMasked(ctx context.Context, server *process, v viewer) (bool, error) {
	masked := false
	for _, account := range []int64{schema.Acme, schema.Borealis} {
		answer, err := h.askTrusted(ctx, server, v, "Account", map[string]any{"accountId": account})
		if err != nil || bytes.Contains(answer.body, []byte(`"masked":false`)) {
			return false, err
		}
		masked = masked || bytes.Contains(answer.body, []byte(`"masked":true`))
	}
	return masked, nil
}

// askTrusted asks a document of the manifest by its operation's name.
func (h *harness) askTrusted(ctx context.Context, server *process, as viewer, name string, variables map[string]any) (*reply, error) {
	own, err := documents.Own()
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	for hash, text := range own {
		if found, err := documents.Name(text); err != nil || found != name {
			continue
		}
		q, err := posted(name, map[string]any{"documentId": hash, "variables": variables}, 0)
		if err != nil {
			return nil, err
		}
		return send(ctx, h.client, asked{q, as, server, new(round)})
	}
	return nil, fmt.Errorf("the manifest has no document %s", name)
}
