// Package documents is the room of the documents that dashboards and services are known to send.
// GraphQL texts come in, from this folder and from an installation's own manifest.
// What leaves is a text for a hash; what never leaves is a text that was not put here by whoever runs the program.
package documents

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// Manifest holds documents by their hash. As JSON it is one object of hash and text, which is what code generators
// for GraphQL clients write as persisted documents.
type Manifest map[string]string

//go:embed *.graphql
var files embed.FS

//go:embed manifest.json
var manifest []byte

// Own gives the manifest of the console's and the services' documents of this folder.
func Own() (Manifest, error) { return Parse(manifest) }

// Files are the documents of this folder, one operation a file, from which its manifest is built.
func Files() fs.FS { return files }

// Hash is what a document goes by: SHA-256 of its text, byte for byte, in hexadecimal.
func Hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Parse reads a manifest. Hashes that are not their text's are an error: somebody's generator hashes differently, and
// no client would find its documents.
func Parse(encoded []byte) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(encoded, &m); err != nil {
		return nil, errors.New("a manifest is one JSON object of hash and document")
	}
	for hash, text := range m {
		if Hash(text) != hash {
			return nil, fmt.Errorf("the manifest's document %.12s… is filed under a hash that is not its SHA-256", hash)
		}
	}
	return m, nil
}

// Build makes a manifest of documents, each with one operation that has a name: services' tokens are pinned to them
// and logs show them by it.
func Build(texts map[string]string) (Manifest, error) {
	m := make(Manifest, len(texts))
	names := make(map[string]string, len(texts))
	var problems []error
	for file, text := range texts {
		name, err := Name(text)
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("%s: %w", file, err))
		case names[name] != "":
			problems = append(problems, fmt.Errorf("%s: %s has an operation %s already", file, names[name], name))
		default:
			text = strings.TrimSpace(text) // an editor's last line break is no part of a document
			names[name], m[Hash(text)] = file, text
		}
	}
	return m, errors.Join(problems...)
}

// Name is the name of a document's one operation.
func Name(text string) (string, error) {
	doc, err := parser.ParseQuery(&ast.Source{Input: text})
	switch {
	case err != nil:
		return "", errors.New("is not GraphQL")
	case len(doc.Operations) != 1 || doc.Operations[0].Name == "":
		return "", errors.New("must hold one operation, with a name")
	}
	return doc.Operations[0].Name, nil
}

// Read gives the texts of a folder's documents, by file name.
func Read(folder fs.FS) (map[string]string, error) {
	names, err := fs.Glob(folder, "*.graphql")
	if err != nil {
		return nil, fmt.Errorf("list the documents: %w", err)
	}
	texts := make(map[string]string, len(names))
	for _, name := range names {
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, fmt.Errorf("read a document: %w", err)
		}
		texts[name] = string(text)
	}
	return texts, nil
}

// With gives a manifest that holds another's documents as well.
func (m Manifest) With(other Manifest) Manifest {
	both := maps.Clone(m)
	maps.Copy(both, other)
	return both
}

// Encode writes the manifest, sorted, for people to compare.
func (m Manifest) Encode() ([]byte, error) {
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("encode a manifest: %w", err)
	}
	return []byte(out.String()), nil
}
