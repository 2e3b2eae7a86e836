package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// waitReady asks a server until it answers, ends, or is given up.
func waitReady(ctx context.Context, server *process, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyWithin, fmt.Errorf("no answer within %v", readyWithin))
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		if ask(ctx) == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-server.done:
			return errors.Join(errors.New("it ended at once"), server.err)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// freePort lets the kernel choose a port that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// portTaken reports whether someone took the port since.
func portTaken(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return true
	}
	return l.Close() != nil
}

// lastLines is the end of a server's log, for an error message.
func lastLines(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	var t tail
	_, _ = t.Write(text)
	return t.lines(6)
}
