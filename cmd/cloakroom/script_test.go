package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"cloakroom": main}) }

// Each script has a database of its own with Chatwoot's tables and ours, a master key, and an environment that holds
// nothing but what it needs: what a program prints cannot have come from the test's own surroundings.
func TestScripts(t *testing.T) {
	t.Parallel()
	redis := os.Getenv("TEST_REDIS_URL")
	if redis == "" {
		t.Fatal("run the tests with make test, or set TEST_REDIS_URL")
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			key := "local-file://" + filepath.Join(env.WorkDir, "master.key")
			if _, err := keyring.OpenMasterKey(t.Context(), key, true); err != nil {
				return err
			}
			env.Setenv("DATABASE_URL", storetest.NewURL(env.T().(testing.TB)))
			env.Setenv("REDIS_URL", redis)
			env.Setenv("MASTER_KEY", key)
			env.Setenv("LISTEN", "127.0.0.1:0")
			env.Values[running{}] = new(server)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sql": runSQL, "capture": capture, "serve": startServer, "stop": stopServer, "get": get, "ask": ask,
		},
	})
}

// runSQL is `sql FILE`: a script against the database; an error, such as one it raises itself, fails the test.
func runSQL(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "sql FILE")
	s, err := store.Open(context.Background(), ts.Getenv("DATABASE_URL"))
	ts.Check(err)
	defer s.Close()
	ts.Check(s.RunScript(context.Background(), ts.ReadFile(args[0])))
}

// capture is `capture NAME FILE REGEXP`: what the first group matches becomes a variable of the script.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 3, "capture NAME FILE REGEXP")
	found := regexp.MustCompile("(?m)" + args[2]).FindStringSubmatch(ts.ReadFile(args[1]))
	if len(found) != 2 {
		ts.Fatalf("%s does not match %s", args[1], args[2])
	}
	ts.Setenv(args[0], found[1])
}

// server is what `serve` has started; each script has one.
type server struct {
	cmd  *exec.Cmd // nil while nothing runs
	log  bytes.Buffer
	done chan error
}

type running struct{}

// startServer is `serve`: it starts `cloakroom serve`, waits until it says that it serves, and sets URL.
func startServer(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 0, "serve")
	s := ts.Value(running{}).(*server)
	s.cmd, s.done = exec.Command(lookPath(ts, "cloakroom"), "serve"), make(chan error, 1)
	s.log.Reset()
	for _, name := range []string{"DATABASE_URL", "REDIS_URL", "MASTER_KEY", "LISTEN", "DOCUMENTS", "DOCUMENTS_MANIFEST", "JOBS", "TMPDIR",
		"AUDIT_KEY", "AUDIT_TRUSTED_KEYS", "AUDIT_DESTINATIONS", "PROVIDERS"} {
		s.cmd.Env = append(s.cmd.Env, name+"="+ts.Getenv(name))
	}
	stderr, err := s.cmd.StderrPipe()
	ts.Check(err)
	ts.Check(s.cmd.Start())
	url := make(chan string, 1)
	go s.follow(stderr, url)
	process := s.cmd.Process
	ts.Defer(func() { _ = process.Kill() }) // an error means that it has ended, as it should
	select {
	case at := <-url:
		ts.Setenv("URL", at)
	case err := <-s.done:
		ts.Fatalf("serve ended at once: %v\n%s", err, s.log.String())
	case <-time.After(time.Minute):
		ts.Fatalf("serve does not say that it serves")
	}
}

// follow keeps the log, and picks the URL out of it. It is alone with the buffer until done has a value.
func (s *server) follow(stderr io.Reader, url chan<- string) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		s.log.Write(append(lines.Bytes(), '\n'))
		var line struct{ Msg, URL string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			url <- line.URL
		}
	}
	s.done <- s.cmd.Wait()
}

// stopServer is `stop`: SIGTERM, exit code 0, and the log in serve.log.
func stopServer(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 0, "stop")
	s := ts.Value(running{}).(*server)
	usage(ts, s.cmd != nil, "stop, after serve")
	ts.Check(s.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-s.done:
		if err != nil {
			ts.Fatalf("serve did not end well: %v\n%s", err, s.log.String())
		}
	case <-time.After(time.Minute):
		ts.Fatalf("serve does not stop")
	}
	s.cmd = nil
	ts.Check(os.WriteFile(ts.MkAbs("serve.log"), s.log.Bytes(), 0o600))
}

// get is `get PATH`: status and body on standard output.
func get(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "get PATH")
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, ts.Getenv("URL")+args[0], nil)
	ts.Check(err)
	answer(ts, request)
}

// ask is `ask TOKEN DOCUMENT`: status and body of a GraphQL request on standard output.
func ask(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "ask TOKEN DOCUMENT")
	body, err := json.Marshal(map[string]string{"query": args[1]})
	ts.Check(err)
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, ts.Getenv("URL")+"/graphql", bytes.NewReader(body))
	ts.Check(err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+args[0])
	answer(ts, request)
}

func answer(ts *testscript.TestScript, request *http.Request) {
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	_, err = fmt.Fprintf(ts.Stdout(), "%d %s\n%s\n", response.StatusCode, response.Header.Get("Content-Type"), body)
	ts.Check(err)
}

func lookPath(ts *testscript.TestScript, program string) string {
	for _, folder := range filepath.SplitList(ts.Getenv("PATH")) {
		if path := filepath.Join(folder, program); isFile(path) {
			return path
		}
	}
	ts.Fatalf("%s is not on the script's path", program)
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func usage(ts *testscript.TestScript, ok bool, form string) {
	if !ok {
		ts.Fatalf("usage: %s", form)
	}
}
