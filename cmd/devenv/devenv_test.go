package main

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExitCodeIsTheCommands(t *testing.T) {
	t.Parallel()
	cmd := program(t, "test", "--", "sh", "-c", `echo "$TEST_DATABASE_URL $TEST_REDIS_URL"; exit 7`)
	out, err := cmd.Output()
	if code := exitCode(err); code != 7 {
		t.Fatalf("exit code %d, want the command's 7", code)
	}
	database, redis, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if folder := scratchOf(t, database); folder == "" || exists(folder) {
		t.Errorf("the temporary folder %q of %q is still there", folder, database)
	}
	if answers(t, redis) {
		t.Errorf("Redis still answers at %s", redis)
	}
}

func TestConfiguredServersAreUsedAsTheyAre(t *testing.T) {
	t.Parallel()
	home := filepath.Join(t.TempDir(), "home")
	cmd := program(t, "run", "--dir", home, "--", "sh", "-c", `echo "$DATABASE_URL $REDIS_URL"`)
	cmd.Env = append(cmd.Env, "DATABASE_URL=postgres://elsewhere/db", "REDIS_URL=redis://elsewhere:1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("postgres://elsewhere/db redis://elsewhere:1\n", string(out)); diff != "" {
		t.Error(diff)
	}
	if exists(home) {
		t.Error("a folder for data was made, though nothing was started")
	}
}

// Whoever is signalled, and by whatever signal: the command drains while its servers still answer, its exit code is
// passed on, and nothing stays behind. (One case starts PostgreSQL too and looks at its settings; the others are quicker.)
func TestSignals(t *testing.T) {
	t.Parallel()
	settings := `PROBE_SQL=SELECT string_agg(current_setting(s), ' ') FROM unnest(ARRAY['fsync', 'max_connections',
		'shared_buffers', 'listen_addresses', 'shared_preload_libraries']) s`
	for _, test := range []struct {
		name     string
		signal   syscall.Signal
		database string // configured; "" to have one started
		answer   string
	}{
		{"Ctrl-C", syscall.SIGINT, "", "off 300 256MB  pg_stat_statements"},
		{"kill", syscall.SIGTERM, noDatabase, ""},
		{"terminal closed", syscall.SIGHUP, noDatabase, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			mark := filepath.Join(t.TempDir(), "mark") // the probe does not read it: it makes the processes findable
			cmd := program(t, slices.Concat([]string{"test"}, beside(t, "PROBE_WAIT=yes", settings), []string{mark})...)
			cmd.Env = append(cmd.Env, "TEST_DATABASE_URL="+test.database)
			r := begin(t, cmd)
			if err := r.cmd.Process.Signal(test.signal); err != nil {
				t.Fatal(err)
			}
			if code := r.end(t); code != 5 || r.said["drained"] != "yes" {
				t.Errorf("exit code %d, drained %q; want 5, yes\n%s", code, r.said["drained"], r.errs.String())
			}
			if diff := cmp.Diff(test.answer, r.said["answer"]); diff != "" {
				t.Error(diff)
			}
			left := processesOf(t, mark)
			if folder := scratchOf(t, r.said["database"]); test.database == "" {
				if left = append(left, processesOf(t, folder)...); exists(folder) {
					t.Errorf("left behind: %s", folder)
				}
			}
			if len(left) > 0 || answers(t, r.said["redis"]) {
				t.Errorf("left behind: processes %v, or Redis at %s", left, r.said["redis"])
			}
		})
	}
}

func TestDataIsKeptAndNotShared(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	for _, folder := range []string{home, filepath.Dir(home)} { // so that whoever PostgreSQL runs as can enter it
		if err := os.Chmod(folder, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	again := func(env ...string) *exec.Cmd {
		return program(t, append([]string{"run", "--dir", home}, beside(t, env...)...)...)
	}
	write := `SELECT lo_from_bytea(4242, 'kept, ')::text` // a large object: the shortest lasting thing a SELECT can make
	first := begin(t, again("PROBE_WAIT=yes", "PROBE_SQL="+write))

	out, err := again().CombinedOutput()
	if code := exitCode(err); code != 1 || !strings.Contains(string(out), "another `make run` is using "+home) {
		t.Errorf("a second run: exit code %d, said %q", code, out)
	}
	if address, err := url.Parse(first.said["database"]); err != nil || address.Hostname() != "127.0.0.1" || address.Path != "/chatwoot" {
		t.Errorf("DATABASE_URL is %s (%v), want database chatwoot on 127.0.0.1", first.said["database"], err)
	}
	if err := first.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := first.end(t); code != 5 {
		t.Errorf("exit code %d, want the command's 5\n%s", code, first.errs.String())
	}

	third := begin(t, again(`PROBE_SQL=SELECT encode(lo_get(4242), 'escape') || current_setting('fsync')`))
	if code := third.end(t); code != 0 || third.said["answer"] != "kept, on" {
		t.Errorf("the next run found %q (exit code %d), want what was kept, and fsync on", third.said["answer"], code)
	}
}

// scratchOf is devenv's temporary folder, read from the socket in a URL of `test`.
func scratchOf(t *testing.T, database string) string {
	t.Helper()
	address, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(address.Query().Get("host"))
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func answers(t *testing.T, redis string) bool {
	t.Helper()
	address, err := url.Parse(redis)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", address.Host)
	return err == nil && conn.Close() == nil
}

// processesOf lists the live processes whose command line names folder. (ps shows a zombie without its arguments.)
func processesOf(t *testing.T, folder string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ps", "-A", "-o", "pid=,args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, folder) {
			found = append(found, line)
		}
	}
	return found
}
