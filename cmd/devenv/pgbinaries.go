package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// pgBinaries is a PostgreSQL that runs on this machine.
type pgBinaries struct {
	bin     string // the folder with initdb and postgres
	version string // as it says itself, such as "16.14"
}

// folder names a cluster by its major version, since two of them cannot read each other's files.
func (b pgBinaries) folder() string {
	major, _, _ := strings.Cut(b.version, ".")
	return "pg-" + major
}

func (b pgBinaries) server() string { return filepath.Join(b.bin, "postgres") }
func (b pgBinaries) initdb() string { return filepath.Join(b.bin, "initdb") }

// findPostgres looks where EMBEDDED_PG_BIN says and nowhere else, or takes the npm package, or what the machine has.
func (s *session) findPostgres(ctx context.Context) (pgBinaries, error) {
	if bin := s.getenv("EMBEDDED_PG_BIN"); bin != "" {
		found, err := tryBinaries(ctx, bin)
		if err != nil {
			return found, fmt.Errorf("EMBEDDED_PG_BIN must name a folder with a working initdb and postgres: %w", err)
		}
		return found, nil
	}
	bin, npmErr := s.fromNPM(ctx)
	if npmErr == nil {
		var found pgBinaries
		if found, npmErr = tryBinaries(ctx, bin); npmErr == nil {
			return found, nil
		}
	}
	if ctx.Err() != nil {
		return pgBinaries{}, npmErr
	}
	for _, bin := range machineFolders() {
		if found, err := tryBinaries(ctx, bin); err == nil {
			s.say.note("npm's PostgreSQL is not to be had, so the machine's %s is used (%s)", found.version, bin)
			return found, nil
		}
	}
	return pgBinaries{}, fmt.Errorf("no PostgreSQL: install Node.js with npm, or a PostgreSQL server "+
		"(Debian: apt-get install postgresql; macOS: brew install postgresql@16), or set DATABASE_URL: %w", npmErr)
}

// versionLine matches "postgres (PostgreSQL) 16.14" and Debian's "… 15.18 (Debian 15.18-0+deb12u1)".
var versionLine = regexp.MustCompile(`\(PostgreSQL\) (\d+[.\w]*)`)

// tryBinaries runs the server's --version, which also shows whether its libraries are all there.
func tryBinaries(ctx context.Context, bin string) (pgBinaries, error) {
	b := pgBinaries{bin: bin}
	if _, err := os.Stat(b.initdb()); err != nil {
		return b, err
	}
	var out bytes.Buffer
	cmd := exec.Command(b.server(), "--version")
	cmd.Stdout = &out
	if err := runTool(ctx, b.server(), cmd); err != nil {
		return b, err
	}
	match := versionLine.FindStringSubmatch(out.String())
	if match == nil {
		return b, errors.New("postgres does not tell its version")
	}
	b.version = match[1]
	return b, nil
}

// machineFolders lists where a PostgreSQL of the machine may be, the newest of Debian's first.
func machineFolders() []string {
	var folders []string
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		folders = append(folders, strings.TrimSpace(string(out)))
	}
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(debian, func(a, b string) int {
		return cmp.Compare(folderNumber(b), folderNumber(a))
	})
	folders = append(folders, debian...)
	for _, prefix := range []string{"/opt/homebrew/opt", "/usr/local/opt"} {
		brew, _ := filepath.Glob(filepath.Join(prefix, "postgresql*", "bin"))
		slices.Sort(brew)
		slices.Reverse(brew)
		folders = append(folders, brew...)
	}
	return folders
}

// folderNumber is the 15 of /usr/lib/postgresql/15/bin.
func folderNumber(bin string) int {
	number, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin))) // no number sorts last
	return number
}

// openPlace is a folder of ours that every account can enter, for when PostgreSQL runs as an account that cannot
// enter the folder it stands in for (below root's home, say). The name is guessable, so one that someone else put there
// is refused.
func openPlace(instead string) (string, error) {
	hash := sha256.Sum256([]byte(instead))
	place := fmt.Sprintf("/var/tmp/cloakroom-%x", hash[:6])
	if err := os.Mkdir(place, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make a folder that PostgreSQL's account can enter: %w", err)
	}
	info, err := os.Lstat(place)
	if err != nil || !info.IsDir() || !ownedBy(info, os.Getuid()) || info.Mode().Perm()&0o022 != 0 {
		return "", fmt.Errorf("%s is not ours alone: remove it and try again", place)
	}
	return place, os.Chmod(place, 0o755)
}

// copyTo puts a readable copy of the whole installation below place, once per version.
func (b pgBinaries) copyTo(place string) (pgBinaries, error) {
	target := filepath.Join(place, "postgresql-"+b.version)
	moved := pgBinaries{bin: filepath.Join(target, "bin"), version: b.version}
	if isDir(target) {
		return moved, nil
	}
	part, err := os.MkdirTemp(place, "copy-")
	if err != nil {
		return moved, fmt.Errorf("copy PostgreSQL: %w", err)
	}
	if err := errors.Join(os.CopyFS(part, os.DirFS(filepath.Dir(b.bin))), openUp(part)); err != nil {
		return moved, errors.Join(fmt.Errorf("copy PostgreSQL: %w", err), os.RemoveAll(part))
	}
	if err := os.Rename(part, target); err != nil && !isDir(target) { // another devenv may have been quicker
		return moved, errors.Join(fmt.Errorf("copy PostgreSQL: %w", err), os.RemoveAll(part))
	}
	return moved, os.RemoveAll(part)
}

// openUp undoes what a strict umask did to the copy.
func openUp(folder string) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		return os.Chmod(path, 0o755)
	})
}
