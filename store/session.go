package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/jackc/pgx/v5"
)

// MaxSessions is how many clients Chatwoot keeps for one user; beyond it the oldest-expiring go.
const MaxSessions = 25

// Session is one client's entry in users.tokens. The three tokens are bcrypt hashes, empty where there is none.
type Session struct {
	Token         string
	PreviousToken string
	LastToken     string
	Expiry        time.Time
	UpdatedAt     time.Time // the zero time where the entry has none
}

// SignIn is what a password is checked against.
type SignIn struct {
	UserID       int64
	UID          string
	Provider     string // "email", or "saml" for users who sign in elsewhere
	PasswordHash string // bcrypt
	Confirmed    bool
	OTPRequired  bool // a second factor, which only Chatwoot can check
}

// otp_required_for_login came after Chatwoot 4.3, hence to_jsonb. E-mails lie there in lower case; they are
// unique by Chatwoot's word only.
const findSignIn = `
SELECT u.id, u.uid, u.provider, u.encrypted_password, u.confirmed_at IS NOT NULL,
       COALESCE((to_jsonb(u)->>'otp_required_for_login')::boolean, false)
FROM users u
WHERE u.email = lower($1)
ORDER BY u.id
LIMIT 1`

// FindSignIn finds a user by e-mail in any case; ErrNotFound when there is none.
func (s *Store) FindSignIn(ctx context.Context, email string) (*SignIn, error) {
	var u SignIn
	err := s.db.QueryRow(ctx, findSignIn, email).
		Scan(&u.UserID, &u.UID, &u.Provider, &u.PasswordHash, &u.Confirmed, &u.OTPRequired)
	if errors.Is(err, pgx.ErrNoRows) {
		err = chat.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("find a user who signs in: %w", err)
	}
	return &u, nil
}

// PutSession adds or replaces a client's session, and drops expired ones and those beyond MaxSessions.
// Other clients' entries stay as they are, to the key. Only token and expiry are written.
func (s *Store) PutSession(ctx context.Context, userID int64, client string, entry Session) error {
	raw, err := json.Marshal(struct {
		Token  string `json:"token"`
		Expiry int64  `json:"expiry"`
	}{entry.Token, entry.Expiry.Unix()})
	if err != nil {
		return fmt.Errorf("write a session of user %d: %w", userID, err)
	}
	return s.changeSessions(ctx, userID, func(clients map[string]json.RawMessage) {
		delete(clients, client)
		makeRoom(clients, time.Now())
		clients[client] = raw
	})
}

// DropSession takes a client's session away; one that is gone already is no error.
func (s *Store) DropSession(ctx context.Context, userID int64, client string) error {
	return s.changeSessions(ctx, userID, func(clients map[string]json.RawMessage) { delete(clients, client) })
}

const (
	lockSessions  = `SELECT COALESCE(tokens::text, '') FROM users WHERE id = $1 FOR UPDATE`
	writeSessions = `UPDATE users SET tokens = $2::text::json WHERE id = $1`
)

// changeSessions reads, changes and writes users.tokens under a lock on the row, so that two sign-ins at once
// both last. Tokens that are neither form of JSON are an error: writing over them would sign everybody out.
func (s *Store) changeSessions(ctx context.Context, userID int64, change func(map[string]json.RawMessage)) error {
	err := s.InTx(ctx, func(tx *Store) error {
		var raw string
		if err := tx.db.QueryRow(ctx, lockSessions, userID).Scan(&raw); err != nil {
			if errors.Is(err, pgx.ErrNoRows) {
				return chat.ErrNotFound
			}
			return err
		}
		clients, err := unwrapSessions(raw)
		if err != nil {
			return err
		}
		change(clients)
		wrapped, err := wrapSessions(clients)
		if err != nil {
			return err
		}
		_, err = tx.db.Exec(ctx, writeSessions, userID, wrapped)
		return err
	})
	if err != nil {
		return fmt.Errorf("change the sessions of user %d: %w", userID, err)
	}
	return nil
}

// makeRoom leaves space for one more session: what has expired goes, then what expires first.
func makeRoom(clients map[string]json.RawMessage, now time.Time) {
	expiry := make(map[string]time.Time, len(clients))
	for client, raw := range clients {
		expiry[client] = parseSession(raw).Expiry
	}
	maps.DeleteFunc(clients, func(client string, _ json.RawMessage) bool { return !expiry[client].After(now) })
	oldest := slices.SortedFunc(maps.Keys(clients), func(a, b string) int {
		if c := expiry[a].Compare(expiry[b]); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	for len(clients) >= MaxSessions {
		delete(clients, oldest[0])
		oldest = oldest[1:]
	}
}

var errSessions = errors.New("users.tokens is neither an object nor a string that holds one")

// unwrapSessions reads users.tokens, which Rails writes as a JSON string that holds the object's text, and
// other writers as the object itself.
func unwrapSessions(raw string) (map[string]json.RawMessage, error) {
	text := bytes.TrimSpace([]byte(raw))
	if len(text) > 0 && text[0] == '"' {
		var inner string
		if err := json.Unmarshal(text, &inner); err != nil {
			return nil, errSessions
		}
		text = bytes.TrimSpace([]byte(inner))
	}
	clients := map[string]json.RawMessage{}
	if len(text) == 0 {
		return clients, nil
	}
	if err := json.Unmarshal(text, &clients); err != nil {
		return nil, errSessions
	}
	if clients == nil { // JSON null
		clients = map[string]json.RawMessage{}
	}
	return clients, nil
}

// wrapSessions writes the form that Rails writes; nil, which is NULL, for no sessions.
func wrapSessions(clients map[string]json.RawMessage) (*string, error) {
	if len(clients) == 0 {
		return nil, nil
	}
	object, err := json.Marshal(clients)
	if err != nil {
		return nil, errSessions
	}
	wrapped, err := json.Marshal(string(object))
	if err != nil {
		return nil, errSessions
	}
	s := string(wrapped)
	return &s, nil
}

// ParseSessions reads users.tokens in either form, by client. An entry that makes no sense is a session
// that expired long ago; tokens that make none are an error.
func ParseSessions(raw string) (map[string]Session, error) {
	clients, err := unwrapSessions(raw)
	if err != nil {
		return nil, err
	}
	sessions := make(map[string]Session, len(clients))
	for client, entry := range clients {
		sessions[client] = parseSession(entry)
	}
	return sessions, nil
}

func parseSession(raw json.RawMessage) Session {
	var e struct {
		Token         string          `json:"token"`
		PreviousToken string          `json:"previous_token"`
		LastToken     string          `json:"last_token"`
		Expiry        json.RawMessage `json:"expiry"`
		UpdatedAt     string          `json:"updated_at"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return Session{}
	}
	s := Session{Token: e.Token, PreviousToken: e.PreviousToken, LastToken: e.LastToken}
	if seconds, err := strconv.ParseInt(strings.Trim(string(e.Expiry), `"`), 10, 64); err == nil {
		s.Expiry = time.Unix(seconds, 0)
	}
	// devise_token_auth has written ISO 8601 and the mail format, by release.
	for _, layout := range []string{time.RFC3339Nano, time.RFC1123Z} {
		if at, err := time.Parse(layout, e.UpdatedAt); err == nil {
			s.UpdatedAt = at
		}
	}
	return s
}
