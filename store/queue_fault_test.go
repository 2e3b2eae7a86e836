package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestFailuresSayNothingInTheQueue: what went wrong can hold values, and is not River's to keep. A job that fails or
// panics is tried again.
func TestFailuresSayNothingInTheQueue(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	var b workbench
	var said lines
	openQueue(t, s, store.QueueWork{Log: slog.New(slog.NewJSONHandler(&said, nil)),
		Job: func(_ context.Context, jobID int64, _ time.Duration) (again time.Duration, done bool, err error) {
			pieces := b.piece("", jobID, func(int) {})
			switch pieces {
			case 1:
				return 10 * time.Millisecond, false, errors.New("told on the job: secret@example.com")
			case 2:
				return 0, false, errors.New("told nowhere else: it failed")
			case 3:
				panic("secret@example.com")
			default:
				return 0, true, nil
			}
		}})
	enqueue(t, s, 41, time.Time{})
	await(t, "the job to succeed in the end", func() bool {
		return storetest.Value[int64](t, s, `SELECT count(*) FROM cloakroom.river_job WHERE kind = 'cloakroom_job' AND state = 'completed'`) == 1
	})
	kept := storetest.Value[string](t, s, `SELECT j::text FROM cloakroom.river_job j WHERE kind = 'cloakroom_job'`)
	if strings.Contains(kept, "secret") || strings.Contains(kept, "told") || !strings.Contains(kept, "it failed; the job and") {
		t.Errorf("River keeps %s", kept)
	}
	log := said.String()
	if strings.Contains(log, "secret") || strings.Count(log, "told nowhere else") != 1 || strings.Count(log, "a panic with a string") != 1 || !strings.Contains(log, `"job":41`) {
		t.Errorf("the log has\n%s", log)
	}
}

// TestQueueInTrouble: when its tables are gone the queue says so, each thing once a minute, with nothing but the text of
// the error; and goes on by itself when they are back.
func TestQueueInTrouble(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	var said lines
	var b workbench
	openQueue(t, s, store.QueueWork{Log: slog.New(slog.NewJSONHandler(&said, nil)),
		Job: func(_ context.Context, jobID int64, _ time.Duration) (time.Duration, bool, error) {
			b.piece("", jobID, func(int) {})
			return 0, true, nil
		}})
	storetest.Exec(t, s, `ALTER TABLE cloakroom.river_job RENAME TO elsewhere`)
	await(t, "a line of the log", func() bool { return strings.Contains(said.String(), "Error fetching jobs") })
	<-time.After(3 * time.Second) // in which it fails some more
	storetest.Exec(t, s, `ALTER TABLE cloakroom.elsewhere RENAME TO river_job`)
	enqueue(t, s, 1, time.Time{})
	await(t, "a job after the trouble", func() bool { return b.done(1, 1) })
	seen := make(map[string]bool)
	for line := range strings.Lines(said.String()) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if message, _ := l["msg"].(string); seen[message] || !strings.HasPrefix(message, "the job queue: ") {
			t.Errorf("said again, or not the queue's: %s", line)
		} else {
			seen[message] = true
		}
		for _, key := range []string{"time", "level", "msg", "error"} {
			delete(l, key)
		}
		if len(l) > 0 {
			t.Errorf("more than the error: %s", line)
		}
	}
}

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
