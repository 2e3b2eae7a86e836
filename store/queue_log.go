package store

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// queueLog is River's log within ours: failures alone, each once a minute, with their text and nothing else. Its names
// for things are not ours, and a database that is away fails many times a second.
type queueLog struct {
	to       *slog.Logger
	stopping <-chan struct{} // what is cut short by stopping is no failure
	last     *lastSaid
}

type lastSaid struct {
	sync.Mutex
	at map[string]time.Time
}

const queueQuiet = time.Minute

// Enabled lets warnings and errors through.
func (l *queueLog) Enabled(_ context.Context, level slog.Level) bool {
	select {
	case <-l.stopping:
		return false
	default:
		return level >= slog.LevelWarn
	}
}

// Handle writes a line unless it was written within the minute.
func (l *queueLog) Handle(ctx context.Context, r slog.Record) error {
	l.last.Lock()
	defer l.last.Unlock()
	if r.Time.Sub(l.last.at[r.Message]) < queueQuiet {
		return nil
	}
	if l.last.at == nil {
		l.last.at = make(map[string]time.Time)
	}
	l.last.at[r.Message] = r.Time // messages are River's constants: there are few
	var said []any
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "err" || a.Key == "error" {
			said = append(said, "error", a.Value.Resolve().String())
		}
		return true
	})
	l.to.Log(ctx, r.Level, "the job queue: "+r.Message, said...)
	return nil
}

// WithAttrs leaves them out.
func (l *queueLog) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup leaves it out.
func (l *queueLog) WithGroup(string) slog.Handler { return l }
