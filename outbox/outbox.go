// Package outbox is the room of places outside the database where checkpoints of the audit trail are kept: a directory,
// a bucket, a webhook.
// Signed notes come in with a name each, and are kept under it once and for all.
// What never leaves is a credential or the text of whoever answers: errors are sentences of ours.
package outbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// ErrOther says that another checkpoint lies under the name. It is left as it is.
var ErrOther = errors.New("another checkpoint lies there under this name: the database was put back or rewritten; run cloakroom audit verify")

// Destination is a place that keeps what it is given.
type Destination struct {
	Name      string // as it stands in logs and in the database: without credentials
	Directory string // of a destination that is one, otherwise ""

	put func(ctx context.Context, name string, text []byte) error
}

// Put keeps a text under a name such as account-1/000000000001.checkpoint. When the same text lies there, all is well; when
// another one does, the error is ErrOther.
func (d *Destination) Put(ctx context.Context, name string, text []byte) error {
	return d.put(ctx, name, text)
}

// Open reads what stands in AUDIT_DESTINATIONS, separated by commas; nothing is tried yet.
func Open(ctx context.Context, list string) (destinations []*Destination, err error) {
	for i, text := range strings.Split(list, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		u, err := url.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("AUDIT_DESTINATIONS: number %d is no URL", i+1)
		}
		d, err := open(ctx, u)
		if err != nil {
			return nil, fmt.Errorf("AUDIT_DESTINATIONS: number %d: %w", i+1, err)
		}
		destinations = append(destinations, d)
	}
	return destinations, nil
}

func open(ctx context.Context, u *url.URL) (*Destination, error) {
	switch {
	case u.Scheme == "file" && u.Host == "" && strings.HasPrefix(u.Path, "/"):
		return directory(u.Path), nil
	case u.Scheme == "s3" && u.Host != "":
		return bucket(ctx, u)
	case u.Scheme == "https" && u.Host != "", u.Scheme == "http" && loopback(u.Hostname()):
		return webhook(u), nil
	}
	return nil, errors.New("it must be file:///directory, s3://bucket/prefix?region=… or https://…")
}

func loopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

// client follows no redirect: a checkpoint goes where it was sent, or nowhere.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// send gives the answer's status, and its body up to a limit.
func send(request *http.Request) (status int, body []byte, err error) {
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, unreachable(err)
	}
	defer response.Body.Close()
	if body, err = io.ReadAll(io.LimitReader(response.Body, 64<<10)); err != nil {
		return 0, nil, unreachable(err)
	}
	return response.StatusCode, body, nil
}

// unreachable says nothing of the URL, which can hold a credential.
func unreachable(err error) error {
	var timeout net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return errors.New("it does not answer in time")
	}
	return errors.New("it cannot be reached")
}

// webhook posts notes. Whoever receives one may get it twice, and knows it by its signature.
func webhook(u *url.URL) *Destination {
	sum := sha256.Sum256([]byte(u.String())) // tells two hooks of one host apart; path and query can be secrets
	return &Destination{Name: u.Scheme + "://" + u.Host + "/#" + hex.EncodeToString(sum[:4]), put: func(ctx context.Context, _ string, text []byte) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(string(text)))
		if err != nil {
			return errors.New("its URL cannot be asked")
		}
		request.Header.Set("Content-Type", "text/plain; charset=utf-8")
		status, _, err := send(request)
		if err == nil && (status < 200 || status > 299) {
			err = fmt.Errorf("it answers %d", status)
		}
		return err
	}}
}
