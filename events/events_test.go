package events

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

// journal is a log that several goroutines write.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func newBus(t *testing.T, options *redis.Options) (*Bus, *redis.Client, *journal) {
	t.Helper()
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	j := new(journal)
	return New(client, slog.New(slog.NewTextHandler(j, nil))), client, j
}

func realRedis(t *testing.T) *redis.Options {
	t.Helper()
	options, err := redis.ParseURL(os.Getenv("TEST_REDIS_URL"))
	if err != nil {
		t.Fatal("run the tests with make test, or set TEST_REDIS_URL")
	}
	return options
}

// listen starts listening and waits until the subscription stands. Other tests' events come over the same Redis, so
// a test asks for its own ids only.
func listen(t *testing.T, b *Bus) <-chan Event {
	t.Helper()
	heard := make(chan Event, 1024)
	ready, done := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(done)
		b.Listen(ctx, func() { close(ready) }, func(e Event) { heard <- e })
	}()
	t.Cleanup(func() { cancel(); <-done })
	<-ready
	return heard
}

func next(t *testing.T, heard <-chan Event, ids ...int64) Event {
	t.Helper()
	for {
		select {
		case <-t.Context().Done():
			t.Fatal("nothing was heard")
		case e := <-heard:
			for _, id := range ids {
				if e.ID == id {
					return e
				}
			}
		}
	}
}

func TestEveryReplicaHears(t *testing.T) {
	t.Parallel()
	teller, _, _ := newBus(t, realRedis(t))
	one, _, _ := newBus(t, realRedis(t))
	two, _, _ := newBus(t, realRedis(t))
	listeners := []<-chan Event{listen(t, teller), listen(t, one), listen(t, two)}
	base := rand.Int64N(1 << 60)
	sent := []Event{{AgentChanged, base}, {AccountChanged, base + 1}, {SessionChanged, base + 2}}
	for _, e := range sent {
		if err := teller.Publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	for i, heard := range listeners {
		for _, want := range sent {
			if got := next(t, heard, base, base+1, base+2); got != want {
				t.Errorf("listener %d heard %+v, want %+v", i, got, want)
			}
		}
	}
}

func TestBadPayloadsAreIgnored(t *testing.T) {
	t.Parallel()
	bus, client, log := newBus(t, realRedis(t))
	heard := listen(t, bus)
	id := rand.Int64N(1 << 60)
	for _, payload := range []string{"", "{", `"ann@customer.example"`, `[1]`, `{"kind":"agent","id":"ann@customer.example"}`, "\xff\x00"} {
		if err := client.Publish(t.Context(), channel, payload).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := bus.Publish(t.Context(), Event{AgentChanged, id}); err != nil {
		t.Fatal(err)
	}
	if e := next(t, heard, id); e.Kind != AgentChanged {
		t.Errorf("heard %+v", e)
	}
	if n := strings.Count(log.String(), "could not be read"); n < 6 {
		t.Errorf("%d warnings, want 6 or more", n)
	}
	if strings.Contains(log.String(), "customer.example") {
		t.Error("the log quotes a payload")
	}
}

func TestRedisDown(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	bus, _, log := newBus(t, &redis.Options{Addr: address, MaxRetries: -1})
	if err := bus.Publish(t.Context(), Event{AgentChanged, 1}); err == nil {
		t.Error("an event was published into nothing")
	}
	_ = listen(t, bus) // ready all the same: a program must start without Redis
	if !strings.Contains(log.String(), "events are not heard") {
		t.Errorf("the log does not say so: %s", log)
	}
}

func TestListenEndsWithItsContext(t *testing.T) {
	t.Parallel()
	bus, _, _ := newBus(t, realRedis(t))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		bus.Listen(ctx, nil, func(Event) {})
	}()
	cancel()
	<-done
	bus.Listen(ctx, nil, func(Event) {}) // and does not begin after it
}
