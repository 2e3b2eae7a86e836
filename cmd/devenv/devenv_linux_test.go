package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// Even SIGKILL, which devenv cannot answer, leaves no process: the kernel tells the children.
func TestKillLeavesNoProcess(t *testing.T) {
	t.Parallel()
	r := begin(t, program(t, append([]string{"test"}, beside(t, "PROBE_WAIT=yes")...)...))
	folder := scratchOf(t, r.said["database"])
	if len(processesOf(t, folder)) == 0 {
		t.Fatalf("no process names %s: the search of this test sees nothing", folder)
	}
	if err := r.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r.out); err != nil { // the command lost its servers with devenv: whatever it says
		t.Error(err)
	}
	if err := r.cmd.Wait(); err == nil {
		t.Error("killed, yet devenv says all is well")
	}
	eventually(t, "the servers are gone", func() bool {
		return len(processesOf(t, folder)) == 0 && !answers(t, r.said["redis"])
	})
	held, err := lock(filepath.Join(folder, "lock"), 5*time.Second)
	if err != nil {
		t.Fatalf("somebody still holds the folder: %v", err)
	}
	if err := held.Close(); err != nil {
		t.Error(err)
	}
	lastYear := time.Now().AddDate(-1, 0, 0)
	if err := os.Chtimes(folder, lastYear, lastYear); err != nil {
		t.Fatal(err)
	}
	sweep(filepath.Dir(folder))
	if exists(folder) {
		t.Error("the next devenv would not clear the folder away")
	}
}

// A script knows only the process it started, which is make. (Redis alone is started here, for it is the quicker one.)
func TestSignalsToMakeAlone(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			makefile := filepath.Join(t.TempDir(), "Makefile")
			// The probe does not read its argument: it makes the processes findable.
			devenv := program(t, slices.Concat([]string{"test"}, beside(t, "PROBE_WAIT=yes"), []string{makefile})...)
			devenv.Env = append(devenv.Env, "TEST_DATABASE_URL="+noDatabase)
			if err := os.WriteFile(makefile, []byte("run:\n\t@exec "+strings.Join(devenv.Args, " ")+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			mk := exec.CommandContext(t.Context(), "make", "-f", makefile, "run")
			mk.Env = slices.DeleteFunc(devenv.Env, func(entry string) bool { return strings.HasPrefix(entry, "MAKE") })
			r := begin(t, mk)
			if err := mk.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			r.end(t)
			if r.said["drained"] != "yes" {
				t.Errorf("the command did not drain\n%s", r.errs.String())
			}
			eventually(t, "nothing is left", func() bool {
				return len(processesOf(t, makefile)) == 0 && !answers(t, r.said["redis"])
			})
		})
	}
}

// Every way of running PostgreSQL that this account has makes and serves a cluster.
func TestIdentities(t *testing.T) {
	t.Parallel()
	s := &session{mode: modes["test"], say: &progress{out: t.Output()}, env: os.Environ()}
	var err error
	if s.root, err = projectRoot(); err != nil {
		t.Fatal(err)
	}
	found, err := s.findPostgres(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := chooseIdentity(t.Context(), found.server(), "/nowhere", "/")
	if err != nil {
		t.Fatal(err)
	}
	ways := map[string]identity{"chosen": chosen}
	if os.Getuid() == 0 && chosen.owner == nil {
		if ways["as another account"], err = asOther(); err != nil {
			t.Fatal(err)
		}
	}
	if in := inNamespace(); chosen.attr.Cloneflags == 0 && in.can(t.Context(), found.server(), "/") == nil {
		ways["in a user namespace"] = in // open to an ordinary user too, where the kernel allows it
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := serveAs(t, *s, found, way); err != nil {
				t.Error(err)
			}
		})
	}
}

// serveAs goes the way of session.postgres with the identity given.
func serveAs(t *testing.T, s session, found pgBinaries, way identity) (err error) {
	t.Helper()
	if s.scratch, err = newScratch(); err != nil {
		return err
	}
	defer func() {
		if removeErr := s.scratch.remove(); err == nil {
			err = removeErr
		}
	}()
	c, err := s.layOut(t.Context(), found, way)
	if err != nil {
		return err
	}
	if err := c.init(t.Context(), false); err != nil {
		return err
	}
	server, err := c.serve(t.Context(), false)
	if err != nil {
		return err
	}
	defer server.stop(syscall.SIGINT, drain)
	conn, err := pgx.Connect(t.Context(), c.localURL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	var directory string
	if err := conn.QueryRow(t.Context(), "SHOW data_directory").Scan(&directory); err != nil {
		return err
	}
	if diff := cmp.Diff(c.data, directory); diff != "" {
		return fmt.Errorf("the server is another one: %s", diff)
	}
	return nil
}

func TestCaughtSignals(t *testing.T) {
	t.Parallel()
	if caughtSignals(os.Getpid()) == 0 {
		t.Error("a Go program catches signals, but none is seen")
	}
	if caught := caughtSignals(1 << 30); caught != 0 {
		t.Errorf("no such process, yet it catches %x", caught)
	}
}
