package leaktest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
)

// Proxy stands between a program and a server, so that the server can be taken away and given back.
type Proxy struct {
	dial     func() (net.Conn, error)
	listener net.Listener
	all      sync.WaitGroup

	mu      sync.Mutex
	severed bool
	refused []byte
	open    map[net.Conn]bool
}

// NewProxy puts a proxy in front of a server, of network tcp or unix. Close ends it.
func NewProxy(network, address string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for a proxy: %w", err)
	}
	p := &Proxy{dial: func() (net.Conn, error) { return net.Dial(network, address) }, listener: listener, open: make(map[net.Conn]bool)}
	p.all.Go(p.accept)
	return p, nil
}

// Address is where the proxy listens, as host:port.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Sever ends every connection, and new ones as they come.
func (p *Proxy) Sever() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.severed = true
	for conn := range p.open {
		_ = conn.Close() // the other side may have closed it
	}
}

// Mend lets new connections through again.
func (p *Proxy) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.severed = false
}

// Refuse ends a connection over which a program sends a word, in any case, such as a command of the server's.
func (p *Proxy) Refuse(word string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = bytes.ToLower([]byte(word))
}

// Close ends the proxy and waits for its connections.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.Sever()
	p.all.Wait()
	return err
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return // it is closed
		}
		p.all.Go(func() { p.serve(conn) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer p.end(client)
	if !p.begin(client) {
		return
	}
	server, err := p.dial()
	if err != nil {
		return
	}
	defer p.end(server)
	if !p.begin(server) {
		return
	}
	p.all.Go(func() {
		_, _ = io.Copy(client, server) // how a connection ends is its owners' business
		p.end(client)
	})
	p.forward(server, client)
}

// forward copies what a program sends, up to what is refused.
func (p *Proxy) forward(to io.Writer, from io.Reader) {
	chunk := make([]byte, 32<<10)
	for {
		n, err := from.Read(chunk)
		if p.refuses(chunk[:n]) {
			return
		}
		if _, failed := to.Write(chunk[:n]); err != nil || failed != nil {
			return
		}
	}
}

func (p *Proxy) refuses(sent []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused != nil && bytes.Contains(bytes.ToLower(sent), p.refused)
}

// begin notes a connection, unless the proxy is severed.
func (p *Proxy) begin(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.severed {
		p.open[conn] = true
	}
	return !p.severed
}

func (p *Proxy) end(conn net.Conn) {
	_ = conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, conn)
}
