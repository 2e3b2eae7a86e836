package keyring

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/chat"
)

// TokenPlace is where a third party's credential lies, and what its row says of it in clear. All of it is bound into
// what is sealed: a credential does not open for another subject, with a later expiry, or in place of one that came
// after it.
type TokenPlace struct {
	Row       int64 // the row's own id, known before sealing: 1 or more
	Version   int64 // 1 or more; every credential that is stored raises it, re-sealing does not
	Provider  string
	Subject   string
	Kind      chat.VaultTokenKind
	ExpiresAt time.Time // zero is never; like the next in whole microseconds, as PostgreSQL keeps them
	RotatedAt time.Time
}

// SealToken seals a third party's credential under the vault keyset, for one place. What is sealed has the short head
// and is 36 bytes longer than plaintext. An error means a place that no row can have.
func (a *Account) SealToken(p TokenPlace, plaintext []byte) ([]byte, error) {
	if p.Row < 1 || p.Version < 1 || p.Provider == "" || p.Subject == "" || p.Kind == "" || p.RotatedAt.IsZero() {
		return nil, fmt.Errorf("seal a vault token of account %d: the place of row %d lacks something", a.id, p.Row)
	}
	return a.sealShort(a.vault, kindToken, p.place(), 0, p.context(), plaintext)
}

// OpenToken opens what SealToken gave, at the same place. Its error wraps chat.ErrUnreadable whatever the cause.
func (a *Account) OpenToken(p TokenPlace, sealed []byte) ([]byte, error) {
	plaintext, err := a.openShort(a.vault, kindToken, p.place(), 0, p.context(), sealed)
	if err != nil {
		return nil, fmt.Errorf("open vault token %d: %w", p.Row, err)
	}
	return plaintext, nil
}

// VaultGeneration is the generation SealToken seals with: what rows of the vault store as key_id.
func (a *Account) VaultGeneration() int { return int(a.vault.active.number) }

func (p TokenPlace) place() Place {
	return Place{Table: TableVaultTokens, Row: p.Row, Version: p.Version}
}

// context is what follows the associated data of every sealed value: five texts, each behind its length (u32); a time
// is eight bytes of microseconds since 1970, and none is none.
func (p TokenPlace) context() []byte {
	b := appendPrefixed(nil, p.Provider)
	b = appendPrefixed(b, p.Subject)
	b = appendPrefixed(b, string(p.Kind))
	b = appendPrefixed(b, micros(p.ExpiresAt))
	return appendPrefixed(b, micros(p.RotatedAt))
}

func micros(t time.Time) []byte {
	if t.IsZero() {
		return nil
	}
	return binary.BigEndian.AppendUint64(nil, uint64(t.UnixMicro()))
}
