// Command canary is the room of the proof that nothing leaks: it asks the program itself whatever can be asked, as
// everybody from whom values are hidden, and searches all that comes out.
// In come TEST_DATABASE_URL and TEST_REDIS_URL, servers on which it may make a database, and the built program.
// What leaves is a table of what was searched and each place where a planted value stood; no database of its own stays.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const usage = `canary asks Cloakroom everything as viewers who are masked, and searches every answer and every trace for planted values.

  devenv test -- canary [--documents N] [--seed S] [--only N] [--viewers A,B] [--quick] [--prove] [--server FILE] [--connections N] [--show N]

  --documents    how many random documents are asked (10000)
  --seed         of the random documents; 0 takes one by chance, which is printed (0)
  --only         ask only the random document of this number, as every viewer
  --viewers      ask as these only; a name that is not known prints the list
  --quick        a tenth of the threads, and the rounds with faults only once around
  --prove        prove that a leak would be found: build servers that have one each, and find it
  --server       the program to test (cloakroom beside canary)
  --show         how many kinds of findings are printed in full (25)
  --connections  how many requests are under way at once (8)

The exit code is 0 when nothing was found, 1 when something was or the run failed, 2 for a wrong command line.
`

// options is the command line.
type options struct {
	documents   int
	seed        uint64
	only        int
	viewers     []string
	quick       bool
	prove       bool
	server      string
	connections int
	show        int
	database    string // a server on which databases may be made
	redis       string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string) int {
	o, err := parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "canary: %v\n\n%s", err, usage)
		return 2
	}
	test := search
	if o.prove {
		test = prove
	}
	clean, err := test(ctx, o)
	switch {
	case err != nil:
		fmt.Fprintf(os.Stderr, "canary: %v\n", err)
		return 1
	case !clean:
		return 1
	}
	return 0
}

func parse(args []string) (options, error) {
	o := options{database: os.Getenv("TEST_DATABASE_URL"), redis: os.Getenv("TEST_REDIS_URL")}
	flags := flag.NewFlagSet("canary", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.IntVar(&o.documents, "documents", 10_000, "")
	flags.Uint64Var(&o.seed, "seed", 0, "")
	flags.IntVar(&o.only, "only", -1, "")
	flags.BoolVar(&o.quick, "quick", false, "")
	flags.BoolVar(&o.prove, "prove", false, "")
	flags.StringVar(&o.server, "server", "", "")
	flags.IntVar(&o.connections, "connections", 8, "")
	flags.IntVar(&o.show, "show", 25, "")
	viewers := flags.String("viewers", "", "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("%q is not an option", flags.Arg(0))
	case o.database == "" || o.redis == "":
		return o, errors.New("TEST_DATABASE_URL and TEST_REDIS_URL must be set: run it with devenv test")
	case o.documents < 0 || o.connections < 1:
		return o, errors.New("--documents must not be under 0, --connections not under 1")
	case o.only >= 0 && o.seed == 0:
		return o, errors.New("--only needs the --seed of the run that it repeats")
	}
	if *viewers != "" {
		o.viewers = strings.Split(*viewers, ",")
	}
	if o.seed == 0 {
		o.seed = 1 + rand.Uint64N(1_000_000) // to be repeated, not to be unguessable
	}
	if o.server == "" {
		self, err := os.Executable()
		if err != nil {
			return o, fmt.Errorf("find our own program: %w", err)
		}
		o.server = filepath.Join(filepath.Dir(self), "cloakroom")
	}
	return o, checkViewers(o.viewers)
}

// say tells how far the run has come.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "canary: "+format+"\n", args...) }

// step tells what takes long, and how long it took.
func step(what string, do func() error) error {
	began := time.Now()
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	say("%s: %.1f s", what, time.Since(began).Seconds())
	return nil
}

// until waits for what another process must notice, asking again at each tick.
func until(ctx context.Context, what string, within time.Duration, done func() (bool, error)) error {
	limit := time.NewTimer(within)
	defer limit.Stop()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := done(); err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			return fmt.Errorf("%s: not within %s", what, within)
		case <-tick.C:
		}
	}
}
