package resolvers_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/documents"
	"github.com/cloakroom/cloakroom/resolvers"
)

// newProduction is a replica that trusts its manifest and nothing else.
func newProduction(t *testing.T) (*edge, documents.Manifest) {
	t.Helper()
	manifest, err := documents.Own()
	if err != nil {
		t.Fatal(err)
	}
	return newEdge(t).with(t, resolvers.Settings{Documents: manifest}), manifest
}

// introspections are ways to ask for the schema past somebody who looks for the words.
var introspections = []attack{
	{name: "__schema", query: "{ __schema { types { name } } }"},
	{name: "__type", query: `{ __type(name: "Contact") { fields { name } } }`},
	{name: "__typename", query: "{ __typename }"},
	{name: "white space", query: "{\n\t__schema\r\n{ , ,types{name}}}"},
	{name: "a comment", query: "{ __schema # {\n { types { name } } }"},
	{name: "an alias", query: "{ viewer: __schema { kind: types { name } } }"},
	{name: "a fragment", query: "{ ...a } fragment a on Query { ...b } fragment b on Query { __schema { types { name } } }"},
	{name: "inline fragments", query: "{ ... on Query { ... { __schema { types { name } } } } }"},
	{name: "behind a condition", query: "query ($a: Boolean = true) { __schema @include(if: $a) { types { name } } }"},
	{name: "beside what may be asked", query: "{ viewer { kind } __schema { types { name } } }"},
	{name: "in another operation", query: "query A { viewer { kind } } query B { __schema { types { name } } }"},
	{name: "in a mutation", query: "mutation { __schema { types { name } } }"},
	{name: "in a subscription", query: "subscription { __schema { types { name } } }"},
	{name: "by escapes", raw: `{"query": "{ \u005f\u005fschema { types { name } } }"}`},
	{name: "with a mark of UTF-8", query: "\ufeff{ __schema { types { name } } }"},
	{name: "a field that is not there", query: "{ viewer { kindd } }"},
	{name: "a type that is not there", query: "{ viewer { ... on Contactt { emali } } }"},
	{name: "an argument that is not there", query: `{ account(idd: "1") { id } }`},
	{name: "an enum's value that is not there", query: inAccount("conversations(filter: {status: OPENN}) { nodes { id } }")},
	{name: "what is no GraphQL", query: "{ viewer {"},
	{name: "any document", query: "{ viewer { kind } }"},
}

// TestIntrospectionByOthers asks for the schema where documents are trusted ones. No two answers differ, so that none
// tells whether a name is in the schema.
func TestIntrospectionByOthers(t *testing.T) {
	e, _ := newProduction(t)
	for _, viewer := range []string{"masked", "exempt", "admin", "everything", "stranger"} {
		t.Run(viewer, func(t *testing.T) {
			var first []byte
			for _, a := range introspections {
				a.viewer, a.code = viewer, "FORBIDDEN"
				answer := a.launch(t, e)
				if first == nil {
					first = answer.body
				}
				if !bytes.Equal(answer.body, first) {
					t.Errorf("%s: the answer is told from others: %s", a.name, answer.body)
				}
			}
		})
	}
}

// TestIntrospectionIsBounded asks for the schema as those who may, in circles.
func TestIntrospectionIsBounded(t *testing.T) {
	e, _ := newProduction(t)
	const circle = "fields { type { "
	launchAll(t, e, []attack{
		{name: "once", viewer: "root", query: "{ __schema { types { name } } }", most: 8000, within: 20 * time.Millisecond},
		{name: "a circle", viewer: "root", query: "{ __schema { types {" + strings.Repeat(circle, 3) + "name" + strings.Repeat("} }", 3) + "} } }", code: "INVALID"},
		{name: "a circle to the limit of depth", viewer: "root", query: "{ __schema { types {" + strings.Repeat(circle, 9) + "name" + strings.Repeat("} }", 9) + "} } }", code: "LIMITED"},
		{name: "a circle beyond it", viewer: "root", query: "{ __schema { types {" + strings.Repeat(circle, 20) + "name" + strings.Repeat("} }", 20) + "} } }", code: "LIMITED"},
		{name: "a circle in fragments", viewer: "root", query: "{ __schema { types { ...a } } } fragment a on __Type { fields { type { ...b } } } fragment b on __Type { fields { type { ...c } } } fragment c on __Type { fields { type { name } } }", code: "INVALID"},
		{name: "a circle of wrappers", viewer: "root", query: "{ __schema { types { " + strings.Repeat("ofType { ", 30) + "name" + strings.Repeat("}", 33), code: "LIMITED"},
		{name: "a circle of types that are possible", viewer: "root", query: `{ __type(name: "Contact") {` + strings.Repeat("possibleTypes {", 9) + "name" + strings.Repeat("}", 11), code: "INVALID"},
		{name: "everything 15 times", viewer: "root", query: "{ __schema {" + numbered(15, "a%d: types { fields { args { type { name } } } } ") + "} }", most: 100_000, within: 50 * time.Millisecond},
		{name: "the longest answer", viewer: "root", query: "{ __schema { types { fields { type { fields {" + numbered(15, "a%d: description ") + "} } } } } }", most: 200_000, within: 50 * time.Millisecond},
	})
}

// TestDocumentsByHash tries to run what is not in the manifest, and to put it there.
func TestDocumentsByHash(t *testing.T) {
	e, manifest := newProduction(t)
	const other = "{ viewer { kind } }"
	var known, hash string
	for h, text := range manifest {
		if name, _ := documents.Name(text); name == "Viewer" {
			hash, known = h, text
		}
	}
	unknown := documents.Hash(other)
	persisted := func(query, hash string) string {
		return fmt.Sprintf(`{"query": %s, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": %q}}}`, quoted(t, query), hash)
	}
	byHash := func(hash string) string {
		return fmt.Sprintf(`{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": %q}}}`, hash)
	}
	launchAll(t, e, []attack{
		{name: "a known hash", raw: `{"documentId": "` + hash + `"}`, most: 1000, within: 30 * time.Millisecond},
		{name: "a known text", raw: `{"query": ` + quoted(t, known) + `}`, most: 1000, within: 30 * time.Millisecond},
		{name: "an unknown hash", raw: `{"documentId": "` + unknown + `"}`, code: "NOT_FOUND", field: "documentId"},
		{name: "an unknown hash as a super admin", viewer: "root", raw: `{"documentId": "` + unknown + `"}`, code: "NOT_FOUND", field: "documentId"},
		{name: "a hash to be registered", raw: persisted(other, unknown), code: "FORBIDDEN"},
		{name: "the hash that was to be registered", raw: byHash(unknown), code: "NOT_FOUND", field: "documentId"},
		{name: "a hash to be registered by a super admin", viewer: "root", raw: persisted(other, unknown)},
		{name: "the hash that a super admin ran", viewer: "root", raw: byHash(unknown), code: "NOT_FOUND", field: "documentId"},
		{name: "the hash that a super admin ran, as another", raw: byHash(unknown), code: "NOT_FOUND", field: "documentId"},
		{name: "a known hash of another text", raw: persisted(other, hash), code: "INVALID", field: "documentId"},
		{name: "a known text with white space", raw: `{"query": ` + quoted(t, known+" ") + `}`, code: "FORBIDDEN"},
		{name: "another hash of a known text", raw: persisted(known, unknown), code: "INVALID", field: "documentId"},
		{name: "two hashes", raw: `{"documentId": "` + unknown + `", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "` + hash + `"}}}`, code: "NOT_FOUND", field: "documentId"},
		{name: "a hash of 60 KB", raw: `{"documentId": "` + strings.Repeat(badWord, 5000) + `"}`, code: "NOT_FOUND", field: "documentId"},
		{name: "a path for a hash", raw: `{"documentId": "../../` + badWord + `"}`, code: "NOT_FOUND", field: "documentId"},
		{name: "a list of hashes", raw: `{"documentId": ["` + hash + `"]}`, status: 400, code: "INVALID", field: "documentId"},
		{name: "a hash that is a list", raw: `{"extensions": {"persistedQuery": {"sha256Hash": ["` + hash + `"]}}}`, status: 400, code: "INVALID", field: "sha256Hash"},
		{name: "a persisted query that is text", raw: `{"extensions": {"persistedQuery": "` + hash + `"}}`, status: 400, code: "INVALID", field: "query"},
		{name: "another operation of a known document", raw: `{"documentId": "` + hash + `", "operationName": "` + badWord + `"}`, code: "INVALID", field: "operationName"},
	})
}

// TestKeptDocumentsAreBounded sends documents of the largest size, more than are kept.
func TestKeptDocumentsAreBounded(t *testing.T) {
	const most = 150 << 20
	e := newEdge(t)
	before := heap()
	for i := range 1100 {
		query := fmt.Sprintf("{ viewer { %s kind } } # %d %s", again(90, "... { kind }"), i, strings.Repeat("a", 31_000))
		if code, _ := fault(t, e.ask(t, "masked", query, nil)); code != "" {
			t.Fatalf("%s", code)
		}
	}
	after := heap()
	t.Logf("%d MB are kept", (after-before)>>20)
	if after > before+most {
		t.Errorf("%d bytes are kept, want at most %d", after-before, most)
	}
	runtime.KeepAlive(e)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
