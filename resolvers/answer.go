package resolvers

import (
	"bytes"
	"encoding/json"
	"io"
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

// withheld is the answer of a mutation whose viewer may see less by now: what was done stays done.
func (a *answer) withheld() *answer {
	err := chat.Errorf(chat.Limited, "what was asked is done; the answer is withheld because what you may see has changed")
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
	var head, tail bytes.Buffer
	head.WriteByte('{')
	extensions := make(map[string]any, 2)
	if errs := ordered(a.response.Errors); len(errs) > 0 {
		if len(errs) > maxErrors {
			extensions["omittedErrors"] = len(errs) - maxErrors
			errs = errs[:maxErrors]
		}
		writeMember(&head, "errors", errs)
	}
	if a.response.Data != nil {
		if len(a.response.Errors) > 0 {
			head.WriteByte(',')
		}
		head.WriteString(`"data":`)
	}
	if a.spent != nil {
		extensions["cost"] = a.spent.shown()
	}
	if len(extensions) > 0 {
		tail.WriteByte(',')
		writeMember(&tail, "extensions", extensions)
	}
	tail.WriteByte('}')
	if a.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(a.spent.wait()))
	}
	w.Header().Set("Content-Type", reply+"; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(head.Len()+len(a.response.Data)+tail.Len()))
	w.WriteHeader(a.statusFor(reply))
	_, _ = w.Write(head.Bytes()) // a client that went away is nobody's error
	_, _ = w.Write(a.response.Data)
	_, _ = w.Write(tail.Bytes())
}

func writeMember(out *bytes.Buffer, name string, value any) {
	encoded, err := json.Marshal(value)
	if err != nil {
		encoded = []byte("null") // of strings and numbers it cannot fail, and null says nothing
	}
	out.WriteString(`"` + name + `":`)
	out.Write(encoded)
}

// shownCost is extensions.cost, with the names that Shopify's API has given them.
type shownCost struct {
	Requested int       `json:"requestedQueryCost"`
	Throttle  *throttle `json:"throttleStatus,omitempty"`
}

type throttle struct {
	Maximum   int `json:"maximumAvailable"`
	Available int `json:"currentlyAvailable"`
	Restore   int `json:"restoreRate"`
}

// shown says what a request cost; what is left is left out where it is not known.
func (s *spending) shown() shownCost {
	shown := shownCost{Requested: s.cost}
	if s.balance.Restore > 0 {
		shown.Throttle = &throttle{s.balance.Burst, s.balance.Available, s.balance.Restore}
	}
	return shown
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
	var body bytes.Buffer
	body.WriteByte('{')
	writeMember(&body, "errors", gqlerror.List{extend(&gqlerror.Error{}, err)})
	w.Header().Set("Content-Type", jsonType+"; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
	_, _ = io.WriteString(w, "}")
}
