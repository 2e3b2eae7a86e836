package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
)

// assault is what a client does to a connection, and what the server may spend on it.
type assault struct {
	name    string
	send    string        // at once
	drip    string        // then this, again and again
	every   time.Duration // with a pause, or as fast as it is taken
	status  int           // of the first answer, 0 for none
	answers int           // how many, 0 for one or, without a status, none
	soon    time.Duration // until the first byte of an answer, 0 for 2 s
	within  time.Duration // until the server has hung up, 0 for 3 s
	most    int           // bytes in all, 0 for 1,000
}

// planted is in what is sent, and in nothing that comes back or is logged.
const planted = "CANARYVALUE"

const (
	asRoot = "POST /graphql HTTP/1.1\r\nHost: cloakroom.example\r\nContent-Type: application/json\r\napi_access_token: TOKEN\r\n"
	asNone = "POST /graphql HTTP/1.1\r\nHost: cloakroom.example\r\nContent-Type: application/json\r\n"
	asked  = `{"query": "{ viewer { kind } }"}`
	whole  = "Content-Length: 32\r\n\r\n" + asked
	ending = "Connection: close\r\n"
)

// The server's timeouts are 5 s for headers and 10 s for a request; each assault may take two seconds more.
var assaults = []assault{
	{name: "a request", send: asRoot + ending + whole, status: 200},
	{name: "silence", within: 7 * time.Second},
	{name: "slow headers", send: asRoot, drip: "X", every: 200 * time.Millisecond, within: 7 * time.Second},
	{name: "endless headers", send: asRoot, drip: "X-" + planted + ": " + strings.Repeat(planted, 90) + "\r\n", status: 431},
	{name: "slow headers, line by line", send: asRoot, drip: "X-A: " + planted + "\r\n", every: 200 * time.Millisecond, within: 7 * time.Second},
	{name: "a slow body", send: asRoot + "Content-Length: 60000\r\n\r\n", drip: " ", every: 200 * time.Millisecond, status: 400, soon: 12 * time.Second, within: 13 * time.Second},
	{name: "a slow body in chunks", send: asRoot + "Transfer-Encoding: chunked\r\n\r\n", drip: "1\r\n \r\n", every: 200 * time.Millisecond, status: 400, soon: 12 * time.Second, within: 13 * time.Second},
	{name: "a body that stops", send: asRoot + "Content-Length: 60000\r\n\r\n{", status: 400, soon: 12 * time.Second, within: 13 * time.Second},
	{name: "a slow body of nobody", send: asNone + "Content-Length: 60000\r\n\r\n", drip: " ", every: 200 * time.Millisecond, status: 401, soon: 12 * time.Second, within: 13 * time.Second},
	{name: "5 MB", send: asRoot + "Content-Length: 5000000\r\n\r\n", drip: strings.Repeat(planted, 1000), status: 413},
	{name: "5 MB in chunks", send: asRoot + "Transfer-Encoding: chunked\r\n\r\n", drip: "2af8\r\n" + strings.Repeat(planted, 1000) + "\r\n", status: 413},
	{name: "an endless body of nobody", send: asNone + "Transfer-Encoding: chunked\r\n\r\n", drip: "2af8\r\n" + strings.Repeat(planted, 1000) + "\r\n", status: 401},
	{name: "5 MB that wait to be asked for", send: asNone + "Content-Length: 5000000\r\nExpect: 100-continue\r\n\r\n", status: 401},
	{name: "200 requests at once", send: strings.Repeat(asNone+whole, 199) + asNone + ending + whole, status: 401, answers: 200, within: 10 * time.Second, most: 200 * 1000},
	{name: "junk behind a request", send: asRoot + whole + "\x00\x01" + planted + "\r\n\r\n", status: 200, answers: 2, most: 2000},
	{name: "junk behind many requests", send: strings.Repeat(asNone+whole, 50) + planted + " " + planted + "\r\n\r\n", status: 401, answers: 51, most: 51 * 1000},
	{name: "junk", send: strings.Repeat("\x00\xff"+planted, 100) + "\r\n\r\n", status: 400},
	{name: "a handshake of TLS", send: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", status: 400},
	{name: "HTTP/2", send: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", status: 400},
	{name: "an endless line", send: "POST /", drip: strings.Repeat(planted, 1000), status: 431},
	{name: "two lengths", send: asRoot + "Content-Length: 31\r\n" + whole, status: 400},
	{name: "a length that is none", send: asRoot + "Content-Length: -1\r\n\r\n", status: 400},
	{name: "an encoding that is none", send: asRoot + "Transfer-Encoding: " + planted + "\r\n\r\n", status: 501},
	{name: "no host", send: strings.Replace(asRoot, "Host: cloakroom.example\r\n", "", 1) + whole, status: 400},
	{name: "a chunk of no size", send: asRoot + "Transfer-Encoding: chunked\r\n\r\n" + planted + "\r\n", status: 400},
	{name: "a chunk of every size", send: asRoot + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", status: 400},
	{name: "GET", send: "GET /graphql?query={viewer{kind}}&" + planted + " HTTP/1.1\r\nHost: cloakroom.example\r\napi_access_token: TOKEN\r\nConnection: close\r\n\r\n", status: 405},
	{name: "another site", send: asRoot + ending + "Origin: https://" + planted + ".example\r\n" + whole, status: 403},
	{name: "a site without a name", send: asRoot + ending + "Origin: null\r\n" + whole, status: 403},
	{name: "another path", send: "GET /" + planted + " HTTP/1.1\r\nHost: cloakroom.example\r\nConnection: close\r\n\r\n", status: 404},
}

// TestAttacksOnConnections holds a running server to its timeouts and bounds. Afterwards it serves as before, holds
// nothing of what was done to it, and has logged nothing of what was sent.
func TestAttacksOnConnections(t *testing.T) {
	t.Parallel()
	p := startProduction(t, "cloakroom", "JOBS=off") // jobs come and go by themselves
	before := p.goroutines(t)
	var waiting sync.WaitGroup // for the server's timeouts: as parallel tests they would keep others from running
	for _, a := range assaults {
		launch := func() { t.Run(a.name, func(t *testing.T) { a.launch(t, p) }) }
		if a.within > 0 {
			waiting.Go(launch)
		} else {
			launch()
		}
	}
	waiting.Wait()
	assaults[0].launch(t, p)
	http.DefaultClient.CloseIdleConnections()
	eventually(t, 20*time.Second, "goroutines of connections that are gone end", func() bool { return p.goroutines(t) <= before+10 })
	p.end(t)
	for _, sent := range []string{planted, p.tokens[schema.Root]} {
		if log := p.log.String(); strings.Contains(log, sent) {
			t.Errorf("the log holds what was sent: %.1000s", log)
		}
	}
}

func (a assault) launch(t *testing.T, p *production) {
	conn, err := net.Dial("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	start := time.Now()
	within := max(a.within, 3*time.Second)
	if err := conn.SetDeadline(start.Add(within + time.Second)); err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		a.write(conn, p.tokens[schema.Root])
	}()
	got := &timed{Conn: conn, first: start}
	answer, err := io.ReadAll(got) // an error is a connection that was reset, which is one way to hang up
	took := time.Since(start)
	_ = conn.Close()
	<-over
	t.Logf("%s, first byte after %s, %v: %.200q", took, got.first.Sub(start), err, answer)
	if took > within {
		t.Errorf("the server held on for %s, want at most %s", took, within)
	}
	if soon := max(a.soon, 2*time.Second); a.status != 0 && got.first.Sub(start) > soon {
		t.Errorf("the first byte came after %s, want at most %s", got.first.Sub(start), soon)
	}
	a.judge(t, answer)
}

// write sends until the server hangs up, or for good if there is nothing to drip.
func (a assault) write(conn net.Conn, token string) {
	if _, err := io.WriteString(conn, strings.ReplaceAll(a.send, "TOKEN", token)); err != nil || a.drip == "" {
		return
	}
	tick := time.NewTicker(max(a.every, time.Microsecond))
	defer tick.Stop()
	for {
		if _, err := io.WriteString(conn, a.drip); err != nil {
			return
		}
		if a.every > 0 {
			<-tick.C
		}
	}
}

var statusLine = regexp.MustCompile(`HTTP/1\.[01] ([0-9]{3}) `)

func (a assault) judge(t *testing.T, answer []byte) {
	t.Helper()
	if most := max(a.most, 1000); len(answer) > most {
		t.Errorf("the answer has %d bytes, want at most %d", len(answer), most)
	}
	lines := statusLine.FindAllSubmatch(answer, -1)
	want := a.answers
	if want == 0 && a.status != 0 {
		want = 1
	}
	if a.status != 0 && len(lines) != want {
		t.Errorf("%d answers, want %d: %.600q", len(lines), want, answer)
	}
	if a.status != 0 && len(lines) > 0 && string(lines[0][1]) != strconv.Itoa(a.status) {
		t.Errorf("status %s, want %d: %.300q", lines[0][1], a.status, answer)
	}
	if bytes.Contains(answer, []byte(planted)) {
		t.Errorf("the answer echoes what was sent: %.600q", answer)
	}
}

// timed notes when the first byte came.
type timed struct {
	net.Conn
	first time.Time // when it was dialled, until something comes
	began bool
}

func (c *timed) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.began {
		c.first, c.began = time.Now(), true
	}
	return n, err
}

// goroutines is how many the server has, as it says itself.
func (p *production) goroutines(t *testing.T) int {
	t.Helper()
	response, err := http.Get("http://" + p.address + "/metrics")
	if err != nil {
		t.Fatalf("read the metrics: %v", err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("read the metrics: %v", err)
	}
	var n int
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Sscanf(line, "go_goroutines %d", &n); err == nil {
			return n
		}
	}
	t.Fatal("the metrics do not say how many goroutines there are")
	return 0
}
