package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/cloakroom/cloakroom/"

// room says what a package may import beside the standard library: rooms of ours and modules from outside. What
// only its tests may import comes on top.
type room struct {
	rooms   string
	outside string
}

// keyServices are the clients of key services, which keyring alone speaks to.
const keyServices = "github.com/tink-crypto/tink-go-gcpkms github.com/aws/aws-sdk-go-v2 github.com/aws/smithy-go " +
	"cloud.google.com/go/kms google.golang.org/api google.golang.org/grpc google.golang.org/protobuf"

// The plan of the house. What is not in it is not allowed; cmd/* may import everything.
var house = map[string]room{
	"chat":                  {"", ""},
	"masking":               {"chat", ""},
	"rollout":               {"chat", ""},
	"search":                {"chat", "golang.org/x/text github.com/clipperhouse/uax29"},
	"keyring":               {"chat", "github.com/tink-crypto/tink-go golang.org/x/sync " + keyServices},
	"keyring/transittest":   {"", ""},
	"migrations":            {"", ""},
	"store":                 {"chat rollout", "github.com/jackc/pgx github.com/pressly/goose github.com/riverqueue/river"},
	"store/storetest":       {"chat chatwoot/schema migrations store", "github.com/jackc/pgx"},
	"events":                {"chat", "github.com/redis/go-redis"},
	"chatwoot":              {"chat", ""},
	"chatwoot/schema":       {"chatwoot", ""},
	"proof":                 {"chat", "github.com/transparency-dev/merkle golang.org/x/mod/sumdb/note"},
	"report":                {"chat proof", ""},
	"outbox":                {"", "github.com/aws/aws-sdk-go-v2"},
	"provider":              {"chat", "golang.org/x/oauth2"},
	"provider/providertest": {"chat provider", ""},
	"vault":                 {"chat masking rollout search keyring store events chatwoot proof provider", "github.com/redis/go-redis github.com/prometheus/client_golang"},
	"auth":                  {"chat masking store", "golang.org/x/crypto golang.org/x/sync github.com/99designs/gqlgen"},
	"graph":                 {"chat masking", "github.com/99designs/gqlgen github.com/vektah/gqlparser"},
	"directives":            {"chat masking auth", "github.com/99designs/gqlgen github.com/vektah/gqlparser"},
	"loaders":               {"chat masking rollout search store vault auth", "github.com/99designs/gqlgen github.com/graph-gophers/dataloader"},
	"documents":             {"", "github.com/vektah/gqlparser"},
	"telemetry":             {"chat", "go.opentelemetry.io/otel"},
	"leaktest":              {"chatwoot/schema", "github.com/vektah/gqlparser"},
	"resolvers":             {"chat masking search store events vault auth graph directives loaders documents telemetry", "github.com/99designs/gqlgen github.com/vektah/gqlparser github.com/hashicorp/golang-lru"},
	"console":               {"", ""},
}

// What tests may import beside what their package may: real servers and the demo instead of mocks of our own types.
var forTests = room{
	rooms: "chat search chatwoot/schema migrations store store/storetest events keyring keyring/transittest provider provider/providertest vault auth resolvers graph documents telemetry leaktest",
	outside: "github.com/google/go-cmp github.com/redis/go-redis github.com/prometheus/client_golang golang.org/x/crypto " +
		"github.com/tink-crypto/tink-go-hcvault github.com/hashicorp/vault/api",
}

// walls are the modules that one room alone may touch, and why.
var walls = []struct{ module, rooms, why string }{
	{"github.com/jackc/pgx", "store store/storetest", "all SQL is in store, so that it never meets a key"},
	{"github.com/pressly/goose", "store", "all SQL is in store, migrations included"},
	{"github.com/riverqueue/river", "store", "the queue lies in PostgreSQL, and holds numbers of jobs and nothing else"},
	{"github.com/tink-crypto/tink-go", "keyring", "ciphertext becomes an address in one place only"},
	{"github.com/tink-crypto/tink-go-gcpkms", "keyring", "a key service is asked in one place only"},
	{"github.com/tink-crypto/tink-go-hcvault", "", "its client drops the associated data; tests hold ours against it"},
	{"github.com/aws/aws-sdk-go-v2", "keyring outbox", "a key service is asked in one place only, and so are the places that keep checkpoints"},
	{"github.com/transparency-dev/merkle", "proof", "what a leaf and a root are is said in one place"},
	{"golang.org/x/mod", "proof", "what a checkpoint is, and whose signature counts, is said in one place"},
	{"golang.org/x/oauth2", "provider", "a third party's token endpoint is asked in one place only"},
	{"cloud.google.com/go/kms", "keyring", "a key service is asked in one place only"},
	{"github.com/google/tink", "", "the archived Tink cannot be in one binary with its successor; cmd/tinkv1 speaks it as a process"},
	{"github.com/redis/go-redis", "vault events", "Redis holds sealed bytes and ids, which only these two write"},
	{"github.com/alicebob/miniredis", "", "an imitation of Redis is the last resort of cmd/devenv, and no part of the program"},
}

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func listPackages(t *testing.T) []pkg {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	list.Dir = "../.."
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("list the packages: %v\n%s", err, stderr.String())
	}
	var packages []pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("read the packages: %v", err)
		}
		packages = append(packages, p)
	}
}

// TestWalls holds the house to its plan. A failure is a sentence to read, not a list to edit: who needs another room
// writes a decision record and changes the plan whole.
func TestWalls(t *testing.T) {
	t.Parallel()
	packages := listPackages(t)
	if len(packages) < len(house)/2 {
		t.Fatalf("%d packages were found", len(packages))
	}
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, module)
		if strings.HasPrefix(name, "cmd/") {
			continue
		}
		allowed, known := house[name]
		if !known {
			t.Errorf("package %s is not in the plan of the house: a folder is added with a decision record, which says what it may import", name)
			continue
		}
		for _, imported := range p.Imports {
			check(t, name, imported, allowed, false)
		}
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			check(t, name, imported, allowed, true)
		}
	}
}

func check(t *testing.T, name, imported string, allowed room, testing bool) {
	t.Helper()
	if room, ours := strings.CutPrefix(imported, module); ours {
		if room == name || within(allowed.rooms, room) || testing && within(forTests.rooms, room) {
			return
		}
		t.Errorf("%s may not import %s: it may import %s; %s", name, room, either(allowed.rooms, "no other room"), direction(room))
		return
	}
	if !strings.Contains(strings.Split(imported, "/")[0], ".") {
		return // the standard library
	}
	if within(allowed.outside, imported) || testing && within(forTests.outside, imported) {
		return
	}
	for _, w := range walls {
		if within(w.module, imported) {
			t.Errorf("%s may not import %s: only %s may, because %s", name, imported, either(w.rooms, "cmd"), w.why)
			return
		}
	}
	t.Errorf("%s may not import %s: from outside it may import %s", name, imported, either(allowed.outside, "the standard library alone"))
}

func direction(room string) string {
	if strings.HasPrefix(room, "cmd/") {
		return "nothing imports a command"
	}
	return "words know nobody, rules know words, data knows words and what lies under it, and nothing but cmd knows the edge"
}

// within says that a path is one of a list's, or lies below one; a module's major version may follow its name.
func within(list, path string) bool {
	return slices.ContainsFunc(strings.Fields(list), func(allowed string) bool {
		return path == allowed || strings.HasPrefix(path, allowed+"/") && strings.Contains(allowed, ".")
	})
}

func either(list, none string) string {
	if list == "" {
		return none
	}
	return strings.Join(strings.Fields(list), ", ")
}

// TestWallsAreInThePlan keeps the table and the walls together.
func TestWallsAreInThePlan(t *testing.T) {
	t.Parallel()
	for name, allowed := range house {
		for _, w := range walls {
			if within(allowed.outside, w.module) && !within(w.rooms, name) {
				t.Errorf("the plan lets %s import %s, which only %s may: %s", name, w.module, either(w.rooms, "cmd"), w.why)
			}
		}
	}
}
