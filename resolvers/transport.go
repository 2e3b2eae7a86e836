package resolvers

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/cloakroom/cloakroom/chat"
)

// transport is POST with JSON and nothing else: gqlgen's own echoes bodies in its errors, and a form post would
// be a way in for other sites.
type transport struct{}

// maxBody bounds a request.
const maxBody = 64 << 10

const (
	jsonType     = "application/json"
	responseType = "application/graphql-response+json"
)

// Supports is for gqlgen: every request is ours to answer.
func (transport) Supports(*http.Request) bool { return true }

// Do answers one request.
func (transport) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	w.Header().Set("Cache-Control", "no-store")
	reply := replyType(r)
	params, fault := read(w, r)
	if fault != nil {
		Refuse(w, fault.status, fault.err)
		return
	}
	ctx := r.Context()
	rc, faults := exec.CreateOperationContext(ctx, params)
	if faults != nil {
		if rc.Doc != nil && rc.Operation == nil {
			faults = gqlerror.List{gqlerror.Wrap(chat.InvalidField("operationName", "must name one of the document's operations"))}
		}
		write(w, reply, statusOfFault(reply), exec.DispatchError(graphql.WithOperationContext(ctx, rc), faults))
		return
	}
	responses, ctx := exec.DispatchOperation(ctx, rc)
	write(w, reply, http.StatusOK, responses(ctx))
}

type fault struct {
	status int
	err    *chat.Error
}

func read(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *fault) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, &fault{http.StatusMethodNotAllowed, chat.Errorf(chat.Invalid, "ask with POST")}
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != jsonType {
		return nil, &fault{http.StatusUnsupportedMediaType, chat.Errorf(chat.Invalid, "send Content-Type: application/json")}
	}
	start := graphql.Now()
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), maxBody)) + bytes.MinRead)
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &fault{http.StatusRequestEntityTooLarge, chat.Errorf(chat.Limited, "the request is larger than %d bytes", maxBody)}
	case err != nil:
		return nil, &fault{http.StatusBadRequest, chat.Errorf(chat.Invalid, "the request ended early")}
	}
	params, fault := decode(body.Bytes())
	if fault != nil {
		return nil, fault
	}
	params.Headers = r.Header
	params.ReadTime = graphql.TraceTiming{Start: start, End: graphql.Now()}
	return params, nil
}

// parameters are those of GraphQL over HTTP; others are ignored.
type parameters struct {
	Query         *string                    `json:"query"`
	OperationName *string                    `json:"operationName"`
	Variables     json.RawMessage            `json:"variables"`
	Extensions    map[string]json.RawMessage `json:"extensions"`
}

// decode reads the body strictly: the parameters, of their types, and nothing after them.
func decode(body []byte) (*graphql.RawParams, *fault) {
	var in parameters
	err := json.Unmarshal(body, &in)
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrongType) && wrongType.Field != "":
		field, _, _ := strings.Cut(wrongType.Field, ".")
		return nil, &fault{http.StatusBadRequest, chat.InvalidField(field, "is of the wrong type")}
	case err != nil:
		return nil, &fault{http.StatusBadRequest, chat.Errorf(chat.Invalid, "the body is not one JSON object with query, operationName and variables")}
	case in.Query == nil || *in.Query == "":
		return nil, &fault{http.StatusBadRequest, chat.InvalidField("query", "is missing")}
	}
	params := &graphql.RawParams{Query: *in.Query}
	if in.OperationName != nil {
		params.OperationName = *in.OperationName
	}
	if len(in.Variables) == 0 {
		return params, nil
	}
	d := json.NewDecoder(bytes.NewReader(in.Variables))
	d.UseNumber() // a variable keeps its digits until its type is known
	if err := d.Decode(&params.Variables); err != nil {
		return nil, &fault{http.StatusBadRequest, chat.InvalidField("variables", "is of the wrong type")}
	}
	return params, nil
}

// replyType is the media type the client would rather have.
func replyType(r *http.Request) string {
	if strings.Contains(r.Header.Get("Accept"), responseType) {
		return responseType
	}
	return jsonType
}

// statusOfFault is the status of a request whose document does not run: the older media type keeps 200.
func statusOfFault(reply string) int {
	if reply == responseType {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// write sends an answer. The executor's data is JSON already and is not encoded again.
func write(w http.ResponseWriter, reply string, status int, response *graphql.Response) {
	var head bytes.Buffer
	head.WriteByte('{')
	if len(response.Errors) > 0 {
		encoded, err := json.Marshal(response.Errors)
		if err != nil {
			Refuse(w, http.StatusInternalServerError, &chat.Error{Code: chat.Internal, Message: internalMessage})
			return
		}
		head.WriteString(`"errors":`)
		head.Write(encoded)
	}
	if response.Data != nil {
		if len(response.Errors) > 0 {
			head.WriteByte(',')
		}
		head.WriteString(`"data":`)
	}
	w.Header().Set("Content-Type", reply+"; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(head.Len()+len(response.Data)+len("}")))
	w.WriteHeader(status)
	_, _ = w.Write(head.Bytes()) // a client that went away is nobody's error
	_, _ = w.Write(response.Data)
	_, _ = io.WriteString(w, "}")
}

// Refuse answers a request that is not run at all.
func Refuse(w http.ResponseWriter, status int, err *chat.Error) {
	shown := extend(&gqlerror.Error{}, err)
	body, encodeErr := json.Marshal(map[string]any{"errors": []*gqlerror.Error{shown}})
	if encodeErr != nil {
		status, body = http.StatusInternalServerError, []byte(`{"errors":[{"message":"something went wrong here"}]}`)
	}
	w.Header().Set("Content-Type", jsonType+"; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
