package resolvers

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/chat"
)

// request is what a client asked for, before anything of it is known to be right.
type request struct {
	query         string // "" where only a hash was sent
	documentID    string // SHA-256 in hexadecimal, "" where only a document was sent
	operationName string
	variables     map[string]any
}

// fault is a request that is not run, with the status that says why.
type fault struct {
	status int
	err    *chat.Error
}

const (
	// maxBody bounds a request, in bytes.
	maxBody = 64 << 10
	// maxNesting bounds how deep objects and lists of a body lie in one another; our own inputs are three deep.
	maxNesting = 32
)

// readRequest takes POST with one JSON object and nothing else: a page of another site can send forms and plain
// text with a visitor's cookies, but JSON only after asking, which is answered by nobody here.
func readRequest(w http.ResponseWriter, r *http.Request) (*request, *fault) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, &fault{http.StatusMethodNotAllowed, chat.Errorf(chat.Invalid, "ask with POST")}
	}
	media, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := parameters["charset"]; err != nil || media != jsonType || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, &fault{http.StatusUnsupportedMediaType, chat.Errorf(chat.Invalid, "send Content-Type: application/json, in UTF-8")}
	}
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), maxBody)) + bytes.MinRead)
	_, err = body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &fault{http.StatusRequestEntityTooLarge, chat.Errorf(chat.Limited, "the request is larger than %d bytes", maxBody)}
	case err != nil:
		return nil, &fault{http.StatusBadRequest, chat.Errorf(chat.Invalid, "the request ended early")}
	}
	in, wrong := decodeRequest(body.Bytes())
	if wrong != nil {
		return nil, &fault{http.StatusBadRequest, wrong}
	}
	return in, nil
}

// decodeRequest reads a body strictly: valid UTF-8, one object, no key twice, the parameters of GraphQL over HTTP of
// their types. Parameters that are none of these are ignored, as the specification wants.
func decodeRequest(body []byte) (*request, *chat.Error) {
	notOne := chat.Errorf(chat.Invalid, "the body is not one JSON object with query, operationName and variables")
	if !utf8.Valid(body) {
		return nil, chat.Errorf(chat.Invalid, "the body is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // a variable keeps its digits until its type is known
	var object map[string]any
	if err := d.Decode(&object); err != nil || len(bytes.TrimSpace(body[d.InputOffset():])) > 0 {
		return nil, notOne
	}
	keys, depth := measureJSON(body)
	switch {
	case depth > maxNesting:
		return nil, chat.Errorf(chat.Invalid, "the body is nested too deep")
	case keys != keysOf(object):
		return nil, chat.Errorf(chat.Invalid, "the body holds a key twice")
	}
	return parameters(object)
}

// measureJSON counts the keys of valid JSON, each followed by the only colons outside strings, and how deep it goes.
func measureJSON(body []byte) (keys, deepest int) {
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ':':
			keys++
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return keys, deepest
}

// keysOf counts the keys that were kept. encoding/json takes the last of two equal ones without a word, and what checks
// the first would not see what runs.
func keysOf(value any) int {
	sum := 0
	switch value := value.(type) {
	case map[string]any:
		sum = len(value)
		for _, member := range value {
			sum += keysOf(member)
		}
	case []any:
		for _, item := range value {
			sum += keysOf(item)
		}
	}
	return sum
}

func parameters(object map[string]any) (*request, *chat.Error) {
	in := new(request)
	var extensions map[string]any
	var wrong *chat.Error
	in.query, wrong = parameter[string](object, "query", wrong)
	in.operationName, wrong = parameter[string](object, "operationName", wrong)
	in.documentID, wrong = parameter[string](object, "documentId", wrong)
	in.variables, wrong = parameter[map[string]any](object, "variables", wrong)
	extensions, wrong = parameter[map[string]any](object, "extensions", wrong)
	if wrong != nil {
		return nil, wrong
	}
	in.documentID = strings.TrimPrefix(in.documentID, "sha256:")
	if persisted, ok := extensions["persistedQuery"].(map[string]any); ok && in.documentID == "" {
		in.documentID, wrong = parameter[string](persisted, "sha256Hash", wrong)
	}
	if in.query == "" && in.documentID == "" && wrong == nil {
		wrong = chat.InvalidField("query", "is missing")
	}
	if wrong != nil {
		return nil, wrong
	}
	return in, nil
}

// parameter gives a parameter that is absent, null or of its type; the first fault stands.
func parameter[T any](object map[string]any, name string, wrong *chat.Error) (T, *chat.Error) {
	value, ok := object[name].(T)
	if !ok && object[name] != nil && wrong == nil {
		wrong = chat.InvalidField(name, "is of the wrong type")
	}
	return value, wrong
}
