package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// demoDatabase is where `run` keeps its data, named as Chatwoot's own installations name it.
const demoDatabase = "chatwoot"

// cluster is a PostgreSQL data folder and what it takes to serve it.
type cluster struct {
	pgBinaries
	identity
	data, sockets, log string
	settings           []string
	locks              []*os.File
	port               int // on 127.0.0.1; 0 for the unix socket alone
}

// Settings of both modes, of kept data and of throw-away data. The last give up every promise about a crash for speed.
var (
	always    = []string{"shared_preload_libraries=pg_stat_statements"}
	whenKept  = []string{"synchronous_commit=off"}
	throwaway = []string{"fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off",
		"max_wal_size=1GB", "max_connections=300", "shared_buffers=256MB"}
)

// postgres starts the private PostgreSQL and exports its URL.
func (s *session) postgres(ctx context.Context) error {
	if s.keep {
		if err := s.lockHome(); err != nil {
			return err
		}
	}
	found, err := s.findPostgres(ctx)
	if err != nil {
		return err
	}
	parent := s.dataParent()
	who, err := chooseIdentity(ctx, found.server(), filepath.Join(parent, found.folder()), parent)
	if err != nil {
		return err
	}
	c, err := s.layOut(ctx, found, who)
	if err != nil {
		return err
	}
	if !isDir(c.data) {
		if err := s.say.step("making a PostgreSQL "+c.version+" cluster", func() error { return c.init(ctx, s.keep) }); err != nil {
			return err
		}
	}
	return s.say.step("starting PostgreSQL "+c.version, func() error { return s.serve(ctx, c) })
}

// serve starts the cluster's server, sees to its end, and exports its URL.
func (s *session) serve(ctx context.Context, c *cluster) error {
	server, err := c.serve(ctx, s.keep)
	if err != nil {
		return err
	}
	s.servers = append(s.servers, server)
	s.undo = append(s.undo, func() error { server.stop(syscall.SIGINT, drain); return nil })
	address, err := c.open(ctx, s.keep)
	if err != nil {
		return err
	}
	s.export(s.database, address, "data in "+c.data)
	return nil
}

// dataParent is the folder that the cluster's folder lies in, unless PostgreSQL's account cannot enter it.
func (s *session) dataParent() string {
	if s.keep {
		return s.home
	}
	return s.scratch.path
}

// layOut decides where data, sockets and log lie when the server runs as who.
func (s *session) layOut(ctx context.Context, found pgBinaries, who identity) (*cluster, error) {
	parent := s.dataParent()
	c := &cluster{pgBinaries: found, identity: who, locks: s.locks, data: filepath.Join(parent, found.folder()),
		sockets: filepath.Join(s.scratch.path, "socket"), log: filepath.Join(parent, "postgres.log")}
	if s.keep {
		c.settings = slices.Concat(always, whenKept)
	} else {
		c.settings = slices.Concat(always, throwaway)
	}
	if c.owner != nil {
		if err := s.makeReachable(ctx, c, parent); err != nil {
			return nil, err
		}
	}
	if err := os.Mkdir(c.sockets, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for PostgreSQL's socket: %w", err)
	}
	return c, c.own(c.sockets)
}

// makeReachable moves to a folder open to all whatever the other account cannot get at: the binaries, the data, or both.
func (s *session) makeReachable(ctx context.Context, c *cluster, parent string) error {
	if err := os.Chmod(s.scratch.path, 0o711); err != nil { // the socket has a 0700 folder of its own
		return fmt.Errorf("open the temporary folder to PostgreSQL's account: %w", err)
	}
	if c.can(ctx, c.server(), "/") != nil {
		place, err := openPlace(s.cache())
		if err != nil {
			return err
		}
		if c.pgBinaries, err = c.copyTo(place); err != nil {
			return err
		}
	}
	if c.can(ctx, c.server(), parent) != nil {
		if !s.keep {
			return fmt.Errorf("the temporary folder %s is closed to the account PostgreSQL must run as: set TMPDIR=/tmp", parent)
		}
		place, err := openPlace(s.home)
		if err != nil {
			return err
		}
		c.data = filepath.Join(place, filepath.Base(c.data))
	}
	if err := c.can(ctx, c.server(), filepath.Dir(c.data)); err != nil {
		return errors.Join(errNoIdentity, err)
	}
	return nil
}

// init makes the cluster beside its place and moves it there whole, so that a killed initdb leaves nothing to trip over.
func (c *cluster) init(ctx context.Context, durable bool) error {
	part := c.data + ".part"
	if err := os.RemoveAll(part); err != nil {
		return fmt.Errorf("clear an unfinished cluster: %w", err)
	}
	if err := os.Mkdir(part, 0o700); err != nil {
		return fmt.Errorf("make the database folder: %w", err)
	}
	if err := c.own(part); err != nil {
		return err
	}
	locale := "C.UTF-8"
	if runtime.GOOS == "darwin" {
		locale = "en_US.UTF-8" // older ones have no C.UTF-8
	}
	args := []string{"-D", part, "-U", "postgres", "-E", "UTF8", "--locale=" + locale, "--no-instructions",
		"--auth-local=trust", "--auth-host=scram-sha-256"}
	if !durable {
		args = append(args, "--no-sync")
	}
	if err := runTool(ctx, "initdb", c.command(c.initdb(), args...)); err != nil {
		return err
	}
	return os.Rename(part, c.data)
}

// serve starts the server and waits until it answers. A port can be taken between choosing it and binding it: then
// it is chosen again.
func (c *cluster) serve(ctx context.Context, tcp bool) (*process, error) {
	for try := 1; ; try++ {
		if tcp {
			var err error
			if c.port, err = freePort(); err != nil {
				return nil, err
			}
		}
		server, err := c.start()
		if err != nil {
			return nil, err
		}
		err = waitReady(ctx, server, func(ctx context.Context) error {
			conn, err := pgx.Connect(ctx, c.localURL("postgres"))
			if err == nil {
				err = conn.Close(ctx)
			}
			return err
		})
		if err == nil {
			return server, nil
		}
		server.stop(syscall.SIGINT, drain)
		if ctx.Err() == nil && tcp && try < 3 && portTaken(c.port) {
			continue
		}
		return nil, fmt.Errorf("PostgreSQL did not start: %w%s", err, lastLines(c.log))
	}
}

// start runs postgres itself, not pg_ctl, so that the process we hold is the server.
func (c *cluster) start() (*process, error) {
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL's log: %w", err)
	}
	defer log.Close()
	args := []string{"-D", c.data, "-c", "unix_socket_directories=" + c.sockets}
	if c.port == 0 {
		args = append(args, "-c", "listen_addresses=")
	} else {
		args = append(args, "-c", "listen_addresses=127.0.0.1", "-p", strconv.Itoa(c.port))
	}
	for _, setting := range c.settings {
		args = append(args, "-c", setting)
	}
	cmd := c.command(c.server(), args...)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, c.locks
	return start("PostgreSQL", cmd, syscall.SIGINT)
}

// open prepares the server for the command and returns its URL. Throw-away servers listen on their socket alone. A kept
// one can be reached over TCP, by psql or a script, and every account of the machine can try that: so its superuser,
// who may run programs, gets a new password each time.
func (c *cluster) open(ctx context.Context, tcp bool) (string, error) {
	if !tcp {
		return c.localURL("postgres"), nil
	}
	conn, err := pgx.Connect(ctx, c.localURL("postgres"))
	if err != nil {
		return "", fmt.Errorf("connect to the new PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	password := rand.Text() // base32: needs no quoting
	if _, err := conn.Exec(ctx, "ALTER ROLE postgres PASSWORD '"+password+"'"); err != nil {
		return "", fmt.Errorf("set the database password: %w", err)
	}
	var exists bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", demoDatabase).Scan(&exists); err != nil {
		return "", fmt.Errorf("look for the database: %w", err)
	}
	if !exists {
		if _, err := conn.Exec(ctx, "CREATE DATABASE "+demoDatabase); err != nil {
			return "", fmt.Errorf("create the database: %w", err)
		}
	}
	address := url.URL{Scheme: "postgres", User: url.UserPassword("postgres", password), Path: demoDatabase,
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)), RawQuery: "sslmode=disable"}
	return address.String(), nil
}

// localURL reaches a database over the unix socket, whose folder only we can enter.
func (c *cluster) localURL(database string) string {
	query := url.Values{"host": {c.sockets}}
	if c.port != 0 {
		query.Set("port", strconv.Itoa(c.port))
	}
	return "postgres://postgres@/" + database + "?" + query.Encode()
}

// readyWithin is generous because a cluster that was cut off may first replay its log.
const readyWithin = 2 * time.Minute
