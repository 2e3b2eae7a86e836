package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
)

// TestSwapMatrix moves every sealed value to every other place, account and sort of opening.
func TestSwapMatrix(t *testing.T) {
	t.Parallel()
	k := newKeyring(t, &memory{})
	type sealed struct {
		name  string
		bytes []byte
		open  func([]byte) ([]byte, error)
	}
	var all []sealed
	for _, account := range []int64{1, 2} {
		a := mustAccount(t, k, account)
		s := mustSubject(t, a, 42, 5)
		for field := range fields {
			for _, row := range []int64{7, 8} {
				for _, version := range []int64{1, 2} {
					p := Place{field.Table(), field, row, version}
					name := fmt.Sprintf("account %d, %v.%v, row %d, version %d", account, p.Table, p.Field, row, version)
					for way, pair := range ways(a, s, p) {
						b, err := pair.seal([]byte("same"))
						if err != nil {
							t.Fatal(err)
						}
						all = append(all, sealed{way + ", " + name, b, pair.open})
					}
				}
			}
		}
	}
	for i := range all {
		for j := range all {
			got, err := all[j].open(all[i].bytes)
			if i == j && (err != nil || string(got) != "same") {
				t.Fatalf("%s did not open at its own place: %v", all[i].name, err)
			}
			if i != j && !errors.Is(err, chat.ErrUnreadable) {
				t.Fatalf("%s opened as %s, error %v", all[i].name, all[j].name, err)
			}
		}
	}
}

type way struct{ seal, open func([]byte) ([]byte, error) }

func ways(a *Account, s *Subject, p Place) map[string]way {
	return map[string]way{
		"subject": {func(b []byte) ([]byte, error) { return s.Seal(p, b) }, func(b []byte) ([]byte, error) { return s.Open(p, b) }},
		"account": {func(b []byte) ([]byte, error) { return a.Seal(p, b) }, func(b []byte) ([]byte, error) { return a.Open(p, b) }},
		"audit":   {func(b []byte) ([]byte, error) { return a.SealAudit(p, b) }, func(b []byte) ([]byte, error) { return a.OpenAudit(p, b) }},
	}
}

// TestAADFieldsMatter changes each field of a place on its own, also to what no registry holds.
func TestAADFieldsMatter(t *testing.T) {
	t.Parallel()
	a := mustAccount(t, newKeyring(t, &memory{}), 1)
	s := mustSubject(t, a, 42, 5)
	for name, p := range map[string]Place{
		"table":                 {TableNotes, FieldEmail, 42, 3},
		"unknown table":         {0, FieldEmail, 42, 3},
		"field":                 {TableContacts, FieldIdentifier, 42, 3},
		"unknown field":         {TableContacts, 999, 42, 3},
		"row":                   {TableContacts, FieldEmail, 43, 3},
		"row, highest byte":     {TableContacts, FieldEmail, 42 | 1<<56, 3},
		"negative row":          {TableContacts, FieldEmail, -42, 3},
		"version":               {TableContacts, FieldEmail, 42, 2},
		"version, highest byte": {TableContacts, FieldEmail, 42, 3 | 1<<56},
	} {
		for way, pair := range ways(a, s, emailPlace) {
			b, err := pair.seal([]byte("x"))
			if err != nil {
				t.Fatal(err)
			}
			refuse(t, way+" with another "+name, b, ways(a, s, p)[way].open)
		}
	}
}

func TestSealRefusesPlacesThatCannotBe(t *testing.T) {
	t.Parallel()
	a := mustAccount(t, newKeyring(t, &memory{}), 1)
	s := mustSubject(t, a, 42, 5)
	for name, p := range map[string]Place{
		"no place":                 {},
		"field of another table":   {TableNotes, FieldEmail, 42, 3},
		"field not in registry":    {TableContacts, 999, 42, 3},
		"row without id":           {TableContacts, FieldEmail, 0, 3},
		"negative version":         {TableContacts, FieldEmail, 42, -1},
		"table without any fields": {TableCursor, FieldEmail, 42, 3},
	} {
		for way, pair := range ways(a, s, p) {
			if b, err := pair.seal([]byte("x")); err == nil || b != nil {
				t.Errorf("%s sealed at %s", way, name)
			}
		}
	}
}

// TestSubjectsApart proves that a key opens for its own contact, id and account only.
func TestSubjectsApart(t *testing.T) {
	t.Parallel()
	k := newKeyring(t, &memory{})
	a, other := mustAccount(t, k, 1), mustAccount(t, k, 2)
	s, wrapped, err := a.NewSubject(42, 5)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := s.Seal(emailPlace, []byte("ann@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second round meets the cache
		same, err := a.Subject(42, 5, wrapped)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := same.Open(emailPlace, sealed); err != nil || string(got) != "ann@example.com" || same.ID() != 5 {
			t.Errorf("the key read back as %d did not open what it sealed: %v", same.ID(), err)
		}
		for name, open := range map[string]func([]byte) (*Subject, error){
			"another contact": func(b []byte) (*Subject, error) { return a.Subject(43, 5, b) },
			"another id":      func(b []byte) (*Subject, error) { return a.Subject(42, 6, b) },
			"another account": func(b []byte) (*Subject, error) { return other.Subject(42, 5, b) },
		} {
			refuse(t, "a subject key for "+name, wrapped, asBytes(open))
		}
		refuseEveryMutation(t, wrapped, asBytes(func(b []byte) (*Subject, error) { return a.Subject(42, 5, b) }))
	}
	second := mustSubject(t, a, 42, 6)
	refuse(t, "another key of the same contact", sealed, func(b []byte) ([]byte, error) { return second.Open(emailPlace, b) })
	for _, ids := range [][2]int64{{0, 5}, {42, 0}, {-1, 5}} {
		if _, _, err := a.NewSubject(ids[0], ids[1]); err == nil {
			t.Errorf("a subject key was made for contact %d with id %d", ids[0], ids[1])
		}
	}
}

func asBytes(open func([]byte) (*Subject, error)) func([]byte) ([]byte, error) {
	return func(b []byte) ([]byte, error) {
		if _, err := open(b); err != nil {
			return nil, err
		}
		return []byte("a key"), nil
	}
}

// TestContextsApart proves that cursors and tokens are bound to their context, account and sort.
func TestContextsApart(t *testing.T) {
	t.Parallel()
	k := newKeyring(t, &memory{})
	a, other := mustAccount(t, k, 1), mustAccount(t, k, 2)
	cursor, err := a.SealCursor([]byte("ab"), []byte("after 7"))
	if err != nil {
		t.Fatal(err)
	}
	token, err := a.SealToken(shopPlace, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	for _, context := range []string{"", "a", "abc", "b", "ab\x00"} {
		refuse(t, "a cursor of another context", cursor, func(b []byte) ([]byte, error) { return a.OpenCursor([]byte(context), b) })
	}
	refuse(t, "a cursor of another account", cursor, func(b []byte) ([]byte, error) { return other.OpenCursor([]byte("ab"), b) })
	refuse(t, "a cursor as a token", cursor, func(b []byte) ([]byte, error) { return a.OpenToken(shopPlace, b) })
	refuse(t, "a token as a cursor", token, func(b []byte) ([]byte, error) { return a.OpenCursor(shopPlace.context(), b) })
	if bytes.Contains(cursor, []byte("after")) {
		t.Error("a cursor shows what is in it")
	}
}
