package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want string // part of the complaint; "" for none
	}{
		{[]string{"run", "--", "ls", "-l"}, ""},
		{[]string{"test", "ls"}, ""},
		{nil, "say run or test"},
		{[]string{"walk", "--", "ls"}, `"walk" is neither run nor test`},
		{[]string{"run", "--"}, "no command"},
		{[]string{"run", "--colour", "--", "ls"}, "colour"},
	} {
		_, command, err := parse(test.args, io.Discard)
		if test.want == "" && (err != nil || command[0] != "ls") {
			t.Errorf("%q: command %q, error %v", test.args, command, err)
		}
		if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%q: error %v, want one with %q", test.args, err, test.want)
		}
	}
	var said bytes.Buffer
	if code := devenv(nil, &said); code != 2 || !strings.Contains(said.String(), "devenv run") {
		t.Errorf("exit code %d, said %q; want 2 and the usage", code, said.String())
	}
}

// A server that dies takes the command with it, and the exit code says that this was no success.
func TestServerDies(t *testing.T) {
	t.Parallel()
	// The socket's lock file begins with the server's process id.
	script := `socket=$(echo "${TEST_DATABASE_URL#*host=}" | sed 's,%2F,/,g'); trap 'exit 0' TERM
		kill -INT "$(head -n 1 "$socket/.s.PGSQL.5432.lock")"; sleep 60 & wait`
	cmd := program(t, "test", "--", "sh", "-c", script)
	out, err := cmd.CombinedOutput()
	if code := exitCode(err); code != 1 || !strings.Contains(string(out), "PostgreSQL ended by itself") {
		t.Errorf("exit code %d, said %q; want 1 and the server's name", code, out)
	}
}

func TestLinkLibraries(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		list string
		want string
	}{
		"as in the package": {`[{"source":"native/lib/libpq.so.5.16","target":"native/lib/libpq.so.5"}]`, "libpq.so.5.16"},
		"leads outside":     {`[{"source":"native/lib/libpq.so.5.16","target":"../../libpq.so.5"}]`, ""},
		"points outside":    {`[{"source":"/etc/passwd","target":"native/lib/libpq.so.5"}]`, ""},
		"no list":           {`{`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pack := t.TempDir()
			if err := os.MkdirAll(filepath.Join(pack, "native", "lib"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(pack, "native", "pg-symlinks.json"), []byte(test.list), 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second finds the links there
				if err := linkLibraries(pack); (err == nil) != (test.want != "") {
					t.Fatalf("error %v", err)
				}
			}
			got, err := os.Readlink(filepath.Join(pack, "native", "lib", "libpq.so.5"))
			if got != test.want {
				t.Errorf("the link leads to %q (%v), want %q", got, err, test.want)
			}
		})
	}
}

func TestNPMInstalledWantsThePinnedVersionWhole(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	pack := filepath.Join(folder, "node_modules", "pg")
	write := func(path, text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(folder, "package.json"), `{"optionalDependencies": {"pg": "16.2"}}`)
	var got []bool
	see := func() { got = append(got, npmInstalled(folder, pack, "pg")) }
	see()
	write(filepath.Join(pack, "package.json"), `{"version": "16.2"}`)
	see()
	write(filepath.Join(folder, "node_modules", ".package-lock.json"), `{}`)
	see()
	write(filepath.Join(pack, "package.json"), `{"version": "16.1"}`)
	see()
	if diff := cmp.Diff([]bool{false, false, true, false}, got); diff != "" {
		t.Error("nothing, half installed, installed, another version:", diff)
	}
}

func TestLockIsExclusive(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	held, err := lock(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock(path, 0); !errors.Is(err, errLocked) {
		t.Errorf("error %v, want errLocked", err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := lock(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"postgres (PostgreSQL) 16.14":                          "pg-16",
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)": "pg-15",
		"postgres (PostgreSQL) 19beta2":                        "pg-19beta2",
	} {
		match := versionLine.FindStringSubmatch(line)
		if match == nil || (pgBinaries{version: match[1]}).folder() != want {
			t.Errorf("%s: read as %q, want folder %s", line, match, want)
		}
	}
	if n := folderNumber("/usr/lib/postgresql/15/bin"); n != 15 {
		t.Errorf("folder number %d, want 15", n)
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	t.Parallel()
	var kept tail
	for i := range 5000 {
		if _, err := kept.Write([]byte("line " + strconv.Itoa(i) + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff("\n    line 4998\n    line 4999", kept.lines(2)); diff != "" {
		t.Error(diff)
	}
	if len(kept.buf) > tailBytes {
		t.Errorf("it keeps %d bytes", len(kept.buf))
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]int{"exit 0": 0, "exit 3": 3, "kill -TERM $$": 128 + int(syscall.SIGTERM)} {
		if got := exitCode(exec.CommandContext(t.Context(), "sh", "-c", script).Run()); got != want {
			t.Errorf("%s: exit code %d, want %d", script, got, want)
		}
	}
	if got := exitCode(errors.New("not an exit")); got != 1 {
		t.Errorf("exit code %d for another error, want 1", got)
	}
}
