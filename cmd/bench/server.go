package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// server is one of the two processes that are compared.
type server struct {
	name    string
	address string
	cmd     *exec.Cmd
	done    chan struct{}
	err     error // why it ended, once done is closed
	logPath string
}

const readyWithin = 60 * time.Second

// startServer starts a program that takes its settings from the environment and waits until it is ready. Both servers
// get the same garbage collector's settings.
func startServer(ctx context.Context, name string, d *dataset, redisURL, logs, program string, args ...string) (*server, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &server{name: name, address: address, done: make(chan struct{}), logPath: filepath.Join(logs, name+".log")}
	log, err := os.Create(s.logPath)
	if err != nil {
		return nil, fmt.Errorf("make a log for the %s: %w", name, err)
	}
	defer log.Close()
	s.cmd = exec.Command(program, args...)
	s.cmd.Env = append(os.Environ(), "LISTEN="+address, "DATABASE_URL="+d.url, "REDIS_URL="+redisURL, "MASTER_KEY="+d.masterKey,
		"DOCUMENTS=any", "RATE_LIMIT=100000000", "LOG_LEVEL=warn", "GOGC="+collector("GOGC"), "GOMEMLIMIT="+collector("GOMEMLIMIT"))
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the %s: %w", name, err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.done)
	}()
	if err := s.waitReady(ctx); err != nil {
		s.stop()
		return nil, fmt.Errorf("start the %s: %w\n%s", name, err, s.lastWords())
	}
	return s, nil
}

// collector gives a setting of the garbage collector: ours where there is one, else what the product chooses by itself.
func collector(name string) string {
	return cmp.Or(os.Getenv(name), map[string]string{"GOGC": "400", "GOMEMLIMIT": "512MiB"}[name])
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

func (s *server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-s.done:
			return fmt.Errorf("it ended: %w", errors.Join(s.err, errors.New("see its last words")))
		case <-ctx.Done():
			return errors.New("it did not become ready")
		case <-tick.C:
			if s.ready(ctx) {
				return nil
			}
		}
	}
}

func (s *server) ready(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+"/readyz", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// lastWords is the end of the server's log.
func (s *server) lastWords() string {
	text, err := os.ReadFile(s.logPath)
	if err != nil {
		return ""
	}
	return string(text[max(0, len(text)-2000):])
}

// stop ends the process and waits for its end.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
}
