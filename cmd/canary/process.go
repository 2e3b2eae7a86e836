package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// process is a server under test: the program itself, with everything it writes being searched.
type process struct {
	name string
	base string // its URL
	cmd  *exec.Cmd
	done chan struct{}

	mu   sync.Mutex
	last []string // the last lines it wrote
	bad  []string // the last that were of level ERROR
}

const (
	readyWithin = 60 * time.Second
	keptLines   = 100
)

// settings of every process under test; each server has a few of its own.
func (i *installation) settings() []string {
	return append([]string{"DATABASE_URL=" + i.databaseURL, "REDIS_URL=" + i.redisURL, "MASTER_KEY=" + i.masterKey, "LOG_LEVEL=debug", "RATE_LIMIT=0"}, i.more...)
}

// command runs the program to its end and gives what it wrote to its standard output; all it writes is searched.
func (i *installation) command(ctx context.Context, l *ledger, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), i.settings()...)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, log.String())
	}
	l.trace("log", strings.Join(args[:1], " "), log.Bytes())
	return out.String(), nil
}

// serve starts a server and waits until it is ready.
func (i *installation) serve(ctx context.Context, l *ledger, program, name string, settings ...string) (*process, error) {
	return i.serveInto(ctx, l, program, name, "log", nil, settings...)
}

// serveInto is serve for one whose output counts as another surface, and whose dumped goroutines are counted.
func (i *installation) serveInto(ctx context.Context, l *ledger, program, name, surface string, goroutines *atomic.Int64, settings ...string) (*process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	p := &process{name: name, base: "http://" + address, done: make(chan struct{})}
	p.cmd = exec.Command(program, "serve")
	p.cmd.Env = append(append(os.Environ(), i.settings()...), append(settings, "LISTEN="+address)...)
	read, write := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = write, write
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	lines := make(chan struct{})
	go func() { p.readLog(l, read, surface, goroutines); close(lines) }()
	go func() {
		_ = p.cmd.Wait() // how it ended is in its state
		_ = write.Close()
		<-lines
		close(p.done)
	}()
	if err := until(ctx, name+" is ready", readyWithin, func() (bool, error) { return p.ready(ctx) }); err != nil {
		p.stop()
		return nil, fmt.Errorf("start %s: %w\n%s", name, err, strings.Join(p.lastWords(), "\n"))
	}
	return p, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// ended says that the server is gone, which it never should be.
func (p *process) ended() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended, %s, its last words being\n%s", p.name, p.cmd.ProcessState, strings.Join(p.lastWords(), "\n"))
	default:
		return nil
	}
}

func (p *process) ready(ctx context.Context) (bool, error) {
	if err := p.ended(); err != nil {
		return false, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+"/readyz", nil)
	if err != nil {
		return false, fmt.Errorf("ask for readiness: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, nil //nolint:nilerr // it does not listen yet
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK, nil
}

// readLog searches line by line what the server writes.
func (p *process) readLog(l *ledger, from io.Reader, surface string, goroutines *atomic.Int64) {
	lines := bufio.NewReaderSize(from, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			l.trace(surface, p.name, line)
			countGoroutines(line, goroutines)
			p.keep(strings.TrimSpace(string(line)))
		}
		if err != nil {
			return
		}
	}
}

func (p *process) keep(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = keepLast(p.last, line)
	if strings.Contains(line, `"level":"ERROR"`) {
		p.bad = keepLast(p.bad, line)
	}
}

func keepLast(lines []string, line string) []string {
	if len(lines) >= keptLines {
		lines = append(lines[:0], lines[1:]...)
	}
	return append(lines, line)
}

func (p *process) lastWords() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.last[max(0, len(p.last)-20):]...)
}

// errorOf gives what was logged as an error about a request, "" where that is not at hand.
func (p *process) errorOf(requestID string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.bad {
		if requestID != "" && strings.Contains(line, requestID) {
			return line
		}
	}
	return ""
}

// stop ends the process, and waits until all it wrote is read.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}
