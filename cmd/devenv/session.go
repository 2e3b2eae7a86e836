package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// mode is what sets `run` and `test` apart.
type mode struct {
	database, redis string // the variables the command reads
	keep            bool   // data stays for the next time
}

var modes = map[string]mode{
	"run":  {database: "DATABASE_URL", redis: "REDIS_URL", keep: true},
	"test": {database: "TEST_DATABASE_URL", redis: "TEST_REDIS_URL"},
}

// drain is how long a command may take to finish its work after a signal.
const drain = 30 * time.Second

// session is one run of devenv: what it was asked for and what it has to take down again.
type session struct {
	mode
	root, home string // the project; the folder where `run` keeps its data
	env        []string
	say        *progress
	scratch    *scratch
	locks      []*os.File // servers inherit these
	servers    []*process
	undo       []func() error
	exported   []string
}

// up brings about whatever is not configured already.
func (s *session) up(ctx context.Context) error {
	needDatabase, needRedis := s.getenv(s.database) == "", s.getenv(s.redis) == ""
	if !needDatabase && !needRedis {
		return nil
	}
	for _, folder := range []string{s.cache(), s.home} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return fmt.Errorf("make the folder for servers and data (does it belong to another user?): %w", err)
		}
	}
	var err error
	if s.scratch, err = newScratch(); err != nil {
		return err
	}
	s.undo = append(s.undo, s.scratch.remove)
	s.locks = append(s.locks, s.scratch.held)
	if needDatabase {
		if err := s.postgres(ctx); err != nil {
			return err
		}
	}
	if needRedis {
		if err := s.startRedis(ctx); err != nil {
			return err
		}
	}
	if s.keep {
		for _, line := range s.exported { // only what we started: a configured URL can hold a password that matters
			s.say.note("%s", line)
		}
	}
	return nil
}

// down takes down what up brought about, last first.
func (s *session) down() {
	for _, undo := range slices.Backward(s.undo) {
		if err := undo(); err != nil {
			s.say.note("could not clear up: %v", err)
		}
	}
	s.undo = nil
}

// run starts the command, passes signals on to its group and returns its exit code. It ends the command when a
// server of ours dies, since nothing sensible can follow.
func (s *session) run(command []string, signals <-chan os.Signal) int {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = s.env, os.Stdout, os.Stderr
	if info, err := os.Stdin.Stat(); err == nil && info.Mode()&os.ModeCharDevice == 0 {
		cmd.Stdin = os.Stdin // a terminal would stop a process group that is not in front
	}
	p, err := start(command[0], cmd, syscall.SIGTERM)
	if err != nil {
		s.say.note("%v", err)
		return 127
	}
	defer p.stopGroup(5 * time.Second)
	lost := firstToEnd(s.servers)
	var limit <-chan time.Time
	for {
		select {
		case <-p.done:
			return exitCode(p.err)
		case sig := <-signals:
			if sig == syscall.SIGHUP {
				sig = syscall.SIGTERM // the terminal is gone: for the command that means "end", not "reload"
			}
			_ = syscall.Kill(-p.cmd.Process.Pid, sig.(syscall.Signal))
			if limit == nil {
				limit = time.After(drain)
			}
		case server := <-lost:
			s.say.note("%s ended by itself (%v): stopping the command", server.name, server.err)
			p.stop(syscall.SIGTERM, drain)
			return 1
		case <-limit:
			s.say.note("%s has not ended %v after the signal: killing it", command[0], drain)
			p.stop(syscall.SIGKILL, 0)
			return exitCode(p.err)
		}
	}
}

// firstToEnd yields the first server that ends.
func firstToEnd(servers []*process) <-chan *process {
	lost := make(chan *process, len(servers))
	for _, p := range servers {
		go func() {
			<-p.done
			lost <- p
		}()
	}
	return lost
}

// cache is where fetched servers are kept, whatever folder the data is in.
func (s *session) cache() string { return filepath.Join(s.root, ".cloakroom") }

// lockHome makes sure that no other devenv uses the same data.
func (s *session) lockHome() error {
	held, err := lock(filepath.Join(s.home, "lock"), time.Second) // one that was just killed is still closing its files
	if errors.Is(err, errLocked) {
		return fmt.Errorf("another `make run` is using %s: stop that one first, or set DATABASE_URL to a database of your own", s.home)
	}
	if err != nil {
		return err
	}
	s.locks = append(s.locks, held)
	s.undo = append(s.undo, held.Close)
	return nil
}

// getenv reads what the command's environment will hold.
func (s *session) getenv(name string) string {
	for _, entry := range slices.Backward(s.env) {
		if value, found := strings.CutPrefix(entry, name+"="); found {
			return value
		}
	}
	return ""
}

// export adds to the command's environment and remembers what to tell the person; the last entry of a name counts.
func (s *session) export(name, value, remark string) {
	s.env = append(s.env, name+"="+value)
	s.exported = append(s.exported, name+"="+value+" ("+remark+")")
}
