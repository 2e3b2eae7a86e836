// Command devenv is the room where PostgreSQL and Redis come from on a developer's machine and in CI: it finds or
// fetches both, starts them, runs a command beside them and takes everything down again.
// In come a command line and the addresses of servers that exist already (DATABASE_URL and REDIS_URL, or
// TEST_DATABASE_URL and TEST_REDIS_URL); a part that is configured is used as it is and nothing is started for it.
// What never leaves is a server: none outlives devenv, however it ends, and none listens beyond this machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
)

const usage = `devenv gives a command a private PostgreSQL and a private Redis.

  devenv run  [--dir FOLDER] -- COMMAND ARGS…   data is kept in FOLDER (default: .cloakroom of the project);
                                                exports DATABASE_URL and REDIS_URL
  devenv test -- COMMAND ARGS…                  data is thrown away;
                                                exports TEST_DATABASE_URL and TEST_REDIS_URL

A variable that is set already is left alone, and nothing is started for it.
The exit code is the command's; 1 when the servers could not be had, 2 for a wrong command line.
`

// A child's death signal is bound to the thread that started it, not to the process (prctl(2)), and so is our own.
// Locked here, the main goroutine stays on the main thread, which lives as long as the process.
func init() { runtime.LockOSThread() }

func main() { os.Exit(devenv(os.Args[1:], os.Stderr)) }

// devenv does one whole run and returns the exit code.
func devenv(args []string, out io.Writer) int {
	s, command, err := parse(args, out)
	if err != nil {
		fmt.Fprintf(out, "devenv: %v\n\n%s", err, usage)
		return 2
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	followParent()

	defer s.down()
	if err := s.up(ctx); err != nil {
		if ctx.Err() != nil {
			fmt.Fprintln(out, "devenv: stopped before the servers were up")
			return 128 + int(syscall.SIGINT)
		}
		fmt.Fprintf(out, "devenv: %v\n", err)
		return 1
	}
	return s.run(command, signals)
}

// parse reads the command line and finds the project's folder.
func parse(args []string, out io.Writer) (*session, []string, error) {
	if len(args) == 0 {
		return nil, nil, errors.New("say run or test")
	}
	how, known := modes[args[0]]
	if !known {
		return nil, nil, fmt.Errorf("%q is neither run nor test", args[0])
	}
	flags := flag.NewFlagSet("devenv", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	home := flags.String("dir", "", "")
	if err := flags.Parse(args[1:]); err != nil {
		return nil, nil, err
	}
	if flags.NArg() == 0 {
		return nil, nil, errors.New("there is no command to run")
	}
	root, err := projectRoot()
	if err != nil {
		return nil, nil, err
	}
	s := &session{mode: how, root: root, env: os.Environ(), say: &progress{out: out}}
	if s.home = s.cache(); *home != "" {
		s.home, err = filepath.Abs(*home)
	}
	return s, flags.Args(), err
}
