package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cloakroom/cloakroom/leaktest"
)

// request is what is sent: a document by itself, or by its hash, or anything at all.
type request struct {
	name    string
	method  string
	path    string
	headers map[string]string // beside the credential and the content type
	body    []byte
	odd     bool // what is asked is no GraphQL, and the answer need be none
}

// asked is a request on its way.
type asked struct {
	request
	viewer viewer
	server *process
	round  *round
}

// String says enough to ask again.
func (a asked) String() string {
	return fmt.Sprintf("%s: %s %s at %s\n%s", a.name, a.method, a.path, a.server.name, a.body)
}

// reply is an answer as it arrived.
type reply struct {
	status    int
	header    []byte // trailers included
	body      []byte
	requestID string
}

const (
	jsonType     = "application/json"
	responseType = "application/graphql-response+json"
)

// document is a request for a document. Every second one asks for the newer media type.
func document(d leaktest.Document, n int) (request, error) {
	in := map[string]any{"query": d.Query}
	if d.Variables != nil {
		in["variables"] = d.Variables
	}
	if d.OperationName != "" {
		in["operationName"] = d.OperationName
	}
	return posted(d.Name, in, n)
}

func posted(name string, in map[string]any, n int) (request, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return request{}, fmt.Errorf("encode %s: %w", name, err)
	}
	accept := jsonType
	if n%2 == 1 {
		accept = responseType
	}
	return request{name: name, method: http.MethodPost, path: "/graphql", body: body, headers: map[string]string{"Accept": accept}}, nil
}

// newClient keeps as many connections as requests are under way. It follows no redirect: where one leads is an answer.
func newClient(connections int) *http.Client {
	return &http.Client{
		Timeout:       30 * time.Second,
		Transport:     &http.Transport{MaxIdleConns: 2 * connections, MaxIdleConnsPerHost: connections, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// maxAnswer bounds what is read of one answer.
const maxAnswer = 64 << 20

// send asks and reads the whole answer.
func send(ctx context.Context, client *http.Client, a asked) (*reply, error) {
	r, err := http.NewRequestWithContext(ctx, a.method, a.server.base+a.path, bytes.NewReader(a.body))
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", a.name, err)
	}
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set(a.viewer.header, a.viewer.credential)
	for name, value := range a.headers {
		r.Header.Set(name, value)
	}
	response, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask %s as %s: %w", a.name, a.viewer.name, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer to %s as %s: %w", a.name, a.viewer.name, err)
	}
	var header bytes.Buffer
	fmt.Fprintln(&header, response.Status)
	_ = response.Header.Write(&header) // a buffer takes everything
	_ = response.Trailer.Write(&header)
	return &reply{response.StatusCode, header.Bytes(), body, response.Header.Get("X-Request-Id")}, nil
}
