package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

func TestSessionRules(t *testing.T) {
	t.Parallel()
	a, s, c := newRoom(t)
	right, wrong := hashOf(t, raw), hashOf(t, "another token")
	now := c.now()
	later, earlier := now.Add(time.Minute).Unix(), now.Add(-time.Minute).Unix()
	at := func(d time.Duration) string { return now.Add(d).UTC().Format(time.RFC3339Nano) }
	for name, test := range map[string]struct {
		entry string
		want  int64
	}{
		"good":                          {fmt.Sprintf(`{"token":%q,"expiry":%d}`, right, later), ada},
		"expired":                       {fmt.Sprintf(`{"token":%q,"expiry":%d}`, right, earlier), 0},
		"expires now":                   {fmt.Sprintf(`{"token":%q,"expiry":%d}`, right, now.Unix()), 0},
		"no expiry":                     {fmt.Sprintf(`{"token":%q}`, right), 0},
		"expiry as text":                {fmt.Sprintf(`{"token":%q,"expiry":"%d"}`, right, later), ada},
		"unknown keys":                  {fmt.Sprintf(`{"token":%q,"expiry":%d,"device":{"os":"x"}}`, right, later), ada},
		"wrong":                         {fmt.Sprintf(`{"token":%q,"expiry":%d}`, wrong, later), 0},
		"no token":                      {fmt.Sprintf(`{"expiry":%d}`, later), 0},
		"not a hash":                    {fmt.Sprintf(`{"token":%q,"expiry":%d}`, raw, later), 0},
		"previous":                      {fmt.Sprintf(`{"token":%q,"previous_token":%q,"expiry":%d}`, wrong, right, later), ada},
		"previous, expired":             {fmt.Sprintf(`{"token":%q,"previous_token":%q,"expiry":%d}`, wrong, right, earlier), 0},
		"last, at once":                 {fmt.Sprintf(`{"token":%q,"last_token":%q,"updated_at":%q,"expiry":%d}`, wrong, right, at(-4*time.Second), later), ada},
		"last, too late":                {fmt.Sprintf(`{"token":%q,"last_token":%q,"updated_at":%q,"expiry":%d}`, wrong, right, at(-6*time.Second), later), 0},
		"last, at once, expired":        {fmt.Sprintf(`{"token":%q,"last_token":%q,"updated_at":%q,"expiry":%d}`, wrong, right, at(0), earlier), ada},
		"last, from the far future":     {fmt.Sprintf(`{"token":%q,"last_token":%q,"updated_at":%q,"expiry":%d}`, wrong, right, at(time.Hour), later), 0},
		"last, no time":                 {fmt.Sprintf(`{"token":%q,"last_token":%q,"expiry":%d}`, wrong, right, later), 0},
		"an entry that is not an entry": {`[1]`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			putTokens(t, s, fmt.Sprintf(`{"broken":7,%q:%s}`, client, test.entry))
			a.Forget(ada)
			if got := who(t, a, session(t)); got != test.want {
				t.Errorf("user %d, want %d", got, test.want)
			}
		})
	}
	for name, tokens := range map[string]string{"a list": `[]`, "text": `"hello"`, "null": `null`} {
		putTokens(t, s, tokens)
		a.Forget(ada)
		if got := who(t, a, session(t)); got != 0 {
			t.Errorf("users.tokens is %s: user %d, want none", name, got)
		}
	}
}

func TestSessionEndsWhileRemembered(t *testing.T) {
	t.Parallel()
	a, _, c := newRoom(t)
	if who(t, a, session(t)) != ada {
		t.Fatal("not signed in")
	}
	c.advance(time.Hour) // to the expiry
	if who(t, a, session(t)) != 0 {
		t.Error("a session outlived its expiry")
	}
}

// entering is a context that tells when somebody waits on it.
type entering struct {
	context.Context
	entered chan struct{}
	once    *sync.Once
}

func (e entering) Done() <-chan struct{} {
	e.once.Do(func() { close(e.entered) })
	return e.Context.Done()
}

func TestMatchesOutlivesTheRequestThatLed(t *testing.T) {
	t.Parallel()
	a := New(nil, pepper)
	a.sessionSlots = make(slots, 1)
	a.sessionSlots <- struct{}{} // taken: the leader waits
	hash := hashOf(t, raw)
	ctx, leave := context.WithCancel(t.Context())
	leader := entering{ctx, make(chan struct{}), new(sync.Once)}
	led, stayed := make(chan error), make(chan error)
	go func() {
		_, err := a.matches(leader, hash, raw)
		led <- err
	}()
	<-leader.entered
	go func() {
		ok, err := a.matches(t.Context(), hash, raw)
		if !ok && err == nil {
			err = errors.New("no match")
		}
		stayed <- err
	}()
	leave()
	if err := <-led; !errors.Is(err, context.Canceled) {
		t.Errorf("the leader's error is %v, want that it was cancelled", err)
	}
	a.sessionSlots.release()
	if err := <-stayed; err != nil {
		t.Errorf("the one who stayed got %v", err)
	}
}

func TestVerifiedForgets(t *testing.T) {
	t.Parallel()
	c := newClock()
	a := New(nil, pepper, WithClock(c.now))
	calls := 0
	a.compare = func(hash, password []byte) error {
		calls++
		return bcrypt.CompareHashAndPassword(hash, password)
	}
	hash := hashOf(t, raw)
	for _, step := range []struct {
		token string
		after time.Duration
		want  int
	}{
		{raw, 0, 1}, {raw, verifiedFor - 1, 1}, {raw, 1, 2}, {"wrong", 0, 3}, {"wrong", 0, 4},
	} {
		c.advance(step.after)
		if ok, err := a.matches(t.Context(), hash, step.token); ok != (step.token == raw) || err != nil || calls != step.want {
			t.Errorf("%+v: %v, %v after %d comparisons", step, ok, err, calls)
		}
	}
}
