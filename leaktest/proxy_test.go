package leaktest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"testing"
)

// echo answers every line with itself.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn); _ = conn.Close() }()
		}
	}()
	return listener.Addr().String()
}

// says sends a line and gives what comes back, "" for a connection that is cut.
func says(conn net.Conn, line string) string {
	_, _ = fmt.Fprintln(conn, line)
	answer, _ := bufio.NewReader(conn).ReadString('\n')
	return answer
}

func TestProxyIsCutAndMended(t *testing.T) {
	t.Parallel()
	p, err := NewProxy("tcp", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	dial := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", p.Address())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	open := dial()
	if got := says(open, "one"); got != "one\n" {
		t.Fatalf("got %q", got)
	}
	p.Sever()
	if got := says(open, "two"); got != "" {
		t.Errorf("a connection that was open still answers %q", got)
	}
	if got := says(dial(), "three"); got != "" {
		t.Errorf("a new connection answers %q", got)
	}
	p.Mend()
	if got := says(dial(), "four"); got != "four\n" {
		t.Errorf("mended, got %q", got)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if conn, err := net.Dial("tcp", p.Address()); err == nil {
		_ = conn.Close()
		t.Error("it still listens")
	}
}
