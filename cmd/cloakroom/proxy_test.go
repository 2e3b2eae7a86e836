package main

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"strconv"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// proxy stands between a server and PostgreSQL or Redis, so that a test can take them away and give them back.
type proxy struct {
	listener net.Listener
	dial     func() (net.Conn, error)
	refuse   []byte // a connection over which this is sent is cut, nil for none

	mu    sync.Mutex
	gone  bool
	conns map[net.Conn]bool
}

func newProxy(t testing.TB, network, address string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen for a proxy: %v", err)
	}
	p := &proxy{listener: listener, dial: func() (net.Conn, error) { return net.Dial(network, address) }, conns: make(map[net.Conn]bool)}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // it is closed
			}
			serving.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); p.cut(); serving.Wait() })
	return p
}

// redisProxy gives a proxy to the Redis of a URL, and its own URL.
func redisProxy(t testing.TB, at string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal("the URL of the test's Redis is none")
	}
	p := newProxy(t, "tcp", u.Host)
	u.Host = p.listener.Addr().String()
	return p, u.String()
}

// postgresProxy gives a proxy to the PostgreSQL of a URL, and its own URL.
func postgresProxy(t testing.TB, at string) (*proxy, string) {
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
	u.Host, u.RawQuery = p.listener.Addr().String(), query.Encode()
	return p, u.String()
}

func networkOf(c *pgconn.Config) (network, address string) {
	if len(c.Host) > 0 && c.Host[0] == '/' {
		return pgconn.NetworkAddress(c.Host, c.Port)
	}
	return "tcp", net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
}

// cut ends every connection and accepts no other.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	for conn := range p.conns {
		_ = conn.Close()
	}
}

func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = false
}

// keep notes a connection, so that cut finds it; false means that it came too late.
func (p *proxy) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone {
		p.conns[conn] = true
	}
	return !p.gone
}

func (p *proxy) drop(conn net.Conn) {
	_ = conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}

func (p *proxy) serve(client net.Conn) {
	defer p.drop(client)
	if !p.keep(client) {
		return
	}
	upstream, err := p.dial()
	if err != nil {
		return
	}
	defer p.drop(upstream)
	if !p.keep(upstream) {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(client, upstream) // either side may end it
		_ = client.Close()
	})
	p.forward(upstream, client)
	_ = upstream.Close()
	back.Wait()
}

// forward copies what a client sends, up to what is refused.
func (p *proxy) forward(to io.Writer, from io.Reader) {
	chunk := make([]byte, 32<<10)
	for {
		n, err := from.Read(chunk)
		if p.refuse != nil && bytes.Contains(bytes.ToLower(chunk[:n]), p.refuse) {
			return
		}
		if _, failed := to.Write(chunk[:n]); err != nil || failed != nil {
			return
		}
	}
}
