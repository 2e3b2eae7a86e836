package keyring

import "fmt"

// GrantPlace is what a third party's grant was asked for that could not be written into the database: the row of the vault
// token, and the number of the refresh that brought it. The grant opens for no other, and not as a row's credential.
type GrantPlace struct {
	Row     int64 // 1 or more
	Refresh int64 // 1 or more
}

// SealGrant seals a grant under the vault keyset, to lie outside the database until it can be written. What is sealed is
// 36 bytes longer than plaintext. An error means a place that no grant can have.
func (a *Account) SealGrant(p GrantPlace, plaintext []byte) ([]byte, error) {
	if p.Row < 1 || p.Refresh < 1 {
		return nil, fmt.Errorf("seal a grant of account %d: the place of vault token %d lacks something", a.id, p.Row)
	}
	return a.sealShort(a.vault, kindGrant, p.place(), 0, nil, plaintext)
}

// OpenGrant opens what SealGrant gave, for the same place. Its error wraps chat.ErrUnreadable whatever the cause.
func (a *Account) OpenGrant(p GrantPlace, sealed []byte) ([]byte, error) {
	plaintext, err := a.openShort(a.vault, kindGrant, p.place(), 0, nil, sealed)
	if err != nil {
		return nil, fmt.Errorf("open a grant of vault token %d: %w", p.Row, err)
	}
	return plaintext, nil
}

func (p GrantPlace) place() Place {
	return Place{Table: TableVaultTokens, Row: p.Row, Version: p.Refresh}
}
