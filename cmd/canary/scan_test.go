package main

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	tracing "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
)

// needles are made once: a hundred thousand forms take their time where races are looked for.
var needles = sync.OnceValues(func() (*ledger, error) {
	data, err := schema.Demo(time.Now())
	if err != nil {
		return nil, err
	}
	return newLedger(data), nil
})

func testLedger(t *testing.T) *ledger {
	t.Helper()
	shared, err := needles()
	if err != nil {
		t.Fatal(err)
	}
	return &ledger{hidden: shared.hidden, sealed: shared.sealed, secrets: shared.secrets, surfaces: make(map[string]*tally), viewers: make(map[string]*tally),
		codes: make(map[string]int64), kinds: make(map[string]*finding)}
}

func testAsked(r *round) asked {
	return asked{request{name: "a document", method: http.MethodPost, path: "/graphql", body: []byte("{}")}, viewer{name: "masked"}, new(process), r}
}

const planted = "ines.moura.001@example.com"

func TestAnswersAreJudged(t *testing.T) {
	t.Parallel()
	sound, faulty, blind := &round{name: "sound"}, &round{name: "fault", faulty: true}, &round{name: "blind", faulty: true, blind: true}
	for name, c := range map[string]struct {
		round   *round
		status  int
		header  string
		body    string
		surface map[string]int64 // findings
		what    string
	}{
		"clean":            {sound, 200, "", `{"data":{"account":{"contact":{"email":null}}}}`, map[string]int64{}, ""},
		"a leak":           {sound, 200, "", `{"data":{"account":{"list":[{"email":"` + planted + `"}]}}}`, map[string]int64{"answers": 1}, ""},
		"a leak in fault":  {blind, 200, "", `{"data":{"account":{"list":[{"email":"` + planted + `"}]}}}`, map[string]int64{"answers": 1}, ""},
		"in base64":        {sound, 200, "", `{"data":{"cursor":"` + base64.StdEncoding.EncodeToString([]byte("x:"+planted)) + `"}}`, map[string]int64{"answers": 1}, ""},
		"in a header":      {sound, 200, "Location: /" + strings.ReplaceAll(planted, "@", "%40"), `{"data":{}}`, map[string]int64{"headers": 1}, ""},
		"in an error":      {sound, 200, "", `{"errors":[{"message":"no ` + planted + `","extensions":{"code":"INVALID"}}]}`, map[string]int64{"answers": 1, "errors": 1}, ""},
		"a failure":        {sound, 200, "", `{"errors":[{"message":"sorry","extensions":{"code":"INTERNAL"}}]}`, map[string]int64{"answers": 1}, "INTERNAL"},
		"a fault's":        {faulty, 200, "", `{"errors":[{"message":"sorry","extensions":{"code":"INTERNAL"}}]}`, map[string]int64{}, ""},
		"unreadable":       {faulty, 200, "", `{"errors":[{"message":"sorry","extensions":{"code":"SEALED_UNREADABLE"}}]}`, map[string]int64{"answers": 1}, "SEALED_UNREADABLE"},
		"unreadable blind": {blind, 200, "", `{"errors":[{"message":"sorry","extensions":{"code":"SEALED_UNREADABLE"}}]}`, map[string]int64{}, ""},
		"status 502":       {sound, 502, "", `{}`, map[string]int64{"answers": 1}, "status 5xx"},
		"no JSON":          {sound, 200, "", `<html>`, map[string]int64{"answers": 1}, "an answer that is no JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := testLedger(t)
			l.answer(testAsked(c.round), &reply{status: c.status, header: []byte(c.header), body: []byte(c.body)})
			found := make(map[string]int64)
			for _, f := range l.findings() {
				found[f.Surface] = f.Cases
				if f.Hit == nil && f.What != c.what || f.Hit != nil && c.what != "" {
					t.Errorf("found %s", f)
				}
			}
			if diff := cmp.Diff(c.surface, found); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFindingsOfAKindAreOne(t *testing.T) {
	t.Parallel()
	l := testLedger(t)
	for range 3 {
		l.answer(testAsked(&round{name: "sound"}), &reply{status: 200, body: []byte(`{"data":{"list":[{"email":null},{"email":"` + planted + `"}]}}`)})
	}
	l.answer(testAsked(&round{name: "sound"}), &reply{status: 200, body: []byte(`{"data":{"other":"` + planted + `"}}`)})
	found := l.findings()
	if len(found) != 2 || found[0].Cases != 3 || found[0].Hit.Path != "data.list[1].email" || found[1].Hit.Path != "data.other" {
		t.Fatalf("%d kinds: %v", len(found), found)
	}
	text := found[0].String()
	for _, part := range []string{"P01 contacts.email", "as it is", "path: data.list[1].email", "viewer: masked", "cases: 3", "POST /graphql"} {
		if !strings.Contains(text, part) {
			t.Errorf("the finding does not say %q:\n%s", part, text)
		}
	}
}

func TestReportSaysWhatWasSearched(t *testing.T) {
	t.Parallel()
	h := &harness{options: options{seed: 7, documents: 3, show: 1}, ledger: testLedger(t)}
	h.ledger.answer(testAsked(&round{name: "sound"}), &reply{status: 200, body: []byte(`{"data":{"a":"` + planted + `","b":"` + planted + `x"}}`)})
	h.ledger.trace("log", "a server", []byte(`{"msg":"`+planted+`"}`))
	var out bytes.Buffer
	h.report(&out, time.Second)
	for _, part := range []string{"FOUND 1 of 2", "and 1 more kinds", "masked", "answers", "log", "seed 7", "2 kinds of findings"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the report does not say %q:\n%s", part, out.String())
		}
	}
}

// TestCollectorSearchesSpans holds the receiver to what an exporter sends.
func TestCollectorSearchesSpans(t *testing.T) {
	t.Parallel()
	l := testLedger(t)
	c, err := newCollector(l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.close() })
	send := func(value string) {
		t.Helper()
		attribute := &common.KeyValue{Key: "http.route", Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value}}}
		body, err := proto.Marshal(&tracing.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{ScopeSpans: []*trace.ScopeSpans{{
			Spans: []*trace.Span{{Name: "POST /graphql", Attributes: []*common.KeyValue{attribute}}}}}}}})
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.Post(c.url+"/v1/traces", "application/x-protobuf", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	send("/graphql")
	if found := l.findings(); len(found) != 0 || c.spans.Load() != 1 {
		t.Fatalf("%d spans, %v", c.spans.Load(), found)
	}
	send("/graphql/" + planted)
	found := l.findings()
	if len(found) != 2 || !strings.HasSuffix(found[1].Hit.Path, "attributes[0].value.stringValue") {
		t.Errorf("%v", found)
	}
}
