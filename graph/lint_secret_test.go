package graph_test

import (
	"fmt"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
)

func TestS15SecretsAreForServices(t *testing.T) {
	t.Parallel()
	const secret = `scalar Secret extend type Contact { key: Key @serviceOnly(scope: "a") } type Mutation { keep(input: KeepInput!): KeepPayload! @serviceOnly(scope: "a") } type KeepPayload { id: ID! } `
	hold(t, openSecrets,
		mistake{secret + `input KeepInput { key: Secret! } type Key { text: Secret! }`, []string{"Key.text"}},
		mistake{secret + `input KeepInput { key: Secret! } type Key { text: [Secret!] @scope(any: "a") }`, []string{"Key.text"}},
		mistake{secret + `input KeepInput { key: Secret! } type Key { text: Secret! @serviceOnly(scope: "a") } extend type Query { has(key: Secret): Boolean }`, []string{"Query.has(key)"}},
		mistake{secret + `input KeepInput { key: Secret! } type Key { text: Secret! @serviceOnly(scope: "a") } extend type Mutation { drop(input: KeepInput!): KeepPayload! @hasRole(role: SUPER_ADMIN) }`, []string{"Mutation.drop(input)"}},
		mistake{secret + `input KeepInput { inner: Inner! } input Inner { key: Secret! again: Inner } type Key { text: Secret! @serviceOnly(scope: "a") } extend type Query { has(inner: [Inner!]): Boolean }`, []string{"Query.has(inner)"}},
		mistake{secret + `input KeepInput { key: Secret! } type Key { text: Secret! @serviceOnly(scope: "a") }`, nil},
	)
}

// openSecrets finds fields that give a secret, or take one, and are not for services alone: a path to one through a field
// that is does not suffice.
func openSecrets(s *ast.Schema) (findings []string) {
	outputs(s, func(def *ast.Definition, f *ast.FieldDefinition) {
		if f.Directives.ForName("serviceOnly") != nil {
			return
		}
		if f.Type.Name() == "Secret" {
			findings = append(findings, fmt.Sprintf("%s.%s: gives a secret and lacks @serviceOnly", def.Name, f.Name))
		}
		for _, a := range f.Arguments {
			if takesSecret(s, a.Type.Name(), make(map[string]bool)) {
				findings = append(findings, fmt.Sprintf("%s.%s(%s): takes a secret and lacks @serviceOnly", def.Name, f.Name, a.Name))
			}
		}
	})
	return findings
}

func takesSecret(s *ast.Schema, typ string, seen map[string]bool) bool {
	if typ == "Secret" || seen[typ] {
		return typ == "Secret"
	}
	seen[typ] = true
	if s.Types[typ].Kind != ast.InputObject {
		return false
	}
	for _, f := range s.Types[typ].Fields {
		if takesSecret(s, f.Type.Name(), seen) {
			return true
		}
	}
	return false
}
