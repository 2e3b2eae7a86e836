package keyring

import (
	"errors"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/google/go-cmp/cmp"
)

var emailPlace = Place{Table: TableContacts, Field: FieldEmail, Row: 42, Version: 3}

func mustSubject(t testing.TB, a *Account, contactID, subjectKeyID int64) *Subject {
	t.Helper()
	s, _, err := a.NewSubject(contactID, subjectKeyID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealOpen(t *testing.T) {
	t.Parallel()
	a := mustAccount(t, newKeyring(t, &memory{}), 1)
	audit := Place{Table: TableAuditEntries, Field: FieldAuditDetails, Row: 9, Version: 1}
	context := []byte("viewer 7")
	subject := mustSubject(t, a, 42, 5)
	for name, pair := range map[string]struct {
		seal, open func([]byte) ([]byte, error)
		overhead   int
	}{
		"subject": {
			func(b []byte) ([]byte, error) { return subject.Seal(emailPlace, b) },
			func(b []byte) ([]byte, error) { return subject.Open(emailPlace, b) }, 40},
		"account": {
			func(b []byte) ([]byte, error) { return a.Seal(emailPlace, b) },
			func(b []byte) ([]byte, error) { return a.Open(emailPlace, b) }, 45},
		"audit": {
			func(b []byte) ([]byte, error) { return a.SealAudit(audit, b) },
			func(b []byte) ([]byte, error) { return a.OpenAudit(audit, b) }, 45},
		"cursor": {
			func(b []byte) ([]byte, error) { return a.SealCursor(context, b) },
			func(b []byte) ([]byte, error) { return a.OpenCursor(context, b) }, 36},
		"token": {
			func(b []byte) ([]byte, error) { return a.SealToken(shopPlace, b) },
			func(b []byte) ([]byte, error) { return a.OpenToken(shopPlace, b) }, 36},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int{0, 1, 200, 8 << 10} {
				plaintext := make([]byte, size)
				for i := range plaintext {
					plaintext[i] = byte(i)
				}
				sealed, err := pair.seal(plaintext)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := len(sealed), size+pair.overhead; got != want {
					t.Errorf("%d bytes sealed are %d long, want %d", size, got, want)
				}
				opened, err := pair.open(sealed)
				if err != nil {
					t.Fatal(err)
				}
				if opened == nil || !cmp.Equal(plaintext, opened) {
					t.Errorf("%d bytes sealed did not open as they were", size)
				}
				again, err := pair.seal(plaintext)
				if err != nil {
					t.Fatal(err)
				}
				if cmp.Equal(sealed, again) {
					t.Error("one value sealed twice looks the same")
				}
				refuseEveryMutation(t, sealed, pair.open)
			}
		})
	}
}

// refuseEveryMutation changes every byte, and cuts and lengthens the value.
func refuseEveryMutation(t *testing.T, sealed []byte, open func([]byte) ([]byte, error)) {
	t.Helper()
	eachMutation(sealed, func(changed []byte) { refuse(t, "a changed value", changed, open) })
}

// eachMutation gives every value that differs in one bit (of long ones, in some), that is shorter, or longer by a byte.
func eachMutation(sealed []byte, visit func([]byte)) {
	step := 1 + len(sealed)/2048
	for i := 0; i < len(sealed); i += step {
		for bit := range 8 {
			if len(sealed) > 512 && bit%7 != 0 {
				continue
			}
			changed := append([]byte(nil), sealed...)
			changed[i] ^= 1 << bit
			visit(changed)
		}
	}
	for n := 0; n < min(len(sealed), 80); n++ {
		visit(sealed[:n])
	}
	visit(append(append([]byte(nil), sealed...), 0))
}

func refuse(t *testing.T, what string, sealed []byte, open func([]byte) ([]byte, error)) {
	t.Helper()
	if b, err := open(sealed); !errors.Is(err, chat.ErrUnreadable) || b != nil {
		t.Errorf("%s: got %d bytes and error %v, want chat.ErrUnreadable", what, len(b), err)
	}
}
