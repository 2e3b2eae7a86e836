package vault

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

const (
	// triesQuiet is how long further tries of one kind are counted before they are put on record together: nobody can
	// fill the trail by asking on.
	triesQuiet = time.Minute
	// maxTries bounds how many kinds of tries are counted at a time. Those beyond share one count.
	maxTries = 10_000
)

// tries counts what was refused, by who tried what.
type tries struct {
	mu      sync.Mutex
	windows map[try]*window
}

type try struct {
	accountID            int64
	actor                chat.Actor
	entityType, entityID string
}

// window is the time after a try that is on record.
type window struct {
	entry chat.AuditEntry // of the first
	more  int             // tries since
	timer *time.Timer
}

// RecordRefused puts on record that somebody was refused something: the first time within a minute at once, the rest
// counted, when the minute is over.
func (v *Vault) RecordRefused(ctx context.Context, entry chat.AuditEntry) error {
	entry.Details = withOrigin(ctx, entry.Details)
	if !v.opensWindow(&entry) {
		return nil
	}
	return v.Record(ctx, counted(entry, 1))
}

// opensWindow says that a try is the first of its kind, and counts it where it is not.
func (v *Vault) opensWindow(entry *chat.AuditEntry) bool {
	t := &v.tries
	key := try{entry.AccountID, entry.Actor, entry.EntityType, entry.EntityID}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, open := t.windows[key]; !open && len(t.windows) >= maxTries {
		entry.Actor, entry.EntityID, entry.Details = chat.Actor{Kind: several, ID: several}, several, nil
		key.actor, key.entityID = entry.Actor, entry.EntityID
	}
	if w, open := t.windows[key]; open {
		w.more++
		return false
	}
	if t.windows == nil {
		t.windows = make(map[try]*window)
	}
	t.windows[key] = &window{entry: *entry, timer: time.AfterFunc(triesQuiet, func() { v.closeWindow(key) })}
	return true
}

// closeWindow puts on record how often a thing was tried since it was first.
func (v *Vault) closeWindow(key try) {
	v.tries.mu.Lock()
	w, open := v.tries.windows[key]
	delete(v.tries.windows, key)
	v.tries.mu.Unlock()
	if !open || w.more == 0 {
		return
	}
	if err := v.Record(context.Background(), counted(w.entry, w.more)); err != nil {
		v.log.Error("refusals are not on record", "count", w.more, "error", store.Redact(err))
	}
}

// closeWindows puts on record what is counted still.
func (v *Vault) closeWindows() {
	v.tries.mu.Lock()
	keys := make([]try, 0, len(v.tries.windows))
	for key, w := range v.tries.windows {
		w.timer.Stop()
		keys = append(keys, key)
	}
	v.tries.mu.Unlock()
	for _, key := range keys {
		v.closeWindow(key)
	}
}

func counted(entry chat.AuditEntry, n int) chat.AuditEntry {
	details := make(map[string]any, len(entry.Details)+1)
	maps.Copy(details, entry.Details)
	details["count"] = n
	entry.Details = details
	return entry
}
