package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// errNoRedis says how to get one. Tests never fall back to an imitation: they would prove nothing about Redis.
var errNoRedis = errors.New("no Redis: install it (Debian: apt-get install redis-server; macOS: brew install redis) " +
	"or set REDIS_URL (for tests: TEST_REDIS_URL)")

// redisBinary is a Redis or Valkey server; libraries is where an unpacked one finds its own.
type redisBinary struct{ program, libraries string }

// startRedis starts the private Redis and exports its URL.
func (s *session) startRedis(ctx context.Context) error {
	found, err := s.findRedis(ctx)
	if err != nil {
		if ctx.Err() != nil || !s.keep {
			return err
		}
		return s.startMiniredis(err)
	}
	return s.say.step("starting "+filepath.Base(found.program), func() error {
		server, address, err := found.serve(ctx, s.scratch.path)
		if err != nil {
			return err
		}
		s.servers = append(s.servers, server)
		s.undo = append(s.undo, func() error { server.stop(syscall.SIGTERM, drain); return nil })
		s.export(s.redis, address, "a cache: nothing is kept")
		return nil
	})
}

// findRedis takes the machine's, then one that was unpacked here before, then fetches Debian's.
func (s *session) findRedis(ctx context.Context) (redisBinary, error) {
	if found, ok := installedRedis(); ok {
		return found, nil
	}
	unpacked := filepath.Join(s.cache(), "redis")
	if found, ok := unpackedRedis(unpacked); ok {
		return found, nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return redisBinary{}, errNoRedis
	}
	held, err := lock(filepath.Join(s.cache(), "fetch.lock"), 2*time.Minute)
	if err != nil {
		return redisBinary{}, fmt.Errorf("wait for another apt-get: %w", err)
	}
	defer held.Close()
	if found, ok := unpackedRedis(unpacked); ok {
		return found, nil
	}
	if os.Getuid() == 0 {
		install := func() error { return aptInstallRedis(ctx) }
		if s.say.step("installing Debian's redis-server (once)", install) == nil {
			if found, ok := installedRedis(); ok {
				return found, nil
			}
		}
	}
	unpack := func() error { return aptUnpackRedis(ctx, unpacked) }
	if err := s.say.step("fetching Debian's redis-server (8 MB, once)", unpack); err != nil {
		return redisBinary{}, fmt.Errorf("%w\n  %w", errNoRedis, err)
	}
	found, ok := unpackedRedis(unpacked)
	if !ok {
		return redisBinary{}, errNoRedis
	}
	return found, nil
}

// installedRedis looks on the PATH and where it often does not lead.
func installedRedis() (redisBinary, bool) {
	for _, name := range []string{"redis-server", "valkey-server"} {
		if program, err := exec.LookPath(name); err == nil {
			return redisBinary{program: program}, true
		}
		for _, dir := range []string{"/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"} {
			if program, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				return redisBinary{program: program}, true
			}
		}
	}
	return redisBinary{}, false
}

// serve starts the server and waits until it answers. It has a password because every account of the machine can reach
// its port; the configuration goes in by standard input, where no list of processes shows it.
func (r redisBinary) serve(ctx context.Context, folder string) (*process, string, error) {
	for try := 1; ; try++ {
		port, err := freePort()
		if err != nil {
			return nil, "", err
		}
		address := redisURL(port, rand.Text())
		server, printed, err := r.start(address, folder)
		if err != nil {
			return nil, "", err
		}
		err = waitReady(ctx, server, func(ctx context.Context) error { return pingRedis(ctx, address) })
		if err == nil {
			return server, address.String(), nil
		}
		server.stop(syscall.SIGTERM, drain)
		if ctx.Err() == nil && try < 3 && portTaken(port) {
			continue
		}
		return nil, "", fmt.Errorf("start Redis: %w%s", err, printed.lines(6))
	}
}

func (r redisBinary) start(address *url.URL, folder string) (*process, *tail, error) {
	password, _ := address.User.Password()
	cmd := exec.Command(r.program, "-")
	cmd.Dir = folder
	cmd.Stdin = strings.NewReader(fmt.Sprintf("bind 127.0.0.1\nport %s\nrequirepass %s\nsave \"\"\nappendonly no\ndir %q\n",
		address.Port(), password, folder))
	cmd.Env = os.Environ()
	if r.libraries != "" {
		cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+r.libraries)
	}
	var printed tail
	cmd.Stdout, cmd.Stderr = &printed, &printed
	p, err := start("Redis", cmd, syscall.SIGTERM)
	return p, &printed, err
}

func redisURL(port int, password string) *url.URL {
	return &url.URL{Scheme: "redis", User: url.UserPassword("default", password), Path: "/0",
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
}

// pingRedis signs in and pings by the inline form of Redis' protocol: a client library would log and retry by itself.
func pingRedis(ctx context.Context, address *url.URL) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address.Host)
	if err != nil {
		return fmt.Errorf("reach Redis: %w", err)
	}
	defer func() { _ = conn.Close() }()
	password, _ := address.User.Password()
	_ = conn.SetDeadline(time.Now().Add(time.Second)) // a connection just made takes one
	if _, err := fmt.Fprintf(conn, "AUTH default %s\r\nPING\r\n", password); err != nil {
		return fmt.Errorf("ping Redis: %w", err)
	}
	const want = "+OK\r\n+PONG\r\n"
	answer := make([]byte, len(want))
	if _, err := io.ReadFull(conn, answer); err != nil {
		return fmt.Errorf("ping Redis: %w", err)
	}
	if string(answer) != want {
		return fmt.Errorf("ping Redis: it answered %q", answer)
	}
	return nil
}

// startMiniredis is the last resort of `run`: an imitation inside this process, with keys that expire by the clock.
func (s *session) startMiniredis(why error) error {
	server := miniredis.NewMiniRedis()
	server.ClockTTL(true)
	password := rand.Text()
	server.RequireAuth(password)
	if err := server.StartAddr("127.0.0.1:0"); err != nil {
		return fmt.Errorf("start the built-in Redis: %w", err)
	}
	s.undo = append(s.undo, func() error { server.Close(); return nil })
	port, err := strconv.Atoi(server.Port())
	if err != nil {
		return fmt.Errorf("start the built-in Redis: %w", err)
	}
	s.export(s.redis, redisURL(port, password).String(), "built in")
	s.say.note("WARNING: no real Redis could be had, so a simple built-in one is used; good for a look, not for measuring (%v)", why)
	return nil
}
