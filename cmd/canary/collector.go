package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	tracing "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// collector takes what the servers send by OTLP over HTTP and searches it, as bytes and as the names and values in it.
type collector struct {
	ledger *ledger
	server *http.Server
	url    string
	spans  atomic.Int64
}

func newCollector(l *ledger) (*collector, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for spans: %w", err)
	}
	c := &collector{ledger: l, url: "http://" + listener.Addr().String()}
	c.server = &http.Server{Handler: http.HandlerFunc(c.take), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = c.server.Serve(listener) }() // it ends when it is closed
	return c, nil
}

func (c *collector) close() error { return c.server.Close() }

func (c *collector) take(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			http.Error(w, "not gzip", http.StatusBadRequest)
			return
		}
		body = unzipped
	}
	sent, err := io.ReadAll(body)
	if err != nil {
		http.Error(w, "cut short", http.StatusBadRequest)
		return
	}
	c.ledger.trace("spans", "bytes sent to "+r.URL.Path, sent)
	if r.URL.Path == "/v1/traces" {
		c.read(sent)
	}
	w.Header().Set("Content-Type", "application/x-protobuf") // an empty message is nothing
}

func (c *collector) read(sent []byte) {
	var request tracing.ExportTraceServiceRequest
	if err := proto.Unmarshal(sent, &request); err != nil {
		c.ledger.fault("spans", "what was sent as spans does not decode")
		return
	}
	for _, resource := range request.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			c.spans.Add(int64(len(scope.GetSpans())))
		}
	}
	text, err := protojson.Marshal(&request)
	if err != nil {
		c.ledger.fault("spans", "what was sent as spans does not encode as JSON")
		return
	}
	c.ledger.trace("spans", "spans as JSON", text)
}
