package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestDuplicates provokes a real unique constraint in each way in which the store writes: whatever comes out names
// neither the value nor the constraint, and the log has the constraint but not the value.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	const value = "ann@customer.example"
	copyUser := func(s *store.Store) error {
		return s.CopyTable(t.Context(), "users", []string{"id", "uid", "email", "name", "encrypted_password", "created_at", "updated_at", "provider"},
			[][]any{{schema.Ivy, value, value, "n", "p", time.Now(), time.Now(), "email"}})
	}
	sql := `INSERT INTO cloakroom.service_tokens (token_id, name, secret_hash, scopes, account_ids, expires_at) VALUES ('` + value + `', 'n', '', '{}', '{}', now())`
	storetest.Exec(t, s, sql)
	storetest.Exec(t, s, `CREATE TABLE late (v text CONSTRAINT late_v UNIQUE DEFERRABLE INITIALLY DEFERRED)`)
	for name, c := range map[string]struct {
		constraint string
		write      func() error
	}{
		"a copy":      {"users_pkey", func() error { return copyUser(s) }},
		"a statement": {"service_tokens_pkey", func() error { return s.RunScript(t.Context(), sql) }},
		"an argument": {"service_tokens_pkey", func() error {
			return s.CreateServiceToken(t.Context(), chat.ServiceToken{ID: value, Name: "n", SecretHash: []byte{1}, Scopes: []chat.Scope{}, AccountIDs: []int64{1}})
		}},
		"a transaction": {"users_pkey", func() error { return s.InTx(t.Context(), copyUser) }},
		"a savepoint": {"users_pkey", func() error {
			return s.InTx(t.Context(), func(tx *store.Store) error { return tx.InTx(t.Context(), copyUser) })
		}},
		"a commit": {"late_v", func() error {
			return s.InTx(t.Context(), func(tx *store.Store) error {
				return tx.RunScript(t.Context(), `INSERT INTO late VALUES ('`+value+`'), ('`+value+`')`)
			})
		}},
		"a row": {"late_v", func() error {
			return store.Returning(t.Context(), s, `INSERT INTO late VALUES ($1), ($1) RETURNING v`, value)
		}},
	} {
		err := fmt.Errorf("save: %w", c.write())
		var shown *chat.Error
		if !errors.As(err, &shown) || shown != chat.ErrDuplicate {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, said := range []string{shown.Message, err.Error(), fmt.Sprintf("%+v", err)} {
			if strings.Contains(said, c.constraint) || strings.Contains(said, "23505") || strings.Contains(said, "ann@") {
				t.Errorf("%s: %s", name, said)
			}
		}
		if text := store.Redact(err); strings.Contains(text, value) || !strings.Contains(text, "23505, ") || !strings.Contains(text, "constraint "+c.constraint) || !strings.HasPrefix(text, "save: ") {
			t.Errorf("%s, in the log: %s", name, text)
		}
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	err := s.RunScript(t.Context(), `SELECT 'ann@customer.example'::int`)
	if err == nil || !strings.Contains(err.Error(), "customer.example") {
		t.Fatal(err)
	}
	if text := store.Redact(fmt.Errorf("save: %w", err)); strings.Contains(text, "customer.example") || !strings.Contains(text, "22P02") || !strings.Contains(text, "save: ") {
		t.Error(text)
	}
	for message, kept := range map[string]bool{"permission denied for table notes": true, "permission denied for table notes of ann@customer.example": false,
		"ann@customer.example may not": false} {
		err := s.RunScript(t.Context(), `DO $$ BEGIN RAISE insufficient_privilege USING MESSAGE = '`+message+`'; END $$`)
		if err == nil {
			t.Fatal("nothing was refused")
		}
		if text := store.Redact(fmt.Errorf("save: %w", err)); strings.Contains(text, message) != kept || strings.Contains(text, "customer.example") || !strings.Contains(text, "42501") {
			t.Error(text)
		}
	}
}
