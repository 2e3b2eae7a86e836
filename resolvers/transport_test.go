package resolvers_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// TestBadRequests sends what is no GraphQL request at all.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	const fine = `{"query": "{ viewer { kind } }"}`
	cases := []struct {
		name, method, contentType, body string
		status                          int
		code, field                     string
	}{
		{"GET", http.MethodGet, "", "", 405, "INVALID", ""},
		{"PUT", http.MethodPut, "application/json", fine, 405, "INVALID", ""},
		{"text", http.MethodPost, "text/plain", fine, 415, "INVALID", ""},
		{"a form", http.MethodPost, "application/x-www-form-urlencoded", "query=" + badWord, 415, "INVALID", ""},
		{"several parts", http.MethodPost, "multipart/form-data; boundary=x", "--x--", 415, "INVALID", ""},
		{"a bare document", http.MethodPost, "application/graphql", "{ " + badWord + " }", 415, "INVALID", ""},
		{"no type", http.MethodPost, "", fine, 415, "INVALID", ""},
		{"broken JSON", http.MethodPost, "application/json", `{"query": "` + badMail, 400, "INVALID", ""},
		{"no JSON", http.MethodPost, "application/json", badMail, 400, "INVALID", ""},
		{"nothing", http.MethodPost, "application/json", ``, 400, "INVALID", ""},
		{"null", http.MethodPost, "application/json", `null`, 400, "INVALID", "query"},
		{"a list", http.MethodPost, "application/json", `[` + fine + `]`, 400, "INVALID", ""},
		{"two objects", http.MethodPost, "application/json", fine + fine, 400, "INVALID", ""},
		{"no query", http.MethodPost, "application/json", `{"variables": {"a": "` + badMail + `"}}`, 400, "INVALID", "query"},
		{"an empty query", http.MethodPost, "application/json", `{"query": ""}`, 400, "INVALID", "query"},
		{"a query that is a number", http.MethodPost, "application/json", `{"query": 15557770001}`, 400, "INVALID", "query"},
		{"variables that are text", http.MethodPost, "application/json", `{"query": "{ viewer { kind } }", "variables": "` + badMail + `"}`, 400, "INVALID", "variables"},
		{"an operation that is a list", http.MethodPost, "application/json", `{"query": "{ viewer { kind } }", "operationName": ["` + badMail + `"]}`, 400, "INVALID", "operationName"},
		{"extensions that are text", http.MethodPost, "application/json", `{"query": "{ viewer { kind } }", "extensions": "` + badMail + `"}`, 400, "INVALID", "extensions"},
		{"too large a body", http.MethodPost, "application/json", `{"query": "{ viewer { kind } } # ` + strings.Repeat(badWord, 6000) + `"}`, 413, "LIMITED", ""},
		{"an unknown operation", http.MethodPost, "application/json", `{"query": "query A { viewer { kind } }", "operationName": "` + badWord + `"}`, 200, "INVALID", "operationName"},
		{"several operations", http.MethodPost, "application/json", `{"query": "query A { viewer { kind } } query B { viewer { kind } }"}`, 200, "INVALID", "operationName"},
	}
	e := newEdge(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := rawRequest(t, "exempt", strings.NewReader(c.body))
			r.Method = c.method
			r.Header.Del("Content-Type")
			if c.contentType != "" {
				r.Header.Set("Content-Type", c.contentType)
			}
			r.URL.RawQuery = "query=" + badWord
			answer := e.send(t.Context(), r)
			if answer.status != c.status {
				t.Errorf("status %d, want %d", answer.status, c.status)
			}
			wantFault(t, answer, c.code, c.field)
			mustNotEcho(t, e, answer)
		})
	}
}

// TestBadCredentials gets one answer for all of them, from which nothing can be told.
func TestBadCredentials(t *testing.T) {
	t.Parallel()
	good, ok := tokens.Load("everything")
	if !ok { // the demo's template makes them
		shared()
		good, _ = tokens.Load("everything")
	}
	token := good.(string)
	expired, _ := tokens.Load("expired")
	revoked, _ := tokens.Load("revoked")
	flipped := token[:len(token)-1] + string("ab"[map[bool]int{true: 1}[token[len(token)-1] == 'a']])
	cases := map[string]http.Header{
		"none":                          {},
		"an expired token":              {"Authorization": {"Bearer " + expired.(string)}},
		"a revoked token":               {"Authorization": {"Bearer " + revoked.(string)}},
		"a truncated token":             {"Authorization": {"Bearer " + token[:len(token)-1]}},
		"half a token":                  {"Authorization": {"Bearer " + token[:len(token)/2]}},
		"a token with a typing error":   {"Authorization": {"Bearer " + flipped}},
		"a token of nobody":             {"Authorization": {"Bearer cloak_test_svc_aaaaaaaa_" + strings.Repeat("A", 49)}},
		"a token from a browser":        {"Authorization": {"Bearer " + token}, "Origin": {"https://example.com"}},
		"a token from a browser's page": {"Authorization": {"Bearer " + token}, "Sec-Fetch-Site": {"same-origin"}},
		"an access token of nobody":     {"Api_access_token": {badWord}},
		"an unknown session":            {"Access-Token": {badWord}, "Client": {badWord}, "Uid": {badMail}},
		"a session of a user":           {"Access-Token": {badWord}, "Client": {badWord}, "Uid": {"eve@cloakroom.example"}},
		"basic":                         {"Authorization": {"Basic " + badWord}},
	}
	e := shared()
	var want []byte
	for name, header := range cases {
		r := rawRequest(t, "", strings.NewReader(`{"query": "{ viewer { kind } }"}`))
		for key, values := range header {
			r.Header[http.CanonicalHeaderKey(key)] = values
		}
		answer := e.send(t.Context(), r)
		wantFault(t, answer, "UNAUTHENTICATED", "")
		if answer.status != http.StatusUnauthorized {
			t.Errorf("%s: status %d", name, answer.status)
		}
		if want == nil {
			want = answer.body
		}
		if !bytes.Equal(answer.body, want) {
			t.Errorf("%s is told from others: %s", name, answer.body)
		}
	}
}

// TestAnswersAreNotKept: nothing between the server and the client may keep an answer, and both media types work.
func TestAnswersAreNotKept(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"": "application/json; charset=utf-8", "application/json": "application/json; charset=utf-8",
		"application/graphql-response+json": "application/graphql-response+json; charset=utf-8",
	} {
		for query, status := range map[string]int{`{ viewer { kind } }`: 200, `{ viewer { nothing } }`: map[bool]int{true: 400, false: 200}[strings.Contains(accept, "response")]} {
			r := newRequest(t, "exempt", query, nil)
			r.Header.Set("Accept", accept)
			answer := shared().send(t.Context(), r)
			if got := answer.header.Get("Content-Type"); got != want {
				t.Errorf("Accept %q: Content-Type %q", accept, got)
			}
			if got := answer.header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control %q", got)
			}
			if answer.status != status {
				t.Errorf("Accept %q, %s: status %d, want %d", accept, query, answer.status, status)
			}
		}
	}
}
