package providertest

import (
	"io"
	"net/http"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
)

// Fault is what befalls one call.
type Fault struct {
	name   string
	answer func(http.ResponseWriter) // in place of the server's own
	hold   <-chan struct{}           // until it is closed
	same   bool
	drop   bool
}

// Limited answers 429, with Retry-After when it is not "".
func Limited(retryAfter string) Fault {
	return Fault{name: "limited", answer: func(w http.ResponseWriter) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(http.StatusTooManyRequests)
	}}
}

// Answer answers with a status and a body, such as 503 and a page in HTML. Nothing is rotated.
func Answer(status int, body string) Fault {
	return Fault{name: "answer", answer: func(w http.ResponseWriter) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}}
}

// Refuse answers with an error code, such as invalid_client. Nothing is rotated.
func Refuse(code string) Fault {
	return Fault{name: code, answer: func(w http.ResponseWriter) { refuse(w, http.StatusBadRequest, code) }}
}

// Hang lets the call wait until the channel is closed, and then goes on as if nothing was, even when nobody waits for the
// answer any more: the token is rotated then.
func Hang(until <-chan struct{}) Fault { return Fault{name: "hang", hold: until} }

// SameRefreshToken gives a new access token and the refresh token that was presented.
func SameRefreshToken() Fault { return Fault{name: "same", same: true} }

// LoseAnswer rotates, and ends the connection in place of an answer.
func LoseAnswer() Fault { return Fault{name: "lost", drop: true} }

// Script has these faults befall the next calls, one each; after them, calls go well.
func (s *Server) Script(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

func (s *Server) next() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 {
		return Fault{}
	}
	fault := s.faults[0]
	s.faults = s.faults[1:]
	return fault
}

func (s *Server) note(presented chat.Secret, outcome string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, Call{presented, outcome})
}

// Calls are those that presented a refresh token, in the order of their outcomes; one that hangs is not among them yet.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Presented counts how often a refresh token was presented.
func (s *Server) Presented(refresh chat.Secret) int {
	n := 0
	for _, call := range s.Calls() {
		if call.Refresh == refresh {
			n++
		}
	}
	return n
}

// Reused counts how often a refresh token was presented that was spent, each of which voided a grant.
func (s *Server) Reused() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reused
}

// Good says that an access token is taken by the provider.
func (s *Server) Good(access chat.Secret) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.access[access]
}

// Current is the refresh token that a grant takes, whichever of its tokens is given; "" when the grant is void.
func (s *Server) Current(token chat.Secret) chat.Secret {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.byToken[token]
	if f == nil || f.void {
		return ""
	}
	return s.current[f]
}

// Void ends a grant as its customer would, whichever of its tokens is given.
func (s *Server) Void(token chat.Secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.byToken[token]; f != nil {
		s.void(f)
	}
}

// Revoked are the tokens that were revoked at the server, in order.
func (s *Server) Revoked() []chat.Secret {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.revoked)
}
