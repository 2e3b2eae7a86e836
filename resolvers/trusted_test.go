package resolvers_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/documents"
	"github.com/cloakroom/cloakroom/resolvers"
)

// manifest is that of the program, and one document more.
func manifest(t testing.TB) documents.Manifest {
	t.Helper()
	own, err := documents.Own()
	if err != nil {
		t.Fatal(err)
	}
	return own.With(documents.Manifest{documents.Hash(known): known, documents.Hash(reads): reads})
}

const (
	known = `query Known { viewer { kind } }`
	reads = `query Reads { __type(name: "Contact") { name } }`
	adHoc = `query { viewer { kind } }`
)

// post sends members of a body as they are.
func (e *edge) post(t testing.TB, viewer string, members map[string]any) reply {
	t.Helper()
	body, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return e.send(t.Context(), rawRequest(t, viewer, bytes.NewReader(body)))
}

func persisted(hash string) map[string]any {
	return map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hash}}
}

// TestTrustedDocuments holds who runs what where only the manifest is trusted.
func TestTrustedDocuments(t *testing.T) {
	t.Parallel()
	e := shared().with(t, resolvers.Settings{Documents: manifest(t)})
	hash := documents.Hash(known)
	members := map[string]map[string]any{
		"by hash":           {"documentId": hash},
		"by marked hash":    {"documentId": "sha256:" + hash},
		"by Apollo's hash":  {"extensions": persisted(hash)},
		"text and hash":     {"documentId": hash, "query": known},
		"its very text":     {"query": known},
		"ad hoc":            {"query": adHoc},
		"another text":      {"query": known + " "},
		"another's hash":    {"documentId": hash, "query": adHoc},
		"a hash alone":      {"documentId": documents.Hash(adHoc)},
		"an upper-case one": {"documentId": strings.ToUpper(hash)},
		"reads the schema":  {"query": `{ __schema { types { name } } }`},
		"reads by hash":     {"documentId": documents.Hash(reads)},
	}
	both := map[string]string{"by hash": "", "by marked hash": "", "by Apollo's hash": "", "text and hash": "", "its very text": "",
		"another's hash": "INVALID", "a hash alone": "NOT_FOUND", "an upper-case one": "NOT_FOUND"}
	for viewer, own := range map[string]map[string]string{
		"masked":     {"ad hoc": "FORBIDDEN", "another text": "FORBIDDEN", "reads the schema": "FORBIDDEN", "reads by hash": "FORBIDDEN"},
		"admin":      {"ad hoc": "FORBIDDEN", "another text": "FORBIDDEN", "reads the schema": "FORBIDDEN", "reads by hash": "FORBIDDEN"},
		"everything": {"ad hoc": "FORBIDDEN", "another text": "FORBIDDEN", "reads the schema": "FORBIDDEN", "reads by hash": "FORBIDDEN"},
		"root":       {"ad hoc": "", "another text": "", "reads the schema": "", "reads by hash": ""},
	} {
		for name, body := range members {
			want, ok := own[name]
			if !ok {
				want = both[name]
			}
			answer := e.post(t, viewer, body)
			if code, _ := fault(t, answer); code != want {
				t.Errorf("%s sends %s: code %q, want %q: %.200s", viewer, name, code, want, answer.body)
			}
		}
	}
}

// TestNobodyRegistersADocument sends a text with its hash, as Apollo's automatic persisted queries do, and then the hash:
// what runs is decided by whoever runs the program.
func TestNobodyRegistersADocument(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]resolvers.Settings{"any document runs": {Open: true}, "the manifest's run": {Documents: manifest(t)}} {
		e := shared().with(t, settings)
		hash := documents.Hash(adHoc)
		e.post(t, "root", map[string]any{"query": adHoc, "extensions": persisted(hash)}).data(t, new(any))
		for _, viewer := range []string{"root", "masked"} {
			if code, field := fault(t, e.post(t, viewer, map[string]any{"extensions": persisted(hash)})); code != "NOT_FOUND" || field != "documentId" {
				t.Errorf("%s: %s has the hash answered with code %q, field %q", name, viewer, code, field)
			}
		}
	}
}

// TestPinnedTokens holds a token to its documents, wherever any document runs as well.
func TestPinnedTokens(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	_, pepper, err := openKeys(t.Context(), e.store)
	if err != nil {
		t.Fatal(err)
	}
	token, row, err := auth.NewServiceToken(pepper, auth.EnvTest, "pinned", []chat.Scope{chat.ScopeContactRead}, []int64{1}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	row.Documents = []string{documents.Hash(known)}
	if err := e.store.CreateServiceToken(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	agents, err := documents.Own()
	if err != nil {
		t.Fatal(err)
	}
	for name, settings := range map[string]resolvers.Settings{"open": {Open: true, Documents: manifest(t)}, "trusted": {Documents: manifest(t)}} {
		replica := e.with(t, settings)
		ask := func(members map[string]any) string {
			body, err := json.Marshal(members)
			if err != nil {
				t.Fatal(err)
			}
			r := rawRequest(t, "", bytes.NewReader(body))
			r.Header.Set("Authorization", "Bearer "+token)
			code, _ := fault(t, replica.send(t.Context(), r))
			return code
		}
		if code := ask(map[string]any{"documentId": documents.Hash(known)}); code != "" {
			t.Errorf("%s: its own document: code %q", name, code)
		}
		if code := ask(map[string]any{"query": adHoc}); code != "FORBIDDEN" {
			t.Errorf("%s: an ad-hoc document: code %q", name, code)
		}
		for hash := range agents {
			if code := ask(map[string]any{"documentId": hash}); code != "FORBIDDEN" {
				t.Errorf("%s: another document of the manifest: code %q", name, code)
			}
		}
	}
}

// TestManifestThatDoesNotRun stops the start and names the document.
func TestManifestThatDoesNotRun(t *testing.T) {
	t.Parallel()
	e := shared()
	for name, text := range map[string]string{
		"an unknown field": `query A { viewer { shoeSize } }`,
		"beyond a limit":   `query A { viewer { ` + strings.Repeat("k: kind ", 16) + `} }`,
		"no GraphQL":       `query A {`,
	} {
		_, err := resolvers.NewHandler(&resolvers.Resolver{Store: e.store, Vault: e.vault, Auth: e.auth}, resolvers.Settings{Documents: documents.Manifest{documents.Hash(text): text}})
		if err == nil || !strings.Contains(err.Error(), documents.Hash(text)[:12]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
