package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"golang.org/x/crypto/bcrypt"
)

const (
	sessionCost   = 10 // devise_token_auth's; the token has 128 random bits, so more would buy nothing
	sessionMonths = 2  // Chatwoot's lifespan
)

// dummyHash is compared when there is no user, so that an e-mail nobody has takes as long as a wrong
// password. Its cost is that of Chatwoot's passwords; no password has it.
var dummyHash = "$2a$11$" + strings.Repeat(".", 53)

var (
	errWrongPassword = &chat.Error{Code: chat.Unauthenticated, Message: "the e-mail or the password is wrong"}
	errUnconfirmed   = &chat.Error{Code: chat.Forbidden, Message: "confirm your e-mail address first: Chatwoot has sent you a link"}
	errElsewhere     = &chat.Error{Code: chat.Forbidden, Message: "you sign in with a second factor or single sign-on: do so at Chatwoot"}
)

// issued is a session as its owner gets it.
type issued struct {
	token, client, uid string
	expiry             time.Time
}

// SignIn answers POST /auth/sign_in with a session in Chatwoot's own form: {email, password} gives the headers
// access-token, client, uid, expiry, token-type, and the user as JSON. It sits in users.tokens beside Rails'.
func (a *Authenticator) SignIn(w http.ResponseWriter, r *http.Request) {
	address := a.keyed("address", addressOf(r))
	if wait, ok := a.perAddress.allow(address); !ok {
		a.refuseLimited(w, r, wait)
		return
	}
	in, err := readSignIn(w, r)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	email := a.keyed("email", in.Email)
	if wait, ok := a.perEmail.allow(email); !ok {
		a.refuseLimited(w, r, wait)
		return
	}
	user, err := a.checkPassword(r.Context(), in)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	a.perAddress.forgive(address)
	a.perEmail.forgive(email)
	session, id, err := a.startSession(r.Context(), user)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	a.onSignIn(r.Context(), id.viewer)
	answerSignIn(w, session, id.viewer)
}

// SignOut answers DELETE /auth/sign_out: it ends the session that the request presents. It is in force here
// at once, and on every other replica within a second.
func (a *Authenticator) SignOut(w http.ResponseWriter, r *http.Request) {
	c, ok := readCredential(r.Header)
	if !ok || c.kind != sessionToken {
		a.refuse(w, r, chat.ErrUnauthenticated)
		return
	}
	id, err := a.session(r.Context(), c)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	userID := id.viewer.UserID()
	err = a.store.DropSession(r.Context(), userID, c.client)
	a.Forget(userID)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	answer(w, http.StatusOK, map[string]bool{"success": true})
}

// checkPassword finds who signs in. What else stands in their way is told only after a right password.
func (a *Authenticator) checkPassword(ctx context.Context, in signIn) (*store.SignIn, error) {
	user, err := a.findSignIn(ctx, in.Email)
	if err != nil && !errors.Is(err, chat.ErrNotFound) {
		return nil, err
	}
	hash := dummyHash
	if err == nil {
		if _, malformed := bcrypt.Cost([]byte(user.PasswordHash)); malformed == nil {
			hash = user.PasswordHash
		}
	}
	right, waited := a.bcrypt(ctx, a.signInSlots, hash, in.Password)
	switch {
	case waited != nil:
		return nil, fmt.Errorf("wait to compare a password: %w", waited)
	case err != nil || !right:
		return nil, errWrongPassword
	case !user.Confirmed:
		return nil, errUnconfirmed
	case user.OTPRequired || user.Provider == "saml":
		return nil, errElsewhere
	}
	return user, nil
}

func (a *Authenticator) findSignIn(ctx context.Context, email string) (*store.SignIn, error) {
	if !storable(email) {
		return nil, chat.ErrNotFound
	}
	return a.store.FindSignIn(ctx, email)
}

// startSession writes a new client's entry for a user whose password was right.
func (a *Authenticator) startSession(ctx context.Context, user *store.SignIn) (issued, *identity, error) {
	s := issued{token: random22(), client: random22(), uid: user.UID, expiry: a.now().AddDate(0, sessionMonths, 0)}
	hash, err := a.hash(ctx, s.token)
	if err != nil {
		return issued{}, nil, fmt.Errorf("hash a session token: %w", err)
	}
	if err := a.store.PutSession(ctx, user.UserID, s.client, store.Session{Token: hash, Expiry: s.expiry}); err != nil {
		return issued{}, nil, err
	}
	a.Forget(user.UserID)
	a.verified.add(a.keyed(hash, s.token)) // we made the pair: the first request need not compare it
	id, err := a.identity(ctx, "uid", user.UID, a.store.FindViewerByUID)
	if err == nil && id.viewer.UserID() != user.UserID {
		err = errors.New("the uid of the user who signs in is another user's too")
	}
	return s, id, err
}

func (a *Authenticator) hash(ctx context.Context, token string) (string, error) {
	if err := a.signInSlots.take(ctx); err != nil {
		return "", err
	}
	defer a.signInSlots.release()
	hash, err := bcrypt.GenerateFromPassword([]byte(token), sessionCost)
	return string(hash), err
}

// random22 is 128 random bits as devise_token_auth writes them: 22 characters of URL-safe base64.
func random22() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(raw[:])
}
