package resolvers

import (
	"fmt"
	"slices"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/documents"
)

// document is what is known of a text before it runs.
type document struct {
	text        string
	hash        string
	said        string      // the hash, for logs; "" for a text that is no GraphQL: it can be a value, whose hash can be guessed
	name        string      // of its operation, where the document is trusted: of others it is a client's own text
	trusted     bool        // the manifest has it
	introspects bool        // reads the schema
	fault       *chat.Error // the limit it passes
}

// library knows the documents that may run, and remembers what it found out about those that were sent.
type library struct {
	manifest documents.Manifest
	open     bool // any document may run
	known    *lru.Cache[string, *document]
}

func newLibrary(manifest documents.Manifest, open bool) (*library, error) {
	known, err := lru.New[string, *document](keptDocuments)
	if err != nil {
		return nil, fmt.Errorf("keep documents: %w", err)
	}
	l := &library{manifest: manifest, open: open, known: known}
	for hash, text := range manifest {
		if err := CheckDocument(text); err != nil {
			return nil, fmt.Errorf("the manifest's document %.12s… does not run here: %w", hash, err)
		}
	}
	return l, nil
}

// CheckDocument says why a document would be refused: a limit, or a fault against the schema.
func CheckDocument(text string) error {
	if d := examine(text); d.fault != nil {
		return d.fault
	}
	if _, errs := gqlparser.LoadQueryWithRules(Schema(), text, Rules()); len(errs) > 0 {
		return errs
	}
	return nil
}

// find gives the document that a request asks for, if this viewer may run it. A hash that is not in the manifest is
// not found whoever asks, and no request adds one: what runs is decided by whoever runs the program.
func (l *library) find(in *request, viewer *chat.Viewer) (*document, *chat.Error) {
	text := in.query
	if in.documentID != "" {
		known, ok := l.manifest[in.documentID]
		switch {
		case ok && (text == "" || text == known):
			text = known
		case text == "":
			return nil, &chat.Error{Code: chat.NotFound, Field: "documentId", Message: "the manifest has no such document"}
		case documents.Hash(text) != in.documentID:
			return nil, chat.InvalidField("documentId", "is not the hash of query")
		}
	}
	d := l.read(text)
	return d, l.mayRun(d, viewer)
}

func (l *library) read(text string) *document {
	if d, ok := l.known.Get(text); ok {
		return d
	}
	d := examine(text)
	if _, d.trusted = l.manifest[d.hash]; d.trusted {
		d.name, _ = documents.Name(text) // one that has none was refused at the start
	}
	l.known.Add(text, d)
	return d
}

// examine reads a text before gqlgen does, which validates by gqlparser's rules alone. One that does not parse is left to
// it, because its error says where.
func examine(text string) *document {
	d := &document{text: text, hash: documents.Hash(text)}
	if len(text) > maxDocument {
		d.fault = chat.Errorf(chat.Limited, "the document is longer than %d bytes", maxDocument)
		return d
	}
	parsed, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, maxTokens)
	switch {
	case err == nil:
		if len(parsed.Operations) > 0 { // a comment alone parses as well
			d.said = d.hash
		}
		d.introspects, d.fault = checkLimits(parsed)
	case strings.Contains(err.Error(), "token limit"): // the library has no other sign of it
		d.fault = chat.Errorf(chat.Limited, "the document has more than %d words and signs", maxTokens)
	}
	return d
}

// mayRun holds a document against whoever sends it: a token that is pinned to documents runs no others, and in an
// installation that trusts only its manifest, others are for its super admins.
func (l *library) mayRun(d *document, viewer *chat.Viewer) *chat.Error {
	if s := viewer.Service; s != nil && len(s.Documents) > 0 && !slices.Contains(s.Documents, d.hash) {
		return chat.Errorf(chat.Forbidden, "the service token is pinned to other documents")
	}
	free := l.open || viewer.SuperAdmin
	switch {
	case !d.trusted && !free:
		return chat.Errorf(chat.Forbidden, "only documents of the manifest run here: send documentId")
	case d.introspects && !free:
		return chat.Errorf(chat.Forbidden, "the schema is read by super admins only")
	}
	return d.fault
}
