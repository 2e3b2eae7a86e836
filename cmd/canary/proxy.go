package main

import (
	"fmt"
	"io"
	"net"
	"sync"
)

// proxy stands in front of a server and can be cut: then every connection ends, and new ones end at once.
type proxy struct {
	target   string
	listener net.Listener

	mu   sync.Mutex
	cut  bool
	open map[net.Conn]bool
	all  sync.WaitGroup
}

func newProxy(target string) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen in front of Redis: %w", err)
	}
	p := &proxy{target: target, listener: listener, open: make(map[net.Conn]bool)}
	p.all.Go(p.accept)
	return p, nil
}

func (p *proxy) address() string { return p.listener.Addr().String() }

// sever cuts the connections; mend lets new ones through again.
func (p *proxy) sever() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	for conn := range p.open {
		_ = conn.Close() // the other side may have closed it
	}
}

func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = false
}

func (p *proxy) close() error {
	err := p.listener.Close()
	p.sever()
	p.all.Wait()
	return err
}

func (p *proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.all.Go(func() { p.serve(conn) })
	}
}

func (p *proxy) serve(client net.Conn) {
	defer p.end(client)
	if !p.begin(client) {
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer p.end(server)
	if !p.begin(server) {
		return
	}
	p.all.Go(func() {
		_, _ = io.Copy(server, client) // how a connection ends is its owners' business
		p.end(server)
	})
	_, _ = io.Copy(client, server)
}

// begin notes a connection, unless the proxy is cut.
func (p *proxy) begin(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.cut {
		p.open[conn] = true
	}
	return !p.cut
}

func (p *proxy) end(conn net.Conn) {
	_ = conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, conn)
}
