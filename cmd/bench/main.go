// Command bench is the room of the performance figures: the same questions to Cloakroom and to a hand-written server
// that does the same work, and the ratio between the two.
// In come TEST_DATABASE_URL and TEST_REDIS_URL, servers on which it may make a database, and the built program.
// What leaves is a table of ratios; absolute times of one machine never count, and no database of its own stays unless
// it was asked to keep it.
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
	"strconv"
	"strings"
	"syscall"
	"time"
)

const usage = `bench measures Cloakroom against the floor: a hand-written server with the same data and the same answers.

  devenv test -- bench [--small] [--rounds N] [--slice D] [--connections 1,8,32] [--only W1,W2] [--out FILE]
                       [--gate] [--floor-only] [--keep FOLDER] [--product FILE]
  devenv test -- bench --rotate [--small] [--keep FOLDER] [--product FILE]
  devenv test -- bench --search [--messages N] [--contacts N] [--months N] [--out FILE] [--gate]

  --rotate      measure the rotation of keys instead
  --search      measure search, order and filters instead, against the same rows in plaintext
  --messages    how many messages are searched (100000)
  --contacts    how many contacts are searched (100000)
  --months      over how many months the messages are spread, up to today (12)
  --small       a twentieth of the data
  --rounds      how often each server is measured at each number of connections (6)
  --slice       how long each measurement takes (1.5s)
  --connections numbers of keep-alive connections (1,8,32)
  --only        workloads to run, of W1 to W4
  --out         also write the table as Markdown to a file
  --gate        fail when a goal is missed by more than 25 %
  --floor-only  measure the floor alone
  --keep        keep data and its key in a folder and a database of that server, and use them again
  --product     the program to measure (cloakroom beside bench)

The exit code is 1 when answers differ, when a run fails, and with --gate when a goal is missed by much; 2 for a wrong
command line.
`

// options is the command line.
type options struct {
	small       bool
	rotate      bool
	search      bool
	messages    int
	contacts    int
	months      int
	rounds      int
	slice       time.Duration
	connections []int
	only        []string
	out         string
	gate        bool
	floorOnly   bool
	keep        string
	product     string
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
	if len(args) == 1 && args[0] == "floor" {
		if err := serveFloor(ctx); err != nil {
			fmt.Fprintf(os.Stderr, "bench floor: %v\n", err)
			return 1
		}
		return 0
	}
	o, err := parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n\n%s", err, usage)
		return 2
	}
	if o.rotate {
		if err := rotate(ctx, o); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %v\n", err)
			return 1
		}
		return 0
	}
	measure := compare
	if o.search {
		measure = compareSearch
	}
	missed, err := measure(ctx, o)
	switch {
	case err != nil:
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		return 1
	case missed && o.gate:
		fmt.Fprintln(os.Stderr, "bench: a goal is missed by more than 25 %")
		return 1
	}
	return 0
}

func parse(args []string) (options, error) {
	o := options{database: os.Getenv("TEST_DATABASE_URL"), redis: os.Getenv("TEST_REDIS_URL")}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&o.small, "small", false, "")
	flags.BoolVar(&o.rotate, "rotate", false, "")
	flags.BoolVar(&o.search, "search", false, "")
	flags.IntVar(&o.messages, "messages", 100_000, "")
	flags.IntVar(&o.contacts, "contacts", 100_000, "")
	flags.IntVar(&o.months, "months", 12, "")
	flags.IntVar(&o.rounds, "rounds", 6, "")
	flags.DurationVar(&o.slice, "slice", 1500*time.Millisecond, "")
	flags.StringVar(&o.out, "out", "", "")
	flags.BoolVar(&o.gate, "gate", false, "")
	flags.BoolVar(&o.floorOnly, "floor-only", false, "")
	flags.StringVar(&o.keep, "keep", "", "")
	flags.StringVar(&o.product, "product", "", "")
	connections := flags.String("connections", "1,8,32", "")
	only := flags.String("only", "", "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is not an option", flags.Arg(0))
	}
	if o.database == "" || o.redis == "" {
		return o, errors.New("TEST_DATABASE_URL and TEST_REDIS_URL must be set: run it with devenv test")
	}
	if o.rounds < 1 || o.slice <= 0 {
		return o, errors.New("--rounds and --slice must be over 0")
	}
	if o.messages < 1_000 || o.contacts < 1_000 || o.months < 1 || o.months > 120 {
		return o, errors.New("--messages and --contacts must be 1000 or more, --months from 1 to 120")
	}
	if *only != "" {
		o.only = strings.Split(strings.ToUpper(*only), ",")
	}
	var err error
	if o.product == "" {
		if o.product, err = besideUs("cloakroom"); err != nil {
			return o, err
		}
	}
	o.connections, err = parseConnections(*connections)
	return o, err
}

func parseConnections(list string) ([]int, error) {
	var numbers []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 256 {
			return nil, fmt.Errorf("--connections: %q is not a number from 1 to 256", text)
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// besideUs is a program in the folder of our own.
func besideUs(name string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find our own program: %w", err)
	}
	return filepath.Join(filepath.Dir(self), name), nil
}

// say tells how far the run has come.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// step tells what takes long, and how long it took.
func step(what string, do func() error) error {
	began := time.Now()
	fmt.Fprintf(os.Stderr, "%s … ", what)
	err := do()
	if err != nil {
		fmt.Fprintln(os.Stderr, "failed")
		return fmt.Errorf("%s: %w", what, err)
	}
	fmt.Fprintf(os.Stderr, "%.1f s\n", time.Since(began).Seconds())
	return nil
}
