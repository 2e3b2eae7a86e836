package resolvers

import (
	"encoding/json"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/cloakroom/cloakroom/chat"
)

const (
	jsonType     = "application/json"
	responseType = "application/graphql-response+json"
)

// answer is what goes back to a client.
type answer struct {
	status   int // 0 is the usual one: 200, or for a request that did not run what the client's media type wants
	response *graphql.Response
	spent    *spending // nil where it did not come to a cost
	kind     string    // query or mutation; "" where it did not run
}

// withheld is the answer of a mutation whose viewer may see less by now, or could not be read again: it cannot be run
// twice, and what was done stays done.
func (a *answer) withheld() *answer {
	err := chat.Errorf(chat.Limited, "what you may see has changed meanwhile: look again whether what was asked is done")
	return &answer{status: http.StatusOK, response: refusal(err), spent: a.spent, kind: a.kind}
}

// replyType is the media type that the client would rather have; JSON where it does not say.
func replyType(r *http.Request) string {
	best, reply := 0.0, jsonType
	for _, accepted := range strings.Split(strings.Join(r.Header.Values("Accept"), ","), ",") {
		media, parameters, err := mime.ParseMediaType(accepted)
		if err != nil || media != jsonType && media != responseType {
			continue
		}
		q := 1.0
		if given, err := strconv.ParseFloat(parameters["q"], 64); err == nil {
			q = given
		}
		if q > best {
			best, reply = q, media
		}
	}
	return reply
}

func (a *answer) statusFor(reply string) int {
	switch {
	case a.status != 0:
		return a.status
	case a.response.Data == nil && reply == responseType:
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// write sends an answer. The executor's data is JSON already and is not encoded again. A request that did not run has
// no data at all, which tells it from one whose data is null.
func (a *answer) write(w http.ResponseWriter, reply string) {
	head := make([]byte, 1, 64)
	head[0] = '{'
	errs := ordered(a.response.Errors)
	shown := errs[:min(len(errs), maxErrors)]
	if len(shown) > 0 {
		head = appendErrors(head, shown)
	}
	if a.response.Data != nil {
		if len(shown) > 0 {
			head = append(head, ',')
		}
		head = append(head, `"data":`...)
	}
	tail := a.extensions(len(errs) - len(shown))
	if a.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(a.spent.wait()))
	}
	w.Header().Set("Content-Type", reply+"; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(head)+len(a.response.Data)+len(tail)))
	w.WriteHeader(a.statusFor(reply))
	_, _ = w.Write(head) // a client that went away is nobody's error
	_, _ = w.Write(a.response.Data)
	_, _ = w.Write(tail)
}

func appendErrors(b []byte, errs gqlerror.List) []byte {
	encoded, err := json.Marshal(errs)
	if err != nil { // of strings and numbers it cannot fail
		encoded = []byte(`[{"message":"something went wrong here"}]`)
	}
	return append(append(b, `"errors":`...), encoded...)
}

// extensions ends an answer: what it cost, under the names that Shopify's API has given that, and how many errors were
// left out. What is left of a budget is left out where it is not known.
func (a *answer) extensions(omitted int) []byte {
	if a.spent == nil && omitted == 0 {
		return []byte("}")
	}
	b := append(make([]byte, 0, 192), `,"extensions":{`...)
	if omitted > 0 {
		b = strconv.AppendInt(append(b, `"omittedErrors":`...), int64(omitted), 10)
	}
	if omitted > 0 && a.spent != nil {
		b = append(b, ',')
	}
	if a.spent != nil {
		b = a.spent.appendTo(b)
	}
	return append(b, "}}"...)
}

func (s *spending) appendTo(b []byte) []byte {
	b = strconv.AppendInt(append(b, `"cost":{"requestedQueryCost":`...), int64(s.cost), 10)
	if s.balance.Restore > 0 {
		b = strconv.AppendInt(append(b, `,"throttleStatus":{"maximumAvailable":`...), int64(s.balance.Burst), 10)
		b = strconv.AppendInt(append(b, `,"currentlyAvailable":`...), int64(s.balance.Available), 10)
		b = append(strconv.AppendInt(append(b, `,"restoreRate":`...), int64(s.balance.Restore), 10), '}')
	}
	return append(b, '}')
}

// wait is how many seconds it takes until the request can be paid.
func (s *spending) wait() int {
	if s.balance.Restore == 0 {
		return 1
	}
	return max(1, int(math.Ceil(float64(s.cost-s.balance.Available)/float64(s.balance.Restore))))
}

// Refuse answers a request that is not run at all.
func Refuse(w http.ResponseWriter, status int, err *chat.Error) {
	w.Header().Set("Content-Type", jsonType+"; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(appendErrors([]byte("{"), gqlerror.List{extend(&gqlerror.Error{}, err)}), '}'))
}
