// Package events is the room of what changed: it tells every replica by id that something did, over Redis pub/sub.
// Events of our own writes come in; other replicas' events go to whoever listens.
// What never leaves is a payload: an event names a thing, and whoever cares reads it again under their own eyes.
package events

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// Kind says what sort of thing changed.
type Kind string

// The kinds of events.
const (
	AgentChanged   Kind = "agent"   // an agent's masking setting; ID is the user
	AccountChanged Kind = "account" // an account's flags or phases; ID is the account
	SessionChanged Kind = "session" // a user signed out; ID is the user
	KeysChanged    Kind = "keys"    // an account's keys, 0 being every account's; ID is the account
)

// Event names what changed.
type Event struct {
	Kind Kind  `json:"kind"`
	ID   int64 `json:"id"`
}

const channel = "cloakroom:events"

// Bus carries events between replicas.
type Bus struct {
	redis redis.UniversalClient
	log   *slog.Logger
}

// New makes a bus over a Redis client.
func New(client redis.UniversalClient, log *slog.Logger) *Bus { return &Bus{redis: client, log: log} }

// Publish tells every replica. An error means that some may learn of the change only when what they keep in
// memory runs out, which for policies and sessions is within a second.
func (b *Bus) Publish(ctx context.Context, e Event) error {
	payload, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode an event: %w", err)
	}
	if err := b.redis.Publish(ctx, channel, payload).Err(); err != nil {
		return fmt.Errorf("publish an event: %w", err)
	}
	return nil
}

// Listen calls react for every event until ctx ends; ready, if not nil, is called once the subscription stands.
// The client reconnects by itself; what is missed meanwhile runs out by itself.
func (b *Bus) Listen(ctx context.Context, ready func(), react func(Event)) {
	sub := b.redis.Subscribe(ctx, channel)
	defer func() { _ = sub.Close() }()
	if _, err := sub.Receive(ctx); err != nil && ctx.Err() == nil {
		b.log.WarnContext(ctx, "events are not heard: Redis does not answer", "error", err.Error())
	}
	if ready != nil {
		ready()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case m, open := <-sub.Channel():
			if !open {
				return
			}
			var e Event
			if err := json.Unmarshal([]byte(m.Payload), &e); err != nil {
				b.log.WarnContext(ctx, "an event could not be read")
				continue
			}
			react(e)
		}
	}
}
