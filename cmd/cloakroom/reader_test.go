package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/leaktest"
)

// program finds the program under test: testscript puts this very test binary on the path under that name.
func program(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("cloakroom")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// hidden is what masking hides of the demo's first account.
func hidden(t testing.TB) *leaktest.Needles {
	t.Helper()
	return leaktest.Hidden(demo(t), schema.Acme)
}

func demo(t testing.TB) schema.Data {
	t.Helper()
	data, err := schema.Demo(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// shapes are ways to the same values: one record, a page of records, and threads with mail headers and senders.
var shapes = map[string]string{
	"contact": `{ account(id: "1") { contact(id: "1") { name email emailState phoneNumber identifier contactInboxes { sourceId } } } }`,
	"page":    `{ account(id: "1") { contacts(first: 25) { nodes { name email phoneNumber } } } }`,
	"threads": `{ account(id: "1") { conversations(first: 10) { nodes { contact { name email phoneNumber }
		messages(last: 4) { nodes { email { from to cc } sender { ... on Contact { email } } } } } } } }`,
}

// observation is one answer: when it was asked for and when its first byte arrived.
type observation struct {
	process, shape string
	viewer         int64
	asked, began   time.Time
	status         int
	hits           []leaktest.Hit
	body           []byte // kept where it holds a value or an error
}

func (o observation) String() string {
	return fmt.Sprintf("user %d, %s from %s", o.viewer, o.shape, o.process)
}

// client asks one server, over as many connections as it takes.
type client struct {
	*http.Client
	url    string
	tokens map[int64]string
}

func newClient(t testing.TB, p *production) client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	return client{&http.Client{Transport: transport}, "http://" + p.address + "/graphql", p.tokens}
}

// ask sends a document and gives the answer with the time of its first byte.
func (c client) ask(ctx context.Context, viewer int64, document string) (o observation, err error) {
	o = observation{viewer: viewer}
	body, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		return o, err
	}
	var began atomic.Pointer[time.Time] // a request that is given up may still hear of its first byte
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotFirstResponseByte: func() { began.Store(new(time.Now())) }})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return o, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("api_access_token", c.tokens[viewer])
	o.asked = time.Now()
	response, err := c.Do(r)
	if err != nil {
		return o, err
	}
	defer func() { _ = response.Body.Close() }()
	o.status, o.began = response.StatusCode, *began.Load()
	o.body, err = io.ReadAll(response.Body)
	return o, err
}

// readers poll servers until they are stopped, and keep what they saw.
type readers struct {
	needles *leaktest.Needles
	group   sync.WaitGroup
	stop    context.CancelFunc
	ctx     context.Context

	mu     sync.Mutex
	moved  chan struct{} // closed and made anew at every observation
	seen   []observation
	failed error
}

// pace is how long a reader waits between answers, so that the servers have time to answer at all.
const pace = 50 * time.Millisecond

func newReaders(t testing.TB) *readers {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &readers{needles: hidden(t), ctx: ctx, stop: stop, moved: make(chan struct{})}
	t.Cleanup(r.end)
	return r
}

// end stops the readers and waits for them.
func (r *readers) end() {
	r.stop()
	r.group.Wait()
}

// poll has a viewer ask for every shape, each over and over.
func (r *readers) poll(process string, c client, viewer int64) {
	for shape, document := range shapes {
		r.group.Go(func() {
			tick := time.NewTicker(pace)
			defer tick.Stop()
			for r.ctx.Err() == nil {
				o, err := c.ask(r.ctx, viewer, document)
				o.process, o.shape = process, shape
				r.note(o, err)
				select {
				case <-tick.C:
				case <-r.ctx.Done():
				}
			}
		})
	}
}

func (r *readers) note(o observation, err error) {
	if err != nil {
		if r.ctx.Err() == nil {
			r.mu.Lock()
			r.failed = errors.Join(r.failed, err)
			r.mu.Unlock()
		}
		return
	}
	o.hits = r.needles.Find(o.body)
	if len(o.hits) == 0 && !bytes.Contains(o.body, []byte(`"errors"`)) {
		o.body = nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, o)
	close(r.moved)
	r.moved = make(chan struct{})
}

// await waits until what was seen satisfies a condition, and fails with what was waited for.
func (r *readers) await(t testing.TB, what string, done func([]observation) bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		r.mu.Lock()
		seen, moved := r.seen, r.moved
		r.mu.Unlock()
		if done(seen) {
			return
		}
		select {
		case <-moved:
		case <-deadline:
			t.Fatalf("%s: not within 20 seconds; the last answers: %s", what, lastOf(seen))
		}
	}
}

// everyone says that each process has answered viewer in every shape as wanted, asked for after a time.
func everyone(processes map[string]*production, viewer int64, after time.Time, want func(observation) bool) func([]observation) bool {
	return func(seen []observation) bool {
		answered := make(map[[2]string]bool)
		for i := len(seen) - 1; i >= 0; i-- {
			if o := seen[i]; o.viewer == viewer && o.asked.After(after) && want(o) {
				answered[[2]string{o.process, o.shape}] = true
			}
		}
		return len(answered) == len(processes)*len(shapes)
	}
}

func shown(o observation) bool { return len(o.hits) > 0 }

// lastOf tells the last answers of each kind, for a failure.
func lastOf(seen []observation) string {
	last := make(map[string]string)
	for _, o := range seen {
		last[o.String()] = fmt.Sprintf("%d, %d values, %.300s", o.status, len(o.hits), o.body)
	}
	var lines []string
	for kind, answer := range last {
		lines = append(lines, kind+": "+answer)
	}
	slices.Sort(lines)
	return "\n" + strings.Join(lines, "\n")
}
