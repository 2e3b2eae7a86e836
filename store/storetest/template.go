package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/migrations"
	"github.com/cloakroom/cloakroom/store"
)

// DemoTime is when WithDemo's rows were made: always the same, so that golden files can hold their times.
var DemoTime = time.Date(2026, time.June, 15, 12, 0, 0, 0, time.UTC)

// Demo gives the rows that WithDemo loads, with their users and canaries. Shared by all tests: not to be changed.
var Demo = sync.OnceValues(func() (schema.Data, error) { return schema.Demo(DemoTime) })

// templates remembers what this process has seen to be there.
var templates struct {
	sync.Mutex
	empty, demo string
}

func emptyTemplate(ctx context.Context, srv server) (string, error) {
	templates.Lock()
	defer templates.Unlock()
	if templates.empty != "" {
		return templates.empty, nil
	}
	sum := sha256.New()
	if err := hashSchema(sum); err != nil {
		return "", err
	}
	name := templateName(sum.Sum(nil))
	if err := srv.ensure(ctx, name, loadSchema); err != nil {
		return "", err
	}
	templates.empty = name
	return name, nil
}

func demoTemplate(ctx context.Context, srv server) (string, error) {
	templates.Lock()
	defer templates.Unlock()
	if templates.demo != "" {
		return templates.demo, nil
	}
	demo, err := Demo()
	if err != nil {
		return "", fmt.Errorf("make the demo's rows: %w", err)
	}
	sum := sha256.New()
	if err := hashSchema(sum); err != nil {
		return "", err
	}
	for _, t := range demo.Tables {
		_, _ = fmt.Fprintln(sum, t.Name, t.Columns, t.Rows)
	}
	name := templateName(sum.Sum(nil))
	err = srv.ensure(ctx, name, func(ctx context.Context, s *store.Store) error {
		if err := loadSchema(ctx, s); err != nil {
			return err
		}
		return loadDemo(ctx, s, demo)
	})
	if err != nil {
		return "", err
	}
	templates.demo = name
	return name, nil
}

func templateName(sum []byte) string { return "cloakroom_template_" + hex.EncodeToString(sum[:8]) }

func hashSchema(w io.Writer) error {
	_, _ = io.WriteString(w, schema.Baseline)
	versions, err := store.QueueVersions()
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(w, "queue", versions)
	return fs.WalkDir(migrations.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(migrations.Files, path)
		_, _ = fmt.Fprintln(w, path, len(text))
		_, _ = w.Write(text)
		return err
	})
}

func loadSchema(ctx context.Context, s *store.Store) error {
	if err := s.RunScript(ctx, schema.Baseline); err != nil {
		return err
	}
	return s.Migrate(ctx, migrations.Files, func(store.Migration) {})
}

func loadDemo(ctx context.Context, s *store.Store, demo schema.Data) error {
	for _, t := range demo.Tables {
		if err := s.CopyTable(ctx, t.Name, t.Columns, t.Rows); err != nil {
			return err
		}
	}
	return s.RunScript(ctx, demo.Sequences()+"ANALYZE;") // clones inherit the statistics
}

// templateLock keeps test processes from making one template twice. The number is ours alone.
const templateLock = 0x636c6f616b // "cloak"

// ensure makes a template unless it is there. It is built under another name and renamed when it is whole, so
// that a process that dies half-way leaves nothing that could be taken for it.
func (s server) ensure(ctx context.Context, name string, load func(context.Context, *store.Store) error) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, templateLock); err != nil {
		return err
	}
	defer func() { _, _ = conn.Exec(ctx, `SELECT pg_advisory_unlock($1)`, templateLock) }()
	var exists bool
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&exists)
	if err != nil || exists {
		return err
	}
	building := name + "_building"
	if err := s.exec(ctx, "DROP DATABASE IF EXISTS %s WITH (FORCE)", building); err != nil {
		return err
	}
	if err := s.exec(ctx, "CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8'", building); err != nil {
		return err
	}
	built, err := store.Open(ctx, s.url(building))
	if err != nil {
		return err
	}
	err = load(ctx, built)
	built.Close() // a template is cloned only while nobody is connected to it
	if err != nil {
		return err
	}
	return s.exec(ctx, "ALTER DATABASE %s RENAME TO %s", building, name)
}
