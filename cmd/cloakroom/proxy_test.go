package main

import (
	"net"
	"net/url"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cloakroom/cloakroom/leaktest"
)

// newProxy gives a proxy that ends with the test.
func newProxy(t testing.TB, network, address string) *leaktest.Proxy {
	t.Helper()
	p, err := leaktest.NewProxy(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() }) // the listener of a test
	return p
}

// redisProxy gives a proxy to the Redis of a URL, and its own URL.
func redisProxy(t testing.TB, at string) (*leaktest.Proxy, string) {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal("the URL of the test's Redis is none")
	}
	p := newProxy(t, "tcp", u.Host)
	u.Host = p.Address()
	return p, u.String()
}

// postgresProxy gives a proxy to the PostgreSQL of a URL, and its own URL.
func postgresProxy(t testing.TB, at string) (*leaktest.Proxy, string) {
	t.Helper()
	config, err := pgconn.ParseConfig(at)
	if err != nil {
		t.Fatal("the URL of the test's PostgreSQL is none")
	}
	network, address := networkOf(config)
	p := newProxy(t, network, address)
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal("the URL of the test's PostgreSQL is none")
	}
	query := u.Query()
	query.Del("host")
	query.Del("port")
	u.Host, u.RawQuery = p.Address(), query.Encode()
	return p, u.String()
}

func networkOf(c *pgconn.Config) (network, address string) {
	if len(c.Host) > 0 && c.Host[0] == '/' {
		return pgconn.NetworkAddress(c.Host, c.Port)
	}
	return "tcp", net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
}
