package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	goredis "github.com/redis/go-redis/v9"
)

// actAs makes the test binary play another part: devenv itself, or a command that devenv runs.
const actAs = "DEVENV_TEST_ACT_AS"

func TestMain(m *testing.M) {
	switch os.Getenv(actAs) {
	case "devenv":
		main()
	case "probe":
		os.Exit(probe(os.Getenv))
	}
	os.Exit(m.Run())
}

// program is this test binary as devenv, with none of the variables that the outer test run may have.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains([]string{"DATABASE_URL", "REDIS_URL", "TEST_DATABASE_URL", "TEST_REDIS_URL"}, name)
	}), actAs+"=devenv")
	return cmd
}

// beside is the command line that makes devenv run this test binary as the probe.
func beside(t *testing.T, env ...string) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return append(append([]string{"--", "env", actAs + "=probe"}, env...), self)
}

// probe is a command beside the servers. It prints what they say, waits for a signal when PROBE_WAIT is set, asks
// them again, and exits with 5 after a signal.
func probe(getenv func(string) string) int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	database, redis := getenv("DATABASE_URL")+getenv("TEST_DATABASE_URL"), getenv("REDIS_URL")+getenv("TEST_REDIS_URL")
	fmt.Println("database", database)
	fmt.Println("redis", redis)
	if err := ask(database, redis, getenv("PROBE_SQL")); err != nil {
		fmt.Println("failed", err)
		return 9
	}
	fmt.Println("up")
	if getenv("PROBE_WAIT") == "" {
		return 0
	}
	<-signals
	if err := ask(database, redis, ""); err != nil {
		fmt.Println("failed", err)
		return 9
	}
	fmt.Println("drained")
	return 5
}

// noDatabase stands for a configured database that the probe leaves alone.
const noDatabase = "postgres://configured"

// ask talks to both servers and prints the answer to statement.
func ask(database, redis, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if database == noDatabase {
		return askRedis(ctx, redis)
	}
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if statement != "" {
		var answer string
		if err := conn.QueryRow(ctx, statement).Scan(&answer); err != nil {
			return err
		}
		fmt.Println("answer", answer)
	}
	return askRedis(ctx, redis)
}

// askRedis wants a real one, which an imitation could not give: its process id.
func askRedis(ctx context.Context, redis string) error {
	options, err := goredis.ParseURL(redis)
	if err != nil {
		return err
	}
	client := goredis.NewClient(options)
	info, err := client.InfoMap(ctx, "server").Result()
	if err == nil && info["Server"]["process_id"] == "" {
		err = errors.New("not a real Redis")
	}
	return errors.Join(err, client.Close())
}

// running is devenv under test, with what its probe printed.
type running struct {
	cmd  *exec.Cmd
	out  *bufio.Reader
	said map[string]string
	errs bytes.Buffer
}

// begin starts devenv (or a make that runs it) and reads up to the probe's "up".
func begin(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	r := &running{cmd: cmd, said: map[string]string{}}
	cmd.Stderr = &r.errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.out = bufio.NewReader(out)
	for r.said["up"] != "yes" {
		line, err := r.out.ReadString('\n')
		if err != nil {
			t.Fatalf("devenv ended before its command was up: %v, %v\n%v\n%s", err, cmd.Wait(), r.said, r.errs.String())
		}
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		r.said[word] = rest
		if word == "up" {
			r.said[word] = "yes"
		}
	}
	return r
}

// end reads the rest and returns the exit code.
func (r *running) end(t *testing.T) int {
	t.Helper()
	rest, err := io.ReadAll(r.out)
	if err != nil {
		t.Errorf("read the command's output: %v", err)
	}
	if strings.Contains(string(rest), "drained") {
		r.said["drained"] = "yes"
	}
	if strings.Contains(string(rest), "failed") {
		t.Errorf("the command lost its servers while it drained: %s", rest)
	}
	return exitCode(r.cmd.Wait())
}

// eventually looks until it is so: an orphaned server needs a moment to notice that devenv was killed.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	limit := time.After(15 * time.Second)
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !so() {
		select {
		case <-look.C:
		case <-limit:
			t.Fatalf("after 15 s still not: %s", what)
		}
	}
}
