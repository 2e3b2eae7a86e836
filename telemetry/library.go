package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// Library writes what a library prints by itself as one warning of the log, without what looks like an address. It
// fits go-redis (Printf), log.New for net/http (Write) and OpenTelemetry's error handler (Handle).
type Library struct {
	log  *slog.Logger
	name string
}

// NewLibrary names the library in every line it prints.
func NewLibrary(log *slog.Logger, name string) *Library { return &Library{log: log, name: name} }

// Printf writes a formatted line.
func (l *Library) Printf(ctx context.Context, format string, v ...any) {
	l.say(ctx, fmt.Sprintf(format, v...))
}

// Write writes what a log.Logger prints; it never fails.
func (l *Library) Write(line []byte) (int, error) {
	l.say(context.Background(), withoutPanic(string(line)))
	return len(line), nil
}

// Handle writes an error.
func (l *Library) Handle(err error) {
	if err != nil {
		l.log.Warn("a library has something to say", "library", l.name, "error", err)
	}
}

func (l *Library) say(ctx context.Context, line string) {
	l.log.WarnContext(ctx, "a library has something to say", "library", l.name, "line", strings.TrimSpace(line))
}

// withoutPanic takes the value out of net/http's line about a panic: a value can be anything. The stack stays.
func withoutPanic(line string) string {
	const says, stack = "http: panic serving ", "\ngoroutine "
	before, after, found := strings.Cut(line, says)
	if !found {
		return line
	}
	peer, _, _ := strings.Cut(after, ": ")
	at := strings.LastIndex(after, stack)
	if at < 0 {
		return before + says + peer
	}
	return before + says + peer + after[at:]
}
