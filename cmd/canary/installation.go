package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/leaktest"
)

// installation is a database and a Redis of our own with the demo in them, and what opens them.
type installation struct {
	databaseURL string
	masterKey   string        // URI of the key that wraps every keyset
	keyspace    *redis.Client // past the proxy
	redisURL    string        // through the proxy
	proxy       *leaktest.Proxy
	demo        schema.Data

	tokens []string // of services
	more   []string // settings of every program under test
	undo   []func() error
}

// install makes an empty database, leases a database of Redis and puts a proxy in front of it.
func install(ctx context.Context, o options) (*installation, error) {
	i := new(installation)
	var err error
	if i.demo, err = schema.Demo(time.Now()); err == nil {
		err = i.makeKeyFolder()
	}
	if err == nil {
		err = i.makeDatabase(ctx, o.database)
	}
	if err == nil {
		err = i.leaseRedis(ctx, o.redis)
	}
	if err != nil {
		return nil, errors.Join(err, i.remove())
	}
	return i, nil
}

// remove takes everything away, last first.
func (i *installation) remove() error {
	var problems []error
	for n := len(i.undo) - 1; n >= 0; n-- {
		problems = append(problems, i.undo[n]())
	}
	i.undo = nil
	return errors.Join(problems...)
}

func (i *installation) makeKeyFolder() error {
	folder, err := os.MkdirTemp("", "cloakroom-canary-")
	if err != nil {
		return fmt.Errorf("make a folder for the master key: %w", err)
	}
	i.undo = append(i.undo, func() error { return os.RemoveAll(folder) })
	i.masterKey = "local-file://" + filepath.Join(folder, "master.key")
	return nil
}

func (i *installation) makeDatabase(ctx context.Context, server string) error {
	u, err := url.Parse(server)
	if err != nil {
		return errors.New("TEST_DATABASE_URL is not a URL")
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	database := "cloakroom_canary_" + hex.EncodeToString(random[:])
	u.Path = "/" + database
	i.databaseURL = u.String()
	name := pgx.Identifier{database}.Sanitize()
	if err := execute(ctx, server, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'"); err != nil {
		return err
	}
	i.undo = append(i.undo, func() error {
		return execute(context.WithoutCancel(ctx), server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	})
	return nil
}

// execute runs statements on a connection of their own.
func execute(ctx context.Context, url string, statements ...string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("run %.60s: %w", sql, err)
		}
	}
	return nil
}

// leaseRedis takes a logical database that no test uses: keys name accounts, of which everybody has the same.
func (i *installation) leaseRedis(ctx context.Context, server string) error {
	options, err := redis.ParseURL(server)
	if err != nil {
		return errors.New("TEST_REDIS_URL is not a Redis URL")
	}
	leases := redis.NewClient(options)
	i.undo = append(i.undo, leases.Close)
	for n := 1; n < 16; n++ {
		key := "cloakroom-test:lease:" + strconv.Itoa(n)
		free, err := leases.SetNX(ctx, key, "taken", time.Hour).Result()
		if err != nil {
			return fmt.Errorf("lease a database of Redis: %w", err)
		}
		if !free {
			continue
		}
		i.undo = append(i.undo, func() error { return leases.Del(context.WithoutCancel(ctx), key).Err() })
		own := *options
		own.DB = n
		i.keyspace = redis.NewClient(&own)
		i.undo = append(i.undo, i.keyspace.Close)
		if err := i.keyspace.FlushDB(ctx).Err(); err != nil {
			return fmt.Errorf("empty a database of Redis: %w", err)
		}
		return i.putProxy(server, options.Addr, n)
	}
	return errors.New("every logical database of Redis is leased")
}

func (i *installation) putProxy(server, target string, database int) error {
	var err error
	if i.proxy, err = leaktest.NewProxy("tcp", target); err != nil {
		return err
	}
	i.undo = append(i.undo, i.proxy.Close)
	u, err := url.Parse(server)
	if err != nil {
		return errors.New("TEST_REDIS_URL is not a URL")
	}
	u.Host, u.Path = i.proxy.Address(), "/"+strconv.Itoa(database)
	i.redisURL = u.String()
	return nil
}
