package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	scratchPrefix = "cloakroom-dev-"
	module        = "module github.com/cloakroom/cloakroom"
)

// projectRoot walks up from the working folder to the one with the project's go.mod.
func projectRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the working folder: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), module) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not inside the Cloakroom project: run devenv from there", start)
		}
	}
}

// errLocked says that another process holds the lock.
var errLocked = errors.New("locked")

// lock takes an exclusive flock(2) on path, which ends with the last process that has the file open: servers inherit
// it, so a folder stays locked until they, too, are gone. It retries for patience, then returns errLocked.
func lock(path string, patience time.Duration) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock file: %w", err)
	}
	limit := time.Now().Add(patience)
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		}
		if time.Now().After(limit) {
			return nil, errors.Join(errLocked, f.Close())
		}
		time.Sleep(50 * time.Millisecond) // flock(2) has no timed form, and a blocking one cannot be called off
	}
}

// scratch is a folder for sockets and throw-away data. Its lock tells a later devenv whether it is still in use.
type scratch struct {
	path string
	held *os.File
}

// newScratch makes one in the temporary folder, or in /tmp when that path is too long for a unix socket (107 bytes),
// and clears away those that a killed devenv left behind.
func newScratch() (*scratch, error) {
	base := os.TempDir()
	if len(base) > 60 {
		base = "/tmp"
	}
	sweep(base)
	path, err := os.MkdirTemp(base, scratchPrefix)
	if err != nil {
		return nil, fmt.Errorf("make a temporary folder (is TMPDIR writable?): %w", err)
	}
	held, err := lock(filepath.Join(path, "lock"), 0)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	return &scratch{path: path, held: held}, nil
}

func (s *scratch) remove() error {
	return errors.Join(os.RemoveAll(s.path), s.held.Close())
}

// sweep removes our old scratch folders that nobody holds. The minute's grace is for one that was just made and is
// not locked yet; what cannot be removed is another user's, and stays.
func sweep(base string) {
	found, _ := filepath.Glob(filepath.Join(base, scratchPrefix+"*"))
	for _, path := range found {
		info, err := os.Lstat(path)
		if err != nil || !info.IsDir() || !ownedBy(info, os.Getuid()) || time.Since(info.ModTime()) < time.Minute {
			continue
		}
		held, err := lock(filepath.Join(path, "lock"), 0)
		if err != nil {
			continue
		}
		_ = os.RemoveAll(path)
		_ = held.Close()
	}
}

func ownedBy(info os.FileInfo, uid int) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == uid
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
