package resolvers

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzDecodeRequest holds that whatever is accepted is what encoding/json reads, and that nothing of a body that is
// refused stands in the refusal.
func FuzzDecodeRequest(f *testing.F) {
	for _, seed := range []string{
		`{"query": "{ viewer { kind } }"}`, `{"query": "a", "variables": {"a": [1, 2.50, {"b": null}], "c": "\u0041\ud83d\ude00"}, "operationName": "A"}`,
		`{"documentId": "sha256:00"}`, `{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "00"}}}`, `{"query": "a", "query": "b"}`,
		`{"query": "a", "variables": {"a": 1, "a": 2}}`, `[{"query": "a"}]`, `null`, `{}`, `{"query": null}`, `{"query": "a"} {}`, `{"query": "\ud800"}`,
		"{\"query\": \"\xff\"}", `{"query": "a", "variables": ` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, `{"Query": "a"}`, `{"query": "a", "x": 1e999}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		in, fault := decodeRequest(body)
		if fault != nil {
			if in != nil || len(body) > 20 && strings.Contains(fault.Error(), string(body)) {
				t.Errorf("refused with %v and %v", fault, in)
			}
			return
		}
		var want struct {
			Query         string
			OperationName string
			Variables     map[string]any
		}
		d := json.NewDecoder(strings.NewReader(string(body)))
		d.UseNumber()
		if err := d.Decode(&want); !utf8.Valid(body) || in.query == "" && in.documentID == "" {
			t.Errorf("accepted what holds no question, %v", err)
		} else if err == nil && !strings.Contains(strings.ToLower(string(body)), `\u`) && exact(body) &&
			(in.query != want.Query || in.operationName != want.OperationName || len(in.variables)+len(want.Variables) > 0 && !reflect.DeepEqual(in.variables, want.Variables)) {
			t.Errorf("read %+v, encoding/json reads %+v", in, want)
		}
	})
}

// exact says that no key of a body differs from a parameter by its case alone, which encoding/json would take for it.
func exact(body []byte) bool {
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil {
		return false
	}
	for key := range object {
		for _, parameter := range []string{"query", "operationName", "variables"} {
			if key != parameter && strings.EqualFold(key, parameter) {
				return false
			}
		}
	}
	return true
}

func TestReplyType(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"": jsonType, "*/*": jsonType, "text/html": jsonType, "application/json": jsonType, "application/*": jsonType,
		responseType: responseType, responseType + "; charset=utf-8": responseType,
		responseType + ", application/json":             responseType,
		"application/json, " + responseType:             jsonType, // of equal weight the first
		responseType + ";q=0.5, application/json":       jsonType,
		"application/json;q=0.9, " + responseType:       responseType,
		responseType + ";q=0, application/json;q=0.1":   jsonType,
		"application/json;q=nonsense, " + responseType:  jsonType,
		"APPLICATION/GRAPHQL-RESPONSE+JSON, text/plain": responseType,
	} {
		if got := replyType(&http.Request{Header: http.Header{"Accept": {accept}}}); got != want {
			t.Errorf("Accept %q: %s", accept, got)
		}
	}
}
