package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// aptInstallRedis installs the package as root and stops the service that comes with it: we start our own.
func aptInstallRedis(ctx context.Context) error {
	install := func() error {
		return runTool(ctx, "apt-get install redis-server", apt("-o", "DPkg::Lock::Timeout=120",
			"install", "-y", "--no-install-recommends", "redis-server"))
	}
	err := install()
	if err != nil && ctx.Err() == nil {
		if updateErr := runTool(ctx, "apt-get update", apt("update")); updateErr != nil {
			return errors.Join(err, updateErr)
		}
		err = install()
	}
	if err != nil {
		return err
	}
	if isDir("/run/systemd/system") {
		return runTool(ctx, "systemctl", exec.Command("systemctl", "disable", "--now", "redis-server"))
	}
	return runTool(ctx, "service", exec.Command("service", "redis-server", "stop"))
}

// apt is apt-get without questions and with messages we can show.
func apt(args ...string) *exec.Cmd {
	cmd := exec.Command("apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
	return cmd
}

// aptUnpackRedis needs no root: it asks apt which packages are missing, downloads those and unpacks them into target.
// Where apt has no lists yet it keeps lists of its own beside them for as long as that takes.
func aptUnpackRedis(ctx context.Context, target string) error {
	part := target + ".part"
	if err := errors.Join(os.RemoveAll(part), os.MkdirAll(filepath.Join(part, "debs"), 0o700)); err != nil {
		return fmt.Errorf("make a folder for Redis: %w", err)
	}
	options := []string{"-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User="}
	packages, err := aptMissing(ctx, options)
	if err != nil {
		if options, err = aptOwnLists(ctx, part, options); err != nil {
			return err
		}
		if packages, err = aptMissing(ctx, options); err != nil {
			return err
		}
	}
	download := apt(slices.Concat(options, []string{"download"}, packages)...)
	download.Dir = filepath.Join(part, "debs")
	if err := runTool(ctx, "apt-get download", download); err != nil {
		return err
	}
	debs, _ := filepath.Glob(filepath.Join(part, "debs", "*.deb"))
	for _, deb := range debs {
		if err := runTool(ctx, "dpkg-deb", exec.Command("dpkg-deb", "-x", deb, part)); err != nil {
			return err
		}
	}
	for _, done := range []string{"debs", "apt"} {
		if err := os.RemoveAll(filepath.Join(part, done)); err != nil {
			return fmt.Errorf("clear up after fetching Redis: %w", err)
		}
	}
	return errors.Join(os.RemoveAll(target), os.Rename(part, target))
}

// aptMissing lists redis-server and those of its dependencies that the machine does not have, from a simulated install.
func aptMissing(ctx context.Context, options []string) ([]string, error) {
	var plan bytes.Buffer
	cmd := apt(slices.Concat(options, []string{"--simulate", "--no-install-recommends", "install", "redis-server"})...)
	cmd.Stdout = &plan
	if err := runTool(ctx, "apt-get --simulate install redis-server", cmd); err != nil {
		return nil, err
	}
	var packages []string
	for line := range strings.Lines(plan.String()) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "Inst" {
			packages = append(packages, words[1])
		}
	}
	if len(packages) == 0 {
		return nil, errors.New("apt-get knows nothing to install for redis-server")
	}
	return packages, nil
}

// aptOwnLists fetches package lists into folder and returns the options that make apt use them.
func aptOwnLists(ctx context.Context, folder string, options []string) ([]string, error) {
	own := filepath.Join(folder, "apt")
	for _, sub := range []string{"state/lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(own, sub), 0o700); err != nil {
			return nil, fmt.Errorf("make a folder for package lists: %w", err)
		}
	}
	options = slices.Concat(options, []string{"-o", "Dir::State=" + filepath.Join(own, "state"),
		"-o", "Dir::State::status=/var/lib/dpkg/status", "-o", "Dir::Cache=" + filepath.Join(own, "cache")})
	return options, runTool(ctx, "apt-get update", apt(slices.Concat(options, []string{"update"})...))
}

// unpackedRedis is what aptUnpackRedis left in folder.
func unpackedRedis(folder string) (redisBinary, bool) {
	program := filepath.Join(folder, "usr", "bin", "redis-server")
	if _, err := os.Stat(program); err != nil {
		return redisBinary{}, false
	}
	var libraries []string
	for _, pattern := range []string{"usr/lib/*-linux-gnu*", "lib/*-linux-gnu*"} {
		found, _ := filepath.Glob(filepath.Join(folder, pattern))
		libraries = append(libraries, found...)
	}
	return redisBinary{program: program, libraries: strings.Join(libraries, ":")}, true
}
