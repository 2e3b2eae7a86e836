package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"
)

// thirdParty is a token endpoint that says back whatever it was told, in every way in which an answer can go wrong: none of
// it may be written down anywhere.
type thirdParty struct {
	secrets *secrets
	server  *http.Server
	url     string
}

func newThirdParty(s *secrets) (*thirdParty, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen as a third party: %w", err)
	}
	p := &thirdParty{secrets: s, url: "http://" + listener.Addr().String()}
	p.server = &http.Server{Handler: http.HandlerFunc(p.answer), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = p.server.Serve(listener) }() // it ends when it is closed
	return p, nil
}

func (p *thirdParty) close() error { return p.server.Close() }

func (p *thirdParty) answer(w http.ResponseWriter, r *http.Request) {
	fresh := r.PostFormValue("refresh_token")
	_, secret, _ := r.BasicAuth()
	told := fmt.Sprintf("not good: %s %s, client secret %s (%s)", fresh, r.PostFormValue("token"), secret, r.Header.Get("Authorization"))
	s := p.secrets
	s.mu.Lock()
	does := s.does[fresh]
	s.mu.Unlock()
	w.Header().Set("X-Told", told)
	switch does {
	case "rotates":
		p.rotate(w, fresh)
	case "breaks":
		http.Error(w, told, http.StatusInternalServerError)
	case "answers no JSON":
		_, _ = fmt.Fprint(w, "access_token = "+told)
	case "redirects":
		http.Redirect(w, r, p.url+"/elsewhere?refresh_token="+fresh, http.StatusFound)
	case "limits":
		w.Header().Set("Retry-After", told)
		http.Error(w, told, http.StatusTooManyRequests)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_grant", "error_description": told, "error_uri": p.url + "/?" + told})
	}
}

// rotate gives the next grant, and takes the refresh token that was presented no more. When none is left it limits.
func (p *thirdParty) rotate(w http.ResponseWriter, fresh string) {
	s := p.secrets
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.spare) == 0 {
		http.Error(w, fresh, http.StatusTooManyRequests)
		return
	}
	next, subject := s.spare[0], s.subject[fresh]
	s.spare = s.spare[1:]
	delete(s.does, fresh)
	s.does[next.fresh], s.subject[next.fresh] = "rotates", subject
	s.access[subject] = append(s.access[subject], next.access)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": next.access, "refresh_token": next.fresh, "token_type": "Bearer", "expires_in": 3600})
}
