package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// maxAnswer bounds what a provider may answer with. A credential has at most 32 KiB, and there are two.
const maxAnswer = 256 << 10

// errTooLong says that an answer is longer than any grant.
var errTooLong = errors.New("the answer is too long")

// exchange is one call. It stands between x/oauth2 and the network: it writes requests as a provider wants them, reads
// answers within bounds, and brings them into the form of RFC 6749, 5.1, because a grant that cannot be read is lost.
type exchange struct {
	next   http.RoundTripper
	policy *configured

	sent       atomic.Bool // a connection stood, over which the request may have gone; it is said by another goroutine
	status     int         // of the answer; 0 when there was none
	unread     bool        // the answer broke off
	tooLong    bool
	code       string // RFC 6749, 5.2: error
	retryAfter time.Duration
}

// watch notes when a connection stands. net/http sends a POST again by itself only when nothing of it has gone out.
func (x *exchange) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { x.sent.Store(true) }})
}

// RoundTrip implements http.RoundTripper.
func (x *exchange) RoundTrip(request *http.Request) (*http.Response, error) {
	request, err := x.prepare(request)
	if err != nil {
		return nil, err
	}
	response, err := x.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	x.status, x.retryAfter = response.StatusCode, retryAfter(response.Header)
	if err != nil {
		x.unread = true
		return nil, err
	}
	kept, err := x.standard(response.Header.Get("Content-Type"), body)
	if err != nil {
		return nil, err
	}
	response.Header.Set("Content-Type", "application/json")
	response.Header.Del("Content-Length")
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(kept)), int64(len(kept))
	return response, nil
}

// prepare gives the request as the provider wants it. A RoundTripper must leave the one that it was given as it is.
func (x *exchange) prepare(given *http.Request) (*http.Request, error) {
	request := given.Clone(given.Context())
	request.Header.Set("Accept", "application/json")
	for name, value := range x.policy.headers {
		request.Header.Set(name, value)
	}
	if !x.policy.json {
		return request, nil
	}
	text, err := io.ReadAll(given.Body)
	_ = given.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return nil, errors.New("the request is no form")
	}
	object := asJSON(form)
	request.Header.Set("Content-Type", "application/json")
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(object)), int64(len(object))
	request.GetBody = nil
	return request, nil
}

// asJSON writes a form as the JSON object that some providers want in its place.
func asJSON(form url.Values) []byte {
	object := make(map[string]string, len(form))
	for name := range form {
		object[name] = form.Get(name)
	}
	written, _ := json.Marshal(object) // texts can be written
	return written
}

// answer is what is kept of a provider's.
type answer struct {
	Access    string `json:"access_token,omitempty"`
	Refresh   string `json:"refresh_token,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	Scope     string `json:"scope,omitempty"`
	ExpiresIn int64  `json:"expires_in,omitempty"`
	Error     string `json:"error,omitempty"`
}

// unsaid is the code of a failure that names none.
const unsaid = "-"

// standard reads an answer, whatever it says it is, and writes it as RFC 6749, 5.1, has it: one that is JSON but calls
// itself text, an expiry with a fraction or in quotes, scopes as a list. Of an error only the code is kept. An answer that
// is neither JSON nor a form becomes an empty one, and then its status says all.
func (x *exchange) standard(contentType string, body []byte) ([]byte, error) {
	if len(body) > maxAnswer {
		x.tooLong = true
		return nil, errTooLong
	}
	fields := readFields(contentType, body)
	if inner, ok := fields[x.policy.nested].(map[string]any); ok && x.policy.nested != "" && asText(fields["access_token"]) == "" {
		maps.Copy(fields, inner)
	}
	a := answer{Access: asText(fields["access_token"]), Refresh: asText(fields["refresh_token"]), TokenType: asText(fields["token_type"]),
		Scope: scopes(fields["scope"], x.policy.commas), ExpiresIn: seconds(fields["expires_in"]), Error: asText(fields["error"])}
	if refused, isBool := fields["ok"].(bool); isBool && !refused && a.Error == "" {
		a.Error = unsaid
	}
	x.code = a.Error
	return json.Marshal(a)
}

// readFields reads a JSON object, or a form where the answer says that it is one.
func readFields(contentType string, body []byte) map[string]any {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var fields map[string]any
	if decoder.Decode(&fields) == nil && fields != nil && !decoder.More() {
		return fields
	}
	media, _, _ := mime.ParseMediaType(contentType)
	if media != "application/x-www-form-urlencoded" && media != "text/plain" {
		return nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || !form.Has("access_token") && !form.Has("error") {
		return nil
	}
	fields = make(map[string]any, len(form))
	for name := range form {
		fields[name] = form.Get(name)
	}
	return fields
}

func asText(field any) string {
	s, _ := field.(string)
	return s
}

// seconds reads a number of seconds, and gives 1 for what is over already: the grant is to be kept, and then refreshed.
func seconds(field any) int64 {
	var written string
	switch v := field.(type) {
	case json.Number:
		written = v.String()
	case string:
		written = strings.TrimSpace(v)
	}
	n, err := strconv.ParseFloat(written, 64)
	switch {
	case written == "" || err != nil || n != n || n == 0: // with 0, several mean what does not expire
		return 0
	case n < 1:
		return 1
	}
	return int64(min(n, float64(maxLife/time.Second)))
}

// maxLife is the longest that a token is said to live.
const maxLife = 50 * 365 * 24 * time.Hour

func scopes(field any, commas bool) string {
	var list []string
	switch v := field.(type) {
	case string:
		if commas {
			v = strings.ReplaceAll(v, ",", " ")
		}
		list = strings.Fields(v)
	case []any:
		for _, scope := range v {
			list = append(list, strings.Fields(asText(scope))...)
		}
	}
	return strings.Join(list, " ")
}

// retryAfter reads RFC 9110, 10.2.3: seconds, or a date, by the provider's own clock where it tells it. What is neither, or
// over, is 0; a day is the most.
func retryAfter(header http.Header) time.Duration {
	var wait time.Duration
	said := strings.TrimSpace(header.Get("Retry-After"))
	if n, err := strconv.ParseUint(said, 10, 31); err == nil {
		wait = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(said); err == nil {
		now, err := http.ParseTime(header.Get("Date"))
		if err != nil {
			now = time.Now()
		}
		wait = at.Sub(now)
	}
	return min(max(wait, 0), 24*time.Hour)
}
