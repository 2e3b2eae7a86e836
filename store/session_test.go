package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
	"github.com/google/go-cmp/cmp"
)

// doubled is the form that Rails writes.
func doubled(t *testing.T, object string) string {
	t.Helper()
	raw, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestParseSessions(t *testing.T) {
	t.Parallel()
	const full = `{"c":{"token":"a","previous_token":"b","last_token":"d","expiry":1790000000,"updated_at":"2026-09-21T14:13:20.500Z","device":{"os":"x"}}}`
	at := time.Unix(1790000000, 0)
	whole := map[string]store.Session{"c": {Token: "a", PreviousToken: "b", LastToken: "d", Expiry: at, UpdatedAt: time.Date(2026, 9, 21, 14, 13, 20, 5e8, time.UTC)}}
	for name, test := range map[string]struct {
		raw  string
		want map[string]store.Session // nil is an error
	}{
		"NULL":                     {"", map[string]store.Session{}},
		"JSON null":                {"null", map[string]store.Session{}},
		"empty object":             {"{}", map[string]store.Session{}},
		"empty string":             {`""`, map[string]store.Session{}},
		"native, unknown keys":     {full, whole},
		"double-encoded":           {doubled(t, full), whole},
		"expiry as text":           {`{"c":{"token":"a","expiry":"1790000000"}}`, map[string]store.Session{"c": {Token: "a", Expiry: at}}},
		"mail time":                {`{"c":{"updated_at":"Mon, 21 Sep 2026 14:13:20 +0000"}}`, map[string]store.Session{"c": {UpdatedAt: at}}},
		"one entry makes no sense": {`{"c":{"token":"a","expiry":1790000000},"d":[1],"e":null,"f":{"token":5}}`, map[string]store.Session{"c": {Token: "a", Expiry: at}, "d": {}, "e": {}, "f": {}}},
		"not JSON":                 {`{`, nil},
		"a list":                   {`[]`, nil},
		"a string of no JSON":      {`"hello"`, nil},
		"encoded three times":      {doubled(t, doubled(t, full)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := store.ParseSessions(test.raw)
			if test.want == nil {
				if err == nil {
					t.Fatal("no error")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// clientsOf reads users.tokens as a map of raw entries, and checks that it has the form that Rails writes.
func clientsOf(t *testing.T, s *store.Store, userID int64) map[string]json.RawMessage {
	t.Helper()
	raw := storetest.Value[*string](t, s, `SELECT tokens::text FROM users WHERE id = $1`, userID)
	if raw == nil {
		return nil
	}
	var inner string
	if err := json.Unmarshal([]byte(*raw), &inner); err != nil {
		t.Fatalf("users.tokens is not a JSON string: %s", *raw)
	}
	var clients map[string]json.RawMessage
	if err := json.Unmarshal([]byte(inner), &clients); err != nil {
		t.Fatal(err)
	}
	return clients
}

func TestPutAndDropSession(t *testing.T) {
	t.Parallel()
	expiry := time.Now().Add(time.Hour).Truncate(time.Second)
	added := fmt.Sprintf(`{"token":"hash","expiry":%d}`, expiry.Unix())
	live := fmt.Sprintf(`{"token":"<other>","expiry":%d,"device":{"os":"x"}}`, expiry.Unix()+60)
	expired := fmt.Sprintf(`{"token":"old","expiry":%d}`, time.Now().Unix()-1)
	for name, before := range map[string]*string{
		"NULL":           nil,
		"double-encoded": new(doubled(t, `{"live":`+live+`,"old":`+expired+`,"broken":[]}`)),
		"native":         new(`{"live":` + live + `,"old":` + expired + `}`),
		"replaced":       new(doubled(t, `{"mine":`+expired+`}`)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.New(t)
			seedUsers(t, s)
			storetest.Exec(t, s, `UPDATE users SET tokens = $1::text::json WHERE id = 2`, before)
			if err := s.PutSession(t.Context(), 2, "mine", store.Session{Token: "hash", Expiry: expiry}); err != nil {
				t.Fatal(err)
			}
			want := map[string]json.RawMessage{"mine": json.RawMessage(added)}
			if before != nil && strings.Contains(*before, "live") {
				want["live"] = json.RawMessage(live)
			}
			if diff := cmp.Diff(asText(want), asText(clientsOf(t, s, 2))); diff != "" {
				t.Error(diff)
			}
			for range 2 { // the second finds nothing to drop
				if err := s.DropSession(t.Context(), 2, "mine"); err != nil {
					t.Fatal(err)
				}
			}
			delete(want, "mine")
			if diff := cmp.Diff(asText(want), asText(clientsOf(t, s, 2))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// asText compares entries as the JSON they mean: encoding/json escapes < and >.
func asText(clients map[string]json.RawMessage) map[string]any {
	out := make(map[string]any, len(clients))
	for client, raw := range clients {
		var v any
		_ = json.Unmarshal(raw, &v)
		out[client] = v
	}
	return out
}

func TestPutSessionCap(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	seedUsers(t, s)
	soon := time.Now().Add(time.Hour)
	for i := range store.MaxSessions + 5 {
		client := fmt.Sprintf("c%02d", i)
		if err := s.PutSession(t.Context(), 2, client, store.Session{Token: "h", Expiry: soon.Add(time.Duration(i) * time.Minute)}); err != nil {
			t.Fatal(err)
		}
	}
	clients := clientsOf(t, s, 2)
	if len(clients) != store.MaxSessions {
		t.Fatalf("%d clients, want %d", len(clients), store.MaxSessions)
	}
	for i := range store.MaxSessions + 5 {
		if _, ok := clients[fmt.Sprintf("c%02d", i)]; ok != (i >= 5) {
			t.Errorf("client %d kept: %v; the oldest-expiring five must go", i, ok)
		}
	}
}

func TestPutSessionConcurrently(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	seedUsers(t, s)
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			err := s.PutSession(t.Context(), 2, fmt.Sprint(i), store.Session{Token: "h", Expiry: time.Now().Add(time.Hour)})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := len(clientsOf(t, s, 2)); n != 20 {
		t.Errorf("%d of 20 sessions lasted", n)
	}
}

func TestSessionErrors(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	seedUsers(t, s)
	if err := s.DropSession(t.Context(), 99, "c"); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("error %v, want NOT_FOUND", err)
	}
	storetest.Exec(t, s, `UPDATE users SET tokens = '[1]' WHERE id = 2`)
	if err := s.PutSession(t.Context(), 2, "c", store.Session{}); err == nil {
		t.Error("tokens in a form nobody knows were written over")
	}
}

func TestFindSignIn(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	seedUsers(t, s)
	storetest.Exec(t, s, `UPDATE users SET otp_required_for_login = true, confirmed_at = NULL WHERE id = 1`)
	for name, test := range map[string]struct {
		email string
		want  *store.SignIn
	}{
		"plain":             {"ada@example.com", &store.SignIn{UserID: 2, UID: "ada@example.com", Provider: "email", PasswordHash: "y", Confirmed: true}},
		"in any case":       {"ADA@Example.com", &store.SignIn{UserID: 2, UID: "ada@example.com", Provider: "email", PasswordHash: "y", Confirmed: true}},
		"second factor":     {"root@example.com", &store.SignIn{UserID: 1, UID: "root@example.com", Provider: "email", PasswordHash: "x", OTPRequired: true}},
		"uid is no e-mail":  {"lone@example.com", nil},
		"nobody":            {"nobody@example.com", nil},
		"pattern, not text": {"%", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := s.FindSignIn(t.Context(), test.email)
			if test.want == nil {
				if !errors.Is(err, chat.ErrNotFound) {
					t.Fatalf("error %v, want NOT_FOUND", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	storetest.Exec(t, s, `ALTER TABLE users DROP otp_required_for_login`)
	if _, err := s.FindSignIn(t.Context(), "ada@example.com"); err != nil {
		t.Errorf("a Chatwoot without second factors: %v", err)
	}
}
