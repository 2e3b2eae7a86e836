package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/migrations"
)

// dataset is a database full of sealed rows, and what opens them.
type dataset struct {
	size
	url       string
	masterKey string // URI of the key that wraps the account's keysets
	accountID int64
	drop      func()
}

// openData finds kept data or makes it.
func openData(ctx context.Context, o options) (*dataset, error) {
	s := full
	if o.small {
		s = small
	}
	name, folder := fmt.Sprintf("cloakroom_bench_%s_%d", s.name, os.Getpid()), ""
	var err error
	if o.keep != "" {
		name = "cloakroom_bench_" + s.name
		folder, err = filepath.Abs(o.keep)
	} else {
		folder, err = os.MkdirTemp("", "cloakroom-bench-")
	}
	if err != nil {
		return nil, fmt.Errorf("choose a folder for the master key: %w", err)
	}
	d := &dataset{size: s, masterKey: "local-file://" + filepath.Join(folder, s.name+".master")}
	if d.url, err = databaseURL(o.database, name); err != nil {
		return nil, err
	}
	d.drop = func() {}
	if o.keep == "" {
		d.drop = func() {
			_ = dropDatabase(context.WithoutCancel(ctx), o.database, name) // the server may be gone already
			_ = os.RemoveAll(folder)
		}
	}
	print, err := schemaFingerprint(s)
	if err == nil {
		err = d.fill(ctx, o, name, print)
	}
	if err != nil {
		d.drop()
		return nil, err
	}
	return d, nil
}

// fill makes the data unless the database says that it holds exactly this.
func (d *dataset) fill(ctx context.Context, o options, name, print string) error {
	found, err := findData(ctx, o.database, name)
	if err != nil {
		return err
	}
	if found == print {
		say("using the %s data of database %s", d.name, name)
		return d.readAccount(ctx)
	}
	if err := dropDatabase(ctx, o.database, name); err != nil {
		return err
	}
	if err := onServer(ctx, o.database, "CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8'", name); err != nil {
		return err
	}
	// Cached records in Redis are named by account: another number for every data set keeps them apart.
	d.accountID = 1 + rand.Int64N(1_000_000) // no secret
	if err := d.build(ctx, o.redis); err != nil {
		return err
	}
	return onServer(ctx, o.database, "COMMENT ON DATABASE %s IS '"+print+"'", name)
}

// schemaFingerprint tells data made by other migrations from ours.
func schemaFingerprint(s size) (string, error) {
	texts := []string{schema.Baseline}
	err := fs.WalkDir(migrations.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(migrations.Files, path)
		texts = append(texts, path, string(text))
		return err
	})
	return s.fingerprint(texts...), err
}

func databaseURL(server, name string) (string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", errors.New("TEST_DATABASE_URL is not a URL")
	}
	u.Path = "/" + name
	return u.String(), nil
}

func findData(ctx context.Context, server, name string) (string, error) {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return "", fmt.Errorf("connect to the database server: %w", err)
	}
	defer conn.Close(ctx)
	var comment *string
	err = conn.QueryRow(ctx, `SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1`, name).Scan(&comment)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && comment == nil {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for kept data: %w", err)
	}
	return *comment, nil
}

func dropDatabase(ctx context.Context, server, name string) error {
	return onServer(ctx, server, "DROP DATABASE IF EXISTS %s WITH (FORCE)", name)
}

// onServer runs a statement about a database, whose name cannot be an argument.
func onServer(ctx context.Context, server, format, name string) error {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("connect to the database server: %w", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, fmt.Sprintf(format, pgx.Identifier{name}.Sanitize())); err != nil {
		return fmt.Errorf("change database %s: %w", name, err)
	}
	return nil
}

func (d *dataset) readAccount(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, d.url)
	if err != nil {
		return fmt.Errorf("connect to the kept data: %w", err)
	}
	defer conn.Close(ctx)
	return conn.QueryRow(ctx, `SELECT id::int8 FROM accounts`).Scan(&d.accountID)
}
