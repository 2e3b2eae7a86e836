package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// client is one keep-alive connection. It writes requests that were made beforehand and reads answers into one buffer,
// so that asking costs little beside answering: both share the machine's processors.
type client struct {
	conn net.Conn
	in   *bufio.Reader
	body bytes.Buffer
}

// patience bounds the wait for one answer.
const patience = 20 * time.Second

func dial(ctx context.Context, address string) (*client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return &client{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}, nil
}

func (c *client) close() { _ = c.conn.Close() }

// good is how an answer with data and without errors begins: errors would come first, or data be null.
var good = []byte(`{"data":{"account":{`)

// ask sends a request and gives the body of the answer, which the next call overwrites.
func (c *client) ask(request []byte) ([]byte, error) {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	if _, err := c.conn.Write(request); err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	response, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	defer response.Body.Close()
	c.body.Reset()
	if _, err := c.body.ReadFrom(io.LimitReader(response.Body, 16<<20)); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	body := c.body.Bytes()
	if response.StatusCode != http.StatusOK || !bytes.HasPrefix(body, good) || bytes.HasSuffix(bytes.TrimRight(body, "\n"), []byte(`}]}`)) {
		return nil, fmt.Errorf("the answer is %s: %.300s", response.Status, body)
	}
	return body, nil
}
