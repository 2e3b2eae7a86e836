package auth

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/chat"
)

// maxSignIn is the longest body of a sign-in, in bytes.
const maxSignIn = 4 << 10

type signIn struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

// readSignIn reads the body. JSON only: a form or plain text could be posted by any page on the web without
// asking, and sign its visitor in as somebody else.
func readSignIn(w http.ResponseWriter, r *http.Request) (signIn, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return signIn{}, chat.Errorf(chat.Invalid, "send Content-Type: application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSignIn))
	if err != nil {
		return signIn{}, chat.Errorf(chat.Invalid, "the body could not be read, or is longer than %d bytes", maxSignIn)
	}
	var in signIn
	if err := json.Unmarshal(body, &in); err != nil {
		return signIn{}, chat.Errorf(chat.Invalid, "the body must be one JSON object with email and password, both strings")
	}
	in.Email = strings.ToLower(strings.TrimSpace(in.Email)) // as Devise does
	return in, nil
}

// userJSON is what Chatwoot's sign-in shows of a user, less the keys that open its API and its websocket.
type userJSON struct {
	ID       int64         `json:"id"`
	Name     string        `json:"name"`
	Email    *string       `json:"email"`
	Type     *string       `json:"type"` // "SuperAdmin", or null
	Accounts []accountJSON `json:"accounts"`
}

type accountJSON struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	Role string `json:"role"` // Chatwoot's word, in lower case
}

func answerSignIn(w http.ResponseWriter, s issued, v *chat.Viewer) {
	h := w.Header()
	h.Set("access-token", s.token)
	h.Set("client", s.client)
	h.Set("uid", s.uid)
	h.Set("expiry", strconv.FormatInt(s.expiry.Unix(), 10))
	h.Set("token-type", "Bearer")
	user := userJSON{ID: v.User.ID, Name: v.User.Name, Email: v.User.Email, Accounts: []accountJSON{}}
	if v.SuperAdmin {
		kind := "SuperAdmin"
		user.Type = &kind
	}
	for _, m := range v.Memberships {
		user.Accounts = append(user.Accounts, accountJSON{m.Account.ID, m.Account.Name, strings.ToLower(string(m.Role))})
	}
	answer(w, http.StatusOK, map[string]userJSON{"data": user})
}

func answer(w http.ResponseWriter, status int, body any) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client has gone; nobody is left to tell
}

var statuses = map[chat.Code]int{
	chat.Invalid:         http.StatusBadRequest,
	chat.Unauthenticated: http.StatusUnauthorized,
	chat.Forbidden:       http.StatusForbidden,
	chat.Limited:         http.StatusTooManyRequests,
}

var errInternal = &chat.Error{Code: chat.Internal, Message: "something went wrong on our side"}

// refuse answers with an error in GraphQL's shape, so that clients need to know one. What is not the client's
// business is logged and shown as one fixed sentence.
func (a *Authenticator) refuse(w http.ResponseWriter, r *http.Request, err error) {
	shown := errInternal
	status, known := statuses[chat.CodeOf(err)]
	if !known || !errors.As(err, &shown) {
		a.log.ErrorContext(r.Context(), "a sign-in or sign-out failed", "error", err)
		status = http.StatusInternalServerError
	}
	type extensions struct {
		Code chat.Code `json:"code"`
	}
	type item struct {
		Message    string     `json:"message"`
		Extensions extensions `json:"extensions"`
	}
	answer(w, status, map[string][]item{"errors": {{shown.Message, extensions{shown.Code}}}})
}

func (a *Authenticator) refuseLimited(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(wait.Seconds())))))
	a.refuse(w, r, chat.Errorf(chat.Limited, "too many sign-ins: try again later"))
}
