package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// identity is as whom PostgreSQL's programs run, since they refuse to run as root.
type identity struct {
	attr  syscall.SysProcAttr
	owner *syscall.Credential // the other account that must own the data; nil when that is ours
}

// command is a program to be run under the identity. It stands in "/" because it may not be allowed where we are.
func (i identity) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	attr := i.attr
	cmd.SysProcAttr = &attr
	cmd.Dir = "/"
	ours := func(entry string) bool { return strings.HasPrefix(entry, "PG") } // PGPORT and the like mean other servers
	cmd.Env = append(slices.DeleteFunc(os.Environ(), ours), "LC_ALL=C")
	return cmd
}

// can reports whether the identity can run program and enter dir.
func (i identity) can(ctx context.Context, program, dir string) error {
	cmd := i.command(program, "--version")
	cmd.Dir = dir
	return runTool(ctx, program, cmd)
}

// own hands path to the identity where that is another account.
func (i identity) own(path string) error {
	if i.owner == nil {
		return nil
	}
	if err := os.Chown(path, int(i.owner.Uid), int(i.owner.Gid)); err != nil {
		return fmt.Errorf("hand the database folder to the account PostgreSQL runs as: %w", err)
	}
	return nil
}

var errNoIdentity = errors.New("PostgreSQL does not run as root, and there is no other way to start it here: " +
	"run this as an ordinary user, or set DATABASE_URL (for tests: TEST_DATABASE_URL)")
