package provider

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/cloakroom/cloakroom/chat"
)

// saying is a provider that says one thing.
type saying struct {
	status      int
	contentType string
	body        []byte
	retryAfter  string
}

func (s saying) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: s.status, Status: fmt.Sprint(s.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {s.contentType}, "Retry-After": {s.retryAfter}}, Body: io.NopCloser(bytes.NewReader(s.body))}, nil
}

// FuzzAnswer holds the reading of whatever a provider may say: it gives a grant that can be kept, or a failure of ours that
// tells nothing of what was said.
func FuzzAnswer(f *testing.F) {
	f.Add(200, "application/json", `{"access_token":"a","refresh_token":"r","expires_in":3600,"scope":"x y","token_type":"Bearer"}`, "")
	f.Add(200, "application/x-www-form-urlencoded", `access_token=a&expires_in=1&error=`, "")
	f.Add(200, "text/plain", `{"ok":false,"error":"ratelimited"}`, "1")
	f.Add(200, "application/json", `{"authed_user":{"access_token":"a","expires_in":-1e400}}`, "")
	f.Add(400, "application/json", `{"error":"invalid_grant"}`, "Sun, 06 Nov 1994 08:49:37 GMT")
	f.Add(503, "text/html", `<html>`, "99999999999999999999")
	f.Fuzz(func(t *testing.T, status int, contentType, body, retryAfter string) {
		if status < 100 || status > 999 || strings.ContainsAny(contentType+retryAfter, "\r\n") {
			return // net/http gives no such answer
		}
		c := slack()
		c.clientID, c.auth = "id", oauth2.AuthStyleInParams
		p := &Providers{byName: map[string]*configured{"slack": &c}, client: &http.Client{Transport: saying{status, contentType, []byte(body), retryAfter}}}
		grant, err := p.Refresh(t.Context(), "slack", "team/t1", "used")
		if err != nil {
			checkFailure(t, err, body)
			return
		}
		if status < 200 || status > 299 || grant.Access == "" || grant.Refresh == "used" || grant.ExpiresIn < 0 || grant.ExpiresIn > maxLife || len(grant.Scopes) > maxScopes {
			t.Errorf("status %d gave a grant that cannot be kept", status)
		}
	})
}

func checkFailure(t *testing.T, err error, body string) {
	t.Helper()
	var failure *Failure
	if !errors.As(err, &failure) {
		t.Fatalf("an error of type %T came", err)
	}
	if failure.RetryAfter < 0 || failure.Reason == "" || failure.why != "" {
		t.Errorf("the failure is %+v", failure)
	}
	want := (&Failure{Reason: failure.Reason, Status: failure.Status}).Error()
	if got := chat.Secret(err.Error()); got.Reveal() != want {
		t.Errorf("the failure says more than its reason and status, of a body of %d bytes", len(body))
	}
}
