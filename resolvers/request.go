package resolvers

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
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
	value, err := decodeValue(d, 0)
	if errors.Is(err, errTwice) || errors.Is(err, errDeep) {
		return nil, chat.Errorf(chat.Invalid, "the body %s", err)
	}
	if _, more := d.Token(); err != nil || !errors.Is(more, io.EOF) {
		return nil, notOne
	}
	object, ok := value.(map[string]any)
	if !ok && value != nil {
		return nil, notOne
	}
	return parameters(object)
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

var (
	errTwice = errors.New("holds a key twice")
	errDeep  = errors.New("is nested too deep")
)

// decodeValue reads one JSON value. encoding/json takes the last of two equal keys without a word, and what checks
// the first would not see what runs.
func decodeValue(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := token.(json.Delim)
	switch {
	case !ok:
		return token, nil
	case depth == maxNesting:
		return nil, errDeep
	case delim == '[':
		return decodeList(d, depth)
	default:
		return decodeObject(d, depth)
	}
}

func decodeList(d *json.Decoder, depth int) (any, error) {
	list := []any{}
	for d.More() {
		value, err := decodeValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	_, err := d.Token()
	return list, err
}

func decodeObject(d *json.Decoder, depth int) (any, error) {
	object := make(map[string]any)
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if _, twice := object[name]; !ok || twice {
			return nil, errTwice
		}
		if object[name], err = decodeValue(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return object, err
}
