//go:build audithttp

package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
)

// TestAuditHTTP holds the built program to GraphQL over HTTP, as graphql-http audits it: `make audit-http` runs it,
// because it needs bin/cloakroom and the packages of tools/node. The audit asks documents of its own, which takes a
// super admin where documents are trusted ones.
func TestAuditHTTP(t *testing.T) {
	program, err := filepath.Abs(filepath.Join("..", "..", "bin", "cloakroom"))
	if err != nil {
		t.Fatal(err)
	}
	p := startProduction(t, program)
	audit := exec.CommandContext(t.Context(), "node", "audit-http.mjs", "http://"+p.address+"/graphql", "api_access_token")
	audit.Dir = filepath.Join("..", "..", "tools", "node")
	audit.Stdin = strings.NewReader(p.tokens[schema.Root])
	out, err := audit.CombinedOutput()
	t.Logf("\n%s", out)
	if err != nil {
		t.Fatalf("the server is not what it is held to: %v", err)
	}
}
